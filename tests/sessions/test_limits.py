"""The laws of GCRA, whatever the rate and however requests fall."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kikao.sessions.limits import MICROSECONDS, Limits, Pace, Rate, judge

NOW = 1_750_000_000 * MICROSECONDS
HOUR = 3600 * MICROSECONDS

rates = st.builds(
    Rate,
    count=st.integers(1, 10_000),
    per=st.floats(0.001, 1e6, allow_nan=False),
    burst=st.integers(0, 1_000),
)
pauses = st.lists(st.one_of(st.just(0), st.integers(0, 10 * MICROSECONDS), st.integers(0, HOUR)), max_size=60)
steps = st.lists(st.one_of(st.integers(-HOUR, HOUR), st.integers(-1000, 1000)), max_size=60)


def times(pauses: list[int]) -> list[int]:
    now, found = NOW, []
    for pause in pauses:
        now += pause
        found.append(now)
    return found


def let_through(pace: Pace, times: list[int]) -> list[int]:
    """Of requests at these times, those that are allowed."""
    tat, found = 0, []
    for now in times:
        allowed, tat, _ = judge(pace, tat, now)
        if allowed:
            found.append(now)
    return found


# --- the laws ---


@given(rates, pauses)
@example(Rate(1, per=1.0), [0, MICROSECONDS - 1, 1])
def test_no_window_has_more_than_the_burst_and_the_rate(rate: Rate, pauses: list[int]) -> None:
    come = let_through(rate.pace, times(pauses))
    at_once, each = rate.pace.burst, rate.per * MICROSECONDS / rate.count
    for first, begin in enumerate(come):
        for last, end in enumerate(come[first:], first):
            assert last - first + 1 <= at_once + (end - begin) / each + 1e-9


@given(rates)
def test_a_burst_comes_through_and_not_one_more(rate: Rate) -> None:
    at_once = rate.burst or rate.count
    assert len(let_through(rate.pace, [NOW] * (at_once + 3))) == at_once


@given(rates, st.integers(1, 50))
def test_who_keeps_to_the_rate_is_never_limited(rate: Rate, number: int) -> None:
    evenly = [NOW + n * rate.pace.interval for n in range(number)]
    assert let_through(rate.pace, evenly) == evenly


@given(rates, pauses)
def test_the_wait_that_is_told_is_the_wait_there_is(rate: Rate, pauses: list[int]) -> None:
    tat = 0
    for now in times(pauses):
        allowed, tat, wait = judge(rate.pace, tat, now)
        if allowed:
            assert wait == 0
        else:
            assert judge(rate.pace, tat, now + wait)[0]
            assert not judge(rate.pace, tat, now + wait - 1)[0]


@given(rates, pauses, st.integers(1, 100))
def test_what_is_refused_costs_nothing(rate: Rate, pauses: list[int], knocks: int) -> None:
    patient = knocking = 0
    for now in times(pauses):
        told, patient, _ = judge(rate.pace, patient, now)
        for _ in range(knocks if not told else 1):
            again, knocking, _ = judge(rate.pace, knocking, now)
            assert again == told
    assert knocking == patient


@given(rates, steps)
def test_a_clock_that_jumps_shuts_nobody_out(rate: Rate, steps: list[int]) -> None:
    tat = 0
    for now in times(steps):
        allowed, tat, wait = judge(rate.pace, tat, now)
        assert wait <= rate.pace.interval
        assert allowed or judge(rate.pace, tat, now + wait)[0]


@given(rates, steps)
def test_a_clock_that_is_set_back_gives_nothing_away(rate: Rate, steps: list[int]) -> None:
    forward = sum(step for step in steps if step > 0)
    assert len(let_through(rate.pace, times(steps))) <= rate.pace.burst + forward / rate.pace.interval


# --- the data ---


@pytest.mark.parametrize(
    ("count", "per", "burst"), [(0, 60.0, 0), (-1, 60.0, 0), (1, 0.0, 0), (1, float("inf"), 0), (1, 1.0, -1)]
)
def test_a_rate_that_lets_nothing_through_is_a_mistake(count: int, per: float, burst: int) -> None:
    with pytest.raises(ValueError, match="a rate needs"):
        Rate(count, per, burst)


def test_a_rate_of_no_number_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="a rate needs"):
        Rate(1, per=float("nan"))


def test_the_defaults_let_a_fast_human_be_and_cut_a_loop() -> None:
    limits = Limits()
    assert limits.address is not None
    fast = [NOW + n * 2 * MICROSECONDS for n in range(500)]
    assert let_through(limits.address.pace, fast) == fast
    loop = [NOW + n * 20_000 for n in range(50 * 180)]  # fifty a second, for the longest USSD dialogue
    assert len(let_through(limits.address.pace, loop)) == 120 + 179
