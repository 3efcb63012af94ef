"""The death of a process, and other troubles with its store, at exactly the write a test chooses."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, NoReturn

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
    CommitUnknown,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    SessionStore,
    StoreUnavailable,
    Write,
)
from kikao.testing.outside import ASKER


class ProcessDied(BaseException):
    """The process was killed here. Not an Exception: nothing may handle it."""


class Mortal:
    """A store as one process sees it: from the moment of its death on, nothing more is written.

    Closing it does nothing, since the store outlives the process: whoever made the store closes it.
    """

    def __init__(self, store: SessionStore) -> None:
        self.store = store
        self.dead = False
        self.die_before: tuple[str, int] | None = None
        """(method, nth call): the process dies right before that store call."""
        self.die_after: tuple[str, int] | None = None
        """(method, nth call): the process dies right after that store call."""
        self.unavailable = False
        """While True the store takes nothing."""
        self.unanswered: tuple[str, int, bool] | None = None
        """(method, nth call, stored): the store does not answer that write, which is stored or not."""
        self.calls: dict[str, int] = {}
        """How often each method was called."""
        self.running = 0
        """Calls the store has not answered yet, but for claims."""
        self.claiming: list[object] = []
        """Requests in a claim, where one may wait in line for another."""
        self.on_death: Callable[[], None] | None = None
        """Called at the moment of death."""

    def die(self) -> None:
        """Kill the process."""
        if not self.dead:
            self.dead = True
            if self.on_death is not None:
                self.on_death()

    async def _do(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.dead:
            _perish()
        nth = self.calls[name] = self.calls.get(name, 0) + 1
        if self.die_before == (name, nth):
            self.die()
            _perish()
        if self.unavailable:
            raise StoreUnavailable
        silent = self.unanswered if self.unanswered and self.unanswered[:2] == (name, nth) else None
        if silent and not silent[2]:
            raise CommitUnknown
        result = await self._ask(name, *args, **kwargs)
        if silent:
            raise CommitUnknown
        if self.die_after == (name, nth):
            self.die()
        if self.dead:
            _perish()
        return result

    async def _ask(self, name: str, *args: Any, **kwargs: Any) -> Any:
        asker = ASKER.get(None)
        if name == "claim":
            self.claiming.append(asker)
        else:
            self.running += 1
        try:
            return await getattr(self.store, name)(*args, **kwargs)
        finally:
            if name == "claim":
                self.claiming.remove(asker)
            else:
                self.running -= 1

    async def open(self) -> None:
        await self._do("open")

    async def close(self) -> None:
        return None

    async def bind(self, name: str, value: bytes) -> bytes:
        return await self._do("bind", name, value)  # type: ignore[no-any-return]

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        return await self._do("rebind", name, old, new)  # type: ignore[no-any-return]

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        return await self._do("claim", key, dedupe, now=now, lease=lease, wait=wait)  # type: ignore[no-any-return]

    async def intent(self, write: Write) -> None:
        await self._do("intent", write)

    async def commit(self, write: Write) -> None:
        await self._do("commit", write)

    async def release(self, claim: Claim) -> None:
        if not self.dead:
            await self._do("release", claim)

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        return await self._do("renew", key, ids, fence, lease_until)  # type: ignore[no-any-return]

    async def end(self, key: bytes) -> bool:
        return await self._do("end", key)  # type: ignore[no-any-return]

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        return await self._do("sweep", now=now, limit=limit, shards=shards)  # type: ignore[no-any-return]

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        return await self._do("due", now=now, limit=limit, shards=shards)  # type: ignore[no-any-return]

    def scan(self) -> AsyncIterator[Record]:
        return self.store.scan()

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        return await self._do("seen", key, dedupe)  # type: ignore[no-any-return]

    async def replace(self, replacement: Replacement) -> bool:
        return await self._do("replace", replacement)  # type: ignore[no-any-return]

    async def post(self, messages: Sequence[Outgoing]) -> int:
        return await self._do("post", messages)  # type: ignore[no-any-return]

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        return await self._do(  # type: ignore[no-any-return]
            "take", now=now, lease=lease, limit=limit, shards=shards, destinations=destinations
        )

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        return await self._do("settle", message, outcome)  # type: ignore[no-any-return]

    async def report(self, reference: bytes, status: Status) -> Reported:
        return await self._do("report", reference, status)  # type: ignore[no-any-return]

    def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        return self.store.messages(state=state, session=session)

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        return await self._do("replay", messages, now=now, expires_at=expires_at)  # type: ignore[no-any-return]

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        return await self._do("discard", messages)  # type: ignore[no-any-return]

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        return await self._do("reseal", message, payload)  # type: ignore[no-any-return]

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        return await self._do("backlog", shards=shards)  # type: ignore[no-any-return]

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        return await self._do("pace", name, now=now, interval=interval, burst=burst)  # type: ignore[no-any-return]

    async def pause(self, name: str, until: float) -> None:
        await self._do("pause", name, until)

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        return await self._do("share", worker, now=now, lease=lease)  # type: ignore[no-any-return]

    async def leave(self, worker: str) -> None:
        await self._do("leave", worker)


def _perish() -> NoReturn:
    """Raises `ProcessDied`; the event loop does not complain when it ends a task nobody waits for."""
    task = asyncio.current_task()
    if task is not None:
        task.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
    raise ProcessDied
