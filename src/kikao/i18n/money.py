"""Money: one type, integer minor units, and a written form that stays inside the GSM-7 alphabet."""

from __future__ import annotations

import msgspec

EXPONENTS = {
    **dict.fromkeys("BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF".split(), 0),
    **dict.fromkeys("BHD IQD JOD KWD LYD OMR TND".split(), 3),
    **dict.fromkeys("CLF UYW".split(), 4),
}
"""Digits after the point, where it is not 2 (ISO 4217 table A.1)."""


class Amount(msgspec.Struct, frozen=True, tag="m"):
    """An amount of one currency: `Amount("KES", 1250)` is twelve shillings and fifty cents.

    `currency` is an ISO 4217 code; `minor` counts the smallest unit (cents; whole shillings for UGX). Amounts
    of one currency add, subtract and compare, and multiply by an `int`; amounts of two raise `ValueError`,
    except that `==` is simply false.
    """

    currency: str
    minor: int

    def __str__(self) -> str:
        return format_amount(self)

    def __add__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.currency, self.minor + self._same(other, "add"))

    def __sub__(self, other: Amount) -> Amount:
        if not isinstance(other, Amount):
            return NotImplemented
        return Amount(self.currency, self.minor - self._same(other, "subtract"))

    def __mul__(self, times: int) -> Amount:
        if not isinstance(times, int) or isinstance(times, bool):
            return NotImplemented
        return Amount(self.currency, self.minor * times)

    __rmul__ = __mul__

    def __neg__(self) -> Amount:
        return Amount(self.currency, -self.minor)

    def __lt__(self, other: Amount) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        return self.minor < self._same(other, "compare")

    def __le__(self, other: Amount) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        return self.minor <= self._same(other, "compare")

    def __gt__(self, other: Amount) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        return self.minor > self._same(other, "compare")

    def __ge__(self, other: Amount) -> bool:
        if not isinstance(other, Amount):
            return NotImplemented
        return self.minor >= self._same(other, "compare")

    def _same(self, other: Amount, verb: str) -> int:
        """The other's minor units, if it is of this currency."""
        if other.currency != self.currency:
            raise ValueError(f"cannot {verb} {self.currency} and {other.currency}: convert one of them first")
        return other.minor


def exponent(currency: str) -> int:
    """Digits after the point for `currency` (ISO 4217)."""
    return EXPONENTS.get(currency, 2)


def format_amount(amount: Amount) -> str:
    """Write an amount as members read it on a phone: `UGX 12,500`, `KES 12.50`, `-UGX 5`.

    Not Babel's currency format: it puts U+00A0 in Swahili, which forces UCS-2 and halves a USSD page.
    """
    currency, minor = amount.currency, amount.minor
    digits = EXPONENTS.get(currency, 2)
    sign = ""
    if minor < 0:
        sign, minor = "-", -minor
    if not digits:
        return f"{sign}{currency} {minor:,}"
    whole, cents = divmod(minor, _SCALES[digits])
    if cents or not whole:
        return f"{sign}{currency} {whole:,}.{str(cents).zfill(digits)}"
    return f"{sign}{currency} {whole:,}"


_SCALES = (1, 10, 100, 1000, 10_000)
