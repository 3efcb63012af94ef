"""Telling the devices of users what was pushed, and what is unread: after it is stored, and without anybody waiting.

Who stored something tells of it a moment later. What a process stored and did not tell, since it died or its bus was
away, is found in the records by any other and told then: at most `GRACE` + `EVERY` seconds after it was stored, while
the bus is there. So a device may hear of a notification twice, which has the same id then.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection

from kikao.notices.inbox import due
from kikao.notices.inbox.due import Due, Settled
from kikao.notices.inbox.keeping import Counted
from kikao.notices.inbox.keys import InboxKeys
from kikao.notices.inbox.line import NOTICE, UNREAD, Line, topic_of
from kikao.notices.inbox.notification import told
from kikao.notices.inbox.rows import Stored
from kikao.records import CommitUnknown, Records, RecordsAway

GRACE: Final = 10.0
"""Seconds that who stored something has to tell of it, before others do."""

EVERY: Final = 5.0
"""Seconds between two looks for what nobody told."""

MOST: Final = 200
"""Told in one go."""

AT_ONCE: Final = 32
"""Users told at the same time."""

log = logging.getLogger(__name__)


class Teller:
    """Tells devices through a line. One per process.

    `hands` says whether what was told goes on to who is away, and `wake` calls who does that.
    """

    def __init__(
        self,
        records: Records,
        keys: InboxKeys,
        line: Line,
        *,
        hands: bool,
        wake: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._records = records
        self._keys = keys
        self._line = line
        self._hands = hands
        self._wake = wake
        self._clock = clock
        self._waiting: deque[Due | Counted] = deque()
        self._rung = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()

    def pushed(self, stored: Iterable[Stored]) -> None:
        """These were stored by this process just now."""
        for each in stored:
            self._waiting.append(Due(each.user, each.inbox, each.seq, 0, each.notification))
            self.counted([Counted(each.user, each.inbox, each.unread)])

    def counted(self, counted: Iterable[Counted]) -> None:
        """What is unread of these users was changed by this process just now."""
        self._waiting.extend(counted)
        self._quiet.clear()
        self._rung.set()

    async def run(self) -> None:
        """Tell, for ever; cancel it to stop."""
        while True:
            try:
                await self.once()
            except (RecordsAway, CommitUnknown) as error:
                log.warning("inbox: %s", error)
            except Exception:
                log.exception("inbox: what was stored could not be told")
            try:
                async with asyncio.timeout(EVERY):
                    await self._rung.wait()
            except TimeoutError:
                continue

    async def once(self) -> None:
        """Tell what was stored here, and what nobody else told. Raises `RecordsAway`, `CommitUnknown`."""
        self._rung.clear()
        while await self._tell_ours() or await self._tell_others():
            continue

    async def settled(self) -> None:
        """Wait until nothing that was stored here is left to tell; it may have failed."""
        await self._quiet.wait()

    async def _tell_ours(self) -> bool:
        """Tell some of what was stored here; whether there was anything."""
        batch = [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            await self._tell(batch)
        finally:
            if not self._waiting:
                self._quiet.set()
        return bool(batch)

    async def _tell_others(self) -> bool:
        """Take on and tell some of what was stored and not told; whether there was anything."""
        now, keys = self._clock(), self._keys
        if not await self._records.read(lambda connection: due.any_to_tell(connection, now)):
            return False
        until = now + GRACE

        def take(connection: Connection) -> list[Due | Counted]:
            return [
                *due.take(connection, keys, "new", now=now, until=until, most=MOST),
                *due.take_counts(connection, keys, now=now, until=until, most=MOST),
            ]

        batch = await self._records.write(take)
        await self._tell(batch)
        return bool(batch)

    async def _tell(self, batch: Sequence[Due | Counted]) -> None:
        """Tell the devices of each user in order, and keep that they know."""
        by_user: dict[str, list[Due | Counted]] = {}
        for each in batch:
            by_user.setdefault(each.user, []).append(each)
        at_once = asyncio.Semaphore(AT_ONCE)

        async def tell(user: str, news: list[Due | Counted]) -> list[Due | Counted]:
            async with at_once:
                return await self._tell_user(user, news)

        known = [one for some in await asyncio.gather(*map(tell, by_user, by_user.values())) for one in some]
        then = self._clock() if self._hands else None
        settled = [
            Settled(one.inbox, one.seq, one.looks, "new", then) for one in known if isinstance(one, Due)
        ]
        counts = [one for one in known if isinstance(one, Counted)]
        if known:
            await self._records.write(lambda connection: due.settle(connection, settled, counts))
        if settled and self._hands:
            self._wake()

    async def _tell_user(self, user: str, news: Sequence[Due | Counted]) -> list[Due | Counted]:
        """Tell what came, in order, and then what is unread, once; what of it the devices know now."""
        topic, known = topic_of(user), list[Due | Counted]()
        try:
            for each in news:
                if isinstance(each, Due):
                    await self._line.broadcast(topic, NOTICE, told(each.notification))
                    known.append(each)
            counts = [each for each in news if isinstance(each, Counted)]
            if counts:
                newest = max(counts, key=lambda each: each.unread.version)
                await self._line.broadcast(topic, UNREAD, newest.unread.told)
                known.append(newest)
        except Exception as error:  # noqa: BLE001 - it stands in the records, and is told in a moment
            log.warning("inbox: devices of a user were not told (%s)", type(error).__name__)
        return known
