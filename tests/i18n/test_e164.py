"""One form of a number, and nothing that looks nearly like it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.i18n.e164 import E164, is_e164


@pytest.mark.parametrize("number", ["+256772000001", "+1234567", "+123456789012345"])
def test_a_plus_and_7_to_15_digits_are_a_number(number: str) -> None:
    assert is_e164(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "+",
        "256772000001",
        "0772000001",
        "00256772000001",
        "+0256772000001",
        "+123456",
        "+1234567890123456",
        "+256 772 000001",
        " +256772000001",
        "+256772000001\n",
        "++256772000001",
        "+25677200000१",
        "+२५६७७२०००००१",
    ],
)
def test_nothing_else_is_one(text: str) -> None:
    """Not a number of one country, none with spaces or a line's end, and none in other digits than ASCII's."""
    assert not is_e164(text)


@given(st.from_regex(E164, fullmatch=True))
def test_it_is_found_whole_within_a_longer_text(number: str) -> None:
    found = re.search(E164, f"Asha is {number} on nalo")
    assert is_e164(number)
    assert found is not None
    assert found[0] == number
