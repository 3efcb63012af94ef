"""The ledger in its tables: statements and transactions, as plain functions of a connection."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy import Connection

from kikao.sessions.ledger.tables import INTENTS, LEDGER
from kikao.sessions.store import IntentRow, Write

ADD_SESSION: Final = sa.text(
    "INSERT INTO kikao_ledger (session, version, expires_at, write, at) "
    "VALUES (:session, :version, :expires_at, :write, :at) ON CONFLICT (session) DO NOTHING"
).bindparams(sa.bindparam("session", type_=sa.LargeBinary), sa.bindparam("write", type_=sa.LargeBinary))

PUT_INTENT: Final = sa.text(
    "INSERT INTO kikao_ledger_intents (session, id, open, fence, lease_until, due_at, tries) "
    "VALUES (:session, :id, true, :fence, :lease_until, :due_at, :tries) ON CONFLICT (session, id) DO UPDATE "
    "SET fence = excluded.fence, lease_until = excluded.lease_until, due_at = excluded.due_at, tries = excluded.tries"
)


class Kept(msgspec.Struct, frozen=True):
    """What the ledger has of a session."""

    version: int
    """That of the session once `write` was stored."""
    write: Write
    expires_at: float
    open: tuple[IntentRow, ...]
    settled: frozenset[bytes]
    """Intents that are not open any more, of the last while."""


class Put(msgspec.Struct, frozen=True):
    """A write that the ledger took."""

    before: Kept | None
    """What it had of the session before."""


class Behind(Exception):
    """The writer does not know what the ledger knows of the session: the store forgot it, or somebody was faster."""

    def __init__(self, kept: Kept | None, *, again: bool = False) -> None:
        super().__init__("the ledger is ahead")
        self.kept = kept
        self.again = again
        """Whether an effect was about to be performed that is settled, in a later version than the ledger's."""


class Latest(msgspec.Struct, frozen=True):
    """How far a session is, for whoever claims it."""

    session: bytes
    version: int
    expires_at: float
    at: float
    open: frozenset[bytes]


def kept(connection: Connection, key: bytes, *, lock: bool = False) -> Kept | None:
    """What is kept of a session; with `lock` nobody else changes that before this transaction ends."""
    query = LEDGER.select().where(LEDGER.c.session == key)
    row = connection.execute(query.with_for_update() if lock else query).first()
    if row is None:
        return None
    intents = connection.execute(INTENTS.select().where(INTENTS.c.session == key)).all()
    opened = tuple(_intent(each) for each in intents if each.open)
    settled = frozenset(each.id for each in intents if not each.open)
    return Kept(row.version, _WRITE.decode(row.write), row.expires_at, opened, settled)


def put(connection: Connection, write: Write, known: Collection[bytes], now: float) -> Put:
    """Take a write, whose writer knows these open intents. Raises `Behind`."""
    opened = [row for row in write.open if row.id in write.critical]
    before = kept(connection, write.key, lock=True)
    if before is not None:
        unknown = {row.id for row in before.open} - set(known)
        again = before.settled.intersection(row.id for row in opened)
        if before.version > write.version or unknown or again:
            raise Behind(before, again=bool(again))
    values = _row(write, write.version + 1, now)
    if before is not None:
        connection.execute(LEDGER.update().where(LEDGER.c.session == write.key).values(values))
    elif connection.execute(ADD_SESSION, values).rowcount != 1:
        raise Behind(None)
    _put_intents(connection, opened)
    if write.close:
        where = (INTENTS.c.session == write.key) & INTENTS.c.id.in_(write.close)
        connection.execute(INTENTS.update().where(where).values(open=False))
    return Put(before)


def withdraw(connection: Connection, write: Write, put: Put, now: float) -> None:
    """A write that the store refused, and whose effects nobody began: as if it had not been put."""
    present = kept(connection, write.key, lock=True)
    if present is None or (present.version, present.write.fence) != (write.version + 1, write.fence):
        return
    if put.before is None:
        _remove(connection, [write.key])
        return
    before = put.before
    values = _row(before.write, before.version, now)
    connection.execute(LEDGER.update().where(LEDGER.c.session == write.key).values(values))
    gone = [row.id for row in present.open if row.id not in {each.id for each in before.open}]
    connection.execute(INTENTS.delete().where((INTENTS.c.session == write.key) & INTENTS.c.id.in_(gone)))
    _put_intents(connection, before.open)


def restored(connection: Connection, before: int, write: Write, now: float) -> bool:
    """The session is put back into the store with this write; False when somebody else was faster."""
    where = (LEDGER.c.session == write.key) & (LEDGER.c.version == before)
    done = connection.execute(LEDGER.update().where(where).values(_row(write, write.version + 1, now)))
    if done.rowcount == 1:
        _put_intents(connection, write.open)
    return done.rowcount == 1


def moved(connection: Connection, key: bytes, write: Write, ids: dict[bytes, bytes]) -> None:
    """A session is kept under another key, and its intents under other ids."""
    if write.key != key:  # what stands there was left by a try that was cut short
        _remove(connection, [write.key])
    values = {"session": write.key, "write": _encoded(write)}
    connection.execute(LEDGER.update().where(LEDGER.c.session == key).values(values))
    for before, after in ids.items():
        where = (INTENTS.c.session == write.key) & (INTENTS.c.id == before)
        connection.execute(INTENTS.update().where(where).values(id=after))


def renew(connection: Connection, key: bytes, ids: Collection[bytes], fence: int, until: float) -> None:
    """Move the lease of open intents that still carry `fence`."""
    mine = (INTENTS.c.session == key) & INTENTS.c.id.in_(ids) & (INTENTS.c.fence == fence)
    connection.execute(INTENTS.update().where(mine).values(lease_until=until))


def shorten(connection: Connection, key: bytes, expires_at: float) -> None:
    """A session expires sooner than it was to."""
    connection.execute(LEDGER.update().where(LEDGER.c.session == key).values(expires_at=expires_at))


def due(connection: Connection, now: float, limit: int) -> list[IntentRow]:
    """Open intents whose lease has lapsed and whose time has come, oldest first."""
    ready = INTENTS.c.open & (INTENTS.c.lease_until <= now) & (INTENTS.c.due_at <= now)
    rows = connection.execute(INTENTS.select().where(ready).order_by(INTENTS.c.due_at).limit(limit))
    return [_intent(row) for row in rows]


def latest(connection: Connection, since: float) -> list[Latest]:
    """Sessions that were written since then, or have an open intent."""
    opened: dict[bytes, set[bytes]] = {}
    for row in connection.execute(sa.select(INTENTS.c.session, INTENTS.c.id).where(INTENTS.c.open)):
        opened.setdefault(row.session, set()).add(row.id)
    found = sa.select(LEDGER.c.session, LEDGER.c.version, LEDGER.c.expires_at, LEDGER.c.at)
    with_open = sa.select(INTENTS.c.session).where(INTENTS.c.open)
    rows = connection.execute(found.where((LEDGER.c.at > since) | LEDGER.c.session.in_(with_open)))
    return [Latest(*row, open=frozenset(opened.get(row.session, ()))) for row in rows]


def forget(connection: Connection, key: bytes) -> bool:
    """Remove what is kept of a session; False, and nothing is removed, while an intent of it is open."""
    mine = INTENTS.c.session == key
    if connection.execute(sa.select(INTENTS.c.id).where(mine & INTENTS.c.open)).first() is not None:
        return False
    _remove(connection, [key])
    return True


def prune(connection: Connection, until: float, limit: int) -> int:
    """Remove what was settled before then, at most so many sessions; how many that were."""
    with_open = sa.select(INTENTS.c.session).where(INTENTS.c.open)
    old = sa.select(LEDGER.c.session).where((LEDGER.c.at < until) & LEDGER.c.session.not_in(with_open))
    keys = connection.execute(old.limit(limit).with_for_update(skip_locked=True)).scalars().all()
    _remove(connection, keys)
    return len(keys)


def _remove(connection: Connection, keys: Sequence[bytes]) -> None:
    if keys:
        connection.execute(INTENTS.delete().where(INTENTS.c.session.in_(keys)))
        connection.execute(LEDGER.delete().where(LEDGER.c.session.in_(keys)))


def _put_intents(connection: Connection, rows: Collection[IntentRow]) -> None:
    if rows:
        connection.execute(PUT_INTENT, [msgspec.structs.asdict(row) for row in rows])


def _row(write: Write, version: int, now: float) -> dict[str, Any]:
    return {
        "session": write.key,
        "version": version,
        "expires_at": write.expires_at,
        "write": _encoded(write),
        "at": now,
    }


def _encoded(write: Write) -> bytes:
    return _ENCODER.encode(replace(write, open=(), close=(), critical=()))


def _intent(row: sa.Row[Any]) -> IntentRow:
    return IntentRow(row.id, row.session, row.fence, row.lease_until, row.due_at, row.tries)


_ENCODER = msgspec.msgpack.Encoder()
_WRITE = msgspec.msgpack.Decoder(Write)
