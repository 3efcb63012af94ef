"""What a member answers, as a line tells it: typed as it stands, in quotes, or by the name of a value.

Asha answers 1 then 0700 000 002 then her PIN then " two spaces ".
"""

from __future__ import annotations

import json
import re
from typing import Final

import msgspec

BLANK: Final = "____"
"""Where an author has to fill in a value: what a recorder leaves in place of a secret."""


class Typed(msgspec.Struct, frozen=True, tag=True):
    """An answer as it is typed."""

    text: str


class Named(msgspec.Struct, frozen=True, tag=True):
    """An answer by its name: `her PIN` (`owner` "her"), `Asha's PIN` ("Asha"), `the start PIN` ("the")."""

    owner: str
    name: str

    def __str__(self) -> str:
        return f"{self.owner} {self.name}" if self.owner in _WORDS else f"{self.owner}'s {self.name}"


Answer = Typed | Named


def read_answers(text: str) -> list[Answer]:
    """The answers in `1 then her PIN then "a text"`. Raises `ValueError` for an empty one, or quotes left open."""
    return [_answer(piece) for piece in _split(text)]


def spell(text: str) -> str:
    """A typed answer as a line tells it: as it is where that is clear, else in quotes as JSON has them."""
    return text if _PLAIN(text) and not _NAMED(text) and BLANK not in text else _quoted(text)


def spell_dialled(ahead: str) -> str:
    """What is dialled behind a code, likewise: digits and signs as they are."""
    return ahead if _DIALLED(ahead) else _quoted(ahead)


def blanks(line: str) -> bool:
    """Whether a line has a blank to fill in, outside of quotes."""
    return BLANK in _QUOTED.sub("", line)


def _split(text: str) -> list[str]:
    pieces, rest = [], text
    while True:
        match = _PIECE(rest)
        if match is None:
            raise ValueError(f"{rest!r} is no answer: write it as it is typed, or in straight double quotes")
        pieces.append(match[1])
        if not match["more"]:
            return pieces
        rest = rest[match.end() :]


def _answer(piece: str) -> Answer:
    if piece.startswith('"'):
        return Typed(str(json.loads(piece, strict=False)))
    if match := _NAMED(piece):
        return Named(match["word"] or match["who"], match["name"])
    return Typed(piece)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=not text.isprintable())


_WORDS: Final = ("her", "his", "their", "its", "the")

_QUOTED: Final = re.compile(r'"(?:[^"\\]|\\.)*"')
_PIECE: Final = re.compile(rf'({_QUOTED.pattern}|[^\s"“”„](?:.*?\S)??)(?P<more> then )?(?(more)|$)').match
_NAMED: Final = re.compile(
    rf"(?:(?P<word>{'|'.join(_WORDS)})|(?P<who>[^\W\d_]\w*)['’]s) (?P<name>\S.*)"
).fullmatch
_UNCLEAR = r" then | while |, which |\s$"
_DIALLED: Final = re.compile(r"[\d*#]+").fullmatch
_PLAIN: Final = re.compile(rf'(?!.*(?:{_UNCLEAR}))[^\s"“”„][^\x00-\x1f\x7f-\x9f\u2028\u2029]*').fullmatch
