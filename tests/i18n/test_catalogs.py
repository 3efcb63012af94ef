"""Catalogs: what members read in their language, and that no translation and no name can break or forge a screen."""

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao import App, Flows
from kikao.conversation.secrets import Secret
from kikao.i18n import Amount, Catalogs, Day, Message, Moment, t, tn
from kikao.i18n.catalogs import one_line

Write = Callable[..., Path]

TWO_FORMS = "nplurals=2; plural=(n != 1);"
ONE_FORM = "nplurals=1; plural=0;"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Compile sentences into a catalog: `write("lg", {"Back": "Ddayo"})`; a plural is a pair to a tuple of forms."""

    def compiled(
        locale: str, sentences: dict[Any, Any], folder: str = "app", plural_forms: str = TWO_FORMS
    ) -> Path:
        po = [
            'msgid ""\nmsgstr ""\n"Content-Type: text/plain; charset=utf-8\\n"'
            f'\n"Language: {locale}\\n"\n"Plural-Forms: {plural_forms}\\n"\n'
        ]
        for source, target in sentences.items():
            if isinstance(source, tuple):
                forms = "".join(f"msgstr[{i}] {quoted(form)}\n" for i, form in enumerate(target))
                po.append(f"msgid {quoted(source[0])}\nmsgid_plural {quoted(source[1])}\n{forms}")
            else:
                po.append(f"msgid {quoted(source)}\nmsgstr {quoted(target)}\n")
        path = tmp_path / folder / locale / "LC_MESSAGES" / "messages.mo"
        path.parent.mkdir(parents=True)
        with path.open("wb") as file:
            write_mo(file, read_po(BytesIO("\n".join(po).encode())))
        return tmp_path / folder

    return compiled


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


# --- which words ---


def test_a_sentence_is_shown_in_the_members_language(write: Write) -> None:
    catalogs = Catalogs(write("lg", {"Back": "Ddayo"}))

    assert catalogs.translate("lg")(t("Back")) == "Ddayo"
    assert catalogs.translate("en")(t("Back")) == "Back"


def test_a_missing_translation_falls_back_from_region_to_language_to_default_to_the_code(
    write: Write,
) -> None:
    write("sw_TZ", {"Enter": "Ingiza"})
    write("sw", {"Enter": "Weka", "Back": "Rudi"})
    render = Catalogs(write("en", {"Back": "Go back", "Home": "Start"})).translate("sw-TZ")

    assert [render(t(word)) for word in ("Enter", "Back", "Home", "More")] == [
        "Ingiza",
        "Rudi",
        "Start",
        "More",
    ]


@pytest.mark.parametrize("locale", ["lg", "LG", "lg-UG", "lg_UG", "lg-Latn-UG"])
def test_a_locale_may_be_written_in_several_ways(write: Write, locale: str) -> None:
    assert Catalogs(write("lg", {"Back": "Ddayo"})).translate(locale)(t("Back")) == "Ddayo"


@pytest.mark.parametrize("locale", ["", "xx", "../../lg", "-", "lg\0", "l" * 10_000, "-" * 10_000])
def test_an_unknown_locale_is_the_default(write: Write, locale: str) -> None:
    write("lg", {"Back": "Ddayo"})
    catalogs = Catalogs(write("sw", {"Back": "Rudi"}), default="sw")

    assert catalogs.translate(locale)(t("Back")) == "Rudi"


@pytest.mark.parametrize("locale", ["en", "en-UG", "EN_gb"])
def test_the_language_of_the_code_needs_no_catalog_in_an_app_whose_first_language_is_another(
    write: Write, locale: str
) -> None:
    catalogs = Catalogs(write("lg", {"Back": "Ddayo"}), default="lg")

    assert catalogs.translate("lg")(t("Back")) == "Ddayo"
    assert catalogs.translate("sw")(t("Back")) == "Ddayo"
    assert catalogs.translate(locale)(t("Back")) == "Back"


def test_a_folder_that_there_is_not_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="there is no folder"):
        Catalogs(tmp_path / "locale")
    monkeypatch.chdir(tmp_path)
    for place, command in {
        tmp_path / "locales": "`kikao messages update --add sw`",
        Path("my shop/locales"): "`kikao messages update 'my shop' --add sw`",
        Path("words"): "`kikao messages update --locales words --add sw`",
    }.items():
        with pytest.raises(ValueError, match="Make it with a first language") as refused:
            Catalogs(place)
        assert command in str(refused.value)
    with pytest.raises(ValueError, match=r"catalogs=\['locales'\]"):
        App(Flows(), entry="x", catalogs="locales")


def test_the_language_of_the_code_may_have_other_words_all_the_same(write: Write) -> None:
    write("lg", {"Home": "Awaka"})
    catalogs = Catalogs(write("en", {"Back": "Go back"}), default="lg")

    assert catalogs.translate("en-GB")(t("Back")) == "Go back"
    assert catalogs.translate("en-GB")(t("Home")) == "Home"
    assert catalogs.translate("sw")(t("Home")) == "Awaka"


def test_locales_without_a_catalog_of_their_own_share_one_translator(write: Write) -> None:
    catalogs = Catalogs(write("lg", {"Back": "Ddayo"}))

    assert catalogs.translate("lg-UG") == catalogs.translate("lg")
    assert len({id(catalogs.translate(f"x{i}")) for i in range(1500)}) == 1


def test_the_first_directory_wins(write: Write) -> None:
    app = write("lg", {"Back": "Emabega"}, folder="app")
    library = write("lg", {"Back": "Ddayo", "Home": "Awaka"}, folder="library")

    render = Catalogs(app, library).translate("lg")

    assert [render(t("Back")), render(t("Home"))] == ["Emabega", "Awaka"]


def test_the_locales_there_are(write: Write, tmp_path: Path) -> None:
    write("lg", {"Back": "Ddayo"})
    (tmp_path / "app" / "notes").mkdir()

    assert Catalogs(write("sw_TZ", {"Back": "Rudi"})).locales() == ("en", "lg", "sw-TZ")
    assert Catalogs(default="lg_UG").locales() == ("lg-UG",)


def test_the_count_chooses_the_form(write: Write) -> None:
    tries = ("Wrong PIN. {n} try left", "Wrong PIN. {n} tries left")
    write("sw", {tries: ("Umebakiwa na jaribio {n}", "Umebakiwa na majaribio {n}")})
    catalogs = Catalogs(write("rw", {tries: ("Usigaje {n}",)}, plural_forms=ONE_FORM))

    assert catalogs.translate("en")(tn(*tries, 1)) == "Wrong PIN. 1 try left"
    assert catalogs.translate("en")(tn(*tries, 0)) == "Wrong PIN. 0 tries left"
    assert catalogs.translate("sw")(tn(*tries, 1)) == "Umebakiwa na jaribio 1"
    assert catalogs.translate("sw")(tn(*tries, 2)) == "Umebakiwa na majaribio 2"
    assert catalogs.translate("rw")(tn(*tries, 2)) == "Usigaje 2"


def test_a_form_may_leave_the_count_out(write: Write) -> None:
    left = ("One try left", "{n} tries left")
    catalogs = Catalogs(write("sw", {left: ("Jaribio moja", "Majaribio {n}")}))

    assert catalogs.translate("sw")(tn(*left, 1)) == "Jaribio moja"
    assert catalogs.translate("en")(tn(*left, 1)) == "One try left"
    assert not catalogs.problems


def test_nothing_is_nothing_and_not_the_header_of_the_catalog(write: Write) -> None:
    assert Catalogs(write("lg", {"Back": "Ddayo"})).translate("lg")(t("")) == ""


# --- what is put in ---


def test_values_are_written_when_shown(write: Write) -> None:
    catalogs = Catalogs(
        write("lg", {"Send {amount} to {to}?": "Weereza eri {to} {amount}?", "nobody": "tewali"})
    )
    message = t("Send {amount} to {to}?", amount=Amount("UGX", 12_500), to=t("nobody"))

    assert catalogs.translate("lg")(message) == "Weereza eri tewali UGX 12,500?"
    assert catalogs.translate("en")(message) == "Send UGX 12,500 to nobody?"
    assert catalogs.translate("en")(t("{n} of {all}", n=1234, all=True)) == "1234 of True"


def test_dates_are_written_when_shown_in_the_words_and_the_order_of_the_language(write: Write) -> None:
    at = Moment.of(1_795_260_000, "Africa/Kampala")
    message = t("Since {day}, last {at}", day=at.day(), at=at)
    catalogs = Catalogs(write("xx", {"Nov": "Mwezi wa 11", "{day} {month}": "{month}, {day}"}))

    assert catalogs.translate("en")(message) == "Since 21 Nov, last 21 Nov 14:20"
    assert catalogs.translate("xx")(message) == "Since Mwezi wa 11, 21, last Mwezi wa 11, 21 14:20"


def test_sentences_keep_their_line_breaks_braces_and_percent_signs() -> None:
    render = Catalogs().translate("en")

    assert render(t("Fee 5%\nSet {{x}}")) == "Fee 5%\nSet {x}"
    assert render(t("Fee {fee}% \n%s {{{fee}}}", fee=5)) == "Fee 5% \n%s {5}"


def test_a_name_with_a_line_break_cannot_forge_a_line_of_the_menu() -> None:
    render = Catalogs().translate("en")
    forged = "Amina\n1 Send all\r\n2\u2028Yes\x00"

    assert render(t("Pay {name}?", name=forged)) == "Pay Amina 1 Send all 2 Yes?"
    assert render(forged) == "Amina 1 Send all 2 Yes"
    assert render(t("Pay {who}?", who=t("Ms {name}", name=forged))) == "Pay Ms Amina 1 Send all 2 Yes?"


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("Nakato Édith", "Nakato Édith"),
        ("a\tb", "a b"),
        ("UGX\u00a0500", "UGX 500"),
        ("\u202eevil\u202c", "evil"),
        ("\ufeffa\u200bb", "ab"),
        ("\ud800x", "?x"),
        ("👩\u200d👩\u200d👧", "👩\u200d👩\u200d👧"),
        ("नि\u200dम", "नि\u200dम"),
    ],
)
def test_values_are_shown_as_they_are_but_for_what_could_deceive(typed: str, shown: str) -> None:
    assert Catalogs().translate("en")(t("{x}", x=typed)) == shown
    assert one_line(typed) == shown


def test_a_value_is_never_read_as_a_sentence(write: Write) -> None:
    catalogs = Catalogs(write("lg", {"Back": "Ddayo"}))

    assert catalogs.translate("lg")(t("{a} {b}", a="{b} %s", b="Back")) == "{b} %s Back"
    assert catalogs.translate("lg")("Back") == "Back"


# --- what goes wrong is never a member's problem ---


@pytest.mark.parametrize(
    "wrong", ["Weereza {amuont}?", "Weereza?", "Weereza {amount.__class__}?", "{amount} {"]
)
def test_a_translation_with_other_placeholders_is_passed_over_and_told_once(write: Write, wrong: str) -> None:
    told: list[str] = []
    catalogs = Catalogs(write("lg", {"Send {amount}?": wrong}), on_problem=told.append)

    for amount in (Amount("UGX", 500), Amount("UGX", 700)):
        assert catalogs.translate("lg")(t("Send {amount}?", amount=amount)) == f"Send {amount}?"
    assert told == catalogs.problems
    assert len(told) == 1
    assert told[0].startswith(f"lg: {wrong!r} has other placeholders than 'Send {{amount}}?'")


@pytest.mark.parametrize("wrong", [("{m} moja", "{m}"), ("{n}", "{n}"), ("{who} {0}", "{who} {n!r}")])
def test_a_plural_with_other_placeholders_is_passed_over(write: Write, wrong: tuple[str, str]) -> None:
    source = ("{who}: {n} try", "{who}: {n} tries")
    catalogs = Catalogs(write("sw", {source: wrong}))

    assert catalogs.translate("sw")(tn(*source, 1, who="Amina")) == "Amina: 1 try"
    assert catalogs.translate("sw")(tn(*source, 2, who="Amina")) == "Amina: 2 tries"
    assert len(catalogs.problems) == len(set(wrong))


def test_a_plural_rule_that_fails_is_passed_over(write: Write) -> None:
    catalogs = Catalogs(
        write("sw", {("one", "many"): ("moja", "nyingi")}, plural_forms="nplurals=2; plural=(n%n);")
    )

    assert catalogs.translate("sw")(tn("one", "many", 0)) == "many"
    assert catalogs.problems == ["sw: the plural rule does not work for 0. Mend Plural-Forms."]


@pytest.mark.parametrize(
    "sentence", ["{0}", "{a.__class__}", "{a[0]}", "{a!r}", "{a:>99999999}", "{", "}", "{ a }"]
)
def test_only_plain_names_are_placeholders(sentence: str) -> None:
    assert Catalogs().translate("en")(t(sentence, a="x")) == sentence


def test_a_forgotten_parameter_shows_its_name_and_is_told() -> None:
    catalogs = Catalogs()

    assert catalogs.translate("en")(t("Send {amount}?")) == "Send {amount}?"
    assert catalogs.problems == ["'Send {amount}?': no value for {amount}. Give it as a parameter."]


def test_a_secret_is_never_shown() -> None:
    catalogs = Catalogs()
    message = t("PIN {pin}", pin=Secret("4827"))  # type: ignore[arg-type]

    assert catalogs.translate("en")(message) == "PIN {pin}"
    assert "4827" not in repr(catalogs.problems)


def test_another_type_of_value_is_shown_as_its_text() -> None:
    assert Catalogs().translate("en")(t("{x}", x=1.5)) == "1.5"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "damage", [b"", b"not a catalog", b"\xde\x12\x04\x95", b"\xde\x12\x04\x95" + b"\xff" * 40]
)
def test_a_damaged_catalog_is_passed_over_and_told(write: Write, damage: bytes) -> None:
    write("lg", {"Back": "Ddayo"}, folder="library")
    folder = write("lg", {"Back": "Emabega"}, folder="app")
    (folder / "lg" / "LC_MESSAGES" / "messages.mo").write_bytes(damage)
    catalogs = Catalogs(folder, folder.parent / "library")

    assert catalogs.translate("lg")(t("Back")) == "Ddayo"
    assert len(catalogs.problems) == 1
    assert "Compile it again." in catalogs.problems[0]


def test_sentences_that_are_made_up_do_not_fill_the_memory() -> None:
    catalogs = Catalogs()
    render = catalogs.translate("en")

    for number in range(12_000):
        assert render(t(f"x{number}")) == f"x{number}"
        assert render(tn(f"x{number}", "y", 2)) == "y"
        render(t("{" + f"a{number}" + "}"))
    assert len(catalogs.problems) == 1000


names = st.sampled_from(["a", "b", "n", "a.b", "0", ""])
sentences = st.lists(st.one_of(st.text(max_size=5), names.map("{{{}}}".format))).map("".join)
values = st.one_of(
    st.text(max_size=9),
    st.integers(),
    st.builds(Amount, st.text(max_size=3), st.integers()),
    st.dates().map(Day.of),
    st.builds(Moment, st.integers(-(10**10), 10**11), st.integers(-1439, 1439)),
)
params = st.dictionaries(
    names, st.recursive(values, lambda inner: st.builds(Message, sentences, st.dictionaries(names, inner)))
)


@settings(max_examples=40)
@given(st.one_of(st.text(), st.builds(Message, sentences, params, sentences, st.integers())))
def test_whatever_is_to_be_shown_is_shown(text: Any) -> None:
    assert isinstance(Catalogs().translate("en")(text), str)


@given(st.text())
def test_a_value_is_one_line_that_can_be_sent(text: str) -> None:
    shown = one_line(text)

    assert len(shown.splitlines()) <= 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    assert shown.encode().decode() == shown
    assert one_line(shown) == shown
