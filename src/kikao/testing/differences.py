"""A screen as a phone shows it, and two of them side by side."""

from __future__ import annotations

import difflib
import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from kikao.transcripts import fits

NOTHING: Final = "(nothing)"
NARROWEST: Final = 24
"""Columns of each of two screens side by side."""


class _Row(NamedTuple):
    left: str | None
    right: str | None
    differs: bool


def boxed(lines: Sequence[str], title: str = "") -> list[str]:
    """Lines in a frame, as a phone shows them."""
    lines = lines or (NOTHING,)
    width = max(*map(columns, lines), columns(title) + 2)
    return [
        _edge("┌", title, width, "┐"),
        *(f"│ {padded(line, width)} │" for line in lines),
        _edge("└", "", width, "┘"),
    ]


def side_by_side(expected: Sequence[str], seen: Sequence[str]) -> list[str]:
    """What was expected and what was seen, each in a frame; a mark stands between lines that differ."""
    rows = list(_aligned(expected or (NOTHING,), seen or (NOTHING,)))
    left = max(NARROWEST, *(columns(row.left or "") for row in rows))
    right = max(NARROWEST, *(columns(row.right or "") for row in rows))
    lines = [f"{_edge('┌', 'expected', left, '┐')}   {_edge('┌', 'seen', right, '┐')}"]
    for row in rows:
        mark = "≠" if row.differs else " "
        lines.append(f"│ {padded(row.left or '', left)} │ {mark} │ {padded(row.right or '', right)} │")
    lines.append(f"{_edge('└', '', left, '┘')}   {_edge('└', '', right, '┘')}")
    return [*lines, *_invisible(rows)]


def columns(text: str) -> int:
    """Columns that a text takes in a terminal."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def padded(text: str, width: int) -> str:
    """A text with spaces up to so many columns."""
    return text + " " * (width - columns(text))


def _aligned(expected: Sequence[str], seen: Sequence[str]) -> Iterator[_Row]:
    matcher = difflib.SequenceMatcher(None, expected, seen, autojunk=False)
    for kind, a, b, c, d in matcher.get_opcodes():
        for left, right in itertools.zip_longest(expected[a:b], seen[c:d]):
            fit = kind == "equal" or (left is not None and right is not None and fits((left,), (right,)))
            yield _Row(left, right, not fit)


def _invisible(rows: Sequence[_Row]) -> Iterator[str]:
    """Of lines that look the same but are not: the first character that differs."""
    for number, row in enumerate(rows, 1):
        if not row.differs or row.left is None or row.right is None or _plain(row.left) != _plain(row.right):
            continue
        pairs = itertools.zip_longest(row.left, row.right, fillvalue="")
        place, (one, other) = next((n, pair) for n, pair in enumerate(pairs, 1) if pair[0] != pair[1])
        yield f"line {number}, character {place}: expected {_named(one)}, seen {_named(other)}"


def _plain(text: str) -> str:
    """A text as it looks at a glance."""
    folded = unicodedata.normalize("NFKD", text).translate(_ALIKE)
    return " ".join("".join(c for c in folded if not unicodedata.combining(c)).split())


def _named(character: str) -> str:
    if not character:
        return "the end of the line"
    return f"{character!r} (U+{ord(character):04X} {unicodedata.name(character, 'without a name').lower()})"


def _edge(left: str, title: str, width: int, right: str) -> str:
    text = f"─ {title} " if title else ""
    return left + text + "─" * (width + 2 - columns(text)) + right


_ALIKE: Final = str.maketrans(
    {"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "\u00ad": "", "\u200b": ""}
)
