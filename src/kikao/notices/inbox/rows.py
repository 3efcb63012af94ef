"""Notifications in their table: what changes them, as plain functions of a connection, each one transaction.

What is unread is counted, never added up: the count is made of the rows as they are when the inbox is locked, so it
cannot drift, and each change of it gets the next version.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.notices.inbox import boxes
from kikao.notices.inbox.boxes import Box
from kikao.notices.inbox.keys import InboxKey, InboxKeys
from kikao.notices.inbox.notification import KINDS, Notification, Page, Unread
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS

N: Final = NOTIFICATIONS.c

OCTETS: Final = 256 * 1024
"""Of the payloads that are shown in one go, about: a socket is closed that has more than 1 MiB to read."""


class Pushed(msgspec.Struct, frozen=True):
    """What is told to some users at once, and when what becomes of it."""

    kind: str
    body: bytes
    key: str
    """Empty for none."""
    at: float
    expires_at: float
    gone_at: float
    state: str
    """`new` where devices are to be told, `told` where there are none, `done` where nobody asks."""
    due_at: float | None
    """When somebody else looks after it, if who pushed it does not; None for `done`."""
    counts_due_at: float | None
    """When to tell what is unread; None where there are no devices."""
    most: int
    """Notifications that a user can have; the oldest go."""


class Stored(msgspec.Struct, frozen=True):
    """A notification in its row, and what its user has now."""

    user: str
    inbox: bytes
    seq: int
    notification: Notification
    unread: Unread
    is_new: bool = True
    """False where its cause had notified the user before."""


def push(
    connection: Connection, keys: InboxKeys, users: Sequence[str], what: Pushed
) -> dict[str, Stored | None]:
    """Notify users; None for who does not want that kind."""
    found = boxes.made(connection, keys, users, what.at)
    wanting = [box for box in found.values() if what.kind not in box.muted]
    before = _caused(connection, wanting, what) if what.key else {}
    new = [box for box in wanting if box.id not in before]
    rows = [_row(box, what) for box in new]
    counted: dict[bytes, Unread] = {}
    if rows:
        connection.execute(NOTIFICATIONS.insert(), rows)
        ids = [box.id for box in new]
        connection.execute(INBOXES.update().where(INBOXES.c.id.in_(ids)).values(seq=INBOXES.c.seq + 1))
        _make_room(connection, new, what.most)
        counted = boxes.changed(connection, new, what.at, what.counts_due_at)
    unread = boxes.count(connection, {box.id: box.version for box in wanting if box.id in before}, what.at)
    outcome: dict[str, Stored | None] = dict.fromkeys(users)
    for box in wanting:
        if box.id in before:
            row = before[box.id]
            one = opened(box.key, row)
            outcome[box.user] = Stored(box.user, box.id, row.seq, one, unread[box.id], is_new=False)
    for box, made in zip(new, rows, strict=True):
        one = Notification(
            _id(made["seq"], made["mark"]),
            what.kind,
            msgspec.json.decode(what.body),
            what.at,
            what.expires_at,
        )
        outcome[box.user] = Stored(box.user, box.id, made["seq"], one, counted[box.id])
    return outcome


class Which(NamedTuple):
    """Which of a user's notifications are meant; those that fit all of it."""

    ids: tuple[str, ...] | None = None
    kinds: frozenset[str] | None = None
    until: str = ""
    """The id of the newest."""


def mark_read(
    connection: Connection, keys: InboxKeys, user: str, which: Which, *, now: float, due_at: float | None
) -> tuple[bytes, Unread, bool]:
    """Mark as read what is unread; the inbox, the counts, and whether that changed them."""
    box = boxes.of(connection, keys, user, lock=True)
    if box is None:
        return b"", Unread(), False
    marked = NOTIFICATIONS.update().where(N.inbox == box.id, N.is_unread, N.expires_at > now, *_meant(which))
    read = {"is_unread": False, "state": sa.case((N.state == "new", "new"), else_="done")}
    # Devices are told of one that is new, though it was read: another one may wait for it.
    read["due_at"] = sa.case((N.state == "new", N.due_at), else_=None)
    if connection.execute(marked.values(read)).rowcount == 0:
        return box.id, boxes.count(connection, {box.id: box.version}, now)[box.id], False
    return box.id, boxes.changed(connection, [box], now, due_at)[box.id], True


def subscribe(
    connection: Connection,
    keys: InboxKeys,
    user: str,
    *,
    add: frozenset[str],
    drop: frozenset[str],
    now: float,
) -> frozenset[str]:
    """Have a user get some kinds, and others not any more; which they do not get then. What is there stays."""
    box = boxes.of(connection, keys, user, lock=True)
    if box is None:
        if not drop:
            return frozenset()
        box = boxes.made(connection, keys, [user], now)[user]
    muted = (box.muted - add) | drop
    if len(muted) > KINDS:
        raise ValueError(f"{len(muted)} kinds that a user does not want; {KINDS} is the most")
    if muted != box.muted:
        boxes.mute(connection, box, muted)
    return muted


def page(
    connection: Connection,
    keys: InboxKeys,
    user: str,
    *,
    kinds: frozenset[str] | None,
    before: str,
    limit: int,
    only_unread: bool,
    now: float,
) -> Page:
    """Some of a user's notifications, the newest first."""
    box = boxes.of(connection, keys, user)
    if box is None:
        return Page()
    query = NOTIFICATIONS.select().where(N.inbox == box.id, N.expires_at > now)
    if only_unread:
        query = query.where(N.is_unread)
    if kinds is not None:
        query = query.where(N.kind.in_(kinds))
    if before:
        query = query.where(N.seq < parsed(before)[0])
    rows = connection.execute(query.order_by(N.seq.desc()).limit(limit + 1)).all()
    shown = _fitting(rows[:limit])
    unread = boxes.count(connection, {box.id: box.version}, now)[box.id]
    return Page(tuple(opened(box.key, row) for row in shown), len(rows) > len(shown), unread)


def opened(key: InboxKey, row: sa.Row[Any]) -> Notification:
    """A notification of its row. Raises `SealError`."""
    payload = msgspec.json.decode(key.unseal(row.body, _place(row.seq)), type=dict[str, Any])
    return Notification(_id(row.seq, row.mark), row.kind, payload, row.at, row.expires_at, not row.is_unread)


def parsed(notification: str) -> tuple[int, str]:
    """The two halves of an id. Raises `ValueError` for what is none."""
    if not isinstance(notification, str) or _ID(notification) is None:
        raise ValueError("that is no id of a notification")
    seq, _, mark = notification.partition("-")
    return int(seq), mark


def _fitting(rows: Sequence[sa.Row[Any]]) -> Sequence[sa.Row[Any]]:
    """The first of some rows, as many as are sent in one message; one at least."""
    octets = 0
    for at, row in enumerate(rows):
        octets += len(row.body)
        if octets > OCTETS and at:
            return rows[:at]
    return rows


def _meant(which: Which) -> Iterable[sa.ColumnElement[bool]]:
    if which.ids is not None:
        named = [parsed(each) for each in which.ids]
        # The marks beside the numbers: an id of an inbox that was erased means nothing in the next one.
        yield N.seq.in_([seq for seq, _ in named]) & N.mark.in_([mark for _, mark in named])
    if which.kinds is not None:
        yield N.kind.in_(which.kinds)
    if which.until:
        yield N.seq <= parsed(which.until)[0]


def _caused(connection: Connection, wanting: Collection[Box], what: Pushed) -> dict[bytes, sa.Row[Any]]:
    """What the cause notified users of before, by the id of the inbox."""
    causes = [box.key.hash(what.key) for box in wanting]
    query = NOTIFICATIONS.select().where(N.inbox.in_([box.id for box in wanting]), N.cause.in_(causes))
    return {row.inbox: row for row in connection.execute(query)}


def _row(box: Box, what: Pushed) -> dict[str, Any]:
    seq = box.seq + 1
    return {
        "inbox": box.id,
        "seq": seq,
        "mark": secrets.token_hex(8),
        "cause": box.key.hash(what.key) if what.key else None,
        "kind": what.kind,
        "body": box.key.seal(what.body, _place(seq)),
        "at": what.at,
        "expires_at": what.expires_at,
        "gone_at": what.gone_at,
        "is_unread": True,
        "state": what.state,
        "due_at": what.due_at,
        "looks": 0,
    }


def _make_room(connection: Connection, new: Collection[Box], most: int) -> None:
    full = [{"id": box.id, "oldest": box.seq + 1 - most} for box in new if box.seq >= most]
    if full:
        old = (N.inbox == sa.bindparam("id")) & (N.seq <= sa.bindparam("oldest"))
        connection.execute(NOTIFICATIONS.delete().where(old), full)


def _id(seq: int, mark: str) -> str:
    return f"{seq}-{mark}"


def _place(seq: int) -> str:
    return f"notification {seq}"


_ID = re.compile("[1-9][0-9]{0,17}-[0-9a-f]{16}").fullmatch
