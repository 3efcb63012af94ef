"""The audit trail in the records: who came to which effect, when, and what became of it.

It is filled by messages that turns leave with what they store (see `kikao.sessions.trail`), in the order of each
session, and each once, however often one is brought. Importing this loads SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.audit.tables import AUDIT
from kikao.records import Records
from kikao.sessions.trail import Trail

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "kikao_audit_version"

BATCH: Final = 5000
"""Rows that go at a time: nobody waits for long."""

ADD: Final = sa.text(
    "INSERT INTO kikao_audit (message, n, at, event, session, member, channel, gateway, release, fields) VALUES "
    "(:message, :n, :at, :event, :session, :member, :channel, :gateway, :release, :fields) "
    "ON CONFLICT (message, n) DO NOTHING"
)


class Happened(msgspec.Struct, frozen=True):
    """One row of the trail."""

    at: float
    """Seconds since the epoch."""
    event: str
    session: str
    member: str
    channel: str
    gateway: str
    release: int
    fields: dict[str, Any]
    """What else the event says: flow, place, kind, code."""


class AuditTrail:
    """The trail in a database of records, which belongs to who made it. Call `start` before the first use."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def start(self) -> None:
        """Bring the table up to date, or make sure that it is. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)

    async def expect(self) -> None:
        """Make sure that the table is there and up to date, and change nothing. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=False)

    async def add(self, trails: Sequence[tuple[bytes, Trail]]) -> None:
        """Write what messages of these ids brought, all in one transaction; what is there stays.

        Raises `RecordsAway`, `CommitUnknown`: doing it again is harmless.
        """
        rows = [row for message, trail in trails for row in _rows(message, trail)]
        if rows:
            await self._records.write(lambda connection: _add(connection, rows))

    async def prune(self, before: float) -> int:
        """Remove what happened before then; how many rows. Raises `RecordsAway`, `CommitUnknown`."""
        removed = 0
        while True:
            count = await self._records.write(lambda connection: _prune(connection, before))
            removed += count
            if count < BATCH:
                return removed

    async def latest(
        self, *, member: str = "", session: str = "", event: str = "", limit: int
    ) -> list[Happened]:
        """What happened last, the newest first: to a member, in a session, of one event, or all. `RecordsAway`."""
        wanted = {AUDIT.c.member: member, AUDIT.c.session: session, AUDIT.c.event: event}
        query = AUDIT.select().order_by(AUDIT.c.at.desc(), AUDIT.c.message, AUDIT.c.n.desc()).limit(limit)
        for column, value in wanted.items():
            if value:
                query = query.where(column == value)
        return await self._records.read(
            lambda connection: [_happened(row) for row in connection.execute(query)]
        )


def _add(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    connection.execute(ADD, rows)


def _prune(connection: Connection, before: float) -> int:
    old = sa.select(AUDIT.c.message, AUDIT.c.n).where(AUDIT.c.at < before).order_by(AUDIT.c.at).limit(BATCH)
    gone = AUDIT.delete().where(sa.tuple_(AUDIT.c.message, AUDIT.c.n).in_(old))
    return int(connection.execute(gone).rowcount)


def _rows(message: bytes, trail: Trail) -> list[dict[str, Any]]:
    common = {
        "message": message,
        "at": trail.at,
        "session": trail.session,
        "member": trail.member,
        "channel": trail.channel,
        "gateway": trail.gateway,
        "release": trail.release,
    }
    return [
        {**common, "n": n, "event": event, "fields": msgspec.json.encode(fields).decode()}
        for n, (event, fields) in enumerate(trail.facts)
    ]


def _happened(row: sa.Row[Any]) -> Happened:
    fields = msgspec.json.decode(row.fields, type=dict[str, Any])
    return Happened(row.at, row.event, row.session, row.member, row.channel, row.gateway, row.release, fields)
