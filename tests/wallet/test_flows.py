"""What the wallet says, beside the transcripts: every error has a screen, every confirmation fits on one."""

from __future__ import annotations

import pytest

from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.conversation.answers import Confirm
from kikao.conversation.errors import TEXTS, ErrorCode, Invalid
from kikao.conversation.inputs import Given
from kikao.conversation.navigation import Navigation
from kikao.conversation.screens import Screen
from kikao.i18n import LIBRARY, Catalogs, Message, t, tn
from kikao_apps.wallet import tariff
from kikao_apps.wallet.bank import CURRENCIES
from kikao_apps.wallet.flows.help import KEYS
from kikao_apps.wallet.flows.names import NAME, plain
from kikao_apps.wallet.flows.sending import summary
from kikao_apps.wallet.flows.support import Support
from kikao_apps.wallet.service import CATALOGS, LOCALES
from tests.wallet.staging import TRANSCRIPTS

CATALOG = Catalogs(CATALOGS, LIBRARY)

SHOWN: dict[ErrorCode, Message] = {
    **TEXTS,
    ErrorCode.WRONG_SECRET: tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", 2),
    ErrorCode.LOCKED: t("Your account is locked. Call {phone} to unlock it.", phone=Support().phone),
    ErrorCode.REJECTED: t("PINs do not match."),
}
"""What members read of each error; a bank's own sentence stands in the place of ours."""


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("code", [code for code in ErrorCode if code is not ErrorCode.INTERNAL])
def test_every_error_that_members_can_meet_is_in_a_transcript(code: ErrorCode, locale: str) -> None:
    told = "".join(path.read_text(encoding="utf-8") for path in (TRANSCRIPTS / locale).glob("*.txt"))
    assert f"    {CATALOG.translate(locale)(SHOWN[code])}\n" in told


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("currency", CURRENCIES)
@pytest.mark.parametrize("name", [None, "M" * 40, "\N{ETHIOPIC SYLLABLE GLOTTAL A}" * 40])
def test_the_longest_confirmation_fits_on_a_page(locale: str, currency: str, name: str | None) -> None:
    _, most = tariff.limits(currency)
    text = summary(most, tariff.fee(most), "+256700000001234", name)
    screen = Screen((text,), Confirm().options(), whole=True)
    assert len(AfricasTalking().pages(screen, CATALOG.translate(locale))) == 1


def test_the_help_names_the_keys_that_there_are() -> None:
    keys = Navigation()
    for key in (keys.back, keys.home, keys.more, keys.cancel):
        assert isinstance(key.label, Message)
        assert f"{key.keys[0]} {key.label.msgid}" in KEYS.msgid
    for locale in LOCALES:
        translate = CATALOG.translate(locale)
        for key in (keys.back, keys.home, keys.more, keys.cancel):
            assert f"{key.keys[0]} {translate(key.label)}" in translate(KEYS)


@pytest.mark.parametrize(
    "name",
    [
        "Mary, +256772999999? Fee UGX 0",
        "Mary 0772 999 999",
        "Mary: pay",
        "1 Confirm (Mary)",
        "\N{GRINNING FACE}\N{GRINNING FACE}",
        "-Mary",
        "__",
        "UGX 500",
        "Mary \N{CIRCLED DIGIT TWO}\N{CIRCLED DIGIT FIVE}\N{CIRCLED DIGIT SIX}",
        "Mary \N{SUPERSCRIPT ONE}\N{SUPERSCRIPT TWO}",
        "Mary \N{VULGAR FRACTION ONE HALF}",
        "Mary \N{ROMAN NUMERAL TWELVE}",
        "Mary \N{ARABIC-INDIC DIGIT FIVE}",
        "M",
        "M" * 41,
    ],
)
def test_a_name_that_could_pass_for_a_part_of_a_confirmation_is_refused(name: str) -> None:
    with pytest.raises(Invalid):
        NAME.parse(Given(name, None), ())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (
            "Wang\N{LATIN SMALL LETTER U WITH TILDE} wa M\N{LATIN SMALL LETTER U WITH TILDE}go",
            "Wangu wa Mugo",
        ),
        ("N'Golo Kant\N{LATIN SMALL LETTER E WITH ACUTE}", "N'Golo Kant\N{LATIN SMALL LETTER E WITH ACUTE}"),
        ("\N{LATIN SMALL LETTER ENG}oma", None),
        ("\N{ETHIOPIC SYLLABLE GLOTTAL A}", None),
        ("Ab" * 20, "Ab" * 13),
        ("Nakalembe Nabukenya Florence Mirembe", "Nakalembe Nabukenya"),
        ("Nakalembe Nabukenya Joseph Kiwanuka", "Nakalembe Nabukenya Joseph"),
    ],
)
def test_a_name_in_letters_that_every_phone_shows(name: str, shown: str | None) -> None:
    NAME.parse(Given(name * 2 if len(name) == 1 else name, None), ())  # type: ignore[arg-type]
    assert plain(name) == shown
