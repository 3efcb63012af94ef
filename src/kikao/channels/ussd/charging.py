"""How much a provider is asked to charge, as it writes amounts: no contract that is known says in which unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.config import Option
from kikao.i18n.money import Amount, exponent

UNITS: Final = ("main", "minor")


def _check(value: str) -> None:
    if value not in UNITS:
        raise ValueError(f"must be {' or '.join(UNITS)}")


CHARGE_UNIT: Final = Option(
    "charge_unit",
    "In which unit the provider reads what a flow charges: `main` (shillings, 12.50) or `minor` (cents, 1250). Its "
    "documents do not say: ask. Without it nothing is charged",
    "main",
    check=_check,
)


def charged_as(amount: Amount, given: Mapping[str, str]) -> str | None:
    """An amount as the settings of a gateway have it written; None where they do not say in which unit."""
    unit = given[CHARGE_UNIT.name]
    if unit == "minor":
        return str(amount.minor)
    if unit != "main":
        return None
    digits = exponent(amount.currency)
    whole, cents = divmod(amount.minor, 10**digits)
    return f"{whole}.{cents:0{digits}d}" if digits else str(whole)
