"""What a provider tells the server: each event in a request, again and again until it is taken, and in bad order."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

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
    lanes: frozenset[str] = frozenset()
    """What shares one with another stays behind it, also while that could not be delivered."""
    due: float = 0.0
    copy: bool = False
    changed: bool = False
    """Whether it is a copy with other bytes."""
    answers: list[int] = field(default_factory=list)
    """The status of each try, 0 for no answer."""
    taken: bool = False
    under_way: bool = False
    late: bool = False
    """Whether it was held up once, at random."""


class Disorder(NamedTuple):
    """How much of it there is; shares from 0 to 1."""

    again: float = 0.0
    changed: float = 0.0
    swapped: float = 0.0
    batched: float = 0.0
    late: float = 0.0
    spread: float = 0.0


class Deliveries:
    """What waits, and what was taken. Nothing is delivered by itself: `deliver` does what is due by the clock."""

    def __init__(
        self, pack: Pack, clock: Callable[[], float], chance: random.Random, *, batches: bool = False
    ) -> None:
        self.send: Send | None = None
        self.heard: Callable[[bytes], Awaitable[None]] | None = None
        """Hears what a request that was taken was answered, of a provider that does what stands there."""
        self.held = False
        """While True all of it waits, until `release`."""
        self.at_once = 1
        """How many requests may be under way at the same time."""
        self.waiting: list[Parcel] = []
        self.taken: list[Parcel] = []
        """In the order in which it was taken, copies too."""
        self.tries = 0
        """Requests made, whatever was answered."""
        self._pack = pack
        self._clock = clock
        self._chance = chance
        self._batches = batches
        self._disorder = Disorder()

    def disturb(
        self,
        *,
        again: float = 0.0,
        changed: float = 0.0,
        swapped: float = 0.0,
        batched: float = 0.0,
        late: float = 0.0,
        spread: float = 0.0,
    ) -> None:
        """From now on, at random: so many of what is taken come `again`, and so many of these with other bytes
        (`changed`); so many of what is due at the same time come before what was before them, in whatever lane
        (`swapped`), or in one request with it (`batched`, where the provider does that); and so many come `late`.
        Copies, and what is late, are due within `spread` seconds of the clock."""
        self._disorder = Disorder(again, changed, swapped, batched, late, spread)

    def post(self, event: Any, lane: str = "") -> Parcel:
        """Something has happened."""
        parcel = Parcel((event,), frozenset((lane,)) if lane else frozenset(), self._clock())
        self.waiting.append(parcel)
        return parcel

    @property
    def next_due(self) -> float | None:
        """When something is to be delivered next, seconds since the epoch; None for never."""
        first: list[float] = []
        stuck: set[str] = set()
        for parcel in self.waiting:
            if not parcel.lanes & stuck:
                first.append(parcel.due)
            stuck |= parcel.lanes
        return None if self.held else min(first, default=None)

    async def deliver(self) -> int:
        """Deliver what is due; the number of requests that were taken."""
        count = 0
        while not self.held and (due := self._mixed(self._due())):
            if self.at_once == 1:
                count += await self._one_by_one(due)
            else:
                room = asyncio.Semaphore(self.at_once)
                count += sum(await asyncio.gather(*(self._within(room, parcel) for parcel in _abreast(due))))
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
            parcels = [_joined(parcels)]
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
            if self._is_late(parcel):
                parcel.due, parcel.late = now + self._chance.random() * self._disorder.spread, True
            if parcel.under_way or parcel.due > now or parcel.lanes & stuck:
                stuck |= parcel.lanes
            else:
                due.append(parcel)
        return due

    def _is_late(self, parcel: Parcel) -> bool:
        new = not (parcel.late or parcel.under_way or parcel.answers)
        parcel.late = parcel.late or new
        return new and self._disorder.late > 0 and self._chance.random() < self._disorder.late

    def _mixed(self, due: list[Parcel]) -> list[Parcel]:
        chance, disorder = self._chance, self._disorder
        if disorder.swapped:
            for place in range(len(due) - 1):
                if chance.random() < disorder.swapped:
                    due[place], due[place + 1] = due[place + 1], due[place]
        if not (disorder.batched and self._batches):
            return due
        runs: list[list[Parcel]] = []
        for parcel in due:
            if (
                runs
                and len(parcel.events) == len(runs[-1][0].events) == 1
                and chance.random() < disorder.batched
            ):
                runs[-1].append(parcel)
            else:
                runs.append([parcel])
        return [run[0] if len(run) == 1 else self._join(run) for run in runs]

    def _join(self, run: list[Parcel]) -> Parcel:
        """Several parcels in place of the first of them."""
        joined = _joined(run)
        gone = set(map(id, run[1:]))
        self.waiting = [
            joined if parcel is run[0] else parcel for parcel in self.waiting if id(parcel) not in gone
        ]
        return joined

    async def _one_by_one(self, due: list[Parcel]) -> int:
        count = 0
        stuck: set[str] = set()
        for parcel in due:
            if parcel.under_way or parcel.taken:
                continue
            if not parcel.lanes & stuck and await self._deliver(parcel):
                count += 1
            else:
                stuck |= parcel.lanes
        return count

    async def _within(self, room: asyncio.Semaphore, parcel: Parcel) -> int:
        parcel.under_way = True
        async with room:
            return await self._deliver(parcel)

    async def _deliver(self, parcel: Parcel) -> int:
        parcel.under_way = True
        try:
            status = await self._request(parcel, parcel.changed)
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
        chance, disorder = self._chance, self._disorder
        if disorder.again and not parcel.copy and chance.random() < disorder.again:
            changed = chance.random() < disorder.changed
            due = self._clock() + chance.random() * disorder.spread
            self.waiting.append(Parcel(parcel.events, due=due, copy=True, changed=changed, late=True))
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


def _joined(parcels: Sequence[Parcel]) -> Parcel:
    """All of it in one request."""
    lanes = frozenset(lane for parcel in parcels for lane in parcel.lanes)
    events = tuple(event for parcel in parcels for event in parcel.events)
    return Parcel(events, lanes, min(parcel.due for parcel in parcels), late=True)


def _abreast(due: Sequence[Parcel]) -> list[Parcel]:
    """Of each lane the first."""
    found: list[Parcel] = []
    met: set[str] = set()
    for parcel in due:
        if not parcel.lanes & met:
            found.append(parcel)
        met |= parcel.lanes
    return found
