"""What this process itself tracks, and what the store is yet to be told of it.

What is wanted is known at once and never waits for the store; writes follow, for each entry one at a time and in order.
What could not be written is owed, and written when the store is back: every write may be repeated.
"""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Callable
from typing import Final, Literal

from msgspec import structs

from kikao.live.stores.store import Change, Entry, LiveAway, LiveStore

LANES: Final = 32
"""Writes that are under way at once: with more of them, those that time out would only have waited for each other."""

REMEMBERED: Final = 60.0
"""Seconds for which it is known that an entry was taken away: no listing and no change that has it comes later."""

Fate = Literal["live", "held", "gone"]


class _Owed:
    """What the store is to be told of one entry."""

    __slots__ = ("after", "entry", "fate", "is_new", "replaces")

    def __init__(self, entry: Entry, fate: Fate, *, is_new: bool = False, replaces: str = "") -> None:
        self.entry = entry
        self.fate = fate
        self.is_new = is_new
        """Whether the store may not have it."""
        self.replaces = replaces
        self.after = ""
        """What is written first."""


class Owned:
    """Entries of this process.

    `written` gets each change that the store made of them, `missing` a topic in which the store did not have what it
    should have; both in the order of the writes of an entry.
    """

    def __init__(
        self,
        store: LiveStore,
        node: str,
        *,
        written: Callable[[Change], None],
        missing: Callable[[str], None],
        clock: Callable[[], float],
        window: float,
    ) -> None:
        self._store = store
        self._node = node
        self._written = written
        self._missing = missing
        self._clock = clock
        self._window = window
        self.entries: dict[str, Entry] = {}
        """What it vouches for, by ref: what is held, too, until the store knows of it."""
        self.gone: dict[str, float] = {}
        """Refs that were taken away, and since when the store knows."""
        self.is_away = False
        """Whether the store did not answer last. While that is so only `beat` of the tracker asks it."""
        self._held: dict[tuple[str, str], dict[str, tuple[Entry, float]]] = {}
        """By topic and key, and by ref: what waits for its client to come back, and until when."""
        self._moved: set[str] = set()
        """Refs of what is held while its client is connected elsewhere already."""
        self._owed: dict[str, _Owed] = {}
        self._then: dict[str, list[str]] = {}
        """By ref, what is removed when it is written: so that no key vanishes between."""
        self._moving: dict[str, asyncio.Task[None]] = {}
        """By ref, what is being written."""
        self._adopting: Counter[str] = Counter()
        """Topics in which an entry may have become ours before we know."""
        self._lanes = asyncio.Semaphore(LANES)
        self._flushing: asyncio.Task[None] | None = None

    @property
    def owes(self) -> int:
        """Entries of which the store does not know what it should."""
        return len(self._owed)

    # --- what is wanted ---

    def put(self, entry: Entry, *, replaces: Entry | None = None) -> None:
        """It is there from now on, in the place of another one of this process."""
        self.entries[entry.ref] = entry
        owed = self._owed[entry.ref] = _Owed(entry, "live", is_new=True)
        if replaces is None:
            self._start(entry.ref)
            return
        self._take(replaces.ref)
        owed.replaces = replaces.ref
        older, then = self._owed.pop(replaces.ref, None), self._then.pop(replaces.ref, [])
        if (
            older is not None and older.replaces
        ):  # two updates at once: the store may have the first of the three still
            first = structs.replace(replaces, ref=older.replaces)
            self._owed[first.ref] = _Owed(first, "gone")
            then.append(first.ref)
        for ref in then:
            if (waits := self._owed.get(ref)) is not None:
                waits.after = entry.ref
                self._then.setdefault(entry.ref, []).append(ref)
        self._start(entry.ref, after=self._moving.get(replaces.ref))

    def remove(self, entry: Entry) -> None:
        """It is not there any more, and never will be again."""
        self._take(entry.ref)
        older = self._owed.get(entry.ref)
        self._owed[entry.ref] = _Owed(entry, "gone", replaces=older.replaces if older else "")
        self._start(entry.ref)

    def hold(self, entry: Entry, seconds: float, *, moved: bool = False) -> None:
        """Its socket is gone; `adopt` takes it over within so many seconds, here or elsewhere. One that `moved` may be
        told too late: see `came_back`."""
        if moved:
            self._moved.add(entry.ref)
        self._held.setdefault((entry.topic, entry.key), {})[entry.ref] = entry, self._clock() + seconds
        older = self._owed.get(entry.ref)
        is_new, replaces = (older.is_new, older.replaces) if older else (False, "")
        self._owed[entry.ref] = _Owed(entry, "held", is_new=is_new, replaces=replaces)
        self._start(entry.ref)

    def lost(self, entry: Entry) -> None:
        """The store does not have it, though it should: put it again, as this process's own, whosever it was before."""
        own = self.entries.get(entry.ref)
        if own is not None and own.ref not in self._owed:
            self._owed[own.ref] = _Owed(own, "live", is_new=True)
            self._start(own.ref)

    def adopt_here(self, topic: str, key: str, meta: bytes) -> Entry | None:
        """What is held here, and not by the store yet: nobody else can have it."""
        now = self._clock()
        held = self._held.get((topic, key), {})
        for ref, (entry, until) in held.items():
            if ref in self.entries and entry.meta == meta and until > now:
                del held[ref]
                older = self._owed.get(ref)
                replaces = older.replaces if older else ""
                self._owed[ref] = _Owed(entry, "live", is_new=True, replaces=replaces)
                self._start(ref)
                return entry
        return None

    async def adopt(self, topic: str, key: str, meta: bytes) -> Entry | None:
        """Take over what the store holds of this key and meta, with its ref as it was; None where nothing is, or the
        store is away."""
        if self.is_away:
            return None
        asking = asyncio.get_running_loop().create_task(self._adopt(topic, key, meta))
        try:
            return await asyncio.shield(asking)
        except asyncio.CancelledError:  # whoever asked is gone: it waits for the next one
            asking.add_done_callback(self._for_nobody)
            raise

    # --- what the store may not know ---

    def regain(self) -> None:
        """The store has nothing of this process any more: put all that is its own again."""
        for entry in list(self.entries.values()):
            owed = self._owed.get(entry.ref)
            if owed is None:
                self._owed[entry.ref] = _Owed(entry, "live", is_new=True)
            else:
                owed.is_new = True

    def rehold(self, topic: str) -> None:
        """The store began anew: what is held in a topic is put there again, for as long as it has left."""
        now = self._clock()
        for (where, _), held in self._held.items():
            for ref, (entry, until) in held.items():
                if where == topic and until > now and ref not in self._owed:
                    self._owed[ref] = _Owed(entry, "held", is_new=True)
                    self._start(ref)

    def flush(self) -> None:
        """Write what is owed, in the background. What is to be there comes first, so that no key vanishes between."""
        if self._owed and (self._flushing is None or self._flushing.done()):
            self._flushing = asyncio.get_running_loop().create_task(self._flush())

    def sweep(self) -> list[Entry]:
        """Forget what is long gone. Returns entries that were held, of which the store does not know so, and whose time
        is over."""
        now = self._clock()
        for ref in [ref for ref, since in self.gone.items() if since + REMEMBERED < now]:
            del self.gone[ref]
        late: list[Entry] = []
        for place, held in list(self._held.items()):
            for ref, (entry, until) in list(held.items()):
                if until <= now and ref in self.entries:
                    late.append(entry)
                    del held[ref]
                elif until + REMEMBERED <= now:
                    del held[ref]
            if not held:
                del self._held[place]
        if self._moved:
            self._moved &= {ref for held in self._held.values() for ref in held}
        return late

    def held(self, key: str) -> list[Entry]:
        """What waits for a client of this key to come back."""
        now = self._clock()
        return [
            entry
            for (_, whose), held in self._held.items()
            for ref, (entry, until) in held.items()
            if whose == key and until > now and ref not in self.gone
        ]

    def is_held(self, entry: Entry) -> bool:
        """Whether its socket is gone."""
        return entry.ref in self._held.get((entry.topic, entry.key), ())

    def came_back(self, entry: Entry) -> bool:
        """Whether an entry of another process is that of a client who moved from here, and found nothing to adopt since
        it was not held yet. Of each that moved this is said once."""
        now = self._clock()
        for ref, (held, until) in self._held.get((entry.topic, entry.key), {}).items():
            if ref in self._moved and held.meta == entry.meta and until > now:
                self._moved.discard(ref)
                return True
        return False

    def is_live(self, entry: Entry) -> bool:
        """Whether it is this process's, with a socket."""
        return entry.ref in self.entries and not self.is_held(entry)

    def is_orphan(self, entry: Entry) -> bool:
        """Whether the store has it as this process's, and it is nobody's here: an answer that was lost said so."""
        return (
            entry.node == self._node
            and entry.ref not in self.entries
            and entry.ref not in self.gone
            and entry.ref not in self._owed
            and not self.is_held(entry)
            and not self._adopting[entry.topic]
        )

    async def settled(self) -> None:
        """When nothing is being written any more."""
        while tasks := [*self._moving.values(), *([self._flushing] if self._flushing else [])]:
            await asyncio.wait(tasks)
            if self._flushing is not None and self._flushing.done():
                self._flushing = None

    # --- writing ---

    def _take(self, ref: str) -> None:
        self.entries.pop(ref, None)
        self.gone[ref] = math.inf

    def _left(self, ref: str) -> None:
        """The store does not have it any more."""
        if ref in self.gone:
            self.gone[ref] = self._clock()

    def _start(self, ref: str, *, after: asyncio.Task[None] | None = None) -> None:
        """Write what is owed of an entry, unless that is under way: then it is seen when that is done."""
        if self.is_away or ref in self._moving:
            return
        self._moving[ref] = asyncio.get_running_loop().create_task(self._settle(ref, after))

    async def _settle(self, ref: str, after: asyncio.Task[None] | None) -> None:
        try:
            if after is not None:
                await asyncio.wait([after])
            async with self._lanes:
                while (owed := self._due(ref)) is not None:
                    await self._tell(owed)
        except LiveAway:
            self.is_away = True
        finally:
            del self._moving[ref]

    def _due(self, ref: str) -> _Owed | None:
        """What may be written of an entry now."""
        owed = self._owed.get(ref)
        return None if owed is None or self.is_away or owed.after in self._owed else owed

    async def _tell(self, owed: _Owed) -> None:
        entry = owed.entry
        if owed.fate == "gone":
            refs = [entry.ref, owed.replaces] if owed.replaces else [entry.ref]
            removed = await self._store.remove(entry.topic, refs)
            for ref in refs:
                self._left(ref)
            self._done(owed)
            if removed is not None:
                self._written(removed)
            return
        if owed.is_new:
            change = await self._store.put(entry, replaces=owed.replaces)
            if owed.replaces:
                self._left(owed.replaces)
            owed.is_new, owed.replaces = False, ""
            if owed.fate == "live":
                self._done(owed)
            self._written(change)
        if owed.fate == "held":
            await self._hold(owed)

    async def _hold(self, owed: _Owed) -> None:
        entry = owed.entry
        waiting = self._held.get((entry.topic, entry.key), {})
        held = waiting.get(entry.ref)
        left = held[1] - self._clock() if held else 0.0
        is_there = await self._store.hold(entry.topic, entry.ref, max(left, 0.0))
        if self._done(owed):
            self.entries.pop(entry.ref, None)
            if not is_there:
                waiting.pop(entry.ref, None)
                self._missing(entry.topic)

    def _done(self, owed: _Owed) -> bool:
        """Whether that is all that is wanted of it: something else may be by now."""
        if self._owed.get(owed.entry.ref) is not owed:
            return False
        del self._owed[owed.entry.ref]
        for ref in self._then.pop(owed.entry.ref, ()):
            self._start(ref)
        return True

    async def _flush(self) -> None:
        for is_gone in (False, True):
            refs = [ref for ref, owed in self._owed.items() if (owed.fate == "gone") is is_gone]
            for ref in refs:
                self._start(ref)
            if tasks := [self._moving[ref] for ref in refs if ref in self._moving]:
                await asyncio.wait(tasks)

    # --- taking over ---

    async def _adopt(self, topic: str, key: str, meta: bytes) -> Entry | None:
        self._adopting[topic] += 1
        try:
            async with self._lanes:
                entry = await self._store.adopt(topic, key, meta, self._node)
            if entry is not None:
                self._held.get((topic, key), {}).pop(entry.ref, None)
                self.entries[entry.ref] = entry
            return entry
        except LiveAway:  # it may be this process's now, without anybody: a listing tells
            self.is_away = True
            held = self._held.get((topic, key), {})
            for ref in [ref for ref, (each, _) in held.items() if each.meta == meta]:
                del held[ref]
            self._missing(topic)
            return None
        finally:
            self._adopting[topic] -= 1
            if not self._adopting[topic]:
                del self._adopting[topic]

    def _for_nobody(self, asked: asyncio.Task[Entry | None]) -> None:
        if not asked.cancelled() and asked.exception() is None and (entry := asked.result()) is not None:
            self.hold(entry, self._window)
