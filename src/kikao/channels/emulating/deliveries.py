"""What a provider tells the server: each event in a request, again and again until it is taken, and in bad order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange

Send = Callable[[Exchange], Awaitable[Response]]
"""To the server. Raises `OSError` when no complete reply came."""

Pack = Callable[[Sequence[Any], bool], Exchange]
"""Events to a signed request; where the flag is set, with the same in it and other bytes."""

Order = Literal["same", "reversed", "shuffled"]

FIRST: Final = 1.0
LONGEST: Final = 3600.0
"""Seconds: what was not taken comes again after 1, 2, 4 ... at most an hour."""


@dataclass(slots=True, eq=False)
class Parcel:
    """One request, and what became of it."""

    events: tuple[Any, ...]
    lane: str = ""
    """What has the same one stays in order: it waits for what could not be delivered before. Empty for none."""
    due: float = 0.0
    answers: list[int] = field(default_factory=list)
    """The status of each try, 0 for no answer."""
    taken: bool = False
    under_way: bool = False


class Deliveries:
    """What waits, and what was taken. Nothing is delivered by itself: `deliver` does what is due by the clock."""

    def __init__(self, pack: Pack, clock: Callable[[], float], chance: random.Random) -> None:
        self.send: Send | None = None
        self.heard: Callable[[bytes], Awaitable[None]] | None = None
        """Hears what a request that was taken was answered, of a provider that does what stands there."""
        self.held = False
        """While True all of it waits, until `release`."""
        self.waiting: list[Parcel] = []
        self.taken: list[Parcel] = []
        """In the order in which it was taken."""
        self.tries = 0
        """Requests made, whatever was answered."""
        self._pack = pack
        self._clock = clock
        self._chance = chance
        self._again = self._changed = self._swapped = 0.0

    def disturb(self, *, again: float = 0.0, changed: float = 0.0, swapped: float = 0.0) -> None:
        """From now on so many of what is taken come once more, so many of those with other bytes, and so many of what
        is due at the same time come before what was due before them; shares from 0 to 1."""
        self._again, self._changed, self._swapped = again, changed, swapped

    def post(self, event: Any, lane: str = "") -> Parcel:
        """Something has happened."""
        parcel = Parcel((event,), lane, self._clock())
        self.waiting.append(parcel)
        return parcel

    @property
    def next_due(self) -> float | None:
        """When something is to be delivered next, seconds since the epoch; None for never."""
        first: dict[str, float] = {}
        for place, parcel in enumerate(self.waiting):
            first.setdefault(parcel.lane or f" {place}", parcel.due)
        return None if self.held else min(first.values(), default=None)

    async def deliver(self) -> int:
        """Deliver what is due; the number of requests that were taken."""
        count = 0
        while not self.held and (due := self._due()):
            stuck: set[str] = set()
            for parcel in self._mixed(due):
                if parcel.under_way or parcel.taken or (parcel.lane and parcel.lane in stuck):
                    continue
                if await self._deliver(parcel):
                    count += 1
                else:
                    stuck.add(parcel.lane)
        return count

    async def release(self, order: Order = "same", *, batch: bool = False, at_once: bool = False) -> None:
        """Let go what was held: in another order, all of it in one request, or all requests at the same time."""
        self.held = False
        parcels, self.waiting = self.waiting, []
        if order == "reversed":
            parcels.reverse()
        elif order == "shuffled":
            self._chance.shuffle(parcels)
        if batch and parcels:
            parcels = [Parcel(tuple(event for parcel in parcels for event in parcel.events))]
        self.waiting += parcels
        for parcel in parcels:
            parcel.due = self._clock()
        if at_once:
            await asyncio.gather(*(self._deliver(parcel) for parcel in parcels))
        elif order == "same":
            await self.deliver()
        else:
            for parcel in parcels:
                await self._deliver(parcel)

    async def again(self, back: int = 0, *, changed: bool = False, times: int = 1) -> list[int]:
        """Deliver something once more that was taken, the last of all with 0; `times` at the same time. The statuses.

        Raises `LookupError` when nothing was.
        """
        if back >= len(self.taken):
            raise LookupError(f"{len(self.taken)} requests were taken: there is none {back} before the last")
        return await self.repeat(self.taken[-1 - back], changed=changed, times=times)

    async def repeat(self, parcel: Parcel, *, changed: bool = False, times: int = 1) -> list[int]:
        """The same for one parcel, whatever became of it."""
        return list(await asyncio.gather(*(self._request(parcel, changed) for _ in range(times))))

    def _due(self) -> list[Parcel]:
        now, due = self._clock(), []
        stuck: set[str] = set()
        for parcel in self.waiting:
            if parcel.under_way or parcel.due > now:
                stuck.add(parcel.lane)
            elif not parcel.lane or parcel.lane not in stuck:
                due.append(parcel)
        return due

    def _mixed(self, due: list[Parcel]) -> list[Parcel]:
        if self._swapped:
            for place in range(len(due) - 1):
                if self._chance.random() < self._swapped:
                    due[place], due[place + 1] = due[place + 1], due[place]
        return due

    async def _deliver(self, parcel: Parcel) -> int:
        parcel.under_way = True
        try:
            status = await self._request(parcel, False)
        finally:
            parcel.under_way = False
        if not 200 <= status < 300:
            wait = min(FIRST * 2.0 ** min(len(parcel.answers) - 1, 32), LONGEST)
            parcel.due = self._clock() + wait
            return 0
        parcel.taken = True
        if parcel in self.waiting:
            self.waiting.remove(parcel)
        self.taken.append(parcel)
        if self._again and self._chance.random() < self._again:
            await self._request(parcel, self._chance.random() < self._changed)
        return 1

    async def _request(self, parcel: Parcel, changed: bool) -> int:
        if self.send is None:
            raise LookupError("nobody to deliver to: give `send`, such as kikao.testing.in_process(server)")
        self.tries += 1
        try:
            response = await self.send(self._pack(parcel.events, changed))
        except OSError:
            status = 0
        else:
            status = response.status
            if status == 200 and self.heard is not None:
                await self.heard(response.body)
        parcel.answers.append(status)
        return status
