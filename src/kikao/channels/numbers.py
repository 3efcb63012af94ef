"""Numbers of members as providers write them, read into E.164 (ITU-T E.164: `+`, country code, at most 15 digits).

A number read wrongly is another member, so nothing is guessed: digits without a `+` are international where the
provider's contract says so, and national where a country is set, which kikao does not infer from where a gateway is.
"""

from __future__ import annotations

import functools
import re
from typing import Final

from kikao.i18n.e164 import is_e164

Country = tuple[str, int]
"""A country code and how many digits follow it: ("233", 9)."""

CACHED: Final = 4096
"""National numbers whose reading is remembered, which costs 20 µs: a member's requests come one after another."""


def international(value: str, *, bare: bool = False, only: Country | None = None) -> str | None:
    """E.164 of `+256772000001`; None for anything else.

    `bare`: digits alone are one, too (`256772000001`); `only`: those of this country are. Digits are not held against
    the numbering plan of their country: the network knows its numbers, and plans change.
    """
    if is_e164(value):
        return value
    if bare:
        return f"+{value}" if is_e164(f"+{value}") else None
    if only is not None and _DIGITS(value) and value.startswith(only[0]):
        return f"+{value}" if len(value) == len(only[0]) + only[1] else None
    return None


def looks_national(value: str) -> bool:
    """Whether it is a number as dialled in its country: `0772000001`."""
    return bool(_NATIONAL(value))


def looks_like_a_number(value: str) -> bool:
    """Whether it can only be meant as one: a `+`, or as many digits as numbers have. Others may be a token."""
    return value.startswith("+") or bool(_DIGITS(value))


@functools.lru_cache(CACHED)
def national(value: str, region: str) -> str | None:
    """E.164 of a number as dialled in a country (ISO 3166-1): `+256772000001` of `0772000001` and `UG`.

    None where it is none of there, or the country is none. A number is taken as soon as it is as long as those of
    there and loses its trunk 0: which ranges are in use changes faster than the tables of libphonenumber.
    """
    import phonenumbers  # 75 ms, which only those pay who set a country

    if not looks_national(value):
        return None
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        return None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason != phonenumbers.ValidationResult.IS_POSSIBLE:
        return None
    # A 0 that stays is part of the number (Côte d'Ivoire, Italy), or of a number that lost a digit.
    if number.italian_leading_zero and not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_DIGITS = re.compile("[0-9]{7,15}").fullmatch
_NATIONAL = re.compile("0[0-9]{5,14}").fullmatch
