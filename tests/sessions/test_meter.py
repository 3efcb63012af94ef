"""Rates of many keys in a table that does not grow and forgets the harmless first."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Iterator
from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from kikao.sessions.limits import MICROSECONDS, Rate, judge
from kikao.sessions.meter import NAMES, Meter

NOW = 1_750_000_000.0
RATE = Rate(30, per=60.0, burst=5)
"""One in two seconds, five at once."""


def numbers() -> Iterator[str]:
    """Numbers that nobody has seen."""
    return (f"+25677{n:07}" for n in count())


def exhaust(meter: Meter, name: str, now: float = NOW) -> None:
    while not meter.take(name, now):
        pass


# --- one name ---


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4 * MICROSECONDS)), max_size=80))
def test_every_name_is_judged_for_itself(requests: list[tuple[int, int]]) -> None:
    meter, alone, now = Meter(RATE), dict.fromkeys(range(4), 0), int(NOW) * MICROSECONDS
    for member, pause in requests:
        now += pause
        allowed, alone[member], wait = judge(RATE.pace, alone[member], now)
        assert (meter.take(str(member), now / MICROSECONDS) == 0) is allowed
        assert (wait == 0) is allowed


def test_after_the_wait_one_more_may_come() -> None:
    meter, asha = Meter(RATE), "asha"
    exhaust(meter, asha)
    wait = meter.take(asha, NOW + 0.5)
    assert wait == 1.5
    assert meter.take(asha, NOW + 1.9) > 0
    assert meter.take(asha, NOW + 0.5 + wait) == 0
    assert meter.take(asha, NOW + 0.5 + wait) == 2


def test_what_is_given_back_was_not_taken() -> None:
    meter, asha = Meter(RATE), "asha"
    for _ in range(20):
        assert meter.take(asha, NOW) == 0
        meter.give_back(asha)
    assert [meter.take(asha, NOW) for _ in range(6)] == [0, 0, 0, 0, 0, 2]


# --- a flood of names ---


def test_a_million_numbers_take_no_more_memory_than_one() -> None:
    meter = Meter(RATE)
    tables = [value for value in vars(meter).values() if isinstance(value, array)]
    before = sum(map(sys.getsizeof, tables))
    assert before < 16 * NAMES * 1.1
    for _, stranger in zip(range(100_000), numbers(), strict=False):
        meter.take(stranger, NOW)
    assert sum(map(sys.getsizeof, tables)) == before
    assert [value for value in vars(meter).values() if isinstance(value, dict | list | set)] == []


def test_a_flood_of_numbers_does_not_free_one_that_is_limited() -> None:
    meter, loop = Meter(RATE, names=64), "loop"
    exhaust(meter, loop)
    for _, stranger in zip(range(50_000), numbers(), strict=False):
        assert meter.take(stranger, NOW) == 0
    assert meter.take(loop, NOW) == 2
    assert meter.take(loop, NOW + 1.99) > 0
    assert meter.take(loop, NOW + 2) == 0


def test_a_flood_of_numbers_limits_nobody_else() -> None:
    meter, flood = Meter(RATE, names=64), numbers()
    for n in range(200):
        for _, stranger in zip(range(50), flood, strict=False):
            meter.take(stranger, NOW + 2 * n)
        assert meter.take("asha", NOW + 2 * n) == 0


def test_to_free_one_every_neighbour_must_be_over_the_limit_too() -> None:
    meter, loop = Meter(RATE, names=8), "loop"  # a single bucket
    exhaust(meter, loop)
    flood = numbers()
    spent = 0
    while meter.take(loop, NOW):
        stranger, now = next(flood), NOW + 1.0  # a little later, so that they are further over it
        while not meter.take(stranger, now):
            spent += 1
    assert spent >= 8 * RATE.burst


def test_what_is_as_good_as_new_goes_first() -> None:
    meter, loop = Meter(RATE, names=8), "loop"
    flood = numbers()
    for _, stranger in zip(range(7), flood, strict=False):
        exhaust(meter, stranger)
    later = NOW + 60  # the seven have long been free
    exhaust(meter, loop, later)
    for _, stranger in zip(range(7), flood, strict=False):
        exhaust(meter, stranger, later)
    assert meter.take(loop, later) == 2
