"""What a transfer costs and how much one may move: bands per currency, in integer minor units.

The figures are an example, in the range of East African mobile-money tariffs; a service brings its own.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

import msgspec

from kikao.i18n.money import Amount


class Tariff(msgspec.Struct, frozen=True):
    """The rules of one currency, in its minor unit."""

    least: int
    """The smallest transfer."""
    bands: tuple[tuple[int, int], ...]
    """(up to and with this amount, fee), rising; the last band ends at the largest transfer."""

    @property
    def most(self) -> int:
        """The largest transfer."""
        return self.bands[-1][0]


TARIFFS: Final = {
    "UGX": Tariff(
        500, ((5_000, 100), (60_000, 500), (250_000, 1_000), (1_000_000, 1_500), (5_000_000, 2_000))
    ),
    "KES": Tariff(
        10_00, ((100_00, 0), (500_00, 7_00), (2_500_00, 13_00), (20_000_00, 57_00), (250_000_00, 108_00))
    ),
    "TZS": Tariff(
        500_00, ((5_000_00, 50_00), (50_000_00, 350_00), (500_000_00, 1_000_00), (5_000_000_00, 3_000_00))
    ),
    "RWF": Tariff(100, ((1_000, 20), (10_000, 100), (150_000, 250), (2_000_000, 1_500))),
}


def fee(amount: Amount) -> Amount:
    """What a transfer of `amount` costs. Beyond the limits it is the fee of the nearest band.

    Raises `ValueError` for a currency without a tariff.
    """
    tariff = TARIFFS.get(amount.currency)
    if tariff is None:
        raise ValueError(f"wallet: no tariff for {amount.currency} (there is one for {', '.join(TARIFFS)})")
    at = bisect_left([upper for upper, _ in tariff.bands], amount.minor)
    return Amount(amount.currency, tariff.bands[min(at, len(tariff.bands) - 1)][1])


def limits(currency: str) -> tuple[Amount, Amount]:
    """The smallest and the largest transfer in a currency that has a tariff."""
    tariff = TARIFFS[currency]
    return Amount(currency, tariff.least), Amount(currency, tariff.most)
