"""Messages to send in a SQLite file: the part of `SQLiteStore` that is about the outbox.

Leases, tries and fences are written: a message that kills the process each time it is sent runs out of tries. Its pace
is in memory, since there is one process.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, Final, TypeVar

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
from kikao.sessions.stores.pacing import Paces
from kikao.sessions.stores.sqlite import messages as rows

T = TypeVar("T")

_PAGE: Final = 200


class SQLiteOutbox(ABC):
    """An `OutboxStore` on the reader and the writer of a `SQLiteStore`."""

    def __init__(self) -> None:
        self._paces = Paces()

    @abstractmethod
    async def _write(self, work: Callable[..., Any], *args: Any, size: int = 0) -> Any:
        """Let the writer do a job, `work(cursor, *args)`, that writes about `size` octets of values."""

    @abstractmethod
    def _read(self, work: Callable[..., T], *args: Any) -> T:
        """Read, `work(cursor, *args)`, at once."""

    async def post(self, messages: Sequence[Outgoing]) -> int:
        size = sum(len(message.payload) for message in messages)
        new: int = await self._write(rows.post, messages, size=size)
        return new

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        if not self._read(rows.ready, now, 1, shards, destinations):  # nothing is written to find nothing
            return []
        taken: list[Outgoing] = await self._write(rows.take, now, lease, limit, shards, destinations)
        return taken

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        settled: bool = await self._write(rows.settle, message, outcome)
        return settled

    async def report(self, reference: bytes, status: Status) -> Reported:
        reported: Reported = await self._write(rows.report, reference, status)
        return reported

    async def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        after, last = 0, self._read(rows.last)
        while page := self._read(rows.page, after, last, _PAGE, state, session):
            for _, message in page:
                yield message
            after = page[-1][0]
            await asyncio.sleep(0)

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        replayed: int = await self._write(rows.replay, messages, now, expires_at)
        return replayed

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        discarded: int = await self._write(rows.discard, messages)
        return discarded

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        resealed: bool = await self._write(rows.reseal, message, payload, size=len(payload))
        return resealed

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        return self._read(rows.backlog, shards)

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        return self._paces.ask(name, now, interval, burst)

    async def pause(self, name: str, until: float) -> None:
        self._paces.pause(name, until)

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        return Share(EVERY_SHARD, 1)

    async def leave(self, worker: str) -> None:
        return None
