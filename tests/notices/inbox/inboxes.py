"""An inbox for tests: a clock to turn, keys to rotate, and devices that listen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from kikao.notices.inbox import Inbox, Notifications
from kikao.notices.inbox.inbox import MIGRATIONS, VERSION_TABLE
from kikao.sessions.sealing import KeyRing
from kikao.testing import Clock
from tests.databases import its_records
from tests.key_rings import ring


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
