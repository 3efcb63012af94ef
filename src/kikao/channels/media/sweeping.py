"""Sweeping files: what was kept for its days is removed, in small batches, by one of the processes of an app."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from kikao.channels.media.store import FileStore, Swept
from kikao.events import FilesSwept, Publish, described

EVERY: Final = 600.0
"""Seconds between sweeps."""


class FileSweeper:
    """Removes files past their days. `mine` says whether this process is the one that does it."""

    def __init__(
        self,
        store: FileStore,
        publish: Publish,
        *,
        every: float = EVERY,
        mine: Callable[[], bool] = lambda: True,
    ) -> None:
        self._store = store
        self._publish = publish
        self._every = every
        self._mine = mine

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            await asyncio.sleep(self._every)
            await self.once()

    async def once(self) -> None:
        """Sweep what is past its days now. What fails is told in the event; where no file ever was, nothing is."""
        if not self._mine() or not self._store.has_any:
            return
        began, swept = time.perf_counter(), Swept()
        error: Exception | None = None
        try:
            swept = await self._store.sweep()
        except Exception as problem:  # noqa: BLE001 - the next sweep goes on where this one ended
            error = problem
        seconds = round(time.perf_counter() - began, 3)
        self._publish(
            FilesSwept(
                count=swept.removed,
                kept=swept.kept,
                octets=swept.octets,
                seconds=seconds,
                error=described(error),
            )
        )
