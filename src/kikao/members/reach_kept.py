"""What may be written to which address, kept in the records and shared by all processes.

A turn tells that the member wrote, each time, and must not pay for it: what is stored of that is at most an hour old
(`COARSE`), and a process remembers the addresses it met. Only what changes how an address stands is stored at once. So
the window of free text is judged to close up to an hour early, unless the message itself knows what it answers.

What one process remembers another may have made untrue: somebody else was told that the member blocked us, and the
member writes here. So what was heard and not stored is compared with what is stored twice a minute, beside the turns.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple

from kikao.events import AddressesSwept, Event, Publish, described
from kikao.members import reach_rows
from kikao.members.addresses import address
from kikao.members.reach import Purpose, Reach, Told, Verdict, checked_line, window_of
from kikao.members.reaches import REMEMBERED, changes, hears_nothing
from kikao.members.vault import Vault
from kikao.records import CommitUnknown, Records, RecordsAway

COARSE: Final = 3600.0
"""Seconds that what is stored of when a member last wrote may be behind."""

JUST: Final = 30.0
"""Seconds in which who answers a member trusts what this process knows of them, and asks nobody."""

EVERY: Final = 30.0
"""Seconds between comparing what was heard with what is stored."""

KEPT: Final = 30 * 86_400.0
"""Seconds that an open address is remembered in which nothing is told of it: its window has closed long since."""

SWEEPS: Final = 3600.0
"""Seconds between two sweeps."""

BATCH: Final = 200
"""Addresses in one transaction."""

Key = tuple[bytes, str]
"""The hash of an address, and a line."""


class _Met(NamedTuple):
    """What a process remembers of an address that is open."""

    stored: Reach
    heard_at: float
    """By what this process heard, which is not stored each time."""


class KeptReaches:
    """What is known of addresses, in the records. One per process; a directory has one (`Directory.reach`).

    `meet` makes sure that there is a member behind an address.
    """

    def __init__(
        self,
        records: Records,
        vault: Callable[[], Vault],
        meet: Callable[[str, str], Awaitable[object]],
        *,
        clock: Callable[[], float] = time.time,
        size: int = REMEMBERED,
        patience: float = 2.0,
    ) -> None:
        """`clock` gives seconds since the epoch; a turn waits `patience` seconds for the records, at most."""
        self._records = records
        self._vault = vault
        self._meet = meet
        self._clock = clock
        self._size = size
        self._patience = patience
        self._met: OrderedDict[Key, _Met] = OrderedDict()
        self._unstored: OrderedDict[Key, float] = OrderedDict()
        """What was heard and is not stored, to be looked at again."""
        self._coming: dict[Key, float] = {}
        """What was heard and is stored next."""
        self._last: asyncio.Task[int] | None = None
        self._next: asyncio.Task[int] | None = None
        self.publish: Publish = hears_nothing

    def __len__(self) -> int:
        """How many addresses are remembered in the process."""
        return len(self._met)

    # --- telling ---

    async def heard(self, kind: str, identity: str, line: str, at: float) -> None:
        """See `Reaches.heard`. Asks nobody for an address that is open and was stored within the hour."""
        now = self._clock()
        at, key = min(at, now), self._key(kind, identity, line)
        met = self._met.get(key)
        if met is not None and not _is_news(met.stored, at, now, line):
            self._met[key] = met._replace(heard_at=max(at, met.heard_at))
            self._met.move_to_end(key)
            self._later(key, at)
            return
        try:
            async with asyncio.timeout(self._patience):
                await asyncio.shield(self._together(key, at))
        except (RecordsAway, CommitUnknown):
            self._later(key, at)
            raise
        except TimeoutError:
            self._later(key, at)
            raise RecordsAway(
                f"records: {self._records.where} does not say what is known of an address"
            ) from None

    async def tell(
        self,
        kind: str,
        identity: str,
        line: str,
        what: Told,
        *,
        reason: str = "",
        at: float,
        until: float | None = None,
    ) -> bool:
        """See `Reaches.tell`."""
        key = self._key(kind, identity, line)
        if what == "stopped":
            # Only START takes it back: it has to outlast a change of keys, which takes along what members have.
            await self._meet(kind, identity)
        met = self._met.get(key)
        news = Reach(heard_at=0.0 if met is None else met.heard_at)
        news = news.told(what, min(at, self._clock()), reason, until=until)
        return await self._learn([(key, news)])

    # --- asking ---

    async def of(self, kind: str, identity: str, line: str) -> Reach:
        """See `Reaches.of`. It reads the records each time: another process may have been told a moment ago."""
        key = self._key(kind, identity, line)
        known, met = await self._stored(key), self._met.get(key)
        return known if met is None else known.heard(met.heard_at)

    async def may(
        self, kind: str, identity: str, line: str, purpose: Purpose, *, heard_at: float = 0.0
    ) -> Verdict:
        """See `Reaches.may`."""
        now = self._clock()
        met = self._met.get(self._key(kind, identity, line)) if now - heard_at < JUST else None
        known = await self.of(kind, identity, line) if met is None or purpose != "reply" else met.stored
        return known.heard(min(heard_at, now)).may(purpose, now, window=window_of(line))

    # --- beside the turns ---

    async def run(self) -> None:
        """Compare and sweep for ever; cancel it to stop."""
        swept_at = self._clock()
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.once()
                if self._clock() - swept_at >= SWEEPS:
                    swept_at = self._clock()
                    await self.sweep()
            except (RecordsAway, CommitUnknown):
                continue  # readiness tells; the next round tries again
            except Exception as error:  # noqa: BLE001 - this must not end silently
                self.publish(AddressesSwept(count=0, error=described(error)))

    async def once(self) -> int:
        """Compare what was heard with what is stored; how many had to be stored. Raises `RecordsAway`."""
        stored = 0
        while self._unstored:
            batch = dict(self._unstored.popitem(last=False) for _ in range(min(BATCH, len(self._unstored))))
            try:
                stored += await self._compare(batch)
            except BaseException:
                for key, at in batch.items():
                    self._later(key, at)
                raise
        return stored

    async def sweep(self) -> int:
        """Forget open addresses of which nothing was told for `KEPT` seconds; how many. Raises `RecordsAway`."""
        before, count, batch = self._clock() - KEPT, 0, BATCH
        while batch == BATCH:
            batch = await self._records.write(lambda connection: reach_rows.sweep(connection, before, BATCH))
            count += batch
        if count:
            self.publish(AddressesSwept(count=count))
        return count

    async def close(self) -> None:
        """Store nothing more, and forget."""
        tasks = [task for task in (self._last, self._next) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self.clear()

    def clear(self) -> None:
        """Forget what this process remembers."""
        self._met.clear()
        self._unstored.clear()

    # --- parts ---

    def _key(self, kind: str, identity: str, line: str) -> Key:
        return self._vault().hash(address(kind, identity)), checked_line(line)

    async def _stored(self, key: Key) -> Reach:
        ring = self._vault().ring
        return await self._records.read(lambda connection: reach_rows.known(connection, ring, *key))

    def _together(self, key: Key, at: float) -> asyncio.Task[int]:
        """Store what was heard with what else is heard at the moment: one transaction, as soon as the last is over."""
        self._coming[key] = max(at, self._coming.get(key, 0.0))
        if self._next is None:
            self._next = asyncio.create_task(self._after(self._last))
            self._next.add_done_callback(_nobody_waited)
        return self._next

    async def _after(self, last: asyncio.Task[int] | None) -> int:
        if last is not None:
            await asyncio.wait([last])
        self._last, self._next = self._next, None
        coming, self._coming = list(self._coming.items()), {}
        return sum(
            [await self._compare(dict(coming[at : at + BATCH])) for at in range(0, len(coming), BATCH)]
        )

    async def _compare(self, batch: dict[Key, float]) -> int:
        """Store what of it is news; how many were."""
        ring, now = self._vault().ring, self._clock()
        hashes = {hashed for hashed, _ in batch}
        found = await self._records.read(lambda connection: reach_rows.known_of(connection, ring, hashes))
        news: list[tuple[Key, Reach]] = []
        for key, at in batch.items():
            stored = found.get(key, reach_rows.NOTHING)
            if _is_news(stored, at, now, key[1]):
                news.append((key, Reach(heard_at=at)))
            else:
                self._remember(key, stored, at)
        if news:
            await self._learn(news)
        return len(news)

    async def _learn(self, news: Sequence[tuple[Key, Reach]]) -> bool:
        """Store what is new; whether that changed how an address stands."""
        ring, told = self._vault().ring, [(*key, reach) for key, reach in news]
        try:
            learned = await self._records.write(lambda connection: reach_rows.learn(connection, ring, told))
        except BaseException:
            for key, _ in news:
                self._met.pop(key, None)  # nobody knows whether it was stored
            raise
        events: list[Event] = []
        for (key, reach), (before, after) in zip(news, learned, strict=True):
            self._remember(key, after, reach.heard_at)
            events += changes(key[1], before, after)
        for event in events:
            self.publish(event)
        return bool(events)

    def _remember(self, key: Key, stored: Reach, heard_at: float) -> None:
        """Keep in mind what is stored, where that is open; of what is not, the records are asked each time."""
        self._met.pop(key, None)
        if stored.standing == "open":
            self._met[key] = _Met(stored, max(heard_at, stored.heard_at))
            if len(self._met) > self._size:
                self._met.popitem(last=False)

    def _later(self, key: Key, at: float) -> None:
        self._unstored[key] = max(at, self._unstored.pop(key, 0.0))
        if len(self._unstored) > self._size:
            self._unstored.popitem(last=False)


def _nobody_waited(task: asyncio.Task[int]) -> None:
    """Whoever waited has its error, or waits no more."""
    if not task.cancelled():
        task.exception()


def _is_news(stored: Reach, at: float, now: float, line: str) -> bool:
    """Whether it has to be stored that the member wrote: it is an hour later, or says something else of the address."""
    if at - stored.heard_at >= COARSE:
        return True
    standing = stored.standing
    if standing != "open":
        return stored.heard(at).standing != standing
    window = window_of(line)
    return window is not None and stored.heard_at + window <= now < at + window
