"""What the SQLite store reads and writes: rows and statements, without threads, leases or files."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection

from kikao.sessions.store import Dedupe, IntentRow, Record, Replacement, Seen, Write
from kikao.sessions.stores.claims import (
    FOREIGN_INTENT,
    FOREIGN_MESSAGE,
    NAMELESS_INTENT,
    TAKEN_INTENT,
    Sight,
    conflict,
)
from kikao.sessions.stores.sqlite import messages

SESSION = "SELECT version, fence, expires_at, state, address, intents FROM sessions WHERE key = ?"
SIGHT = (
    "SELECT s.version, s.fence, s.expires_at, s.state, s.address, s.intents, d.expires_at, d.reply "
    "FROM (SELECT ?1 AS key) AS asked LEFT JOIN sessions AS s ON s.key = asked.key "
    "LEFT JOIN dedupe AS d ON d.session = asked.key AND d.key = ?2 AND d.expires_at > ?3"
)
"""One statement, and so one snapshot and one lock of the log, for a session and an inbound."""

INSERT = (
    "INSERT INTO sessions (key, version, fence, expires_at, intents, sweep_at, state, address) "
    "VALUES (?1, 1, ?2, ?3, 0, ?3, ?4, ?5) ON CONFLICT DO NOTHING"
)
UPDATE = (
    "UPDATE sessions SET version = version + 1, fence = ?2, expires_at = ?3, state = ?4, address = ?5 "
    "WHERE key = ?1 AND version = ?6 AND fence <= ?2 AND sweep_at <= ?3"
)
UPDATE_SOONER = UPDATE.replace("expires_at =", "sweep_at = ?3, expires_at =").replace(
    " AND sweep_at <= ?3", ""
)
REMEMBER = (
    "INSERT INTO dedupe (session, key, reply, expires_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (session, key) DO UPDATE SET reply = excluded.reply, expires_at = excluded.expires_at"
)
CLOSE = "DELETE FROM intents WHERE id = ? AND session = ?"
OPEN = (
    "INSERT INTO intents (id, session, fence, lease_until, due_at, tries) VALUES (?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (id) DO UPDATE SET fence = excluded.fence, lease_until = excluded.lease_until, "
    "due_at = excluded.due_at, tries = excluded.tries WHERE session = excluded.session"
)
COUNT = "UPDATE sessions SET intents = (SELECT count(*) FROM intents WHERE session = ?1) WHERE key = ?1"
OWNER = "SELECT 1 FROM intents WHERE id = ? AND session <> ?"

INTENTS = (
    "SELECT id, session, fence, lease_until, due_at, tries FROM intents WHERE session = ? ORDER BY due_at, id"
)
DUE = (
    "SELECT id, session, fence, lease_until, due_at, tries FROM intents "
    "WHERE due_at <= ? AND lease_until <= ? {} ORDER BY due_at, id LIMIT ?"
)
SCAN_FROM = (
    "SELECT key, version, fence, expires_at, state, address FROM sessions WHERE key >= ? ORDER BY key LIMIT ?"
)
SCAN_AFTER = SCAN_FROM.replace(">=", ">")
EXPIRED = (
    "SELECT sweep_at, rowid, expires_at, key FROM sessions "
    "WHERE intents = 0 AND sweep_at <= ? AND (sweep_at, rowid) > (?, ?) {} ORDER BY sweep_at, rowid LIMIT ?"
)
REMOVE = "DELETE FROM sessions WHERE key = ? AND intents = 0 AND expires_at <= ?"
PROLONG = "UPDATE sessions SET sweep_at = expires_at WHERE key = ?"
OLDEST_SEEN = "SELECT min(expires_at) FROM dedupe"
FORGET = (
    "DELETE FROM dedupe WHERE rowid IN "
    "(SELECT rowid FROM dedupe WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)"
)
SEEN = "SELECT key, reply, expires_at FROM dedupe WHERE session = ?"
SEEN_ONE = f"{SEEN} AND key = ?"
UNCHANGED = "SELECT 1 FROM sessions WHERE key = ? AND version = ? AND fence = ?"
REPLACE = "UPDATE sessions SET key = ?, state = ?, address = ? WHERE key = ?"
MAKE_WAY = (
    "DELETE FROM sessions WHERE key = ?",
    "DELETE FROM dedupe WHERE session = ?",
    "DELETE FROM intents WHERE session = ?",
)
REPLACE_REPLY = "UPDATE dedupe SET reply = ? WHERE session = ? AND key = ? AND reply IS NOT NULL"
RENEW = "UPDATE intents SET lease_until = ? WHERE id = ? AND session = ? AND fence = ?"


def read(cursor: sqlite3.Cursor, key: bytes, dedupe: bytes | None, now: float) -> Sight:
    """The record of a session, what is known of an inbound, and the session's open intents."""
    row = cursor.execute(SIGHT, (key, dedupe, now)).fetchone()
    version, fence, expires_at, state, address, intents, seen_until, reply = row
    seen = None if seen_until is None else Seen(reply)
    if version is None:
        return None, seen, ()
    record = Record(key, version, fence, expires_at, state, address)
    return record, seen, open_intents(cursor, key) if intents else ()


def open_intents(cursor: sqlite3.Cursor, key: bytes) -> tuple[IntentRow, ...]:
    return tuple(IntentRow(*row) for row in cursor.execute(INTENTS, (key,)).fetchall())


def apply(cursor: sqlite3.Cursor, write: Write) -> None:
    """Store one write. Raises `Conflict` or `ValueError`; whoever calls rolls back to where it began."""
    key = write.key
    if write.version == 0:
        cursor.execute(INSERT, (key, write.fence, write.expires_at, write.state, write.address))
    else:
        found = (key, write.fence, write.expires_at, write.state, write.address, write.version)
        cursor.execute(UPDATE, found)
        if cursor.rowcount != 1:
            cursor.execute(UPDATE_SOONER, found)
    if cursor.rowcount != 1:
        row = cursor.execute(SESSION, (key,)).fetchone() or (0, 0)
        raise conflict(write, row[0], row[1])
    if (seen := write.dedupe) is not None:
        cursor.execute(REMEMBER, (key, seen.key, seen.reply, seen.expires_at))
    if write.open or write.close:
        _apply_intents(cursor, write)
    if write.outbox:
        if any(message.session != key for message in write.outbox):
            raise ValueError(FOREIGN_MESSAGE)
        messages.post(cursor, write.outbox)


def _apply_intents(cursor: sqlite3.Cursor, write: Write) -> None:
    for row in write.open:
        if row.session != write.key:
            raise ValueError(FOREIGN_INTENT)
    for id_ in (*write.close, *(row.id for row in write.open)):
        if cursor.execute(OWNER, (id_, write.key)).fetchone() is not None:
            raise ValueError(TAKEN_INTENT)
    for id_ in write.close:
        cursor.execute(CLOSE, (id_, write.key))
    for row in write.open:
        cursor.execute(OPEN, (row.id, row.session, row.fence, row.lease_until, row.due_at, row.tries))
    cursor.execute(COUNT, (write.key,))


def renew(cursor: sqlite3.Cursor, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
    renewed = 0
    for id_ in ids:
        renewed += cursor.execute(RENEW, (lease_until, id_, key, fence)).rowcount
    return renewed


def end(cursor: sqlite3.Cursor, key: bytes) -> bool:
    if cursor.execute("DELETE FROM sessions WHERE key = ? AND intents = 0", (key,)).rowcount == 0:
        return False
    cursor.execute("DELETE FROM dedupe WHERE session = ?", (key,))
    return True


def sweep(cursor: sqlite3.Cursor, keys: list[bytes], now: float) -> int:
    """Remove those that have expired, and have the others swept when they will have; return how many went."""
    removed = 0
    for key in keys:
        removed += (gone := cursor.execute(REMOVE, (key, now)).rowcount)
        if not gone:
            cursor.execute(PROLONG, (key,))
    return removed


def oldest_seen(cursor: sqlite3.Cursor) -> float:
    """When the first dedupe record expires; infinity where there is none."""
    (found,) = cursor.execute(OLDEST_SEEN).fetchone()
    return float("inf") if found is None else float(found)


def forget_expired(cursor: sqlite3.Cursor, now: float, limit: int) -> int:
    return cursor.execute(FORGET, (now, limit)).rowcount


def due(cursor: sqlite3.Cursor, now: float, limit: int, shards: Collection[int]) -> list[IntentRow]:
    where, allowed = messages.of_shards(shards)
    return [
        IntentRow(*row) for row in cursor.execute(DUE.format(where), (now, now, *allowed, limit)).fetchall()
    ]


def scan(cursor: sqlite3.Cursor, after: bytes | None, limit: int) -> list[Record]:
    """The next page of sessions by key; `after` None for the first."""
    # No blob is less than the empty one, which may be a key.
    sql, bound = (SCAN_FROM, b"") if after is None else (SCAN_AFTER, after)
    return [Record(*row) for row in cursor.execute(sql, (bound, limit)).fetchall()]


def expired(
    cursor: sqlite3.Cursor, now: float, after: tuple[float, int], limit: int, shards: Collection[int]
) -> list[tuple[float, int, float, bytes]]:
    """The next page of sessions to sweep: place in the index (two values), expiry and key."""
    where, allowed = messages.of_shards(shards, "key")
    return cursor.execute(EXPIRED.format(where), (now, *after, *allowed, limit)).fetchall()


def seen(cursor: sqlite3.Cursor, key: bytes, dedupe: bytes | None) -> tuple[Dedupe, ...]:
    """The dedupe records of a session, or one of them."""
    sql, asked = (SEEN, (key,)) if dedupe is None else (SEEN_ONE, (key, dedupe))
    return tuple(Dedupe(*row) for row in cursor.execute(sql, asked).fetchall())


def replace(cursor: sqlite3.Cursor, replacement: Replacement) -> bool:
    """Put a session under other keys; False when its version or fence is another by now. Raises `ValueError`."""
    key, to = replacement.key, replacement.to
    read = (key, replacement.version, replacement.fence)
    if cursor.execute(UNCHANGED, read).fetchone() is None:
        return False
    if to != key:
        for statement in MAKE_WAY:
            cursor.execute(statement, (to,))
        _move(cursor, key, to, replacement.intents)
        messages.move(cursor, key, to)
    cursor.execute(REPLACE, (to, replacement.state, replacement.address, key))
    for dedupe, reply in replacement.replies:
        cursor.execute(REPLACE_REPLY, (reply, to, dedupe))
    return True


def _move(cursor: sqlite3.Cursor, key: bytes, to: bytes, intents: tuple[tuple[bytes, bytes], ...]) -> None:
    cursor.execute("UPDATE dedupe SET session = ? WHERE session = ?", (to, key))
    for id_, now in intents:
        cursor.execute(
            "UPDATE intents SET id = ?, session = ? WHERE id = ? AND session = ?", (now, to, id_, key)
        )
    if cursor.execute("SELECT 1 FROM intents WHERE session = ?", (key,)).fetchone() is not None:
        raise ValueError(NAMELESS_INTENT)


def bind(cursor: sqlite3.Cursor, name: str, value: bytes) -> bytes:
    name = f"bound/{name}"
    cursor.execute("INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (name, value))
    return bytes(cursor.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()[0])


def rebind(cursor: sqlite3.Cursor, name: str, old: bytes, new: bytes) -> bool:
    cursor.execute("UPDATE meta SET value = ? WHERE name = ? AND value = ?", (new, f"bound/{name}", old))
    return cursor.rowcount == 1


def start(cursor: sqlite3.Cursor) -> int:
    """Count this opening of the store and let go of all that the process before held; return the count."""
    cursor.execute(
        "INSERT INTO meta VALUES ('boot', 1) ON CONFLICT (name) DO UPDATE SET value = value + 1",
    )
    cursor.execute("UPDATE intents SET lease_until = 0")
    messages.let_go(cursor)
    return int(cursor.execute("SELECT value FROM meta WHERE name = 'boot'").fetchone()[0])
