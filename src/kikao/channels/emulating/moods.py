"""What may be wrong with a provider that is called: the same words for all of them.

api.fails(2)                  # the next two calls get a 503, and nothing happens
api.limits(5.0)               # for five seconds of its clock every call is too many
api.loses()                   # takes the next call, and shows nothing
api.does_not_answer()         # performs the next one, and nobody hears of it
api.refuses()                 # nobody takes the connection of the next one
api.held = asyncio.Event()    # takes its time, until that is set
api.slow(0.2)                 # takes so many seconds for each call
api.shaky(failing=0.1, limiting=0.05, silent=0.05)   # at random, by its seed
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final, Literal, NamedTuple

Kind = Literal["fails", "limits", "loses", "silent", "refuses"]

WAIT: Final = 1.0
"""Seconds that a provider asks to wait where calls are limited at random."""


class Mood(NamedTuple):
    """What becomes of one call."""

    kind: Kind
    value: float = 0.0
    """The status of one that fails; of one that is too many, the seconds to wait."""


class Shares(NamedTuple):
    """Of calls, at random: each from 0 to 1, together at most 1."""

    failing: float = 0.0
    limiting: float = 0.0
    losing: float = 0.0
    silent: float = 0.0
    refusing: float = 0.0


class Moods:
    """The moods of a provider; well unless told otherwise."""

    def __init__(
        self,
        clock: Callable[[], float],
        chance: random.Random,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.clock = clock
        """Seconds since the epoch."""
        self.chance = chance
        self.held: asyncio.Event | None = None
        """Calls wait for it, where it is set."""
        self.pause = pause
        """Lets real time pass, for `slow`."""
        self._takes = 0.0
        self._until = 0.0
        self._next: deque[Mood] = deque()
        self._shares = Shares()

    def fails(self, times: int = 1, status: int = 503) -> None:
        """The next calls get this status, and nothing happens."""
        self._next += [Mood("fails", status)] * times

    def limits(self, seconds: float) -> None:
        """All calls of the next seconds are too many; they are told how long it lasts."""
        self._until = self.clock() + seconds

    def loses(self, times: int = 1) -> None:
        """The next calls are taken, and nobody ever sees what was sent."""
        self._next += [Mood("loses")] * times

    def does_not_answer(self, times: int = 1) -> None:
        """The next calls are performed, and their answer is lost."""
        self._next += [Mood("silent")] * times

    def refuses(self, times: int = 1) -> None:
        """Nobody takes the connection of the next calls."""
        self._next += [Mood("refuses")] * times

    def slow(self, seconds: float) -> None:
        """Each call takes so long, of real time."""
        self._takes = seconds

    def shaky(
        self,
        *,
        failing: float = 0.0,
        limiting: float = 0.0,
        losing: float = 0.0,
        silent: float = 0.0,
        refusing: float = 0.0,
    ) -> None:
        """From now on so many of all calls fail, are too many, are lost, get no answer, or find nobody.

        Raises `ValueError` for shares that are more than everything.
        """
        shares = Shares(failing, limiting, losing, silent, refusing)
        if min(shares) < 0 or sum(shares) > 1:
            raise ValueError(f"shares are at least 0, and together at most 1: {shares}")
        self._shares = shares

    def recovers(self) -> None:
        """Whatever mood was left: none is."""
        self._next.clear()
        self._until = self._takes = 0.0
        self._shares = Shares()
        if self.held is not None:
            self.held.set()
            self.held = None

    async def takes_time(self) -> None:
        """As long as a call has to wait now."""
        if self.held is not None:
            await self.held.wait()
        if self._takes:
            await self.pause(self._takes)

    def mood(self) -> Mood | None:
        """That of the next call; None where all is well."""
        left = self._until - self.clock()
        if left > 0:
            return Mood("limits", left)
        if self._next:
            return self._next.popleft()
        if any(self._shares):
            drawn = self.chance.random()
            for share, mood in zip(self._shares, _AT_RANDOM, strict=True):
                if drawn < share:
                    return mood
                drawn -= share
        return None


_AT_RANDOM: Final = (Mood("fails", 503), Mood("limits", WAIT), Mood("loses"), Mood("silent"), Mood("refuses"))
"""By the order of `Shares`."""
