"""Messages to send as rows of a SQLite store: statements, without threads or files.

What stands first in its lane is marked, so that to find what may be taken costs as much as is found, however long the
lanes are. Whoever puts a message into a lane, or takes one out, moves the mark.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final

from msgspec import structs

from kikao.sessions.outgoing import (
    FORGOTTEN,
    SHARDS,
    Again,
    Backlog,
    Dead,
    Outgoing,
    Reported,
    Sent,
    State,
    Status,
)

STATES: Final[tuple[State, ...]] = ("waiting", "sent", "dead")
"""As they are numbered in a row."""

WAITING, SENT, DEAD = range(3)

_SELECT: Final = (
    "SELECT seq, id, session, destination, payload, due_at, expires_at, urgency, posted_at, tries, fence, lease_until, "
    "state, status, reason FROM messages"
)
INSERT = (
    "INSERT INTO messages (id, session, destination, payload, due_at, expires_at, urgency, posted_at, tries, fence, "
    "lease_until, state, status, reason, first) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 0, ?12, ?13, "
    "NOT EXISTS (SELECT 1 FROM messages WHERE session = ?2 AND destination = ?3 AND state = 0) "
    "WHERE true ON CONFLICT DO NOTHING"
)
URGENCIES = "SELECT min(urgency) FROM messages WHERE first = 1 AND destination = ? AND urgency > ?"
READY = f"{_SELECT} WHERE first = 1 AND destination = ? AND urgency = ? AND due_at <= ? AND lease_until <= ?"
LEASE = "UPDATE messages SET lease_until = ?, fence = fence + 1, tries = tries + 1 WHERE seq = ?"
TAKEN = "SELECT seq, session, destination FROM messages WHERE id = ? AND fence = ? AND state = 0"
AGAIN = "UPDATE messages SET due_at = ?, reason = ?, tries = tries - ?, lease_until = 0 WHERE seq = ?"
ENDED = (
    "UPDATE messages SET state = ?, status = ?, reason = ?, reference = ?, expires_at = ?, lease_until = 0, first = 0 "
    "WHERE seq = ?"
)
NEXT = (
    "UPDATE messages SET first = 1 WHERE seq = "
    "(SELECT min(seq) FROM messages WHERE session = ? AND destination = ? AND state = 0) AND first = 0"
)
KNOWN = "SELECT max(status) FROM messages WHERE reference = ? AND state = 1"
RAISE = "UPDATE messages SET status = ?2 WHERE reference = ?1 AND state = 1 AND status < ?2"
PAGE = f"{_SELECT} WHERE seq > ?1 AND seq <= ?2"
LAST = "SELECT coalesce(max(seq), 0) FROM messages"
# A dead message that is replayed gets a new place behind all others.
REPLAY = (
    "UPDATE messages SET seq = (SELECT max(seq) + 1 FROM messages), state = 0, due_at = ?2, posted_at = ?2, "
    "expires_at = ?3, tries = 0, reason = '' WHERE id = ?1 AND state = 2 RETURNING session, destination"
)
DISCARD = "DELETE FROM messages WHERE id = ? AND state = 2"
RESEAL = "UPDATE messages SET payload = ? WHERE id = ?"
BACKLOG = (
    "SELECT destination, state, count(*), min(posted_at) FROM messages WHERE state IN (0, 2) {} "
    "GROUP BY destination, state ORDER BY destination, state"
)
LET_GO = "UPDATE messages SET lease_until = 0 WHERE first = 1 AND lease_until > 0"
SET_APART = "UPDATE messages SET seq = -seq WHERE session = ?"
"""So that no two have one number while they get new ones."""
MOVE = "UPDATE messages SET session = ?, first = 0, seq = ? - seq WHERE session = ?"
LANES = "SELECT DISTINCT destination FROM messages WHERE session = ? AND state = 0"
OLDEST_EXPIRED = (
    "SELECT min(expires_at) FROM messages WHERE expires_at <= ?1 AND (state <> 0 OR expires_at <= ?1 - ?2)"
)
EXPIRED = (
    "DELETE FROM messages WHERE seq IN (SELECT seq FROM messages WHERE expires_at <= ?1 "
    "AND (state <> 0 OR expires_at <= ?1 - ?2) ORDER BY expires_at LIMIT ?3) RETURNING session, destination, first"
)


def post(cursor: sqlite3.Cursor, messages: Iterable[Outgoing]) -> int:
    """Store those whose ids are new; how many were."""
    new = 0
    for m in messages:
        new += cursor.execute(
            INSERT,
            (
                m.id,
                m.session,
                m.to,
                m.payload,
                m.due_at,
                m.expires_at,
                m.urgency,
                m.posted_at,
                m.tries,
                m.fence,
                m.lease_until,
                m.status,
                m.reason,
            ),
        ).rowcount
    return new


def ready(
    cursor: sqlite3.Cursor, now: float, limit: int, shards: Collection[int], destinations: Collection[str]
) -> list[tuple[int, Outgoing]]:
    """What may be taken, the most urgent first; each with its place."""
    where, allowed = of_shards(shards)
    found: list[tuple[int, Outgoing]] = []
    for to in set(destinations):
        urgency = -1
        at_most = limit
        while at_most > 0:
            (more,) = cursor.execute(URGENCIES, (to, urgency)).fetchone()
            if more is None:
                break
            urgency = more
            rows = cursor.execute(
                f"{READY} {where} ORDER BY due_at, seq LIMIT ?", (to, urgency, now, now, *allowed, at_most)
            ).fetchall()
            found += [(row[0], _message(row[1:])) for row in rows]
            at_most -= len(rows)
    found.sort(key=lambda each: (each[1].urgency, each[1].due_at, each[0]))
    return found[:limit]


def take(
    cursor: sqlite3.Cursor,
    now: float,
    lease: float,
    limit: int,
    shards: Collection[int],
    destinations: Collection[str],
) -> list[Outgoing]:
    taken = []
    for seq, m in ready(cursor, now, limit, shards, destinations):
        cursor.execute(LEASE, (now + lease, seq))
        taken.append(_leased(m, now + lease))
    return taken


def settle(cursor: sqlite3.Cursor, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
    row = cursor.execute(TAKEN, (message.id, message.fence)).fetchone()
    if row is None:
        return False
    seq, *lane = row
    if isinstance(outcome, Again):
        cursor.execute(AGAIN, (outcome.due_at, outcome.reason, not outcome.counts, seq))
        return True
    if isinstance(outcome, Sent):
        cursor.execute(ENDED, (SENT, Status.SENT, "", outcome.reference, outcome.keep_until, seq))
    else:
        cursor.execute(ENDED, (DEAD, Status.WAITING, outcome.reason, None, outcome.keep_until, seq))
    cursor.execute(NEXT, lane)
    return True


def report(cursor: sqlite3.Cursor, reference: bytes, status: Status) -> Reported:
    (known,) = cursor.execute(KNOWN, (reference,)).fetchone()
    if known is None:
        return "unknown"
    return "raised" if cursor.execute(RAISE, (reference, status)).rowcount else "old"


def last(cursor: sqlite3.Cursor) -> int:
    """The last place there is."""
    return int(cursor.execute(LAST).fetchone()[0])


def page(
    cursor: sqlite3.Cursor, after: int, to: int, limit: int, state: State | None, session: bytes | None
) -> list[tuple[int, Outgoing]]:
    """The next messages up to a place, each with its own."""
    sql = PAGE
    bound: list[Any] = [after, to]
    if state is not None:
        sql += " AND state = ?"
        bound.append(STATES.index(state))
    if session is not None:
        sql += " AND session = ?"
        bound.append(session)
    rows = cursor.execute(f"{sql} ORDER BY seq LIMIT ?", (*bound, limit)).fetchall()
    return [(row[0], _message(row[1:])) for row in rows]


def replay(cursor: sqlite3.Cursor, messages: Sequence[Outgoing], now: float, expires_at: float) -> int:
    replayed = 0
    for message in messages:
        lane = cursor.execute(REPLAY, (message.id, now, expires_at)).fetchone()
        if lane is not None:
            replayed += 1
            cursor.execute(NEXT, lane)
    return replayed


def discard(cursor: sqlite3.Cursor, messages: Sequence[Outgoing]) -> int:
    return sum(cursor.execute(DISCARD, (message.id,)).rowcount for message in messages)


def reseal(cursor: sqlite3.Cursor, message: Outgoing, payload: bytes) -> bool:
    return cursor.execute(RESEAL, (payload, message.id)).rowcount == 1


def backlog(cursor: sqlite3.Cursor, shards: Collection[int]) -> list[Backlog]:
    where, allowed = of_shards(shards)
    found: dict[str, Backlog] = {}
    for to, state, count, oldest in cursor.execute(BACKLOG.format(where), allowed):
        so_far = found.get(to) or Backlog(to, 0, 0, None)
        if state == WAITING:
            found[to] = Backlog(to, count, so_far.dead, oldest)
        else:
            found[to] = Backlog(to, so_far.waiting, count, so_far.oldest)
    return list(found.values())


def let_go(cursor: sqlite3.Cursor) -> None:
    """Leases of the process before are void."""
    cursor.execute(LET_GO)


def move(cursor: sqlite3.Cursor, key: bytes, to: bytes) -> None:
    """Take the messages of a session to another key, behind those of others that are there."""
    end = last(cursor)
    if cursor.execute(SET_APART, (key,)).rowcount == 0:
        return
    cursor.execute(MOVE, (to, end, key))
    for (destination,) in cursor.execute(LANES, (to,)).fetchall():
        cursor.execute(NEXT, (to, destination))


def oldest_expired(cursor: sqlite3.Cursor, now: float) -> float | None:
    """When the first message expired that is to be swept; None where there is none."""
    (found,) = cursor.execute(OLDEST_EXPIRED, (now, FORGOTTEN)).fetchone()
    return found  # type: ignore[no-any-return]


def remove_expired(cursor: sqlite3.Cursor, now: float, limit: int) -> int:
    """Sweep at most `limit` messages; how many went."""
    gone = cursor.execute(EXPIRED, (now, FORGOTTEN, limit)).fetchall()
    for session, destination, first in gone:
        if first:
            cursor.execute(NEXT, (session, destination))
    return len(gone)


def of_shards(shards: Collection[int], column: str = "session") -> tuple[str, tuple[bytes, ...]]:
    """A condition on session keys, and what to bind there; empty for all shards."""
    if len(shards) >= SHARDS:
        return "", ()
    firsts = bytes(octet for octet in range(256) if octet >> 2 in shards)
    return f"AND instr(?, substr({column}, 1, 1))", (firsts,)


def _message(row: Sequence[Any]) -> Outgoing:
    state, status, reason = row[-3:]
    return Outgoing(*row[:-3], STATES[state], Status(status), reason)  # type: ignore[call-arg]


def _leased(message: Outgoing, until: float) -> Outgoing:
    return structs.replace(message, tries=message.tries + 1, fence=message.fence + 1, lease_until=until)
