"""The gate before turns: so many at once, closed after several that ran out of time, open with the first that works."""

from __future__ import annotations

from kikao.sessions.gate import LONG, PROBE, TRIES, Crowded, Gate, Hanging
from kikao.testing import Clock


def test_so_many_are_inside_and_no_more() -> None:
    gate = Gate(2)
    with gate:
        assert gate.refuses() is None
        with gate:
            assert isinstance(gate.refuses(), Crowded)
            assert gate.inside == 2
        assert gate.refuses() is None
    assert gate.inside == 0


def test_it_closes_after_several_in_a_row_and_opens_with_the_first_that_works() -> None:
    clock = Clock()
    gate = Gate(monotonic=clock)
    for _ in range(TRIES - 1):
        assert gate.refuses() is None
        gate.failed()
    gate.worked()
    for _ in range(TRIES):
        assert gate.refuses() is None
        gate.failed()
    assert isinstance(gate.refuses(), Hanging)

    clock.advance(PROBE)
    assert [gate.refuses() is None for _ in range(3)] == [True, False, False]
    gate.failed()
    assert isinstance(gate.refuses(), Hanging)
    clock.advance(PROBE)
    assert gate.refuses() is None
    gate.worked()
    assert all(gate.refuses() is None for _ in range(10))


def test_what_comes_to_nothing_at_once_harms_nobody_and_what_takes_long_does() -> None:
    gate = Gate(monotonic=Clock())
    for _ in range(10 * TRIES):
        gate.failed(after=LONG / 2)
    assert gate.refuses() is None
    for _ in range(TRIES):
        gate.failed(after=LONG)
    assert isinstance(gate.refuses(), Hanging)


def test_those_that_began_before_it_closed_do_not_put_the_next_try_off() -> None:
    clock = Clock()
    gate = Gate(monotonic=clock)
    for _ in range(100):
        gate.failed()
    clock.advance(PROBE)
    assert gate.refuses() is None
