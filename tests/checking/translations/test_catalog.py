"""Catalog files are read here as Babel and gettext read them."""

import gettext
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.checking.translations.catalog import Damaged, compiled_in, read
from kikao.checking.translations.sentences import Sentence
from kikao.cli.messages.files import Po, compiled, forms, key, merged, written
from kikao.i18n import LIBRARY

words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\x04"), max_size=12).filter(
    str.strip
)


def saved(folder: Path, text: str) -> Path:
    path = folder / "lg" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@settings(max_examples=60)
@given(st.data(), st.dictionaries(words, words | st.just(""), max_size=5))
def test_what_babel_writes_is_read_as_babel_meant_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, found: dict[str, str]
) -> None:
    po = merged(Po("lg"), {msgid: Sentence(msgid, plural, ("a.py",)) for msgid, plural in found.items()})
    for message in po.entries():
        texts = [data.draw(words | st.just("")) for _ in forms(message)]
        message.string = tuple(texts) if message.pluralizable else texts[0]
    path = saved(tmp_path_factory.mktemp("po"), "")
    path.write_bytes(written(po))
    path.with_suffix(".mo").write_bytes(compiled(po))

    catalog = read(path)

    assert {entry.msgid: tuple(entry.strings) for entry in catalog.entries.values()} == {
        key(message): forms(message) for message in po.entries()
    }
    assert {entry.msgid: entry.plural for entry in catalog.entries.values()} == found
    assert (catalog.plural_forms, catalog.alphabet, catalog.count) == (po.plural_forms, "GSM-7", 2)
    assert catalog.is_compiled()


pieces = 'msgid |msgstr |msgid_plural |msgstr[0] |msgstr[9] |msgctxt |"a"\n|"|#~ |#, fuzzy\n|\n| |{'.split(
    "|"
)


@settings(max_examples=150)
@given(st.lists(st.sampled_from(pieces)).map("".join))
def test_any_text_is_a_catalog_or_told_to_be_none(
    tmp_path_factory: pytest.TempPathFactory, text: str
) -> None:
    with suppress(Damaged):
        catalog = read(saved(tmp_path_factory.mktemp("po"), text))
        assert all(entry.strings and entry.line for entry in catalog.entries.values())


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ('msgid "a"\nmsgid_plural "b"\nmsgstr "c"\n', 1, "missing msgstr for msgid 'a'"),
        ('msgid "a"\nmsgstr[0] "c"\n', 1, "missing msgstr for msgid 'a'"),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[1] "c"\n', 1, "missing msgstr for msgid 'a'"),
        ('msgid "a"\nmsgstr "c"\nmsgstr "d"\n', 3, "a second msgstr in one entry"),
        ('\nmsgstr "c"\n', 2, "a text that belongs to no msgid"),
        ('"c"\n', 1, "belongs to no msgid"),
        ('msgid "a" b\n', 1, "is no line of a .po file"),
    ],
)
def test_what_is_wrong_has_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(Damaged) as error:
        read(saved(tmp_path, text))

    assert (error.value.finding.code, error.value.finding.line) == ("K205", line)
    assert words in error.value.finding.message


def test_every_kind_of_entry(tmp_path: Path) -> None:
    catalog = read(
        saved(
            tmp_path,
            'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=1; plural=0;\\n"\n"X-Alphabet: any\\n"\n\n'
            '# Needs review by a native speaker.\n#: a.py\n#, fuzzy, python-brace-format\nmsgid "a"\n'
            'msgstr ""\n"b\\t"\n"\\"c\\"\\n"\n'
            'msgctxt "x"\nmsgid "a"\nmsgstr "d"\n\n#~ msgid "e"\n#~ msgstr "f"\n\n'
            'msgid "g"\nmsgid_plural "h"\nmsgstr[0] "i"\n\nmsgid "g"\nmsgstr "j"\n',
        )
    )

    assert [(e.msgid, e.strings, e.line, e.fuzzy, e.review, e.context) for e in catalog.entries.values()] == [
        ("a", ['b\t"c"\n'], 9, True, True, False),
        ("a", ["d"], 14, False, False, True),
        ("g", ["i"], 20, False, False, False),
    ]
    assert [(entry.msgid, entry.line) for entry in catalog.obsolete] == [("e", 17)]
    assert (catalog.twice, catalog.alphabet, catalog.ready) == ([24], "any", {"g"})
    chooses = catalog.chooses()
    assert chooses is not None
    assert chooses(7) == 0
    assert not catalog.is_compiled()


def test_compiled_texts_are_those_that_gettext_finds() -> None:
    path = LIBRARY / "sw" / "LC_MESSAGES" / "messages.mo"
    with path.open("rb") as file:
        found = gettext.GNUTranslations(file)

    for msgid, text in compiled_in(path).items():
        if "\0" not in msgid and msgid:
            assert found.gettext(msgid) == text
