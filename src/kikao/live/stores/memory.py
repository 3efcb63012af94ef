"""The live store of one process: dicts, an injected clock, and no lock, since nothing here waits.

About 300 octets for an entry beside the strings that are the caller's, and 250 for a topic of its own.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from heapq import heappop, heappush
from itertools import islice
from secrets import token_hex
from typing import Final

from kikao.live.stores import epochs
from kikao.live.stores.store import EMPTY, LEASE, REMEMBERED, Change, Entry, Listing, Position, Recovery

Clock = Callable[[], float]

EPOCH: Final = 8
"""Random octets of an epoch."""


class _Topic:
    __slots__ = ("entries", "epoch", "version")

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.version = 0
        self.entries: dict[str, Entry] = {}

    def changed(self, name: str, joins: tuple[Entry, ...], leaves: tuple[Entry, ...]) -> Change:
        if joins or leaves:
            self.version += 1
        return Change(name, self.epoch, self.version, joins, leaves)


class MemoryPresence:
    """Who is present: what `LiveStore` says of nodes and presence, for one process."""

    def __init__(self, *, clock: Clock = time.monotonic, lease: float = LEASE) -> None:
        self._clock = clock
        self._lease = lease
        self._topics: dict[str, _Topic] = {}
        self._empty: dict[str, float] = {}
        """Topics without entries, and since when; those that are so for longest come first."""
        self._epoch = token_hex(EPOCH)
        """Of topics that begin now: another one once any was forgotten, which so does not begin as it was."""
        self._nodes: dict[str, float] = {}
        """Until when each lives; those that are dead stay, so that they are told."""
        self._buried: set[str] = set()
        """Dead nodes that have nothing any more."""
        self._held: dict[str, float] = {}
        """By ref, until when."""
        self._ends: list[tuple[float, str, str]] = []
        """A heap: when a hold ends, of which topic and ref. Of what is not held any more, too."""
        self._waiting: dict[tuple[str, str, bytes], list[str]] = {}
        """Refs that are held, by topic, key and meta."""

    async def beat(self, node: str) -> bool:
        now = self._clock()
        until = self._nodes.get(node)
        self._nodes[node] = now + self._lease
        self._buried.discard(node)
        return until is None or until > now

    async def retire(self, node: str, seconds: float) -> None:
        for name, topic in self._topics.items():
            for entry in topic.entries.values():
                if entry.node == node and entry.ref not in self._held:
                    self._hold(name, entry, seconds)
        self._nodes.pop(node, None)

    async def put(self, entry: Entry, *, replaces: str = "") -> Change:
        self._owns(entry.node)
        topic = self._topic(entry.topic)
        joins: tuple[Entry, ...] = ()
        if (known := topic.entries.get(entry.ref)) is None:
            topic.entries[entry.ref] = entry
            self._empty.pop(entry.topic, None)
            joins = (entry,)
        elif entry.ref in self._held:
            self._release(known)
        gone = topic.entries.pop(replaces, None) if replaces != entry.ref else None
        if gone is not None:
            self._release(gone)
        return topic.changed(entry.topic, joins, () if gone is None else (gone,))

    async def hold(self, topic: str, ref: str, seconds: float) -> bool:
        known = self._topics.get(topic)
        entry = known.entries.get(ref) if known is not None else None
        if entry is None:
            return False
        self._release(entry)
        self._hold(topic, entry, seconds)
        return True

    async def adopt(self, topic: str, key: str, meta: bytes, node: str) -> Entry | None:
        refs = self._waiting.get((topic, key, meta))
        if not refs:
            return None
        self._owns(node)
        entries = self._topics[topic].entries
        known = entries[refs[0]]
        self._release(known)
        adopted = Entry(topic, key, known.ref, node, meta, known.before)
        entries[known.ref] = adopted
        return adopted

    async def remove(self, topic: str, refs: Collection[str]) -> Change | None:
        return self._remove(topic, refs)

    async def listing(self, topic: str) -> Listing:
        known = self._topic(topic)
        return Listing(known.epoch, known.version, tuple(known.entries.values()))

    async def versions(self, topics: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        found: dict[str, tuple[str, int]] = {}
        for name in topics:
            topic = self._topics.get(name)
            found[name] = ("", 0) if topic is None else (topic.epoch, topic.version)
        return found

    async def reap(self, *, most: int = 1000) -> list[Change]:
        now = self._clock()
        due: dict[str, str] = {}  # topics by ref, which may be held twice until the same moment
        while len(due) < most and self._ends and self._ends[0][0] <= now:
            until, name, ref = heappop(self._ends)
            if self._held.get(ref) == until:
                due[ref] = name
        dead = {node for node, until in self._nodes.items() if until <= now} - self._buried
        if dead and len(due) < most:
            ghosts = (
                (entry.ref, name)
                for name, topic in self._topics.items()
                for entry in topic.entries.values()
                if entry.node in dead and entry.ref not in self._held
            )
            due.update(islice(ghosts, most - len(due)))
            if len(due) < most:
                self._buried |= dead
        gone: dict[str, list[str]] = {}
        for ref, name in due.items():
            gone.setdefault(name, []).append(ref)
        self._forget_topics(now)
        changes = (self._remove(name, refs) for name, refs in gone.items())
        return [change for change in changes if change is not None]

    def _owns(self, node: str) -> None:
        """One that never beat, or is dead, has entries until the next look only."""
        self._nodes.setdefault(node, self._clock() + self._lease)
        self._buried.discard(node)

    def _topic(self, name: str) -> _Topic:
        topic = self._topics.get(name)
        if topic is None:
            topic = self._topics[name] = _Topic(self._epoch)
            self._empty[name] = self._clock()
        return topic

    def _remove(self, name: str, refs: Collection[str]) -> Change | None:
        topic = self._topics.get(name)
        if topic is None:
            return None
        gone = [entry for ref in dict.fromkeys(refs) if (entry := topic.entries.pop(ref, None)) is not None]
        if not gone:
            return None
        for entry in gone:
            self._release(entry)
        if not topic.entries:
            self._empty[name] = self._clock()
        return topic.changed(name, (), tuple(gone))

    def _hold(self, name: str, entry: Entry, seconds: float) -> None:
        until = self._clock() + seconds
        self._held[entry.ref] = until
        heappush(self._ends, (until, name, entry.ref))
        self._waiting.setdefault((name, entry.key, entry.meta), []).append(entry.ref)

    def _release(self, entry: Entry) -> None:
        if self._held.pop(entry.ref, None) is None:
            return
        place = (entry.topic, entry.key, entry.meta)
        refs = self._waiting[place]
        refs.remove(entry.ref)
        if not refs:
            del self._waiting[place]

    def _forget_topics(self, now: float) -> None:
        while self._empty:
            name, since = next(iter(self._empty.items()))
            if since + EMPTY > now:
                return
            del self._empty[name], self._topics[name]
            self._epoch = token_hex(EPOCH)


class _Stream:
    __slots__ = ("ages", "epoch", "messages", "seconds", "top", "used_at")

    def __init__(self, epoch: str, now: float) -> None:
        self.epoch = epoch
        self.top = 0
        self.messages: deque[tuple[float, bytes]] = deque()
        """When each came, and the message."""
        self.seconds = 0.0
        self.used_at = now
        self.ages = False
        """Whether it is looked at when its oldest message is too old."""

    def trim(self, now: float) -> None:
        while self.messages and self.messages[0][0] + self.seconds <= now:
            self.messages.popleft()


class MemoryLive(MemoryPresence):
    """See `LiveStore`. `clock` counts durations, `wall` says when it is; `lease` is in seconds."""

    def __init__(
        self, *, clock: Clock = time.monotonic, wall: Clock = time.time, lease: float = LEASE
    ) -> None:
        super().__init__(clock=clock, lease=lease)
        self._wall = wall
        self._name = epochs.new_store()
        self._streams: dict[str, _Stream] = {}
        self._ages: list[tuple[float, str]] = []
        """A heap: when the oldest message of a stream is too old."""
        self._fades: list[tuple[float, str]] = []
        """A heap: when to see whether a stream may be forgotten; once for each."""
        self._log_outs: dict[str, tuple[float, float]] = {}
        """By user, when it was, and until when it counts."""
        self._forgets: list[tuple[float, str]] = []
        """A heap: when a log-out may be forgotten."""

    async def open(self) -> None:
        """There is nothing to open."""

    async def close(self) -> None:
        """There is nothing to close."""

    async def answers(self) -> None:
        """It always does."""

    async def reap(self, *, most: int = 1000) -> list[Change]:
        now = self._clock()
        self._sweep_streams(now)
        self._sweep_log_outs(now)
        return await super().reap(most=most)

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        now = self._clock()
        known = self._streams.get(stream)
        if known is None:
            known = self._streams[stream] = _Stream(epochs.begun(self._name, now), now)
            heappush(self._fades, (now + REMEMBERED, stream))
        known.used_at = now
        known.top += 1
        known.seconds = seconds
        known.messages.append((now, message))
        while len(known.messages) > keep:
            known.messages.popleft()
        known.trim(now)
        if known.messages and not known.ages:
            known.ages = True
            heappush(self._ages, (now + seconds, stream))
        return Position(known.epoch, known.top)

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        now = self._clock()
        known = self._streams.get(stream)
        if known is None:
            return epochs.nothing_yet(epochs.asked_for(self._name, now), after)
        known.used_at = now
        top = Position(known.epoch, known.top)
        if after is None:
            return Recovery(top, ())
        known.trim(now)
        missed = known.top - after.seq
        if not epochs.is_of(known.epoch, after.epoch) or not 0 <= missed <= min(most, len(known.messages)):
            return Recovery(top, None)
        newest = list(islice(known.messages, len(known.messages) - missed, None))
        return Recovery(top, tuple((seq, each) for seq, (_, each) in enumerate(newest, start=after.seq + 1)))

    async def log_out(self, user: str, *, seconds: float) -> float:
        now, clock = self._wall(), self._clock()
        at, until = self._log_outs.get(user, (0.0, 0.0))
        self._log_outs[user] = (max(at, now), max(until, clock + seconds))
        heappush(self._forgets, (self._log_outs[user][1], user))
        return self._log_outs[user][0]

    async def logged_out(self, user: str) -> float:
        at, until = self._log_outs.get(user, (0.0, 0.0))
        return at if until > self._clock() else 0.0

    def _sweep_streams(self, now: float) -> None:
        while self._ages and self._ages[0][0] <= now:
            _, name = heappop(self._ages)
            stream = self._streams[name]
            stream.trim(now)
            stream.ages = bool(stream.messages)
            if stream.ages:
                heappush(self._ages, (stream.messages[0][0] + stream.seconds, name))
        while self._fades and self._fades[0][0] <= now:
            _, name = heappop(self._fades)
            stream = self._streams[name]
            if (until := stream.used_at + REMEMBERED) > now or stream.ages:
                heappush(self._fades, (max(until, now + REMEMBERED / 2), name))
            else:
                del self._streams[name]

    def _sweep_log_outs(self, now: float) -> None:
        while self._forgets and self._forgets[0][0] <= now:
            _, user = heappop(self._forgets)
            if user in self._log_outs and self._log_outs[user][1] <= now:
                del self._log_outs[user]
