"""From the outbox to the audit trail: what waits together is written together.

A transaction of the records costs a wait for the disk. So what comes while one is under way is the next one's: under
load each brings many messages, and alone one does not wait for others.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

import msgspec

from kikao.audit.trail import AuditTrail
from kikao.channels.outbox import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.records import CommitUnknown, RecordsAway
from kikao.sessions.trail import TO, Trail, decode

AT_ONCE: Final = 64
"""Messages that wait for one transaction, at most."""

TRIES: Final = 100_000
"""The records may be away for as long as a message is good."""

EVERY: Final = 3600.0
"""Seconds between two looks at what is too old."""

DAY: Final = 86400.0

log = logging.getLogger(__name__)


class AuditRelay:
    """A `Sender` to the audit trail, which it keeps for `days`."""

    def __init__(self, trail: AuditTrail, *, days: int, clock: Callable[[], float] = time.time) -> None:
        self._trail = trail
        self._days = days
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._writing: asyncio.Task[None] | None = None

    @property
    def destinations(self) -> dict[str, Destination]:
        """Itself, for a dispatcher."""
        return {TO: Destination(sender=self, at_once=AT_ONCE, tries=TRIES)}

    async def send(self, letter: Letter) -> Outcome:
        """Written, or to be brought again."""
        try:
            trail = decode(letter.body)
        except msgspec.DecodeError:
            return Rejected("it is no trail of this version")
        written: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(letter.id, trail, written))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write())
        return await written

    async def run(self) -> None:
        """Remove what is too old, for ever; cancel it to stop."""
        while True:
            try:
                await self._trail.prune(self._clock() - self._days * DAY)
            except (RecordsAway, CommitUnknown) as error:
                log.warning("audit: %s", error)
            await asyncio.sleep(EVERY)

    async def _write(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            await self._add([each for each in batch if not each.written.done()])

    async def _add(self, batch: Sequence[_Waiting]) -> None:
        outcome: Outcome = TryLater("cut short")
        try:
            await self._trail.add([(each.message, each.trail) for each in batch])
            outcome = Delivered()
        except (RecordsAway, CommitUnknown) as error:
            outcome = TryLater(type(error).__name__)
        except Exception as error:  # noqa: BLE001 - one of them does not fit: it holds up no other
            outcome = TryLater(type(error).__name__)
            if len(batch) > 1:
                for each in batch:
                    await self._add([each])
        finally:
            for each in batch:
                if not each.written.done():
                    each.written.set_result(outcome)


class _Waiting(NamedTuple):
    message: bytes
    trail: Trail
    written: asyncio.Future[Outcome]
