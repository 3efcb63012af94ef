"""What a text costs as SMS: its alphabet, its units, and how many short messages carry it.

One short message has 140 octets: 160 septets in GSM 7-bit, 70 UTF-16 units in UCS-2. A longer text is concatenated:
each part begins with a header of 6 octets (3GPP TS 23.040, clause 9.2.3.24.1), which leaves 153 septets or 67 units.
No part ends within a character: neither between an escape and its septet, nor between the halves of a surrogate pair.
So a part may be one unit shorter than it could be, and a text take one part more than its units say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal

import msgspec

from kikao.i18n.gsm7 import EXTENSION, Budget, septets, utf16_units

ONE: Final = {"gsm7": 160, "ucs2": 70}
"""Units of a text that goes alone."""

EACH: Final = {"gsm7": 153, "ucs2": 67}
"""Units of a part of one that does not."""

MOST: Final = 255
"""Parts that a reference of one octet can number."""


class Segments(msgspec.Struct, frozen=True):
    """What one text takes: septets in `gsm7`, UTF-16 code units in `ucs2`, and the short messages that carry them."""

    alphabet: Literal["gsm7", "ucs2"]
    units: int
    count: int
    """An empty text is one, too."""


def segments(text: str) -> Segments:
    """What `text` takes as it is. `normalise` it first, or one typographic quote halves what fits."""
    alphabet, units, _ = _priced(text)
    if units <= ONE[alphabet]:
        return Segments(alphabet, units, 1)
    return Segments(alphabet, units, len(split(text)))


def split(text: str, *, wide: bool = False) -> list[str]:
    """The texts of the short messages that carry `text`, in order; joined they are the text.

    `wide`: it goes as UCS-2, whatever characters it has.
    """
    alphabet, units, size = _priced(text, wide=wide)
    if units <= ONE[alphabet]:
        return [text]
    parts, start, taken = [], 0, 0
    for place, character in enumerate(text):
        more = size(character)
        if taken + more > EACH[alphabet]:
            parts.append(text[start:place])
            start, taken = place, 0
        taken += more
    return [*parts, text[start:]]


def budget(most: int) -> Budget:
    """What a text may take so that at most `most` short messages carry it, whatever characters it has."""
    if most == 1:
        return Budget(ONE["gsm7"], ONE["ucs2"])
    return Budget(*(EACH[alphabet] * most - (most - 1) for alphabet in ("gsm7", "ucs2")))


def _priced(text: str, *, wide: bool = False) -> tuple[Literal["gsm7", "ucs2"], int, Callable[[str], int]]:
    """A text's alphabet, its units, and what a character takes in it."""
    count = None if wide else septets(text)
    if count is None:
        return "ucs2", utf16_units(text), lambda character: 2 if character > "\uffff" else 1
    return "gsm7", count, lambda character: 2 if character in EXTENSION else 1
