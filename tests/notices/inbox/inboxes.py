"""An inbox for tests: a clock to turn, keys to rotate, devices that listen, and a look at what lies in its database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from kikao.notices.inbox import Inbox, Notifications
from kikao.notices.inbox.inbox import MIGRATIONS, VERSION_TABLE
from kikao.records import Records
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from tests.databases import records_of

K1, K2 = bytes([1]) * 32, bytes([2]) * 32


def ring(**keys: bytes) -> KeyRing:
    """Keys by id, the first one seals; `k1` alone by default."""
    return KeyRing(keys or {"k1": K1})


@asynccontextmanager
async def its_records(folder: Path) -> AsyncIterator[Records]:
    """The database in `folder`."""
    records = Records(await records_of(folder, "data/records.db"))
    try:
        yield records
    finally:
        await records.close()


@asynccontextmanager
async def an_inbox(
    folder: Path,
    declared: Notifications | None = None,
    *,
    keys: KeyRing | None = None,
    clock: Clock | None = None,
    live: bool = True,
    clear: float = 0.0,
) -> AsyncIterator[Inbox]:
    """The inbox in `folder`; open a second one to be another process."""
    async with its_records(folder) as records:
        await records.migrate(MIGRATIONS, VERSION_TABLE, upgrade=True)
        inbox = Inbox(records, keys or ring(), declared, live=live, clear=clear, clock=clock or Clock())
        await inbox.start()
        yield inbox


async def rows(folder: Path, table: sa.Table) -> list[Mapping[str, Any]]:
    """What lies in a table."""
    async with its_records(folder) as records:
        return await records.read(
            lambda connection: [dict(row._mapping) for row in connection.execute(table.select())]
        )


class Devices:
    """The other end of a line: what devices hear, and who is connected. It can be cut."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, str, Mapping[str, Any]]] = []
        self.connected: set[str] = set()
        self.is_cut = False

    async def broadcast(self, topic: str, event: str, payload: Mapping[str, Any]) -> None:
        if self.is_cut:
            raise ConnectionError
        self.heard.append((topic, event, payload))

    async def session_exists(self, user_id: str) -> bool:
        if self.is_cut:
            raise ConnectionError
        return user_id in self.connected

    def take(self) -> list[str]:
        """What was heard since: `asha notice 1-…` as `asha notice bill`, and counts as `asha unread 2`."""
        heard, self.heard = self.heard, []
        return [
            f"{topic.removeprefix('notices:')} {event} {payload.get('kind', payload.get('total'))}"
            for topic, event, payload in heard
        ]
