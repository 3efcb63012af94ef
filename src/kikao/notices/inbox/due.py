"""Who has still to be told, and what has still to be looked after: taken on by one process, each one a transaction.

A notification is *new* until the devices of its user were told, then *told* until it is clear that the user was there
or it was handed over, then *done*. Who takes one on gets a number with it (`looks`): what they make of it counts only
as long as nobody took it on after them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.notices.inbox import boxes
from kikao.notices.inbox.keeping import Counted
from kikao.notices.inbox.keys import InboxKeys
from kikao.notices.inbox.notification import Notification
from kikao.notices.inbox.rows import N, opened
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.sessions.sealing import SealError

State = Literal["new", "told"]


class Due(msgspec.Struct, frozen=True):
    """A notification that was taken on."""

    user: str
    inbox: bytes
    seq: int
    looks: int
    notification: Notification


class Settled(msgspec.Struct, frozen=True):
    """What became of one that was taken on in this state."""

    inbox: bytes
    seq: int
    looks: int
    was: State
    due_at: float | None = None
    """When to look after it again, then as *told*; None when there is nothing left to do."""


def take(
    connection: Connection, keys: InboxKeys, state: State, *, now: float, until: float, most: int
) -> list[Due]:
    """Take on some that are due, the longest waiting first; others may do so from `until` on.

    Not what has expired, nor of what is *told* what was read: of that nothing is left to do.
    """
    query = sa.select(N.inbox, N.seq).where(N.state == state, N.due_at <= now, N.expires_at > now)
    if state == "told":
        query = query.where(N.is_unread)
    query = query.order_by(N.due_at).limit(most).with_for_update(skip_locked=True)
    found = [(row.inbox, row.seq) for row in connection.execute(query)]
    if not found:
        return []
    same = sa.tuple_(N.inbox, N.seq).in_(found)
    connection.execute(NOTIFICATIONS.update().where(same).values(due_at=until, looks=N.looks + 1))
    ids = {inbox for inbox, _ in found}
    rows = connection.execute(INBOXES.select().where(INBOXES.c.id.in_(list(ids))))
    owners = boxes.legible(keys, rows)
    taken = connection.execute(NOTIFICATIONS.select().where(same).order_by(N.at, N.inbox, N.seq)).all()
    due: list[Due] = []
    for row in taken:
        with contextlib.suppress(KeyError, SealError):  # what was damaged holds up nothing else
            box = owners[row.inbox]
            due.append(Due(box.user, box.id, row.seq, row.looks, opened(box.key, row)))
    return due


def settle(connection: Connection, settled: Sequence[Settled], told: Sequence[Counted]) -> None:
    """Keep what became of some that were taken on, and which users' devices know what is unread.

    Of what somebody else took on after that nothing is kept, nor of counts that changed again meanwhile.
    """
    ids = {each.inbox for each in settled} | {each.inbox for each in told}
    lock = sa.select(INBOXES.c.id).where(INBOXES.c.id.in_(list(ids))).order_by(INBOXES.c.hash)
    connection.execute(lock.with_for_update()).all()
    for each in settled:
        same = (N.inbox == each.inbox) & (N.seq == each.seq) & (N.looks == each.looks) & (N.state == each.was)
        values: dict[str, Any] = {"state": "done", "due_at": None}
        if each.due_at is not None:  # unless it was read meanwhile
            values["state"] = sa.case((N.is_unread, "told"), else_="done")
            values["due_at"] = sa.case((N.is_unread, each.due_at), else_=None)
        connection.execute(NOTIFICATIONS.update().where(same).values(values))
    for one in told:
        known = (INBOXES.c.id == one.inbox) & (INBOXES.c.version == one.unread.version)
        connection.execute(INBOXES.update().where(known).values(due_at=None))


def take_counts(
    connection: Connection, keys: InboxKeys, *, now: float, until: float, most: int
) -> list[Counted]:
    """Take on some users whose devices do not know yet what is unread."""
    query = INBOXES.select().where(INBOXES.c.due_at <= now).order_by(INBOXES.c.due_at).limit(most)
    rows = connection.execute(query.with_for_update(skip_locked=True)).all()
    if not rows:
        return []
    ids = [row.id for row in rows]
    connection.execute(INBOXES.update().where(INBOXES.c.id.in_(ids)).values(due_at=until))
    found = boxes.legible(keys, rows).values()
    counted = boxes.count(connection, {box.id: box.version for box in found}, now)
    return [Counted(box.user, box.id, counted[box.id]) for box in found]


def any_to_tell(connection: Connection, now: float) -> bool:
    """Whether there is anything that nobody told: to ask takes no lock."""
    new = sa.select(N.seq).where(N.state == "new", N.due_at <= now, N.expires_at > now)
    return connection.execute(
        sa.select(sa.or_(sa.exists(new), sa.exists(sa.select(INBOXES.c.id).where(INBOXES.c.due_at <= now))))
    ).scalar_one()


def any_to_hand(connection: Connection, now: float) -> bool:
    """Whether there is anything to look after of what was told."""
    found = sa.select(N.seq).where(N.state == "told", N.due_at <= now, N.expires_at > now, N.is_unread)
    return connection.execute(sa.select(sa.exists(found))).scalar_one()
