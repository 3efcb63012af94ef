"""A session store with a stopwatch: how long each of its calls takes, and which errors they raise."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Coroutine, Sequence
from time import perf_counter
from typing import Any, TypeVar

from kikao.metrics.declared import STORE_FAILURES, STORE_SECONDS
from kikao.metrics.numbers import Counts, Durations
from kikao.metrics.phases import BOUNDS
from kikao.metrics.snapshot import Snapshot
from kikao.sessions.outgoing import (
    EVERY_SHARD,
    Again,
    Backlog,
    Dead,
    Outgoing,
    Reported,
    Sent,
    Share,
    State,
    Status,
)
from kikao.sessions.store import (
    CALLS,
    Busy,
    Claim,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    SessionStore,
    Write,
)

T = TypeVar("T")


class TimedStore:
    """A `SessionStore` that passes everything on to `store`, and measures it."""

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.times = {call: Durations(BOUNDS) for call in CALLS}
        """Seconds, by call."""
        self.failures: Counts = Counter()
        """By call and the type of the error."""

    def into(self, snapshot: Snapshot) -> None:
        """Put what was measured in."""
        snapshot.time(STORE_SECONDS, {(call,): of for call, of in self.times.items()})
        snapshot.count(STORE_FAILURES, self.failures)

    @property
    def waiting(self) -> int:
        """Writes that wait for the disk, where the store can tell."""
        found: int = getattr(self.store, "waiting", 0)
        return found

    async def open(self) -> None:
        await self.store.open()

    async def close(self) -> None:
        await self.store.close()

    async def bind(self, name: str, value: bytes) -> bytes:
        return await self.store.bind(name, value)

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        return await self.store.rebind(name, old, new)

    def scan(self) -> AsyncIterator[Record]:
        return self.store.scan()

    def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Coroutine[Any, Any, Claim | Duplicate | Busy]:
        return self._time("claim", self.store.claim(key, dedupe, now=now, lease=lease, wait=wait))

    def intent(self, write: Write) -> Coroutine[Any, Any, None]:
        return self._time("intent", self.store.intent(write))

    def commit(self, write: Write) -> Coroutine[Any, Any, None]:
        return self._time("commit", self.store.commit(write))

    def release(self, claim: Claim) -> Coroutine[Any, Any, None]:
        return self._time("release", self.store.release(claim))

    def renew(
        self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float
    ) -> Coroutine[Any, Any, int]:
        return self._time("renew", self.store.renew(key, ids, fence, lease_until))

    def end(self, key: bytes) -> Coroutine[Any, Any, bool]:
        return self._time("end", self.store.end(key))

    def sweep(
        self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD
    ) -> Coroutine[Any, Any, int]:
        return self._time("sweep", self.store.sweep(now=now, limit=limit, shards=shards))

    def due(
        self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD
    ) -> Coroutine[Any, Any, list[IntentRow]]:
        return self._time("due", self.store.due(now=now, limit=limit, shards=shards))

    def seen(self, key: bytes, dedupe: bytes | None = None) -> Coroutine[Any, Any, tuple[Dedupe, ...]]:
        return self._time("seen", self.store.seen(key, dedupe))

    def replace(self, replacement: Replacement) -> Coroutine[Any, Any, bool]:
        return self._time("replace", self.store.replace(replacement))

    def post(self, messages: Sequence[Outgoing]) -> Coroutine[Any, Any, int]:
        return self._time("post", self.store.post(messages))

    def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> Coroutine[Any, Any, list[Outgoing]]:
        taken = self.store.take(now=now, lease=lease, limit=limit, shards=shards, destinations=destinations)
        return self._time("take", taken)

    def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> Coroutine[Any, Any, bool]:
        return self._time("settle", self.store.settle(message, outcome))

    def report(self, reference: bytes, status: Status) -> Coroutine[Any, Any, Reported]:
        return self._time("report", self.store.report(reference, status))

    def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        return self.store.messages(state=state, session=session)

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        return await self.store.replay(messages, now=now, expires_at=expires_at)

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        return await self.store.discard(messages)

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        return await self.store.reseal(message, payload)

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        return await self.store.backlog(shards=shards)

    def pace(self, name: str, *, now: float, interval: float, burst: int) -> Coroutine[Any, Any, float]:
        return self._time("pace", self.store.pace(name, now=now, interval=interval, burst=burst))

    async def pause(self, name: str, until: float) -> None:
        await self.store.pause(name, until)

    def share(self, worker: str, *, now: float, lease: float) -> Coroutine[Any, Any, Share]:
        return self._time("share", self.store.share(worker, now=now, lease=lease))

    async def leave(self, worker: str) -> None:
        await self.store.leave(worker)

    async def _time(self, call: str, work: Coroutine[Any, Any, T]) -> T:
        began = perf_counter()
        try:
            return await work
        except Exception as error:
            self.failures[call, type(error).__name__] += 1
            raise
        finally:
            self.times[call].add(perf_counter() - began)
