"""How often something may happen: GCRA, the generic cell rate algorithm, as data and one pure function.

A rate of 30 a minute lets one through every two seconds on average and up to `burst` at once. Per key a single time is
kept: when the next one would be due if all had come evenly (the theoretical arrival time of ITU-T I.371, annex A).

Times are whole microseconds in here, so that sums are exact and a wait that was told is the wait there is.
"""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import msgspec

MICROSECONDS: Final = 1_000_000
"""In a second."""


class Rate(msgspec.Struct, frozen=True):
    """At most `count` in `per` seconds on average, and at most `burst` at once (by default `count`).

    In any window of t seconds no more than burst + t * count / per get through. Raises `ValueError` for what could
    let nothing through.
    """

    count: int
    per: float = 60.0
    burst: int = 0

    def __post_init__(self) -> None:
        if self.count < 1 or self.burst < 0 or not 0 < self.per < math.inf:
            raise ValueError(
                f"a rate needs a count of 1 or more, a time of more than 0 seconds and no negative burst, not {self}"
            )

    @property
    def pace(self) -> Pace:
        """The same in whole microseconds, rounded so that the rate is never exceeded."""
        return Pace(math.ceil(self.per * MICROSECONDS / self.count), self.burst or self.count)


class Pace(NamedTuple):
    """A rate as it is reckoned with."""

    interval: int
    """Microseconds between two on average."""
    burst: int


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The limits of a channel; None is without limit. A fast human answers every two seconds, a loop at once.

    Each process counts for itself: behind a balancer over N of them a member may get up to N times as much.
    """

    address: Rate | None = Rate(60, burst=120)
    """For one number or user id on the channel."""
    member: Rate | None = Rate(120, burst=240)
    """For one person, over all their addresses."""
    overall: Rate | None = None
    """For everything that comes through the channel."""


def judge(pace: Pace, tat: int, now: int) -> tuple[bool, int, int]:
    """Whether one more may come now: `(allowed, new tat, retry_after)`, all in microseconds.

    `tat` is what was returned for the key the last time, 0 for a key nobody saw. Keep the new one in either case.
    What is refused costs nothing; it is allowed at `now + retry_after`, and not before.

    A `tat` further away than the whole burst is of a clock that was set back, and counts as the whole burst: nobody
    waits longer than one interval, and nobody gains by it.
    """
    interval, burst = pace
    if tat < now:
        tat = now
    elif tat > now + burst * interval:
        tat = now + burst * interval
    early = tat - (burst - 1) * interval - now
    if early > 0:
        return False, tat, early
    return True, tat + interval, 0
