"""Messages go to the fast store alone: what an effect has to send, the ledger keeps with the effect's write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence

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
from kikao.sessions.store import SessionStore


class FastOutbox:
    """The outbox of a store, as it is."""

    def __init__(self, fast: SessionStore) -> None:
        self._fast = fast

    async def post(self, messages: Sequence[Outgoing]) -> int:
        return await self._fast.post(messages)

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        return await self._fast.take(
            now=now, lease=lease, limit=limit, shards=shards, destinations=destinations
        )

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        return await self._fast.settle(message, outcome)

    async def report(self, reference: bytes, status: Status) -> Reported:
        return await self._fast.report(reference, status)

    def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        return self._fast.messages(state=state, session=session)

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        return await self._fast.replay(messages, now=now, expires_at=expires_at)

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        return await self._fast.discard(messages)

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        return await self._fast.reseal(message, payload)

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        return await self._fast.backlog(shards=shards)

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        return await self._fast.pace(name, now=now, interval=interval, burst=burst)

    async def pause(self, name: str, until: float) -> None:
        await self._fast.pause(name, until)

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        return await self._fast.share(worker, now=now, lease=lease)

    async def leave(self, worker: str) -> None:
        await self._fast.leave(worker)
