"""`kikao messages`: from a sentence in code to a translation on a phone, and everything that can go wrong between."""

import gettext
import io
import os
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.checking.translations import REVIEW, Damaged, Sentence
from kikao.cli.messages.files import Po, compiled, forms, key, merged, read, written
from kikao.i18n import LIBRARY, Catalogs, t, tn
from kikao.i18n.gsm7 import GSM7
from tests.cli.catalogs import CODE, Edit, messages, po_of, translate

GUIDE = Path(__file__).parent.parent.parent / "docs" / "how-to" / "translate-an-app.md"

# --- the way of a translation ---


def test_from_a_sentence_in_code_to_a_translation_on_a_phone(package: Path) -> None:
    begun = messages("update", "shop", "--add", "lg")

    assert begun.output == (
        "shop/locales/lg/LC_MESSAGES/messages.po: begun, 3 sentences, 3 to translate, 0 fuzzy, 0 not used any more\n"
    )
    assert messages("check", "shop").exit_code == 1
    translate(package)
    done = messages("check", "shop")
    assert (done.exit_code, done.output) == (0, "shop: 3 sentences, complete in lg\n")
    render = Catalogs(package / "locales").translate("lg")
    assert render(t("Send {amount} to {to}?", amount=1, to="x")) == "Weereza x 1?"
    assert render(tn("{n} try left", "{n} tries left", 1)) == "Omulundi 1"


def test_a_catalog_says_what_is_needed_and_nothing_that_changes(package: Path) -> None:
    messages("update", "shop", "--add", "lg")

    assert po_of(package).read_text() == (
        "# Ganda\n"
        'msgid ""\n'
        'msgstr ""\n'
        '"Language: lg\\n"\n'
        '"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'
        '"MIME-Version: 1.0\\n"\n'
        '"Content-Type: text/plain; charset=utf-8\\n"\n'
        '"Content-Transfer-Encoding: 8bit\\n"\n'
        '"X-Alphabet: GSM-7\\n"\n\n'
        "#: flows.py\n"
        'msgid "Recipient"\nmsgstr ""\n\n'
        "#: flows.py\n#, python-brace-format\n"
        'msgid "Send {amount} to {to}?"\nmsgstr ""\n\n'
        "#: flows.py\n#, python-brace-format\n"
        'msgid "{n} try left"\nmsgid_plural "{n} tries left"\nmsgstr[0] ""\nmsgstr[1] ""\n'
    )


def test_wherever_and_whenever_it_is_done_the_files_are_the_same(
    translated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    po, mo = po_of(translated).read_bytes(), po_of(translated).with_suffix(".mo").read_bytes()
    elsewhere = shutil.copytree(translated, tmp_path / "else" / "where")
    os.utime(elsewhere / "flows.py", (0, 0))
    monkeypatch.chdir(elsewhere)

    assert messages("update").exit_code == 0
    assert po_of(elsewhere).read_bytes() == po
    assert po_of(elsewhere).with_suffix(".mo").read_bytes() == mo
    assert str(tmp_path).encode() not in po + mo


def test_what_translators_wrote_stays(translated: Path, edit: Edit) -> None:
    edit(
        '#: flows.py\nmsgid "Recipient"',
        '# Asked Nakato.\n# Needs review by a native speaker.\n#: flows.py\nmsgid "Recipient"',
    )
    edit("# Ganda\n", "# Luganda, by Nakato\n")
    edit('"X-Alphabet', '"Last-Translator: Nakato\\n"\n"X-Alphabet')
    (translated / "flows.py").write_text(CODE + '\nMORE = t("More")\n')

    assert messages("update", "shop").exit_code == 0
    text = po_of(translated).read_text()
    assert (
        '# Asked Nakato.\n# Needs review by a native speaker.\n#: flows.py\nmsgid "Recipient"\nmsgstr "Afuna"'
        in text
    )
    assert text.startswith("# Luganda, by Nakato\n")
    assert '"Last-Translator: Nakato\\n"' in text
    assert 'msgid "More"\nmsgstr ""' in text


def test_what_waits_for_a_native_speaker_is_counted(translated: Path, edit: Edit) -> None:
    edit(
        '#: flows.py\nmsgid "Recipient"',
        '# Needs review by a native speaker.\n#: flows.py\nmsgid "Recipient"',
    )

    done = messages("check", "shop")

    assert done.exit_code == 0
    assert "messages.po: 1 translations need a review by a native speaker" in done.output


def test_a_sentence_that_is_reworded_keeps_its_translation_until_someone_has_looked(translated: Path) -> None:
    (translated / "flows.py").write_text(CODE.replace("Recipient", "The recipient"))

    messages("update", "shop")
    assert '#, fuzzy\nmsgid "The recipient"\nmsgstr "Afuna"' in po_of(translated).read_text()
    assert Catalogs(translated / "locales").translate("lg")(t("The recipient")) == "The recipient"
    done = messages("check", "shop")
    assert done.exit_code == 1
    assert "'The recipient' is marked fuzzy" in done.output


def test_a_sentence_that_is_gone_leaves_its_translation_for_who_may_need_it(translated: Path) -> None:
    (translated / "flows.py").write_text(CODE.replace("Recipient", "Whom do you want to pay today?"))

    messages("update", "shop")
    assert '#~ msgid "Recipient"\n#~ msgstr "Afuna"' in po_of(translated).read_text()
    told = messages("check", "shop").output
    assert "'Recipient' is not in the code any more. Delete the entry, or run" in told
    (translated / "flows.py").write_text(CODE)
    messages("update", "shop")
    assert messages("check", "shop").exit_code == 0


def test_what_is_gone_can_be_dropped(translated: Path) -> None:
    (translated / "flows.py").write_text(CODE.replace('t("Recipient")', '"x"'))

    assert "1 not used any more" in messages("update", "shop").output
    assert "0 not used any more" in messages("update", "shop", "--drop").output
    assert "Afuna" not in po_of(translated).read_text()
    assert messages("check", "shop").exit_code == 0


def test_a_sentence_that_becomes_a_plural_is_translated_anew(translated: Path) -> None:
    (translated / "flows.py").write_text(CODE.replace('t("Recipient")', 'tn("Recipient", "Recipients", 2)'))

    messages("update", "shop")

    assert 'msgid_plural "Recipients"\nmsgstr[0] ""\nmsgstr[1] ""' in po_of(translated).read_text()


def test_another_second_form_makes_the_translation_fuzzy(translated: Path) -> None:
    (translated / "flows.py").write_text(CODE.replace("{n} tries left", "{n} attempts left"))

    assert "'{n} try left' has another second form in the code" in messages("check", "shop").output
    messages("update", "shop")
    assert "'{n} try left' is marked fuzzy" in messages("check", "shop").output


def test_a_region_may_leave_sentences_to_its_language(translated: Path) -> None:
    messages("update", "shop", "--add", "lg_UG")

    assert messages("check", "shop").exit_code == 0


def test_catalogs_may_be_in_another_folder(package: Path) -> None:
    assert messages("update", "shop", "--locales", "words", "--add", "sw").exit_code == 0
    assert Path("words/sw/LC_MESSAGES/messages.mo").exists()
    assert messages("check", "shop", "--locales", "words").exit_code == 1
    assert messages("check", "shop").exit_code == 2


def test_the_guide_does_what_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    ((code, entries),) = re.findall(r"```python\n(.*?)```.*?```text\n(.*?)```", guide, re.DOTALL)
    (tmp_path / "savings.py").write_text(code)
    monkeypatch.chdir(tmp_path)

    assert messages("update", "--add", "lg", "--add", "sw").exit_code == 0
    path = tmp_path / "locales" / "lg" / "LC_MESSAGES" / "messages.po"
    text = path.read_text()
    for entry in entries.strip().split("\n\n"):
        untranslated = re.sub('(?m)^(msgstr.*?) ".*"$', r'\1 ""', entry.removeprefix(f"# {REVIEW}\n"))
        assert text.count(untranslated) == 1
        text = text.replace(untranslated, entry)
    path.write_text(text)
    assert messages("update").exit_code == 0

    assert path.read_text() == text
    render = Catalogs(tmp_path / "locales").translate("lg")
    assert render(t("Save money")) == "Tereka ssente"
    left = [line for line in messages("check").stdout.splitlines() if line.startswith("locales/lg/")]
    assert len(left) == 3
    assert "'Saved. You have {amount}.' is not translated. Translate it." in left[-1]


def test_what_kikao_has_itself_need_not_be_translated_again(package: Path) -> None:
    (package / "flows.py").write_text('from kikao import t\nSHOWN = t("Back"), t("Tea")\n')
    messages("update", "shop", "--add", "sw")
    told = messages("check", "shop").stdout
    assert "'Tea' is not translated" in told
    assert "Back" not in told
    assert Catalogs(package / "locales", LIBRARY).translate("sw")(t("Back")) == "Rudi"


# --- what cannot start ---


@pytest.mark.parametrize("language", ["", "../x", "Luganda", "lg/UG", "l"])
def test_what_is_no_language_is_refused(package: Path, language: str) -> None:
    done = messages("update", "shop", "--add", language)

    assert done.exit_code == 2
    assert "is no language code such as lg or sw_TZ" in done.output
    assert not (package / "locales").exists()


@pytest.mark.parametrize("command", ["update", "check"])
def test_without_a_catalog_it_says_how_to_begin_one(package: Path, command: str) -> None:
    done = messages(command, "shop")

    assert done.exit_code == 2
    assert "kikao: no catalogs in shop/locales. Begin one: kikao messages update --add lg" in done.output


def test_without_babel_it_says_what_to_install(package: Path) -> None:
    script = "import sys\nsys.modules['babel'] = None\nfrom kikao.cli import main\nmain(['messages', 'update', 'shop'])"
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)

    assert done.returncode == 2
    assert (
        done.stderr
        == "kikao: this needs Babel. Install it beside a checkout of kikao: pip install './kikao[messages]'\n"
    )


def test_checking_needs_no_babel(translated: Path) -> None:
    script = "import sys\nsys.modules['babel'] = None\nfrom kikao.cli import main\nmain(['messages', 'check', 'shop'])"
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "shop: 3 sentences, complete in lg\n")


# --- laws ---

texts = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(sorted(GSM7)), max_size=12)
words = texts.filter(lambda text: text.strip() and "\x00" not in text)
sentences = st.dictionaries(words, words | st.just(""), max_size=5).map(
    lambda found: {msgid: Sentence(msgid, plural, ("a.py",)) for msgid, plural in found.items()}
)


@settings(max_examples=60)
@given(st.data(), sentences, sentences)
def test_whatever_is_translated_survives_every_update_and_is_what_members_read(
    data: st.DataObject, before: dict[str, Sentence], after: dict[str, Sentence]
) -> None:
    po = merged(Po("lg"), before)
    for message in po.entries():
        given_forms = [data.draw(words) for _ in forms(message)]
        message.string = tuple(given_forms) if message.pluralizable else given_forms[0]

    new = merged(po, before | after)

    assert written(merged(new, before | after)) == written(new)
    chosen = gettext.GNUTranslations(io.BytesIO(compiled(new)))
    for message in po.entries():
        if message.pluralizable and after.get(key(message)) in (None, before[key(message)]):
            assert tuple(chosen.ngettext(key(message), "", n) for n in (1, 2)) == message.string
        elif after.get(key(message), before[key(message)]) == before[key(message)]:
            assert chosen.gettext(key(message)) == message.string


@settings(max_examples=60)
@given(sentences, words)
def test_what_is_written_is_read_again(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Sentence], word: str
) -> None:
    path = tmp_path_factory.mktemp("po") / "lg" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    po = merged(Po("lg"), found)
    for message in po.entries():
        message.string = (word, word) if message.pluralizable else word
    path.write_bytes(written(po))

    again = read(path)

    assert {message.id: forms(message) for message in again.entries()} == {
        message.id: forms(message) for message in po.entries()
    }
    assert written(again) == written(po)
    assert compiled(again) == compiled(po)


pieces = 'msgid|msgstr|msgid_plural|msgstr[0]|msgstr[9]|msgctxt|"a"|"|#~ |#, fuzzy|\n| |{'.split("|")


@settings(max_examples=100)
@given(st.binary(max_size=80) | st.lists(st.sampled_from(pieces)).map(lambda found: "".join(found).encode()))
def test_any_file_is_a_catalog_or_told_to_be_none(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.mktemp("po") / "lg" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)

    with suppress(Damaged):
        po = read(path)
        path.write_bytes(written(merged(po, {})))
        assert not list(read(path).entries())
