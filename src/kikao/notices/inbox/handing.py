"""Handing notifications of users who are away to the app: at least once each, and not those that they read before.

A user is away who has no session on any process. Who has one may still have lost the connection a moment ago: a session
outlives it by the time to notice, and by the time to come back. So who is there is looked at again when both are over,
`clear` seconds after the push: if the session still is, somebody was there.

What is handed over is taken on in the records first. If the process dies, or the app's hook fails, it is taken on
again: the hook can only be called after it returned if the process died, or the records were away, just then.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from kikao.notices.inbox import due
from kikao.notices.inbox.declared import Away
from kikao.notices.inbox.due import Due, Settled
from kikao.notices.inbox.keys import InboxKeys
from kikao.notices.inbox.line import Line
from kikao.records import CommitUnknown, Records, RecordsAway

PATIENCE: Final = 30.0
"""Seconds that a hook gets for one notification."""

LEASE: Final = 60.0
"""Seconds after which another process takes on what was not settled: more than a hook gets."""

EVERY: Final = 5.0
"""Seconds between two looks for what is due."""

SLOTS: Final = 20
"""Notifications that are handed over at the same time by a process."""

LONGEST: Final = 300.0
"""Seconds between two tries, at most: they begin with two, and double."""

GIVE_UP: Final = 86_400.0
"""Seconds after the push in which it is tried."""

log = logging.getLogger(__name__)


class Handing:
    """Hands over what users who are away have not read. One per process.

    `line` says who is there; without one everybody is away.
    """

    def __init__(
        self,
        records: Records,
        keys: InboxKeys,
        away: Away,
        line: Line | None,
        *,
        clear: float,
        clock: Callable[[], float],
        patience: float,
    ) -> None:
        self._records = records
        self._keys = keys
        self._away = away
        self._line = line
        self._clear = clear
        self._clock = clock
        self._patience = patience
        self._rung = asyncio.Event()
        self._working: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Something may be due."""
        self._rung.set()

    async def run(self) -> None:
        """Hand over what is due, for ever; cancel it to stop."""
        try:
            while True:
                self._rung.clear()
                try:
                    await self._begin()
                except (RecordsAway, CommitUnknown) as error:
                    log.warning("inbox: %s", error)
                except Exception:
                    log.exception("inbox: what is due could not be looked after")
                try:
                    async with asyncio.timeout(EVERY):
                        await self._rung.wait()
                except TimeoutError:
                    continue
        finally:
            await self._end()

    async def once(self) -> None:
        """Look after all that is due now. Raises `RecordsAway`, `CommitUnknown`."""
        while await self._begin():
            await asyncio.wait(self._working)

    async def _begin(self) -> bool:
        """Take on what is due, as much as there are slots; whether there was anything."""
        now, free = self._clock(), SLOTS - len(self._working)
        if not free or not await self._records.read(lambda connection: due.any_to_hand(connection, now)):
            return False
        keys, until = self._keys, now + LEASE
        taken = await self._records.write(
            lambda connection: due.take(connection, keys, "told", now=now, until=until, most=free)
        )
        for each in taken:
            task = asyncio.create_task(self._look_after(each))
            self._working.add(task)
            task.add_done_callback(self._ended)
        return bool(taken)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._working.discard(task)
        self._rung.set()

    async def _look_after(self, one: Due) -> None:
        again = await self._dealt_with(one)
        settled = Settled(one.inbox, one.seq, one.looks, "told", again)
        try:
            await self._records.write(lambda connection: due.settle(connection, [settled], []))
        except (RecordsAway, CommitUnknown) as error:
            log.warning("inbox: %s", error)  # it is due again when the lease is over

    async def _dealt_with(self, one: Due) -> float | None:
        """Hand it over, if its user is away; when to look again, None for never."""
        if self._line is not None:
            try:
                there = await self._line.session_exists(one.user)
            except Exception as error:  # noqa: BLE001 - nobody knows: later
                return self._later(one, "who is there is not known", error)
            if there:
                clear = one.notification.at + self._clear
                return clear if self._clock() < clear else None
        try:
            async with asyncio.timeout(self._patience):
                await self._away(one.user, one.notification)
        except Exception as error:  # noqa: BLE001 - the app's
            return self._later(one, "it was not handed over", error)
        return None

    def _later(self, one: Due, what: str, error: Exception) -> float | None:
        now, kind, id_ = self._clock(), one.notification.kind, one.notification.id
        if now >= one.notification.at + GIVE_UP:
            log.error("inbox: notification %s (%s): %s, and is given up: %s", id_, kind, what, _named(error))
            return None
        log.warning("inbox: notification %s (%s): %s: %s", id_, kind, what, _named(error))
        return now + min(LONGEST, 2.0 ** min(one.looks, 20))

    async def _end(self) -> None:
        """Let go of what is not done: somebody else takes it on."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)


def _named(error: Exception) -> str:
    """Its type: its words may tell of a user."""
    return type(error).__name__
