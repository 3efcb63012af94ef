"""Sweeping: expired sessions are removed in small batches, so that live turns do not wait for it."""

from __future__ import annotations

import asyncio
from typing import Final

from kikao.sessions.keeper import Sessions
from kikao.sessions.store import CommitUnknown, StoreUnavailable

BATCH: Final = 500
EVERY: Final = 600.0
"""Seconds between sweeps."""

PAUSE: Final = 0.01
"""Seconds left to live turns between two batches."""


class Sweeper:
    """Removes what is expired. A session with an open effect stays until that is settled."""

    def __init__(self, sessions: Sessions, *, every: float = EVERY) -> None:
        self._sessions = sessions
        self._every = every

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await asyncio.sleep(self._every)
            await self.once()

    async def once(self) -> int:
        """Sweep everything that is expired now; the number of sessions removed."""
        removed = 0
        while True:
            try:
                count = await self._sessions.store.sweep(now=self._sessions.clock(), limit=BATCH)
            except (StoreUnavailable, CommitUnknown):
                return removed
            removed += count
            if count < BATCH:
                return removed
            await asyncio.sleep(PAUSE)
