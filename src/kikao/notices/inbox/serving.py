"""The inbox of an app at work, of its settings."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from kikao.config import Settings
from kikao.live import Live
from kikao.notices.inbox.declared import Notifications
from kikao.notices.inbox.inbox import Inbox
from kikao.notices.inbox.line import topic_of
from kikao.records import Records
from kikao.sessions.sealing import KeyRing

MARGIN: Final = 30.0
"""Seconds more than a lost connection takes by itself: until its process looks, and another one knows."""


@contextlib.asynccontextmanager
async def opened(
    settings: Settings,
    ring: KeyRing,
    clock: Callable[[], float],
    declared: Notifications | None,
    live: Live | None,
) -> AsyncIterator[Inbox]:
    """The inbox in `KIKAO_RECORDS`. Raises `RecordsRefused`."""
    heard = live is not None and live.routes.find(topic_of("somebody")) is not None
    clear = 0.0 if live is None else live.limits.silence + live.limits.window + MARGIN
    records = Records(settings.records, connections=4, strict=settings.env == "production")
    try:
        inbox = Inbox(records, ring, declared, live=heard, clear=clear, clock=clock)
        await inbox.start()
        yield inbox
    finally:
        await records.close()
