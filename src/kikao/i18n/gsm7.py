"""The GSM 7-bit alphabet: what a text costs on USSD and SMS, how it is packed, and what needlessly leaves it.

A text that stays inside the alphabet is sent as septets; one character outside of it sends the whole text as UCS-2,
which halves what fits. Source: 3GPP TS 23.038, clauses 6.2.1 (alphabet and extension table) and 6.1.2.3 (USSD packing).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal

import msgspec

ESCAPE: Final = 0x1B
"""The septet before a character of the extension table: such a character takes two septets."""

CARRIAGE_RETURN: Final = 0x0D
"""The septet that fills seven spare bits, which would otherwise read as `@`."""

BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The default alphabet, a character at the place of its septet; place 0x1B is the escape, not a character."""

EXTENSION: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
"""The extension table: the septet that follows the escape."""


GSM7: Final = frozenset(BASIC.replace("\x1b", "")).union(EXTENSION)
"""Every character a text may have to be sent as septets."""


class Cost(msgspec.Struct, frozen=True):
    """What one text takes: septets in `gsm7`, UTF-16 code units in `ucs2`."""

    alphabet: Literal["gsm7", "ucs2"]
    units: int


class Budget(msgspec.Struct, frozen=True):
    """What one message may take in each alphabet. The defaults are what every USSD gateway is known to carry.

    `septets` counts for a text inside the alphabet, `units` (UTF-16 code units) for any other. One USSD string has
    160 octets: 80 units, or 182 septets where the gateway is known to pass them all. Raises `ValueError` below 2 of
    either, the size of the longest character.
    """

    septets: int = 160
    units: int = 80

    def __post_init__(self) -> None:
        if self.septets < 2 or self.units < 2:
            raise ValueError(f"a budget holds at least one character: 2 septets and 2 units, not {self}")


def septets(text: str) -> int | None:
    """Septets `text` takes in GSM-7, or None when a character of it is not in the alphabet."""
    if _all_basic(text):
        return len(text)
    if _all_gsm7(text):
        return len(text) + len(_extended(text))
    return None


def utf16_units(text: str) -> int:
    """UTF-16 code units of `text`: 2 for a character past U+FFFF, such as most emoji, else 1."""
    return len(text.encode("utf-16-le", "surrogatepass")) >> 1


def cost(text: str) -> Cost:
    """What `text` takes in the alphabet it must be sent in."""
    count = septets(text)
    return Cost("ucs2", utf16_units(text)) if count is None else Cost("gsm7", count)


def fits(text: str, budget: Budget) -> bool:
    """Whether `text` can be sent as one message of `budget`."""
    count = septets(text)
    return utf16_units(text) <= budget.units if count is None else count <= budget.septets


def pack(text: str) -> bytes:
    """Pack `text` into octets as USSD does (TS 23.038, 6.1.2.3).

    Seven spare bits are filled with a carriage return; a text that itself ends in one at an octet boundary gets one
    more. Raises `ValueError` when a character is not in the alphabet.
    """
    codes = bytearray(to_septets(text))
    spare_bits = -7 * len(codes) % 8
    if spare_bits == 7 or (codes and spare_bits == 0 and codes[-1] == CARRIAGE_RETURN):
        codes.append(CARRIAGE_RETURN)
    bits = 0
    for code in reversed(codes):
        bits = bits << 7 | code
    return bits.to_bytes((7 * len(codes) + 7) // 8, "little")


def unpack(octets: bytes) -> str:
    """The text in `octets`, as a handset reads it.

    A carriage return that ends at an octet boundary is taken for filling and removed. See `from_septets` for what no
    text has. `unpack(pack(text)) == text`, but for a text
    that ends in a carriage return at an octet boundary: the standard has it come back with two.
    """
    bits = int.from_bytes(octets, "little")
    codes = [bits >> shift & 0x7F for shift in range(0, 8 * len(octets) - 6, 7)]
    if codes and codes[-1] == CARRIAGE_RETURN and 7 * len(codes) % 8 == 0:
        codes.pop()
    return from_septets(codes)


def to_septets(text: str) -> bytes:
    """The septets of `text`, one to an octet, as SMPP sends them.

    Raises `ValueError` when a character is not in the alphabet.
    """
    codes = bytearray()
    for place, character in enumerate(text):
        if character in EXTENSION:
            codes += bytes((ESCAPE, EXTENSION[character]))
        elif character in _SEPTETS:
            codes.append(_SEPTETS[character])
        else:
            raise ValueError(
                f"U+{ord(character):04X} at place {place} is not in the GSM 7-bit alphabet. Send this text as UCS-2."
            )
    return bytes(codes)


def from_septets(codes: Iterable[int]) -> str:
    """The text of septets that are not packed.

    What the extension table does not have is read from the default alphabet, a lone escape as a space. Raises
    `ValueError` for an octet that is no septet.
    """
    characters = []
    rest = iter(codes)
    for code in rest:
        if code > 0x7F:
            raise ValueError("an octet has more than seven bits")
        if code != ESCAPE:
            characters.append(BASIC[code])
            continue
        code = next(rest, ESCAPE)
        if code > 0x7F:
            raise ValueError("an octet has more than seven bits")
        characters.append(" " if code == ESCAPE else _EXTENDED.get(code, BASIC[code]))
    return "".join(characters)


def normalise(text: str) -> str:
    """Replace look-alikes that would force UCS-2 for nothing; what is left means the same.

    Spaces of all widths become a space (Babel writes money with U+00A0), typographic quotes, primes and the backtick
    ASCII quotes, dashes and the minus sign `-`, `…` three points; invisible marks are dropped, those of direction only
    in a text without right-to-left letters. Letters and digits stay, such as `ŋ`; an accent that stands beside its
    letter is joined to it (NFC). Doing it twice changes nothing.
    """
    if text.isascii() and "`" not in text and "\t" not in text:
        return text
    text = unicodedata.normalize("NFC", text).translate(_PLAIN)
    if _DIRECTION_MARK.search(text) and not any(unicodedata.bidirectional(c) in _RIGHT_TO_LEFT for c in text):
        text = _DIRECTION_MARK.sub("", text)
    return unicodedata.normalize("NFC", text)  # a dropped mark may have stood between a letter and its accent


_SEPTETS = {character: code for code, character in enumerate(BASIC) if code != ESCAPE}
_EXTENDED = {code: character for character, code in EXTENSION.items()}

_all_basic = re.compile(f"[{re.escape(''.join(_SEPTETS))}]*").fullmatch
_all_gsm7 = re.compile(f"[{re.escape(''.join(sorted(GSM7)))}]*").fullmatch
_extended = re.compile(f"[{re.escape(''.join(EXTENSION))}]").findall

_PLAIN = {
    # Spaces: the tab, no-break, en to hair, narrow no-break, mathematical; and the line and paragraph separators.
    **dict.fromkeys([0x09, 0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F], " "),
    **dict.fromkeys([0x2028, 0x2029], "\n"),
    # Quotes: the backtick and acute, the letter apostrophe of ng'ombe, single and double marks, primes, guillemets.
    **dict.fromkeys(map(ord, "`´ʼ‘’‚‛′‹›"), "'"),
    **dict.fromkeys(map(ord, "“”„‟″«»"), '"'),
    # Hyphens, en and em dashes, the horizontal bar, the minus sign.
    **dict.fromkeys([*range(0x2010, 0x2016), 0x2212], "-"),
    0x2026: "...",
    # Invisible: the soft hyphen, zero-width space, word joiner, byte order mark.
    **dict.fromkeys([0xAD, 0x200B, 0x2060, 0xFEFF]),
}
_DIRECTION_MARK = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
