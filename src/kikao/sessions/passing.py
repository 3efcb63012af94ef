"""A session store in front of another one: all of it, so that whoever changes a part writes that part alone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Sequence
from typing import Any, TypeVar

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
Answer = Coroutine[Any, Any, T]


class PassingStore:
    """A `SessionStore` that passes everything on to `store`.

    Every call that is awaited goes through `_pass`; those that look through the whole store do not.
    """

    def __init__(self, store: SessionStore) -> None:
        self.store = store

    def _pass(self, call: Callable[..., Answer[T]], *args: Any, **kwargs: Any) -> Answer[T]:
        """Ask the store: `call` is one of its methods, and has that one's name."""
        return call(*args, **kwargs)

    def open(self) -> Answer[None]:
        return self._pass(self.store.open)

    def close(self) -> Answer[None]:
        return self._pass(self.store.close)

    def bind(self, name: str, value: bytes) -> Answer[bytes]:
        return self._pass(self.store.bind, name, value)

    def rebind(self, name: str, old: bytes, new: bytes) -> Answer[bool]:
        return self._pass(self.store.rebind, name, old, new)

    def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Answer[Claim | Duplicate | Busy]:
        return self._pass(self.store.claim, key, dedupe, now=now, lease=lease, wait=wait)

    def intent(self, write: Write) -> Answer[None]:
        return self._pass(self.store.intent, write)

    def commit(self, write: Write) -> Answer[None]:
        return self._pass(self.store.commit, write)

    def release(self, claim: Claim) -> Answer[None]:
        return self._pass(self.store.release, claim)

    def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> Answer[int]:
        return self._pass(self.store.renew, key, ids, fence, lease_until)

    def end(self, key: bytes) -> Answer[bool]:
        return self._pass(self.store.end, key)

    def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> Answer[int]:
        return self._pass(self.store.sweep, now=now, limit=limit, shards=shards)

    def due(
        self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD
    ) -> Answer[list[IntentRow]]:
        return self._pass(self.store.due, now=now, limit=limit, shards=shards)

    def scan(self) -> AsyncIterator[Record]:
        return self.store.scan()

    def seen(self, key: bytes, dedupe: bytes | None = None) -> Answer[tuple[Dedupe, ...]]:
        return self._pass(self.store.seen, key, dedupe)

    def replace(self, replacement: Replacement) -> Answer[bool]:
        return self._pass(self.store.replace, replacement)

    def post(self, messages: Sequence[Outgoing]) -> Answer[int]:
        return self._pass(self.store.post, messages)

    def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> Answer[list[Outgoing]]:
        return self._pass(
            self.store.take, now=now, lease=lease, limit=limit, shards=shards, destinations=destinations
        )

    def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> Answer[bool]:
        return self._pass(self.store.settle, message, outcome)

    def report(self, reference: bytes, status: Status) -> Answer[Reported]:
        return self._pass(self.store.report, reference, status)

    def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        return self.store.messages(state=state, session=session)

    def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> Answer[int]:
        return self._pass(self.store.replay, messages, now=now, expires_at=expires_at)

    def discard(self, messages: Sequence[Outgoing]) -> Answer[int]:
        return self._pass(self.store.discard, messages)

    def reseal(self, message: Outgoing, payload: bytes) -> Answer[bool]:
        return self._pass(self.store.reseal, message, payload)

    def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> Answer[list[Backlog]]:
        return self._pass(self.store.backlog, shards=shards)

    def pace(self, name: str, *, now: float, interval: float, burst: int) -> Answer[float]:
        return self._pass(self.store.pace, name, now=now, interval=interval, burst=burst)

    def pause(self, name: str, until: float) -> Answer[None]:
        return self._pass(self.store.pause, name, until)

    def share(self, worker: str, *, now: float, lease: float) -> Answer[Share]:
        return self._pass(self.store.share, worker, now=now, lease=lease)

    def leave(self, worker: str) -> Answer[None]:
        return self._pass(self.store.leave, worker)
