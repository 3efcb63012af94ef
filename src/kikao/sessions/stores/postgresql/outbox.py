"""Messages to send in PostgreSQL: each lane has its first message marked, so that to take some costs what is taken."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

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
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.sessions.stores.postgresql import rows
from kikao.sessions.stores.postgresql import statements as sql

if TYPE_CHECKING:
    from kikao.sessions.stores.postgresql.wire import Statement, Wire

_PAGE: Final = 200
_SEQ: Final = -1  # the last column of what is taken


class PostgreSQLOutbox(ABC):
    """The `OutboxStore` part of the store."""

    @property
    @abstractmethod
    def _wire(self) -> Wire:
        """To the server. Raises `StoreUnavailable` while the store is not open."""

    async def post(self, messages: Sequence[Outgoing]) -> int:
        stored = 0
        for start in range(0, len(messages), _PAGE):
            try:
                stored += await self._value(sql.POST, rows.posted(messages[start : start + _PAGE]))
            except StoreUnavailable as error:
                if start:  # the pages before are stored
                    raise CommitUnknown(str(error)) from error
                raise
        return stored

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        if not shards or not destinations:
            return []
        asked = (now, lease, limit, list(shards), list(set(destinations)))
        taken = await self._wire.ask(sql.TAKE, asked)
        taken.sort(key=lambda row: (row["urgency"], row["due_at"], row[_SEQ]))
        return [rows.message(row) for row in taken]

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        ending: tuple[int, float, str, bytes | None, bool]
        if isinstance(outcome, Again):
            ending = (0, outcome.due_at, outcome.reason, None, outcome.counts)
        elif isinstance(outcome, Sent):
            ending = (1, outcome.keep_until, "", outcome.reference, True)
        else:
            ending = (2, outcome.keep_until, outcome.reason, None, True)
        return bool(await self._value(sql.SETTLE, rows.lane(message), message.id, message.fence, *ending))

    async def report(self, reference: bytes, status: Status) -> Reported:
        return cast(Reported, await self._value(sql.REPORT, reference, int(status)))

    async def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        number = None if state is None else rows.STATES.index(state)
        after: bytes | None = None
        while True:
            if session is None:
                page = await self._wire.ask(sql.MESSAGES, (after, number, _PAGE))
            else:
                page = await self._wire.ask(sql.MESSAGES_OF, (after, number, _PAGE, session))
            if not page:
                return
            for row in page:
                yield rows.message(row)
            after = page[-1][0]

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        ids = [message.id for message in messages]
        return int(await self._value(sql.REPLAY, ids, now, expires_at))

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        return len(await self._wire.ask(sql.DISCARD, ([message.id for message in messages],)))

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        return len(await self._wire.ask(sql.RESEAL, (message.id, payload))) == 1

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        return [Backlog(*row) for row in await self._wire.ask(sql.BACKLOG, (list(shards),))]

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        return float(await self._value(sql.PACE, name, now, interval, burst))

    async def pause(self, name: str, until: float) -> None:
        await self._wire.ask(sql.PAUSE, (name, until))

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        ((mine, alive),) = await self._wire.ask(sql.SHARE, (worker, now, now + lease))
        return Share(frozenset(mine), alive)

    async def leave(self, worker: str) -> None:
        await self._wire.ask(sql.LEAVE, (worker,))

    async def _value(self, statement: Statement, *args: Any) -> Any:
        """The only column of the only row."""
        ((value,),) = await self._wire.ask(statement, args)
        return value
