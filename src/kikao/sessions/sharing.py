"""The part of the store that this process looks after: recovery, sweeping, sending.

Processes that use one store divide its shards among themselves. Each renews its lease; the shards of one that does not
are free when its lease is over, and the others take them with their next renewal. Shards are for dividing the work:
what keeps two processes from doing the same thing are the leases and fences of sessions and messages, also while two
of them believe that a shard is theirs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import time
from collections.abc import Callable, Collection
from typing import Final, Protocol

from kikao.events import Publish, SharesChanged, described
from kikao.sessions.outgoing import EVERY_SHARD, Share

LEASE: Final = 6.0
"""Seconds for which a process has its shards: so long they lie idle when it dies."""

EVERY: Final = 2.0
"""Seconds between two renewals."""

NONE: Final[frozenset[int]] = frozenset()


class SharedStore(Protocol):
    """What a store does for it: see `kikao.sessions.outgoing.OutboxStore`."""

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        """Stay alive for `lease` seconds more, and take or keep a fair share."""
        ...

    async def leave(self, worker: str) -> None:
        """End; the shards are free at once."""
        ...


class Shares:
    """This process among those that share a store. `shards` are the ones it has now.

    Before it runs it has all of them: whoever looks after a store without sharing it means everything.
    """

    def __init__(
        self,
        store: SharedStore,
        publish: Publish,
        *,
        clock: Callable[[], float] = time.time,
        lease: float = LEASE,
        every: float = EVERY,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker = f"{os.getpid()}-{os.urandom(8).hex()}"
        """What the store knows this process by: no other one has it, on whatever machine."""
        self._store = store
        self._publish = publish
        self._clock = clock
        self._lease = lease
        self._every = every
        self._monotonic = monotonic
        self._share = Share(EVERY_SHARD, 1)
        self._until: float | None = None
        self._told = Share(EVERY_SHARD, 1)
        self._changed: list[Callable[[], None]] = []
        self._woken = asyncio.Event()

    @property
    def shards(self) -> Collection[int]:
        """Those that this process has; none while its lease could not be renewed in time."""
        return self._share.shards if self._lasts else NONE

    @property
    def workers(self) -> int:
        """How many processes were at work when the store was last asked, this one included."""
        return self._share.workers

    def when_changed(self, call: Callable[[], None]) -> None:
        """Call this whenever the shards are others than before."""
        self._changed.append(call)

    async def renew(self) -> bool:
        """Keep what it has, or take what is free; False when the store did not let it."""
        began = self._monotonic()
        error: Exception | None = None
        try:
            # An answer that comes when the lease is over would be of no use.
            async with asyncio.timeout(self._lease / 2):
                share = await self._store.share(self.worker, now=self._clock(), lease=self._lease)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the next round tries again
            error = problem
            if self._until is None:
                self._until = began
        else:
            self._share, self._until = share, began + self._lease
        self._tell(error)
        return error is None

    async def run(self) -> None:
        """For ever; cancel it to stop."""
        while True:
            self._woken.clear()  # who wakes it from now on knows of something that this renewal may not
            renewed = await self.renew()
            # Not all at the same moment, and sooner after a failure.
            pause = self._every * random.uniform(0.75, 1.0) * (1.0 if renewed else 0.5)  # noqa: S311
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._woken.wait()

    def wake(self) -> None:
        """Ask the store now: another process said that it came or went."""
        self._woken.set()

    async def leave(self) -> None:
        """Hand over what it has. Where the store does not take that, the others wait for the end of the lease."""
        if self._until is None:
            return
        self._share, self._until = Share(NONE, self._share.workers), 0.0
        with contextlib.suppress(Exception):
            async with asyncio.timeout(self._lease / 2):
                await self._store.leave(self.worker)

    @property
    def _lasts(self) -> bool:
        return self._until is None or self._monotonic() < self._until

    def _tell(self, error: Exception | None) -> None:
        share = self._share if self._lasts else Share(NONE, self._share.workers)
        if share == self._told:
            return
        changed = share.shards != self._told.shards
        self._told = share
        self._publish(SharesChanged(shards=len(share.shards), workers=share.workers, error=described(error)))
        if changed:
            for call in self._changed:
                call()
