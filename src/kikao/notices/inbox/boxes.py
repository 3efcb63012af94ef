"""Inboxes in their table: found, made, locked and opened, as plain functions of a connection."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.notices.inbox.keys import InboxKey, InboxKeys
from kikao.notices.inbox.notification import Unread
from kikao.notices.inbox.tables import INBOXES, NOTIFICATIONS
from kikao.sessions.sealing import SealError

MAKE: Final = sa.text(
    "INSERT INTO kikao_inboxes (id, hash, lookup_kid, kid, key, owner, seq, version) "
    "VALUES (:id, :hash, :lookup_kid, :kid, :key, :owner, 0, :version) ON CONFLICT (hash) DO NOTHING"
)

OWNER: Final = "owner"
MUTED: Final = "muted"
"""What is sealed in an inbox, beside the notifications."""


class Box(msgspec.Struct, frozen=True):
    """An inbox, opened."""

    id: bytes
    user: str
    key: InboxKey
    seq: int
    version: int
    muted: frozenset[str]


def found(
    connection: Connection, keys: InboxKeys, users: Collection[str], *, lock: bool = False
) -> dict[str, Box]:
    """The inboxes of users, where they have one. With `lock` nobody else changes them before this transaction ends."""
    whose = {hashed: user for user in users for hashed in keys.hashes(user)}
    # Always in one order, so that two transactions never wait for each other.
    query = INBOXES.select().where(INBOXES.c.hash.in_(whose)).order_by(INBOXES.c.hash)
    rows = connection.execute(query.with_for_update() if lock else query).all()
    return {whose[row.hash]: opened(keys, row) for row in rows}


def of(connection: Connection, keys: InboxKeys, user: str, *, lock: bool = False) -> Box | None:
    """The inbox of one user; None where there is none."""
    return found(connection, keys, [user], lock=lock).get(user)


def made(connection: Connection, keys: InboxKeys, users: Collection[str], now: float) -> dict[str, Box]:
    """The inboxes of users, locked; made where they have none."""
    boxes = found(connection, keys, users, lock=True)
    missing = [user for user in users if user not in boxes]
    if not missing:
        return boxes
    new = [_new(keys, user, now) for user in missing]
    connection.execute(MAKE, sorted(new, key=lambda row: bytes(row["hash"])))
    return found(connection, keys, users, lock=True)  # somebody else may have made one first


def opened(keys: InboxKeys, row: sa.Row[Any]) -> Box:
    """Raises `SealError`."""
    key = keys.open(row.id, row.key)
    muted = (
        frozenset(msgspec.json.decode(key.unseal(row.muted, MUTED), type=list[str]))
        if row.muted
        else frozenset()
    )
    return Box(row.id, key.unseal(row.owner, OWNER).decode(), key, row.seq, row.version, muted)


def legible(keys: InboxKeys, rows: Iterable[sa.Row[Any]]) -> dict[bytes, Box]:
    """Those of some inboxes that open, by their id: one that was damaged holds up no other."""
    found: dict[bytes, Box] = {}
    for row in rows:
        with contextlib.suppress(SealError):
            found[row.id] = opened(keys, row)
    return found


def mute(connection: Connection, box: Box, muted: frozenset[str]) -> None:
    """Keep which kinds a user does not want."""
    sealed = box.key.seal(msgspec.json.encode(sorted(muted)), MUTED) if muted else None
    connection.execute(INBOXES.update().where(INBOXES.c.id == box.id).values(muted=sealed))


def count(connection: Connection, boxes: Mapping[bytes, int], now: float) -> dict[bytes, Unread]:
    """What is unread, by the id of an inbox, which comes with its version."""
    n = NOTIFICATIONS.c
    query = (
        sa.select(n.inbox, n.kind, sa.func.count().label("unread"))
        .where(n.inbox.in_(boxes), n.is_unread, n.expires_at > now)
        .group_by(n.inbox, n.kind)
        .order_by(n.kind)
    )
    kinds: dict[bytes, dict[str, int]] = {each: {} for each in boxes}
    for row in connection.execute(query):
        kinds[row.inbox][row.kind] = row.unread
    return {each: Unread(sum(found.values()), found, boxes[each]) for each, found in kinds.items()}


def changed(
    connection: Connection, boxes: Collection[Box], now: float, due_at: float | None
) -> dict[bytes, Unread]:
    """After what is unread in some inboxes has changed: the counts, which are to be told at `due_at` at the latest."""
    values = {"version": INBOXES.c.version + 1, "due_at": due_at}
    connection.execute(INBOXES.update().where(INBOXES.c.id.in_([box.id for box in boxes])).values(values))
    return count(connection, {box.id: box.version + 1 for box in boxes}, now)


def _new(keys: InboxKeys, user: str, now: float) -> dict[str, Any]:
    inbox = os.urandom(16)
    key, sealed = keys.new(inbox)
    return {
        "id": inbox,
        "hash": keys.hash(user),
        "lookup_kid": keys.lookup_kid,
        "kid": keys.kid,
        "key": sealed,
        "owner": key.seal(user.encode(), OWNER),
        # After the inbox of a user was erased, devices that remember its version have to believe the next one.
        "version": int(now * 1000),
    }
