"""Catalog files: `.po`, which people edit, and `.mo`, which is compiled from it. The same input gives the same bytes.

Babel reads and writes both. Its header has the time, its version and made-up names; ours has what a catalog needs.
"""

from __future__ import annotations

import difflib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from babel.messages import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, PoFileParser, write_po

from kikao.checking.translations.catalog import ALPHABET, GSM_7, Damaged
from kikao.checking.translations.catalog import read as read_strictly
from kikao.checking.translations.sentences import Sentence

ALIKE: Final = 0.7
"""How alike (of 1) a new sentence and one that is gone must be for the old translation to be offered again."""

KEPT: Final = ("Last-Translator", "Language-Team")
"""Headers of other tools that stay; those with times and versions would change with every edit."""


class Po(Catalog):
    """A catalog of one language, with the header we write. `twice` are the lines of entries that repeat another."""

    def __init__(self, locale: str) -> None:
        super().__init__(locale, fuzzy=False)
        self.name = locale
        self.alphabet = GSM_7
        self.kept: dict[str, str] = {}
        self.twice: list[int] = []
        self.header_comment = f"# {self.locale.english_name if self.locale else locale}"

    @property
    def mime_headers(self) -> list[tuple[str, str]]:
        """The header, in the order it is written."""
        return [
            ("Language", self.name),
            *self.kept.items(),
            ("Plural-Forms", self.plural_forms),
            ("MIME-Version", "1.0"),
            ("Content-Type", "text/plain; charset=utf-8"),
            ("Content-Transfer-Encoding", "8bit"),
            (ALPHABET, f"{self.alphabet}\n"),
        ]

    @mime_headers.setter
    def mime_headers(self, headers: Iterable[tuple[str, str]]) -> None:
        found = {name: value.strip() for name, value in headers if not name.lower().endswith("-date")}
        self.alphabet = found.get(ALPHABET, GSM_7)
        self.kept = {name: found[name] for name in KEPT if found.get(name)}
        set_headers = Catalog.mime_headers.fset
        assert set_headers is not None
        set_headers(self, found.items())

    def __setitem__(self, key: Any, message: Message) -> None:
        if message.id and message.lineno and self.get(message.id, message.context) is not None:
            self.twice.append(message.lineno)
        message.flags.discard("python-format")  # Babel takes any % for one, and our sentences never are
        super().__setitem__(key, message)

    def entries(self) -> Iterator[Message]:
        """The messages, without the header."""
        return (message for message in self if message.id)


def read(path: Path) -> Po:
    """The catalog in a `.po` file, whose language is the name of the folder above `LC_MESSAGES`. Raises `Damaged`."""
    read_strictly(path)  # Babel takes what it finds where quotes should be, and drops a letter at each end
    po = Po(path.parent.parent.name)
    try:
        PoFileParser(po, abort_invalid=True).parse(path.read_text(encoding="utf-8").split("\n"))
    except PoFileError as error:
        raise Damaged(path, error.lineno + 1, f"not a .po file ({error.args[0]}). Mend it.") from None
    except Exception as error:  # noqa: BLE001 - what Babel stumbles over in a broken file may raise anything
        raise Damaged(path, 1, f"not a .po file ({type(error).__name__}: {error}). Mend it.") from None
    return po


def key(message: Message) -> str:
    """What gettext looks a message up by: its first form."""
    return message.id if isinstance(message.id, str) else message.id[0]


def forms(message: Message) -> tuple[str, ...]:
    """The translation: one text, or the forms of a plural."""
    return (message.string,) if isinstance(message.string, str) else tuple(message.string or ())


def merged(old: Po, sentences: Mapping[str, Sentence]) -> Po:
    """A catalog of exactly these sentences, with what `old` has of translations and of translators' comments.

    A new sentence much like one that is gone gets its translation, marked fuzzy. What is not used any more is kept
    behind `#~`, so that a translator may still copy from it.
    """
    new = Po(old.name)
    new.mime_headers = old.mime_headers
    new.header_comment = old.header_comment
    before = {key(message): message for message in (*old.obsolete.values(), *old.entries())}
    gone = {
        name: message for name, message in before.items() if name not in sentences and any(forms(message))
    }
    for sentence in sorted(sentences.values(), key=lambda sentence: sentence.msgid):
        message, fuzzy = before.get(sentence.msgid), False
        if message is None and (alike := _most_alike(sentence, gone)):
            message, fuzzy = gone.pop(alike), True
        _add(new, sentence, message, fuzzy=fuzzy)
    for name, message in gone.items():
        message.flags.discard("fuzzy")
        new.obsolete[name] = message
    return new


def _most_alike(sentence: Sentence, gone: Mapping[str, Message]) -> str:
    same_kind = [name for name, message in gone.items() if message.pluralizable == bool(sentence.plural)]
    return next(iter(difflib.get_close_matches(sentence.msgid, same_kind, 1, ALIKE)), "")


def _add(po: Po, sentence: Sentence, known: Message | None, *, fuzzy: bool) -> None:
    identity = (sentence.msgid, sentence.plural) if sentence.plural else sentence.msgid
    strings = [""] * po.num_plurals if sentence.plural else [""]
    comments: list[str] = []
    if known is not None:
        comments = known.user_comments
        if known.pluralizable == bool(sentence.plural):
            strings = list(forms(known))
            fuzzy = fuzzy or known.fuzzy or known.id != identity
    message = po.add(
        identity,
        tuple(strings) if sentence.plural else strings[0],
        locations=[(file, 0) for file in sentence.files],
        user_comments=comments,
    )
    if fuzzy and any(strings):
        message.flags.add("fuzzy")


def written(po: Po) -> bytes:
    """The `.po` file: sorted, one line for each text, files without line numbers."""
    file = io.BytesIO()
    write_po(file, po, width=0, sort_output=True, include_lineno=False)
    return file.getvalue().rstrip() + b"\n"


def compiled(po: Po) -> bytes:
    """The `.mo` file: what is translated and not fuzzy."""
    ready = Po(po.name)
    ready.mime_headers = po.mime_headers
    for message in po.entries():
        if all(forms(message)) and not message.fuzzy:
            ready[message.id] = message
    file = io.BytesIO()
    write_mo(file, ready)
    return file.getvalue()


def replace(path: Path, content: bytes) -> bool:
    """Write a file whole or not at all; False when it has this content already."""
    if path.exists() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.new")
    fresh.write_bytes(content)
    os.replace(fresh, path)
    return True
