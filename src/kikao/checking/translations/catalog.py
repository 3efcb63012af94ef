"""Catalog files as they are checked, without Babel: `.po`, which people edit, and `.mo`, which is compiled from it."""

from __future__ import annotations

import gettext
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from kikao.checking.findings import told
from kikao.checking.places import shown

ALPHABET: Final = "X-Alphabet"
"""The header that says how a language is written: `GSM-7`, or `any` for one that has other letters."""

GSM_7: Final = "GSM-7"

REVIEW: Final = "Needs review by a native speaker."
"""The translator's comment on a translation that somebody should still look at; checks count them."""

GERMANIC: Final = "nplurals=2; plural=(n != 1);"
"""What gettext takes where a header does not say how plurals are made."""

QUOTES: Final = "Put a text in double quotes on one line, behind msgid or msgstr."


class Entry(msgspec.Struct, kw_only=True):
    """One sentence of a catalog.

    `strings` are the translation: one text, or the forms of a plural, empty where missing. `line` is that of its msgid.
    """

    msgid: str
    plural: str = ""
    strings: list[str]
    line: int
    context: bool = False
    fuzzy: bool = False
    obsolete: bool = False
    review: bool = False

    @property
    def ready(self) -> bool:
        """Whether it is compiled."""
        return all(self.strings) and not self.fuzzy and not self.obsolete


class Catalog(msgspec.Struct):
    """A `.po` file. `twice` are the lines of entries that repeat another; `obsolete` ones stand behind `#~`."""

    path: Path
    language: str
    entries: dict[str, Entry]
    """By msgid; those with a context, which nothing looks up, with U+0004 before it."""
    obsolete: list[Entry]
    twice: list[int]
    headers: dict[str, str]

    @property
    def alphabet(self) -> str:
        """How the language is written."""
        return self.headers.get(ALPHABET, GSM_7)

    @property
    def plural_forms(self) -> str:
        """How plurals are made, as the header says it."""
        return self.headers.get("Plural-Forms", "") or GERMANIC

    @property
    def count(self) -> int:
        """How many forms a plural has."""
        found = re.search(r"nplurals\s*=\s*(\d+)", self.plural_forms)
        return int(found[1]) if found else 0

    @property
    def ready(self) -> set[str]:
        """The sentences that are translated and shown."""
        return {msgid for msgid, entry in self.entries.items() if entry.ready and not entry.context}

    def chooses(self) -> Callable[[int], int] | None:
        """Which form a count takes; None for a rule that is no expression."""
        found = re.search(r"plural\s*=\s*([^;]*)", self.plural_forms)
        try:
            return gettext.c2py(found[1].strip()) if found else None
        except (ValueError, RecursionError):
            return None

    def is_compiled(self) -> bool:
        """Whether the `.mo` beside it says the same."""
        try:
            there = compiled_in(self.path.with_suffix(".mo"))
        except (OSError, ValueError, struct.error):
            return False
        header = dict(_headers(there.pop("", "")))
        wanted = {
            (f"{entry.msgid}\0{entry.plural}" if entry.plural else entry.msgid): "\0".join(entry.strings)
            for entry in self.entries.values()
            if entry.ready and not entry.context
        }
        there = {msgid: text for msgid, text in there.items() if "\x04" not in msgid}
        return there == wanted and (header.get("Plural-Forms") or GERMANIC) == self.plural_forms


class Damaged(Exception):
    """A file that is no catalog; `finding` says where and why."""

    def __init__(self, path: Path, line: int, text: str) -> None:
        self.finding = told("K205", text, file=shown(path), line=line)
        super().__init__(f"{self.finding.file}:{line}: {text}")


def read(path: Path) -> Catalog:
    """The catalog in a `.po` file, whose language is the name of the folder above `LC_MESSAGES`. Raises `Damaged`."""
    try:
        lines = path.read_bytes().decode().split("\n")
    except UnicodeDecodeError as error:
        raise Damaged(path, 1, f"not in UTF-8 ({error}). Save it so.") from None
    catalog = Catalog(path, path.parent.parent.name, {}, [], [], {})
    for entry in _entries(path, lines):
        if entry.obsolete:
            catalog.obsolete.append(entry)
        elif not entry.msgid and not entry.context:
            catalog.headers = dict(_headers(entry.strings[0]))
        elif (key := "\x04" * entry.context + entry.msgid) in catalog.entries:
            catalog.twice.append(entry.line)
        else:
            catalog.entries[key] = entry
    for entry in (*catalog.entries.values(), *catalog.obsolete):
        if not entry.plural:
            continue
        if len(entry.strings) > catalog.count > 0:
            text = f"{entry.msgid!r} has more forms than nplurals={catalog.count} says. Mend Plural-Forms or the entry."
            raise Damaged(path, entry.line, text)
        entry.strings += [""] * (catalog.count - len(entry.strings))
    return catalog


def compiled_in(path: Path) -> dict[str, str]:
    """The texts of a `.mo` file, as they are in it. Raises `OSError`, `ValueError` or `struct.error`."""
    data = path.read_bytes()
    order = "<" if data[:4] == b"\xde\x12\x04\x95" else ">"
    magic, _, count, sources, translations = struct.unpack_from(f"{order}5I", data)
    if magic != 0x950412DE:
        raise ValueError("not a compiled catalog")
    texts = []
    for table in (sources, translations):
        places = [struct.unpack_from(f"{order}2I", data, table + 8 * at) for at in range(count)]
        texts.append([data[at : at + length].decode() for length, at in places])
    return dict(zip(*texts, strict=True))


def _headers(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if colon:
            yield name.strip(), value.strip()


_LINE = re.compile(
    r"(?P<gone>#~\s*)?(?:(?P<word>msgid_plural|msgid|msgctxt|msgstr(?:\[(?P<form>[0-9])\])?)\s+)?"
    r'"(?P<text>(?:[^"\\]|\\.)*)"'
)
_ESCAPED = re.compile(r"\\(.)")
_LETTERS = {"n": "\n", "t": "\t", "r": "\r"}


class _Raw:
    """An entry while its lines are read: the pieces of each of its texts, by the word before them."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.line = 0
        self.fuzzy = self.obsolete = self.review = False

    def entry(self, path: Path) -> Entry:
        """The entry. Raises `Damaged` where one of its texts is missing."""
        texts = {word: "".join(pieces) for word, pieces in self.texts.items()}
        msgid = texts.get("msgid")
        if msgid is None:
            raise Damaged(path, self.line, "a text that belongs to no msgid. Mend the entry.")
        if "msgid_plural" in texts:
            forms = [word for word in texts if word.startswith("msgstr[")]
            strings = [texts.get(f"msgstr[{at}]", "") for at in range(len(forms))]
            wrong = "msgstr" in texts or any(f"msgstr[{at}]" not in texts for at in range(len(forms)))
        else:
            strings = [texts.get("msgstr", "")]
            wrong = any(word.startswith("msgstr[") for word in texts)
        if wrong or not any(word.startswith("msgstr") for word in texts):
            raise Damaged(path, self.line, f"not a .po file (missing msgstr for msgid {msgid!r}). Mend it.")
        return Entry(
            msgid=msgid,
            plural=texts.get("msgid_plural", ""),
            strings=strings,
            line=self.line,
            context="msgctxt" in texts,
            fuzzy=self.fuzzy,
            obsolete=self.obsolete,
            review=self.review,
        )


def _entries(path: Path, lines: list[str]) -> Iterator[Entry]:
    raw, word = _Raw(), ""
    for number, whole in enumerate(lines, 1):
        line = whole.strip()
        if not line:
            continue
        found = _LINE.fullmatch(line)
        if found is None:
            if not line.startswith("#") or line.startswith("#~"):
                raise Damaged(path, number, f"{line!r} is no line of a .po file. {QUOTES}")
            if raw.texts:  # a comment is of the next entry
                yield raw.entry(path)
                raw, word = _Raw(), ""
            raw.fuzzy = raw.fuzzy or (line.startswith("#,") and "fuzzy" in re.split(r"[,\s]+", line[2:]))
            raw.review = raw.review or REVIEW in line
            continue
        if found["word"]:
            begins = found["word"] == "msgctxt" or (found["word"] == "msgid" and "msgid" in raw.texts)
            if begins and raw.texts:
                yield raw.entry(path)
                raw = _Raw()
            word = found["word"]
            if word in raw.texts:
                raise Damaged(path, number, f"a second {word} in one entry. Delete one of the two.")
            raw.texts[word] = []
            raw.obsolete = bool(found["gone"])
            if word == "msgid" or not raw.line:
                raw.line = number
        elif not word:
            raise Damaged(path, number, f"{line!r} belongs to no msgid. {QUOTES}")
        raw.texts[word].append(_ESCAPED.sub(lambda match: _LETTERS.get(match[1], match[1]), found["text"]))
    if raw.texts:
        yield raw.entry(path)
