"""Where running text may break: at white space, and if a word must be cut, between characters as members see them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

SPACES: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a"
    "\u2028\u2029\u205f\u3000"
)
"""White space a page may end at: all of Unicode's but the no-break spaces."""

SENTENCE_ENDS: Final = frozenset(".!?…:;。።؟")


def skip_spaces(text: str, start: int) -> int:
    """The place of the first character from `start` on that is not in `SPACES`."""
    spaces = _spaces(text, start)
    return spaces.end() if spaces else start


def word_breaks(text: str, start: int, limit: int) -> Iterator[int]:
    """The places from `start` to `limit` of white space a page may end at. A currency stays with its amount."""
    for space in _word_breaks(text, start, limit + 2):  # one more character shows whether an amount follows
        if space.start() <= limit:
            yield space.start()


def character_break(text: str, start: int, limit: int) -> int:
    """The last place after `start`, at most `limit`, that is between two characters as a member sees them.

    Where a single one reaches from `start` past `limit`, that is `limit`, or one less to keep a surrogate pair.
    """
    place = limit
    while place > start and _joined(text, place):
        place -= 1
    if place > start:
        return place
    return limit - 1 if limit - start > 1 and _in_surrogate_pair(text, limit) else limit


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and at `place` are seen as one (what is common of Unicode annex 29)."""
    before, after = text[place - 1], text[place]
    if before.isascii() and after.isascii():
        return before == "\r" and after == "\n"
    if unicodedata.category(after)[0] == "M" or _extends(after) or before == _JOINER:
        return True
    if unicodedata.combining(before) == _VIRAMA:
        return after.isalpha()
    if _is_flag_half(before) and _is_flag_half(after):
        run = place - 1
        while run > 0 and _is_flag_half(text[run - 1]):
            run -= 1
        return (place - run) % 2 == 1
    return _in_surrogate_pair(text, place)


def _in_surrogate_pair(text: str, place: int) -> bool:
    """Whether `place` is inside a surrogate pair, which a text from a careless decoder may have."""
    return "\ud800" <= text[place - 1] <= "\udbff" and "\udc00" <= text[place] <= "\udfff"


_JOINER = "\u200d"
_VIRAMA = 9
"""The combining class of the mark that joins two consonants in scripts of India."""

_spaces = re.compile(f"[{SPACES}]*").match
_word_breaks = re.compile(rf"(?<!\b[A-Z]{{3}}) | (?!\d)|[{SPACES.replace(' ', '')}]").finditer
_is_flag_half = re.compile("[\U0001f1e6-\U0001f1ff]").match
# Hangul vowels and finals, the joiners, skin tones, and the letters of subdivision flags.
_extends = re.compile("[\u1160-\u11ff\u200c\u200d\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]").match
