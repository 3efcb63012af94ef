"""Money: how amounts are written for a phone, and that currencies never mix."""

import operator
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.i18n.money import EXPONENTS, Amount, exponent, format_amount

GSM7 = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 ,.-")
"""What an amount needs of the GSM 03.38 basic alphabet."""

amounts = st.builds(
    Amount, st.sampled_from(["UGX", "KES", "TND", "CLF", "USD"]), st.integers(-(10**15), 10**15)
)


@pytest.mark.parametrize(
    ("currency", "minor", "written"),
    [
        ("UGX", 500, "UGX 500"),
        ("UGX", 12_500, "UGX 12,500"),
        ("UGX", 1_234_567_890, "UGX 1,234,567,890"),
        ("UGX", 0, "UGX 0"),
        ("UGX", -5, "-UGX 5"),
        ("KES", 1250, "KES 12.50"),
        ("KES", 1200, "KES 12"),
        ("KES", 5, "KES 0.05"),
        ("KES", 0, "KES 0.00"),
        ("KES", -125_050, "-KES 1,250.50"),
        ("TND", 1500, "TND 1.500"),
        ("TND", 7, "TND 0.007"),
        ("TND", 2000, "TND 2"),
        ("CLF", 12_345, "CLF 1.2345"),
    ],
)
def test_an_amount_is_written_as_members_read_it(currency: str, minor: int, written: str) -> None:
    assert format_amount(Amount(currency, minor)) == written
    assert str(Amount(currency, minor)) == written


@given(amounts)
def test_a_written_amount_stays_inside_gsm7_and_loses_nothing(amount: Amount) -> None:
    written = format_amount(amount)

    assert set(written) <= GSM7
    sign = -1 if written.startswith("-") else 1
    whole, _, cents = written.lstrip("-").split(" ")[1].replace(",", "").partition(".")
    assert sign * int(whole + cents.ljust(exponent(amount.currency), "0")) == amount.minor


def test_only_currencies_that_have_not_two_decimals_are_listed() -> None:
    assert exponent("UGX") == 0
    assert exponent("TND") == 3
    assert exponent("KES") == 2
    assert 2 not in EXPONENTS.values()


def test_amounts_of_one_currency_add_up() -> None:
    assert Amount("UGX", 5000) + Amount("UGX", 150) == Amount("UGX", 5150)
    assert Amount("UGX", 5000) - Amount("UGX", 150) == Amount("UGX", 4850)
    assert Amount("KES", 1250) * 3 == 3 * Amount("KES", 1250) == Amount("KES", 3750)
    assert -Amount("UGX", 5) == Amount("UGX", -5)


def test_amounts_of_one_currency_compare() -> None:
    little, much = Amount("UGX", 5), Amount("UGX", 6)

    assert little < much
    assert little <= little
    assert much > little
    assert much >= much
    assert not little > much
    assert max([little, much]) is much


@pytest.mark.parametrize(
    "mix", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_amounts_of_two_currencies_never_mix(mix: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(ValueError, match="UGX and KES: convert one of them first"):
        mix(Amount("UGX", 5), Amount("KES", 5))


@pytest.mark.parametrize(
    "mix", [operator.add, operator.sub, operator.lt, operator.le, operator.gt, operator.ge]
)
def test_an_amount_and_a_bare_number_never_mix(mix: Callable[[Any, Any], Any]) -> None:
    with pytest.raises(TypeError):
        mix(Amount("UGX", 5), 5)


@pytest.mark.parametrize("times", [1.5, True, Amount("UGX", 2)])
def test_an_amount_is_multiplied_by_whole_numbers_only(times: Any) -> None:
    with pytest.raises(TypeError):
        Amount("UGX", 5) * times


def test_equal_is_same_currency_and_same_count() -> None:
    assert Amount("UGX", 5) == Amount("UGX", 5)
    assert Amount("UGX", 5) != Amount("KES", 5)
    assert len({Amount("UGX", 5), Amount("UGX", 5), Amount("KES", 5)}) == 2


@given(amounts)
def test_an_amount_survives_being_stored(amount: Amount) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(amount), type=Amount) == amount
