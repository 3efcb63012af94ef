"""Texts in letters that every phone and every network shows: ASCII, without what costs two septets or leaves GSM-7.

Not for members in general: `ŋ` is a letter and `é` is in the GSM alphabet. It is for networks that are known to break
on more than that.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from kikao.i18n.gsm7 import normalise

UNKNOWN: Final = "?"
"""Stands for a letter, a digit or a currency that no ASCII is known for."""


def plain(text: str) -> str:
    """The text with the nearest ASCII for each character; doing it twice changes nothing.

    Accents are dropped (`José` is `Jose`), letters and currencies written out (`ŋ` is `ng'`, `€` is `EUR`), brackets
    and bars become those that GSM-7 has in its default alphabet (`[1]` is `(1)`). Signs without any are dropped,
    emoji too; a letter without one (Amharic, Arabic) is a `?`, so that nobody takes a mutilated text for all of it.
    """
    if _is_plain(text):
        return text
    return "".join(_nearest(character) for character in unicodedata.normalize("NFC", normalise(text)))


def _nearest(character: str) -> str:
    if _is_plain(character):
        return character
    if character in _NEAREST:
        return _NEAREST[character]
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    # Not by compatibility: `½` would come out as 12, and `5²` as 52.
    parts = [_NEAREST.get(part, part) for part in unicodedata.normalize("NFD", character)]
    found = "".join(part for part in parts if _is_plain(part))
    return found or (UNKNOWN if _means(character) else "")


def _means(character: str) -> bool:
    """Whether a text without it would be another: letters, digits and currencies."""
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Sc"


_is_plain = re.compile(r"[\n\x20-\x5a\x5f\x61-\x7a]*").fullmatch
_NEAREST: Final[dict[str, str]] = {
    # ASCII that is in the extension table of GSM-7, or in neither.
    **dict(zip("[]{}|\\~^`\t\r\f", ("(", ")", "(", ")", "/", "/", "-", "", "'", " ", "", ""), strict=True)),
    # Letters that are no letter with an accent.
    **dict(
        zip(
            "ŋŊæÆœŒøØßđĐðÐþÞłŁı",
            ("ng'", "Ng'", "ae", "Ae", "oe", "Oe", *"oO", "ss", *"dDdD", "th", "Th", *"lLi"),
            strict=True,
        )
    ),
    **dict(zip("ɓƁɗƊƙƘƴƳɖƉɛƐɔƆɣƔʋƲƒƑɩƖʊƱəƏɲƝ", "bBdDkKyYdDeEoOgGvVfFiIuUeEnN", strict=True)),
    # Currencies whose signs are not ASCII, by ISO 4217.
    **dict(zip("€£₦₵₹", ("EUR", "GBP", "NGN", "GHS", "INR"), strict=True)),
    **dict(zip("•·×÷¡¿§", ("-", ".", "x", "/", "", "", "S"), strict=True)),
}
