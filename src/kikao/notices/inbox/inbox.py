"""The inbox: what users were told, whether they read it, and of which kinds they want to hear.

    inbox = chat.service(Inbox)
    await inbox.push("asha", "loan.due", {"amount": "UGX 50,000"}, key=f"loan {loan.id} due")

It is stored before anybody hears of it. Devices that are connected are told then, others find it when they come, and
who is away hears of it as the app says (`Notifications.away`). Importing this loads SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, inspect

from kikao.members.erasing import fold
from kikao.notices.inbox import boxes, keeping, rows
from kikao.notices.inbox.declared import DAY, Notifications
from kikao.notices.inbox.handing import PATIENCE, Handing
from kikao.notices.inbox.keeping import Counted
from kikao.notices.inbox.keys import InboxKeys
from kikao.notices.inbox.line import Line
from kikao.notices.inbox.notification import (
    Notification,
    Page,
    Unread,
    checked_key,
    checked_kinds,
    checked_user,
    checked_users,
)
from kikao.notices.inbox.rows import Pushed, Stored, Which
from kikao.notices.inbox.telling import GRACE, Teller
from kikao.records import CommitUnknown, Records, RecordsAway
from kikao.sessions.sealing import KeyRing

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "kikao_inbox_version"

PAGE: Final = 200
"""Notifications that are looked at in one go, at most."""

IDS: Final = 1000
"""Notifications that are marked by their ids in one go, at most."""

CAUSE: Final = DAY
"""Seconds that a key is known at least, though the notification may have expired: so long a cause may come again."""

LAST: Final = 2.0
"""Seconds in which a process that stops tells of what it stored; after that others do."""

SWEEPS: Final = 60.0
"""Seconds between two sweeps: so long what has expired may still count on a device."""

Progress = Callable[[int, int], None]
"""Told how many are done, of how many."""

log = logging.getLogger(__name__)


class Inbox:
    """Notifications in a database of records, which belongs to who made it. Call `start` before the first use.

    Several processes may share the database. Every method raises `RecordsAway` while it does not answer, and one that
    changes something `CommitUnknown` when it fails while it commits: doing it again is safe, a push with its key.
    All of them raise `ValueError` for what is no user id, kind, id or payload.
    """

    def __init__(
        self,
        records: Records,
        ring: KeyRing,
        declared: Notifications | None = None,
        *,
        live: bool = True,
        clear: float = 0.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`live` says whether the app has a channel for devices, in this process or another: then they are to be told.

        `clear` is how many seconds a live session may go on after its connection was lost.
        """
        self._records = records
        self._keys = InboxKeys(ring)
        self._declared = declared or Notifications()
        self._live = live
        self._clear = clear
        self._clock = clock
        self._teller: Teller | None = None
        self._handing: Handing | None = None

    async def start(self) -> None:
        """Bring the tables up to date and check that the ring opens them. Raises `RecordsRefused`."""
        await self.tables()
        keys = self._keys
        await self._records.read(lambda connection: keeping.check(connection, keys))

    async def tables(self) -> None:
        """Bring the tables up to date, and no more. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)

    async def is_there(self) -> bool:
        """Whether there are tables at all."""
        return await self._records.read(lambda connection: inspect(connection).has_table("kikao_inboxes"))

    # --- telling a user something ---

    async def push(
        self,
        user_id: str,
        kind: str,
        payload: Mapping[str, Any] | msgspec.Struct,
        *,
        key: str | None = None,
        expires: float | None = None,
    ) -> Notification | None:
        """Notify a user; None where they do not want that kind, of which nothing is stored then.

        `payload` is a JSON object of at most 16 KiB. With the `key` of a cause that comes again, the user has one
        notification, and the first one is returned each time: as long as it is kept, and a day at least. `expires` are
        the seconds in which it is of use; it is kept for the days of `Notifications` at most.
        """
        return (await self.push_many([user_id], kind, payload, key=key, expires=expires))[user_id]

    async def push_many(
        self,
        user_ids: Iterable[str],
        kind: str,
        payload: Mapping[str, Any] | msgspec.Struct,
        *,
        key: str | None = None,
        expires: float | None = None,
    ) -> dict[str, Notification | None]:
        """Notify up to 1,000 users of the same, all or none of them; by user id, as `push` would return it."""
        users, what = checked_users(user_ids), self._pushed(kind, payload, key, expires)
        if not users:
            return {}
        keys = self._keys
        stored = await self._records.write(lambda connection: rows.push(connection, keys, users, what))
        self._told([each for each in stored.values() if each is not None and each.is_new])
        return {user: None if each is None else each.notification for user, each in stored.items()}

    # --- what a user has ---

    async def pending(
        self, user_id: str, *, kinds: Iterable[str] | None = None, before: str | None = None, limit: int = 50
    ) -> tuple[Notification, ...]:
        """The unread ones, the newest first: of some kinds, older than the one with the id `before`; at most 200."""
        return (await self.page(user_id, kinds=kinds, before=before, limit=limit, unread=True)).notifications

    async def page(
        self,
        user_id: str,
        *,
        kinds: Iterable[str] | None = None,
        before: str | None = None,
        limit: int = 50,
        unread: bool = False,
    ) -> Page:
        """As `pending`, with what was read unless `unread`, and with the counts of the same moment."""
        user = checked_user(user_id)
        wanted = None if kinds is None else checked_kinds(kinds)
        if before:
            rows.parsed(before)
        if not 1 <= limit <= PAGE:
            raise ValueError(f"limit must be 1 to {PAGE}")
        keys, now = self._keys, self._clock()
        return await self._records.read(
            lambda connection: rows.page(
                connection,
                keys,
                user,
                kinds=wanted,
                before=before or "",
                limit=limit,
                only_unread=unread,
                now=now,
            )
        )

    async def unread(self, user_id: str) -> Unread:
        """How many are unread, in all and by kind."""
        keys, user, now = self._keys, checked_user(user_id), self._clock()

        def read(connection: Connection) -> Unread:
            box = boxes.of(connection, keys, user)
            return Unread() if box is None else boxes.count(connection, {box.id: box.version}, now)[box.id]

        return await self._records.read(read)

    async def mark_read(
        self,
        user_id: str,
        ids: Iterable[str] | None = None,
        *,
        kinds: Iterable[str] | None = None,
        until: str | None = None,
    ) -> Unread:
        """Mark as read what has one of these ids (all for None), is of one of these kinds, and no newer than `until`.

        Returns what is unread then. What was read, or is not there any more, is no matter; `until` is the id of the
        newest that the user saw, so that one which came since stays unread.
        """
        user = checked_user(user_id)
        which = Which(
            None if ids is None else _checked_ids(ids),
            None if kinds is None else checked_kinds(kinds),
            until or "",
        )
        if until:
            rows.parsed(until)
        keys, now, due_at = self._keys, self._clock(), self._counts_due_at()
        inbox, counts, is_new = await self._records.write(
            lambda connection: rows.mark_read(connection, keys, user, which, now=now, due_at=due_at)
        )
        if is_new:
            self._counted([Counted(user, inbox, counts)])
        return counts

    # --- what a user wants ---

    async def subscribe(self, user_id: str, kinds: Iterable[str]) -> dict[str, bool]:
        """Have a user get these kinds again; as `kinds`. A user gets every kind that they did not unsubscribe from."""
        return await self._wish(user_id, add=checked_kinds(kinds))

    async def unsubscribe(self, user_id: str, kinds: Iterable[str]) -> dict[str, bool]:
        """Have a user get nothing of these kinds any more; as `kinds`. What is there stays."""
        return await self._wish(user_id, drop=checked_kinds(kinds))

    async def kinds(self, user_id: str) -> dict[str, bool]:
        """Which kinds a user gets: those that the app declared, and those that the user does not want."""
        return await self._wish(user_id)

    # --- what a user may ask for ---

    async def export(self, user_id: str) -> dict[str, Any] | None:
        """All that is stored of a user, as plain data for JSON; None where there is nothing."""
        keys, user = self._keys, checked_user(user_id)
        found = await self._records.read(lambda connection: keeping.export(connection, keys, user))
        return None if found is None else dict(msgspec.to_builtins(found))

    async def erase(self, user_id: str) -> bool:
        """Destroy all that is stored of a user, and the key; False where there was nothing."""
        keys, user = self._keys, checked_user(user_id)
        erased = await self._records.write(lambda connection: keeping.erase(connection, keys, user))
        if erased:
            await self._records.read(fold)
        return erased

    # --- beside the turns ---

    def connect(self, line: Line | None, *, patience: float = PATIENCE) -> None:
        """Tell devices over a line, and hand over what is for who is away, once `run` runs.

        `patience` is how many seconds the app's hook gets for one notification, less than 60.
        """
        declared, records, keys = self._declared, self._records, self._keys
        if declared.away is not None:
            self._handing = Handing(
                records, keys, declared.away, line, clear=self._clear, clock=self._clock, patience=patience
            )
        if line is not None and self._live:
            hands = self._handing is not None
            self._teller = Teller(records, keys, line, hands=hands, wake=self._wake, clock=self._clock)

    async def run(self, mine: Callable[[], bool] = lambda: True) -> None:
        """Tell, hand over and sweep, for ever; cancel it to stop. `mine` says whether this process is who sweeps.

        With several keys in the ring, it first seals anew what retired ones have sealed.
        """
        async with asyncio.TaskGroup() as tasks:
            if self._teller is not None:
                tasks.create_task(self._teller.run())
            if self._handing is not None:
                tasks.create_task(self._handing.run())
            resealed = len(self._keys.ring.kids) == 1
            while True:
                try:
                    if not resealed:
                        await self.reseal(_unheard)
                        resealed = True
                    if mine():
                        await self.sweep()
                except (RecordsAway, CommitUnknown) as error:
                    log.warning("inbox: %s", error)
                except Exception:
                    log.exception("inbox: what has expired could not be swept")
                await asyncio.sleep(SWEEPS)

    @contextlib.asynccontextmanager
    async def at_work(self, mine: Callable[[], bool]) -> AsyncIterator[None]:
        """`run` beside this; at its end devices are told of what was stored here, if that is quick."""
        running = asyncio.create_task(self.run(mine))
        try:
            yield
        finally:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LAST):
                    await self.settled()
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    async def once(self) -> None:
        """Tell and hand over what is due now, and wait until it is done. Raises `RecordsAway`, `CommitUnknown`."""
        if self._teller is not None:
            await self._teller.once()
        if self._handing is not None:
            await self._handing.once()

    async def settled(self) -> None:
        """Wait until devices were told of all that was stored here; or that failed, and is tried again."""
        if self._teller is not None:
            await self._teller.settled()

    async def sweep(self) -> int:
        """What has expired does not count any more, and goes when it was kept long enough; how many went."""
        keys, now, due_at, removed = self._keys, self._clock(), self._counts_due_at(), 0
        while counted := await self._records.write(
            lambda connection: keeping.expire(connection, keys, now, due_at)
        ):
            self._counted(counted)
        while batch := await self._records.write(lambda connection: keeping.remove(connection, now)):
            removed += batch
        return removed

    # --- new keys ---

    async def reseal(self, progress: Progress) -> None:
        """Seal the keys of all inboxes under the active key of the ring. As `Directory.reseal`."""
        keys = self._keys
        await self._in_batches(
            progress, lambda one: keeping.stale(one, keys), lambda one: keeping.reseal(one, keys)
        )

    async def rekey(self, new_ring: KeyRing, progress: Progress) -> None:
        """Look users up with the look-up key of another ring, which has this one's keys too.

        While it goes on, and after a crash, every ring that has both keys finds them.
        """
        keys = InboxKeys(new_ring)
        await self._in_batches(
            progress, lambda one: keeping.astray(one, keys.lookup_kid), lambda one: keeping.rekey(one, keys)
        )

    async def lookup_kids(self) -> set[str]:
        """The ids of the keys that users are looked up with."""
        return await self._records.read(keeping.lookup_kids)

    # --- parts ---

    async def _in_batches(
        self, progress: Progress, count: Callable[[Connection], int], work: Callable[[Connection], int]
    ) -> None:
        total, done = await self._records.read(count), 0
        progress(done, total)
        while total and (batch := await self._records.write(work)):
            done += batch
            progress(done, total)

    def _pushed(
        self, kind: str, payload: Mapping[str, Any] | msgspec.Struct, key: str | None, expires: float | None
    ) -> Pushed:
        """What is stored. Raises `ValueError`."""
        declared, now = self._declared, self._clock()
        body = declared.kinds.encode(kind, payload)
        if expires is not None and not expires > 0:
            raise ValueError("expires must be more than 0 seconds")
        expires_at = now + min(declared.seconds, declared.seconds if expires is None else expires)
        cause = "" if key is None else checked_key(key)
        state, due_at = "done", None
        if self._live:
            state, due_at = "new", self._counts_due_at()
        elif declared.away is not None:
            state, due_at = "told", now
        return Pushed(
            kind,
            body,
            cause,
            at=now,
            expires_at=expires_at,
            gone_at=max(expires_at, now + CAUSE) if cause else expires_at,
            state=state,
            due_at=due_at,
            counts_due_at=self._counts_due_at(),
            most=declared.most,
        )

    def _counts_due_at(self) -> float | None:
        """When others tell of what is stored now: at once, where this process tells nobody."""
        if not self._live:
            return None
        return self._clock() + (0.0 if self._teller is None else GRACE)

    def _told(self, stored: Sequence[Stored]) -> None:
        if self._teller is not None:
            self._teller.pushed(stored)
        elif stored:
            self._wake()

    def _counted(self, counted: Sequence[Counted]) -> None:
        if self._teller is not None:
            self._teller.counted(counted)

    def _wake(self) -> None:
        if self._handing is not None:
            self._handing.wake()

    async def _wish(
        self, user_id: str, *, add: frozenset[str] = frozenset(), drop: frozenset[str] = frozenset()
    ) -> dict[str, bool]:
        keys, user, now = self._keys, checked_user(user_id), self._clock()

        def change(connection: Connection) -> frozenset[str]:
            return rows.subscribe(connection, keys, user, add=add, drop=drop, now=now)

        def read(connection: Connection) -> frozenset[str]:
            box = boxes.of(connection, keys, user)
            return frozenset() if box is None else box.muted

        muted = await (self._records.write(change) if add or drop else self._records.read(read))
        return self._declared.kinds.stand(muted)


def _unheard(*_: int) -> None:
    """Nobody waits for this."""


def _checked_ids(ids: Iterable[str]) -> tuple[str, ...]:
    """The ids. Raises `ValueError`."""
    if isinstance(ids, str):
        raise ValueError("ids must be a list")
    found = tuple(dict.fromkeys(ids))
    if len(found) > IDS:
        raise ValueError(f"{len(found)} ids; {IDS} is the most")
    for each in found:
        rows.parsed(each)
    return found
