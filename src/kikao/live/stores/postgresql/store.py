"""Live sessions in PostgreSQL: each change is one function of the schema, by the server's own clock.

Presence lies in unlogged tables, which a crash empties: nodes are told and put again. Streams and log-outs are as
durable as the server's commits. Questions of one tick travel together, as those of the session store.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

from kikao.live.stores import epochs
from kikao.live.stores.opening import PATIENCE, Opening
from kikao.live.stores.postgresql import statements as sql
from kikao.live.stores.postgresql.migrations import upgrade
from kikao.live.stores.store import (
    EMPTY,
    LEASE,
    REMEMBERED,
    Change,
    Entry,
    Listing,
    LiveAway,
    Position,
    Recovery,
)
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.sessions.stores.postgresql.connecting import Server
from kikao.sessions.stores.postgresql.troubles import why
from kikao.sessions.stores.postgresql.wire import Statement, Wire

CONNECTIONS: Final = 4
"""Of a process. Questions travel in batches, so that more would hardly make it faster."""

_QUEUE: Final = 10_000
"""Questions that wait."""

_EPOCH: Final = 8
"""Random octets of an epoch, and of a lease."""

_SWEEP_EVERY: Final = 16
"""Of so many times to reap, one sweeps: about once a minute."""

_SWEPT: Final = 10_000
"""Of each kind at a time: more in a minute than one user may join topics of made-up names."""


class PostgreSQLLive:
    """A `LiveStore` in the database at `url`. It keeps what `Sealed` hands it: topics and keys are hashes of 32
    characters, and of an entry only the key is compared. `scope` keeps apart what shares a database.

    Raises `StoreRefused` where asyncpg is not installed.
    """

    def __init__(
        self, url: str, *, scope: str = "", lease: float = LEASE, patience: float = PATIENCE
    ) -> None:
        self._server = Server(url)
        self._scope = scope
        self._lease = lease
        self._patience = patience
        self._leases: dict[str, str] = {}
        """What the lease is called under which each node of this process last beat."""
        self._reaped = 0
        self._wire: Wire | None = None
        self._opening = Opening(self._server.name, self._connect, patience=patience)

    async def open(self) -> None:
        await self._opening.begin()

    async def close(self) -> None:
        await self._opening.end()
        wire, self._wire = self._wire, None
        if wire is not None:
            await wire.close()

    async def answers(self) -> None:
        await self._ask(sql.ANSWERS)

    # --- nodes ---

    async def beat(self, node: str) -> bool:
        known = self._leases.get(node)
        lease = self._leases[node] = await self._leased(node)
        return known in (None, lease)

    async def retire(self, node: str, seconds: float) -> None:
        await self._ask(sql.RETIRE, self._scope, node, float(seconds))
        self._leases.pop(node, None)

    async def _leased(self, node: str, *, longer: bool = True) -> str:
        return str(await self._value(sql.LEASE, self._scope, node, token_hex(_EPOCH), self._lease, longer))

    async def _own(self, node: str) -> None:
        """Have a node live that never beat."""
        if node not in self._leases:
            self._leases.setdefault(node, await self._leased(node, longer=False))

    # --- presence ---

    async def put(self, entry: Entry, *, replaces: str = "") -> Change:
        await self._own(entry.node)
        ((epoch, version, added, node, sealed),) = await self._ask(
            sql.PUT,
            entry.topic,
            entry.ref,
            self._scope,
            entry.node,
            entry.key,
            entry.meta,
            replaces,
            token_hex(_EPOCH),
        )
        leaves = () if sealed is None else (Entry(entry.topic, "", replaces, node, sealed),)
        return Change(entry.topic, epoch, version, (entry,) if added else (), leaves)

    async def hold(self, topic: str, ref: str, seconds: float) -> bool:
        return bool(await self._value(sql.HOLD, topic + ref, float(seconds)))

    async def adopt(self, topic: str, key: str, meta: bytes, node: str) -> Entry | None:
        await self._own(node)
        for ref, sealed in await self._ask(sql.ADOPT, topic, key, node):
            return Entry(topic, key, ref, node, sealed)
        return None

    async def remove(self, topic: str, refs: Collection[str]) -> Change | None:
        if not refs:
            return None
        changes = _changes((topic, *row) for row in await self._ask(sql.REMOVE, topic, list(refs)))
        return changes[0] if changes else None

    async def listing(self, topic: str) -> Listing:
        while not (rows := await self._ask(sql.LISTING, topic)):
            await self._ask(sql.BEGIN, topic, token_hex(_EPOCH))
        entries = (Entry(topic, mark, ref, node, sealed) for _, _, ref, node, mark, sealed in rows if ref)
        return Listing(rows[0][0], rows[0][1], tuple(entries))

    async def versions(self, topics: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        if not topics:
            return {}
        found = {
            topic: (epoch, version) for topic, epoch, version in await self._ask(sql.VERSIONS, list(topics))
        }
        return {topic: found.get(topic, ("", 0)) for topic in topics}

    async def reap(self, *, most: int = 1000) -> list[Change]:
        changes = _changes(await self._ask(sql.REAP, self._scope, most))
        self._reaped += 1
        if self._reaped % _SWEEP_EVERY == 1:
            with contextlib.suppress(LiveAway):  # what was reaped has to be told
                await self._ask(sql.SWEEP, EMPTY, _SWEPT)
        return changes

    # --- streams ---

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        fresh = epochs.new_store() + epochs.fresh()
        args = (stream, fresh, message, keep, float(seconds), REMEMBERED)
        ((epoch, seq),) = await self._ask(sql.APPEND, *args)
        return Position(epoch, seq)

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        asked = (None, None) if after is None else (after.epoch, after.seq)
        args = (stream, epochs.new_store(), REMEMBERED, epochs.HOURS, *asked, most)
        ((epoch, top, whole, messages),) = await self._ask(sql.SINCE, *args)
        at = Position(epoch, top)
        if not whole:
            return Recovery(at, None)
        return Recovery(at, tuple(enumerate(messages or (), start=top - len(messages or ()) + 1)))

    # --- who was logged out ---

    async def log_out(self, user: str, *, seconds: float) -> float:
        return float(await self._value(sql.LOG_OUT, user, float(seconds)))

    async def logged_out(self, user: str) -> float:
        return float(await self._value(sql.LOGGED_OUT, user))

    # --- the server ---

    async def _value(self, statement: Statement, *args: Any) -> Any:
        return (await self._ask(statement, *args))[0][0]

    async def _ask(self, statement: Statement, *args: Any) -> list[Any]:
        """The rows. Raises `LiveAway`."""
        self._opening.expect()
        assert self._wire is not None
        try:
            async with asyncio.timeout(self._patience):
                rows: list[Any] = await self._wire.ask(statement, args)
                return rows
        except TimeoutError:
            raise LiveAway(f"{self._server.name} did not answer within {self._patience:g} s") from None
        except (StoreUnavailable, CommitUnknown) as error:
            raise LiveAway(str(error)) from error
        except self._server.errors as error:
            raise LiveAway(f"{self._server.name} refused ({why(error)})") from error

    async def _connect(self) -> None:
        """Raises `StoreRefused`."""
        connection = await self._first_connection()
        self._wire = Wire(
            lambda: self._server.connect(patience=self._patience),
            name=self._server.name,
            connections=CONNECTIONS,
            limit=_QUEUE,
            patience=self._patience / 2,
            connecting=self._patience / 2,
        )
        self._wire.begin(connection)

    async def _first_connection(self) -> Any:
        """A connection to a database that has what is needed. Raises `StoreRefused`."""
        connection = await self._server.connect_once(patience=self._patience)
        try:
            await upgrade(connection, self._server.name)
        except BaseException as error:
            connection.terminate()
            if isinstance(error, self._server.errors):
                raise self._server.refused(error) from None
            raise
        return connection


def _changes(rows: Iterable[Sequence[Any]]) -> list[Change]:
    """Of topic, epoch, version, and ref, node, mark and what is sealed of each that left."""
    leaves: dict[tuple[str, str, int], list[Entry]] = defaultdict(list)
    for topic, epoch, version, ref, node, mark, sealed in rows:
        leaves[topic, epoch, version].append(Entry(topic, mark, ref, node, sealed))
    return [
        Change(topic, epoch, version, (), tuple(entries))
        for (topic, epoch, version), entries in leaves.items()
    ]
