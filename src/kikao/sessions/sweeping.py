"""Sweeping: expired sessions are removed in small batches, so that live turns do not wait for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from typing import Final

from kikao.events import Publish, SweepDone, described
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import EVERY_SHARD

BATCH: Final = 500
EVERY: Final = 600.0
"""Seconds between sweeps."""

PAUSE: Final = 0.01
"""Seconds left to live turns between two batches."""


class Sweeper:
    """Removes what is expired. A session with an open effect stays until that is settled."""

    def __init__(
        self,
        sessions: Sessions,
        publish: Publish,
        *,
        every: float = EVERY,
        shards: Callable[[], Collection[int]] = lambda: EVERY_SHARD,
    ) -> None:
        self._sessions = sessions
        self._publish = publish
        self._every = every
        self._shards = shards

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await asyncio.sleep(self._every)
            await self.once()

    async def once(self) -> int:
        """Sweep everything that is expired now; the number of sessions removed. What fails is told in the event."""
        began = time.perf_counter()
        removed = 0
        error: Exception | None = None
        try:
            while True:
                count = await self._sessions.store.sweep(
                    now=self._sessions.clock(), limit=BATCH, shards=self._shards()
                )
                removed += count
                if count < BATCH:
                    break
                await asyncio.sleep(PAUSE)
        except Exception as problem:  # noqa: BLE001 - the next sweep goes on where this one ended
            error = problem
        seconds = round(time.perf_counter() - began, 3)
        self._publish(SweepDone(count=removed, seconds=seconds, error=described(error)))
        return removed
