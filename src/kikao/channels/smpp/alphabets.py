"""Texts as octets: what `data_coding` says of them (SMPP 3.4, 5.2.19).

GSM 7-bit is unpacked here, a septet to an octet: the SMSC packs it. UCS-2 is read and written as UTF-16, big-endian,
so that characters past U+FFFF pass as two units.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from kikao.i18n.gsm7 import from_septets, to_septets

Alphabet = Literal["gsm7", "latin1"]
"""What an SMSC has for its default alphabet, `data_coding` 0."""

DEFAULT: Final = 0x00
ASCII: Final = 0x01
LATIN_1: Final = 0x03
UCS_2: Final = 0x08
GSM_7: Final = 0x0F
"""GSM 7-bit, language unspecified: the coding scheme that USSD itself has for it (3GPP TS 23.038, 5)."""


class Written(NamedTuple):
    """A text as it is sent."""

    data_coding: int
    octets: bytes


def read(octets: bytes, data_coding: int, default: Alphabet) -> str:
    """The text of a message. Raises `ValueError`, without a word of it, for octets that are none."""
    try:
        if data_coding == UCS_2:
            return octets.decode("utf-16-be")
        if data_coding == GSM_7 or (data_coding == DEFAULT and default == "gsm7"):
            return from_septets(octets)
        if data_coding in (DEFAULT, LATIN_1):
            return octets.decode("latin-1")
        if data_coding == ASCII:
            return octets.decode("ascii")
    except ValueError:
        raise ValueError(f"the text is not what data_coding {data_coding} says") from None
    raise ValueError(f"data_coding {data_coding} is no alphabet that is read here")


def written(text: str, default: Alphabet) -> Written:
    """A text in the SMSC's default alphabet where it can be, else in UCS-2. Half a surrogate pair becomes `?`."""
    try:
        if default == "gsm7":
            return Written(DEFAULT, to_septets(text))
        return Written(LATIN_1, text.encode("latin-1"))
    except ValueError:
        return Written(UCS_2, text.encode(errors="replace").decode().encode("utf-16-be"))
