"""Refs: unique, and in the order of time as text."""

from __future__ import annotations

from kikao.live.presence.refs import Refs


def test_text_order_is_the_order_of_time_whatever_the_clock_does() -> None:
    times = iter([9.0, 10.0, 10.0, 3.0, 1.8e9, 4e9])
    refs = Refs(lambda: next(times), random=lambda size: b"\xff" * size)
    found = [refs() for _ in range(6)]
    assert found == sorted(set(found))
    assert {len(ref) for ref in found} == {27}


def test_two_processes_have_none_in_common() -> None:
    one, other = Refs(lambda: 1.8e9), Refs(lambda: 1.8e9)
    assert not {one() for _ in range(100)} & {other() for _ in range(100)}
