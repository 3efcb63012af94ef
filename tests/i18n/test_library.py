"""The catalogs that kikao ships: its own sentences and the wallet's, in Luganda and in Swahili."""

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest
from babel import Locale
from hatchling.builders.wheel import WheelBuilder
from hypothesis import given
from hypothesis import strategies as st

from kikao import Amount, App, Chat, Day, Flows, Message, Moment, Number, t, tn
from kikao.checking.translations import Sentence, sentences_of
from kikao.i18n import LIBRARY, Catalogs, Param
from kikao.i18n.gsm7 import septets
from kikao.i18n.months import MONTHS
from kikao.i18n.templates import names_in
from kikao.testing import Stage

ROOT = Path(__file__).parent.parent.parent
SRC = ROOT / "src"
WALLET = SRC / "kikao_apps" / "wallet"
LANGUAGES = ("en", "lg", "sw")
PAGE = 156
"""Septets of a page of Africa's Talking."""

amounts = st.builds(
    Amount, st.sampled_from(["UGX", "KES", "TZS", "TND", "CLF"]), st.integers(-(10**15), 10**15)
)
styles = st.sampled_from(["short", "long"])
days = st.builds(Day.of, st.dates(), styles)
zones = st.sampled_from(["Africa/Kampala", "Africa/Lagos", "Asia/Kathmandu", "Pacific/Apia"])
moments = st.builds(Moment.of, st.integers(-(10**10), 10**11), zones, styles)


@functools.cache
def written() -> list[Sentence]:
    """Every sentence of the engine and of the wallet."""
    found: list[Sentence] = []
    for package in (SRC / "kikao", WALLET):
        sentences, findings = sentences_of(package)
        assert findings == []
        found += sentences.values()
    return found


def samples(sentence: Sentence) -> list[Message]:
    """The sentence with values of a usual length, in each of its forms."""
    names = names_in(sentence.msgid) | names_in(sentence.plural)
    values: dict[str, Param] = dict.fromkeys(names - {"n"}, "UGX 12,500")
    if not sentence.plural:
        return [Message(sentence.msgid, values)]
    return [Message(sentence.msgid, values, sentence.plural, n) for n in (0, 1, 2, 11)]


# --- every sentence ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_shown_in_the_alphabet_of_phones_and_on_one_page(language: str) -> None:
    catalogs = Catalogs(WALLET / "locales", LIBRARY)
    render = catalogs.translate(language)

    for sentence in written():
        for message in samples(sentence):
            cost = septets(render(message))
            assert cost is not None, (language, render(message))
            assert cost <= PAGE, (language, render(message))
    assert catalogs.problems == []


def test_the_languages_that_are_shipped() -> None:
    assert Catalogs(LIBRARY).locales() == LANGUAGES
    assert Catalogs(WALLET / "locales").locales() == LANGUAGES


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", ["Wrong PIN. 1 try left.", "Wrong PIN. 2 tries left.", "Wrong PIN. 0 tries left."]),
        (
            "lg",
            [
                "PIN si ntuufu. Osigazza omulundi 1.",
                "PIN si ntuufu. Osigazza emirundi 2.",
                "PIN si ntuufu. Osigazza emirundi 0.",
            ],
        ),
        (
            "sw",
            [
                "PIN si sahihi. Umebakiwa na jaribio 1.",
                "PIN si sahihi. Umebakiwa na majaribio 2.",
                "PIN si sahihi. Umebakiwa na majaribio 0.",
            ],
        ),
    ],
)
def test_one_and_many_have_forms_of_their_own(language: str, shown: list[str]) -> None:
    render = Catalogs(WALLET / "locales", LIBRARY).translate(language)

    assert [
        render(tn("Wrong PIN. {n} try left.", "Wrong PIN. {n} tries left.", n)) for n in (1, 2, 0)
    ] == shown


# --- money and dates ---


@pytest.mark.parametrize("language", LANGUAGES)
def test_months_are_abbreviated_as_cldr_does(language: str) -> None:
    render = Catalogs(LIBRARY).translate(language)
    cldr = Locale(language).months["format"]["abbreviated"]

    assert [render(month) for month in MONTHS] == [cldr[number] for number in range(1, 13)]


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en", "1 May, 3 Oct 2026, 3 Oct 14:05"),
        ("lg", "1 Maa, 3 Oki 2026, 3 Oki 14:05"),
        ("sw", "1 Mei, 3 Okt 2026, 3 Okt 14:05"),
    ],
)
def test_a_date_is_written_in_the_members_language(language: str, shown: str) -> None:
    at = Moment.of(1_791_025_500, "Africa/Kampala")
    message = t("{a}, {b}, {c}", a=Day(2026, 5, 1), b=Day(2026, 10, 3, "long"), c=at)

    assert Catalogs(LIBRARY).translate(language)(message) == shown


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_amount_and_no_date_halves_a_page(language: str) -> None:
    render = Catalogs(LIBRARY).translate(language)

    @given(st.one_of(amounts, days, moments))
    def is_written_in_septets(value: Amount | Day | Moment) -> None:
        shown = render(t("{value}", value=value))
        assert septets(shown) == len(shown)
        assert len(shown) <= 30

    is_written_in_septets()


# --- in an app ---

flows = Flows()


@flows.flow("town", title=t("Town"))
async def town(chat: Chat) -> None:
    await chat.ask("people", Number(min=1, max=9), t("People"))
    await chat.end(t("Done"))


LANGUAGE_NAMES = {"en": "English", "lg": "Luganda", "sw": "Kiswahili"}


@pytest.mark.parametrize(
    ("language", "error", "question"),
    [
        ("en", "Enter a number from 1 to 9.", "Choose language"),
        ("lg", "Yingiza ennamba okuva ku 1 okutuuka ku 9.", "Londa olulimi"),
        ("sw", "Weka nambari kuanzia 1 hadi 9.", "Chagua lugha"),
    ],
)
@pytest.mark.parametrize("first", LANGUAGES)
async def test_an_app_without_catalogs_has_the_engines_sentences_in_every_language(
    first: str, language: str, error: str, question: str
) -> None:
    locales = {code: LANGUAGE_NAMES[code] for code in (first, *LANGUAGE_NAMES)}
    app = App(flows, entry="town", locales=locales)
    async with Stage(app, locale=language) as stage:
        phone = stage.phone()
        await phone.dial()

        assert (await phone.reply("x")).startswith(f"{error}\nPeople")
        assert (await phone.reply("97")).startswith(f"{question}\n1 {LANGUAGE_NAMES[first]}")


def test_an_app_shows_its_translations_without_babel() -> None:
    script = (
        "import sys\nfrom kikao.i18n import *\nfrom kikao import *\n"
        "render = Catalogs(LIBRARY).translate('lg')\n"
        "print(render(t('{at}: {x}', at=Moment.of(0, 'Africa/Kampala'), x=t('Back'))))\n"
        "print('babel' in sys.modules)"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=True)

    assert done.stdout == "1 Jan 03:00: Ddayo\nFalse\n"


def test_catalogs_are_in_the_wheel_compiled_and_as_text() -> None:
    packed = {file.distribution_path for file in WheelBuilder(str(ROOT)).recurse_included_files()}

    for folder in ("kikao/i18n/locales", "kikao_apps/wallet/locales"):
        names = {name.removeprefix(folder) for name in packed if re.match(folder, name)}
        assert names == {f"/{c}/LC_MESSAGES/messages.{end}" for c in ("lg", "sw") for end in ("mo", "po")}
