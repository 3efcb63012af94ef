"""`PostgreSQLStore`: a turn is two round trips, one for the claim and one for the commit, and no transaction between.

A claim takes the lease in an unlogged table and brings the session along; it waits for no disk. A commit checks the
version and the fence, stores everything, and gives the lease back in the same row: a lease is over when a turn with its
fence has ended. No lock of a row is held while anything else is waited for.

Leases lapse by the `now` of those who ask: clocks of the machines should differ by less than a second. Truth does not
depend on clocks: a writer that lost its lease is caught by version and fence.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Collection
from typing import Any, Final

from kikao.sessions.outgoing import EVERY_SHARD, FORGOTTEN
from kikao.sessions.store import (
    Busy,
    Claim,
    Conflict,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    StoreRefused,
    StoreUnavailable,
    Write,
)
from kikao.sessions.stores.claims import NAMELESS_INTENT, TAKEN_INTENT, conflict
from kikao.sessions.stores.lines import Lines
from kikao.sessions.stores.postgresql import rows
from kikao.sessions.stores.postgresql import statements as sql
from kikao.sessions.stores.postgresql.connecting import CONNECT_SECONDS, Server, careless
from kikao.sessions.stores.postgresql.migrations import check
from kikao.sessions.stores.postgresql.outbox import PostgreSQLOutbox
from kikao.sessions.stores.postgresql.wire import Statement, Wire

CONNECTIONS: Final = 6
"""Of a process, unless given. Questions travel in batches, so that more would hardly make it faster."""

_SCAN_PAGE: Final = 500
_SWEEP_CHUNK: Final = 100
_COURTESY: Final = 2.0
"""For so many times as long as a chunk of a sweep took, the server is left to others."""
_LEASES_KEPT: Final = 600.0
"""Seconds after which a sweep removes a lease that has lapsed."""

_TAKEN: Final = "KI001"
"""What the server says of an intent that is open in another session."""

logger = logging.getLogger(__name__)


class PostgreSQLStore(PostgreSQLOutbox):
    """A `SessionStore` in the database at `url`, which `kikao migrate` prepares. It belongs to one event loop.

    At most `connections` are made, `queue` questions wait, and none waits for its answer for longer than `patience`
    seconds. With `strict` the store does not open where the server's settings may lose what was acknowledged; without
    it only the log says so.
    """

    def __init__(
        self,
        url: str,
        *,
        connections: int = CONNECTIONS,
        queue: int = 5_000,
        patience: float = 3.0,
        strict: bool = False,
    ) -> None:
        self._server = Server(url)
        self._connections = connections
        self._queue = queue
        self._patience = patience
        self._strict = strict
        self._lines = Lines()
        self._tokens = itertools.count(secrets.randbits(62))
        self._wire_open: Wire | None = None
        self._given_back: set[asyncio.Future[Any]] = set()

    def __repr__(self) -> str:
        return f"PostgreSQLStore({self._server.name!r})"

    @property
    def broken(self) -> str | None:
        """Why the server cannot be asked at present (for a readiness probe), or None."""
        return None if self._wire_open is None else self._wire_open.away

    @property
    def waiting(self) -> int:
        """Questions that wait for an answer."""
        return 0 if self._wire_open is None else self._wire_open.waiting

    async def open(self) -> None:
        if self._wire_open is not None:
            raise RuntimeError(f"{self._server.name} is open already")
        wire = Wire(
            lambda: self._server.connect(patience=2 * self._patience),
            name=self._server.name,
            connections=self._connections,
            limit=self._queue,
            patience=self._patience,
            connecting=CONNECT_SECONDS,
        )
        try:
            first = await self._first_connection()
        except BaseException:
            await wire.close()
            raise
        wire.begin(first)
        self._lines = Lines()
        self._wire_open = wire

    async def _first_connection(self) -> Any:
        """A connection to a server that is as it should be. Raises `StoreRefused`."""
        connection = await self._server.connect_once(patience=2 * self._patience)
        try:
            await check(connection, self._server.name)
            risks = await careless(connection)
            if risks and self._strict:
                raise StoreRefused(f"{self._server.name}: {' '.join(risks)} Turn it on.")
        except BaseException as error:
            connection.terminate()
            if isinstance(error, self._server.errors):
                raise self._server.refused(error) from None
            raise
        for risk in risks:
            logger.warning("%s: %s", self._server.name, risk)
        return connection

    async def close(self) -> None:
        wire, self._wire_open = self._wire_open, None
        if wire is not None:
            self._lines.close()
            await wire.close()

    @property
    def _wire(self) -> Wire:
        if self._wire_open is None:
            raise StoreUnavailable(f"{self._server.name} is not open.")
        return self._wire_open

    # --- a turn ---

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        async def ask(elapsed: float, take: bool) -> Claim | Duplicate | Busy:
            asked_at = now + elapsed
            return await self._ask(key, dedupe, asked_at, asked_at + lease if take else None)

        return await self._lines.claim(key, ask, wait=wait)

    async def _ask(
        self, key: bytes, dedupe: bytes | None, now: float, until: float | None
    ) -> Claim | Duplicate | Busy:
        """Take the session until then, if it is free; with None only look."""

        def orphaned(found: list[Any]) -> None:
            if found[0][0] is not None:
                self._give_back(key, found[0][0])

        token = next(self._tokens) & 0x3FFFFFFFFFFFFFFF
        (row,) = await self._wire.ask(sql.CLAIM, (key, dedupe, now, until, token), orphaned)
        fence, seen = row[0], row[6]
        if seen and row[7] is not None:
            return Duplicate(row[7])
        record = rows.record(key, row)
        if fence is None or until is None:
            return Busy(record)
        version = 0 if record is None else record.version
        return Claim(
            key, fence, until, record, Seen(None) if seen else None, version, rows.intents(key, row[8])
        )

    async def intent(self, write: Write) -> None:
        await self._write(write, final=False)

    async def commit(self, write: Write) -> None:
        try:
            await self._write(write, final=True)
        except (Conflict, asyncio.CancelledError):
            raise
        except Exception:
            self._give_back(write.key, write.fence)
            raise
        finally:
            self._lines.wake(write.key)

    async def _write(self, write: Write, *, final: bool) -> None:
        try:
            (row,) = await self._wire.ask(sql.WRITE, rows.written(write, final))
        except Exception as error:
            if getattr(error, "sqlstate", None) == _TAKEN:
                raise ValueError(TAKEN_INTENT) from None
            raise
        if row[0] is not None:
            _, version, fence = row[0].split()
            raise conflict(write, int(version), int(fence))

    async def release(self, claim: Claim) -> None:
        if self._wire_open is None:
            return
        try:
            await self._wire_open.ask(sql.RELEASE, (claim.key, claim.fence))
        except StoreUnavailable:
            pass  # it lapses
        finally:
            self._lines.wake(claim.key)

    def _give_back(self, key: bytes, fence: int) -> None:
        """Give a lease back that nobody has a use for, when there is time; where that fails it lapses."""
        if self._wire_open is None:
            return
        try:
            answer = self._wire_open.ask(sql.RELEASE, (key, fence))
        except StoreUnavailable:
            return
        self._given_back.add(answer)
        answer.add_done_callback(self._forget)

    def _forget(self, answer: asyncio.Future[Any]) -> None:
        self._given_back.discard(answer)
        if not answer.cancelled():
            answer.exception()

    # --- recovery, sweeping ---

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        return len(await self._wire.ask(sql.RENEW, (key, ids, fence, lease_until)))

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        return [IntentRow(*row) for row in await self._wire.ask(sql.DUE, (now, list(shards), limit))]

    async def end(self, key: bytes) -> bool:
        return bool(await self._value(sql.END, key))

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        removed = 0
        mine = list(shards)
        while removed < limit:
            chunk = min(_SWEEP_CHUNK, limit - removed)
            (row,) = await self._politely(sql.SWEEP_SESSIONS, now, chunk, mine)
            looked, gone = row
            removed += gone
            if looked < chunk:
                break
        while (await self._politely(sql.SWEEP_DEDUPE, now, _SWEEP_CHUNK))[0][0] == _SWEEP_CHUNK:
            pass
        while (await self._politely(sql.SWEEP_MESSAGES, now, FORGOTTEN, _SWEEP_CHUNK, mine))[0][
            0
        ] == _SWEEP_CHUNK:
            pass
        await self._wire.ask(sql.SWEEP_LEASES, (now - _LEASES_KEPT,))
        await self._wire.ask(sql.SWEEP_PACES, (now - _LEASES_KEPT,))
        return removed

    async def _politely(self, statement: Statement, *args: Any) -> Any:
        """A chunk of a sweep; then the server is left to others."""
        clock = asyncio.get_running_loop().time
        began = clock()
        found = await self._wire.ask(statement, args)
        await asyncio.sleep((clock() - began) * _COURTESY)
        return found

    async def scan(self) -> AsyncIterator[Record]:
        statement, after = sql.SCAN_FROM, b""  # no key is less than the empty one, which may be a key
        while page := await self._wire.ask(statement, (after, _SCAN_PAGE)):
            for row in page:
                yield Record(*row)
            statement, after = sql.SCAN_AFTER, page[-1][0]

    # --- other keys, properties ---

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        return tuple(Dedupe(*row) for row in await self._wire.ask(sql.SEEN, (key, dedupe)))

    async def replace(self, replacement: Replacement) -> bool:
        trouble = await self._value(
            sql.REPLACE,
            replacement.key,
            replacement.version,
            replacement.fence,
            replacement.to,
            replacement.state,
            replacement.address,
            rows.renamed(replacement),
        )
        if trouble == "nameless":
            raise ValueError(NAMELESS_INTENT)
        return trouble is None

    async def bind(self, name: str, value: bytes) -> bytes:
        return bytes(await self._value(sql.BIND, name, value))

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        return len(await self._wire.ask(sql.REBIND, (name, old, new))) == 1
