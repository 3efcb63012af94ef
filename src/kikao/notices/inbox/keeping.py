"""What becomes of inboxes in time: what expires, what goes, what is erased, and new keys. Each one a transaction."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.notices.inbox import boxes
from kikao.notices.inbox.keys import InboxKeys
from kikao.notices.inbox.notification import Unread
from kikao.notices.inbox.rows import N, opened
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.records import RecordsRefused
from kikao.sessions.sealing import SealError

BATCH: Final = 200
"""Rows in one transaction: others wait to write for some 20 ms."""


# --- time ---


class Counted(NamedTuple):
    """What is unread of a user now."""

    user: str
    inbox: bytes
    unread: Unread


def expire(connection: Connection, keys: InboxKeys, now: float, due_at: float | None) -> list[Counted]:
    """Some users of whom something unread has expired: it does not count any more."""
    stale = sa.select(N.inbox).where(N.is_unread, N.expires_at <= now).limit(BATCH)
    ids = set(connection.execute(stale).scalars())
    if not ids:
        return []
    query = INBOXES.select().where(INBOXES.c.id.in_(list(ids))).order_by(INBOXES.c.hash).with_for_update()
    found = boxes.legible(keys, connection.execute(query).all()).values()
    over = NOTIFICATIONS.update().where(N.inbox.in_(list(ids)), N.is_unread, N.expires_at <= now)
    connection.execute(over.values(is_unread=False, state="done", due_at=None))
    counted = boxes.changed(connection, found, now, due_at)
    return [Counted(box.user, box.id, counted[box.id]) for box in found]


def remove(connection: Connection, now: float) -> int:
    """Remove some notifications that were kept long enough; how many. All of them have expired."""
    old = sa.select(N.inbox, N.seq).where(N.gone_at <= now, sa.not_(N.is_unread))
    gone = NOTIFICATIONS.delete().where(sa.tuple_(N.inbox, N.seq).in_(old.order_by(N.gone_at).limit(BATCH)))
    return int(connection.execute(gone).rowcount)


# --- what a user may ask for ---


def export(connection: Connection, keys: InboxKeys, user: str) -> dict[str, Any] | None:
    """All that is stored of a user; None where they have no inbox."""
    box = boxes.of(connection, keys, user)
    if box is None:
        return None
    rows = connection.execute(NOTIFICATIONS.select().where(N.inbox == box.id).order_by(N.seq))
    notifications = [opened(box.key, row) for row in rows]
    return {"user": user, "muted": sorted(box.muted), "notifications": notifications}


def erase(connection: Connection, keys: InboxKeys, user: str) -> bool:
    """Destroy a user's inbox, and its key. False where there is none."""
    gone = INBOXES.delete().where(INBOXES.c.hash.in_(keys.hashes(user)))
    return connection.execute(gone).rowcount > 0


# --- keys ---


def check(connection: Connection, keys: InboxKeys) -> None:
    """Open an inbox of each key. Raises `RecordsRefused` when the ring does not have it, or another one of its id."""
    kinds = connection.execute(sa.select(INBOXES.c.kid, INBOXES.c.lookup_kid).distinct()).all()
    for kind in kinds:
        same = (INBOXES.c.kid == kind.kid) & (INBOXES.c.lookup_kid == kind.lookup_kid)
        row = connection.execute(INBOXES.select().where(same).limit(1)).first()
        if row is None:
            continue
        for kid in (row.kid, row.lookup_kid):
            if kid not in keys.ring.kids:
                raise RecordsRefused(
                    f"records: there are inboxes of users under the key {kid!r}, which is not among the secret keys "
                    f"({', '.join(keys.ring.kids)}). Put it back into KIKAO_SECRET_KEYS, behind the others."
                )
        try:
            known = row.hash in keys.hashes(boxes.opened(keys, row).user)
        except SealError:
            known = False
        if not known:
            raise RecordsRefused(
                f"records: the secret key {row.kid!r} or {row.lookup_kid!r} is not the one that inboxes of users were "
                "stored with. Put the right one back into KIKAO_SECRET_KEYS."
            )


def stale(connection: Connection, keys: InboxKeys) -> int:
    """How many inboxes have keys sealed under another key than the active one."""
    counted = sa.select(sa.func.count()).select_from(INBOXES).where(INBOXES.c.kid != keys.kid)
    return connection.execute(counted).scalar_one()


def reseal(connection: Connection, keys: InboxKeys) -> int:
    """Seal the keys of some inboxes under the active key; how many. Raises `SealError`."""
    rows = connection.execute(INBOXES.select().where(INBOXES.c.kid != keys.kid).limit(BATCH)).all()
    for row in rows:
        # An inbox that was erased meanwhile has no row any more, and gets none.
        same = (INBOXES.c.id == row.id) & (INBOXES.c.kid == row.kid)
        sealed = keys.reseal(row.id, row.key)
        connection.execute(INBOXES.update().where(same).values(kid=keys.kid, key=sealed))
    return len(rows)


def astray(connection: Connection, kid: str) -> int:
    """How many inboxes are looked up with another key than this."""
    counted = sa.select(sa.func.count()).select_from(INBOXES).where(INBOXES.c.lookup_kid != kid)
    return connection.execute(counted).scalar_one()


def lookup_kids(connection: Connection) -> set[str]:
    """The ids of the keys that inboxes are looked up with."""
    return set(connection.execute(sa.select(INBOXES.c.lookup_kid).distinct()).scalars())


def rekey(connection: Connection, new: InboxKeys) -> int:
    """Have some inboxes looked up with the look-up key of another ring, which opens them; how many."""
    moving = INBOXES.select().where(INBOXES.c.lookup_kid != new.lookup_kid).limit(BATCH)
    rows = connection.execute(moving).all()
    for row in rows:
        box = boxes.opened(new, row)
        values = {"hash": new.hash(box.user), "lookup_kid": new.lookup_kid}
        connection.execute(INBOXES.update().where(INBOXES.c.id == box.id).values(values))
    return len(rows)
