"""Money: one type, integer minor units, and a written form that stays inside the GSM-7 alphabet."""

from __future__ import annotations

import msgspec

EXPONENTS = {"UGX": 0, "RWF": 0, "BIF": 0, "XAF": 0, "XOF": 0, "GNF": 0, "DJF": 0, "KMF": 0, "JPY": 0, "TND": 3}
"""Digits after the point, where it is not 2 (ISO 4217 table A.1)."""


class Amount(msgspec.Struct, frozen=True, order=True, tag="m"):
    """An amount of one currency: `Amount("KES", 1250)` is twelve shillings and fifty cents.

    `currency` is an ISO 4217 code; `minor` counts the smallest unit (cents; whole shillings for UGX).
    """

    currency: str
    minor: int

    def __str__(self) -> str:
        return format_amount(self)


def exponent(currency: str) -> int:
    """Digits after the point for `currency` (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def format_amount(amount: Amount) -> str:
    """Write an amount as members read it on a phone: `UGX 12,500`, `KES 12.50`, `-UGX 5`.

    Not Babel's currency format: it puts U+00A0 in Swahili, which forces UCS-2 and halves a USSD page.
    """
    digits = exponent(amount.currency)
    sign = "-" if amount.minor < 0 else ""
    whole, cents = divmod(abs(amount.minor), 10**digits)
    if cents or (digits and not whole):
        return f"{sign}{amount.currency} {whole:,}.{cents:0{digits}d}"
    return f"{sign}{amount.currency} {whole:,}"
