"""What PostgreSQL is asked. Whatever is more than one plain statement is a function of the schema."""

from __future__ import annotations

from typing import Final

from kikao.sessions.stores.postgresql.wire import Statement

CLAIM: Final = Statement(
    "SELECT * FROM kikao.claim($1, $2, $3, $4, $5)",
    "SELECT c.* FROM unnest($1::bytea[], $2::bytea[], $3::float8[], $4::float8[], $5::bigint[]) AS a (k, m, n, u, t), "
    "LATERAL kikao.claim(a.k, a.m, a.n, a.u, a.t) AS c",
)
WRITE: Final = Statement(
    "SELECT kikao.write($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    "SELECT kikao.write(a.k, a.f, a.v, a.e, a.s, a.d, a.m, a.r, a.u, a.l, a.o) FROM unnest($1::bytea[], $2::bigint[], "
    "$3::bigint[], $4::float8[], $5::bytea[], $6::bytea[], $7::bytea[], $8::bytea[], $9::float8[], $10::boolean[], "
    "$11::text[]) AS a (k, f, v, e, s, d, m, r, u, l, o)",
    writes=True,
)
RELEASE: Final = Statement(
    "SELECT kikao.release($1, $2)",
    "SELECT kikao.release(a.k, a.f) FROM unnest($1::bytea[], $2::bigint[]) AS a (k, f)",
)
RENEW: Final = Statement(
    "UPDATE kikao.intents SET lease_until = $4 WHERE session = $1 AND id = ANY ($2) AND fence = $3 RETURNING 1"
)
DUE: Final = Statement(
    "SELECT id, session, fence, lease_until, due_at, tries FROM kikao.intents "
    "WHERE due_at <= $1 AND lease_until <= $1 AND shard = ANY ($2::smallint[]) ORDER BY due_at, id LIMIT $3"
)
END: Final = Statement("SELECT kikao.end_session($1)", writes=True)
SWEEP_SESSIONS: Final = Statement("SELECT * FROM kikao.sweep_sessions($1, $2, $3::smallint[])")
SWEEP_DEDUPE: Final = Statement(
    "WITH gone AS (DELETE FROM kikao.dedupe WHERE (session, key) IN (SELECT session, key FROM kikao.dedupe "
    "WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED) RETURNING 1) "
    "SELECT count(*) FROM gone"
)
SWEEP_MESSAGES: Final = Statement("SELECT kikao.sweep_messages($1, $2, $3, $4::smallint[])")
SWEEP_PACES: Final = Statement("DELETE FROM kikao.paces WHERE next <= $1 AND paused <= $1")
SWEEP_LEASES: Final = Statement("DELETE FROM kikao.leases WHERE until <= $1")

_RECORD = "SELECT key, version, fence, expires_at, state, address FROM kikao.sessions"
SCAN_FROM: Final = Statement(f"{_RECORD} WHERE key >= $1 ORDER BY key LIMIT $2")
SCAN_AFTER: Final = Statement(f"{_RECORD} WHERE key > $1 ORDER BY key LIMIT $2")
SEEN: Final = Statement(
    "SELECT key, reply, expires_at FROM kikao.dedupe WHERE session = $1 AND ($2::bytea IS NULL OR key = $2)"
)
REPLACE: Final = Statement("SELECT kikao.replace_session($1, $2, $3, $4, $5, $6, $7)", writes=True)
BIND: Final = Statement(
    "INSERT INTO kikao.properties AS p VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = p.value RETURNING value"
)
REBIND: Final = Statement(
    "UPDATE kikao.properties SET value = $3 WHERE name = $1 AND value = $2 RETURNING 1", writes=True
)

_MESSAGE = (
    "SELECT id, session, destination, payload, due_at, expires_at, urgency, posted_at, tries, fence, lease_until, "
    "state, status, reason FROM kikao.messages"
)

POST: Final = Statement("SELECT kikao.enqueue($1::text::jsonb)", writes=True)
TAKE: Final = Statement(
    "WITH picked AS (SELECT m.* FROM unnest($5::text[]) AS d (name) CROSS JOIN LATERAL ("
    "SELECT id, urgency, due_at, seq FROM kikao.messages WHERE first AND destination = d.name AND due_at <= $1 "
    "AND lease_until <= $1 AND shard = ANY ($4::smallint[]) ORDER BY urgency, due_at, seq LIMIT $3 "
    "FOR UPDATE SKIP LOCKED) AS m ORDER BY m.urgency, m.due_at, m.seq LIMIT $3) "
    "UPDATE kikao.messages AS m SET lease_until = $1 + $2, fence = m.fence + 1, tries = m.tries + 1 "
    "FROM picked WHERE m.id = picked.id RETURNING m.id, m.session, m.destination, m.payload, m.due_at, m.expires_at, "
    "m.urgency, m.posted_at, m.tries, m.fence, m.lease_until, m.state, m.status, m.reason, m.seq"
)
SETTLE: Final = Statement(
    "SELECT kikao.settle($2, $3, $4, $5, $6, $7, $8) FROM (SELECT $1::bytea) AS lane",
    "SELECT kikao.settle(a.i, a.f, a.e, a.t, a.w, a.r, a.c) FROM unnest($1::bytea[], $2::bytea[], $3::bigint[], "
    "$4::smallint[], $5::float8[], $6::text[], $7::bytea[], $8::boolean[]) AS a (l, i, f, e, t, w, r, c)",
    writes=True,
)
"""By lane: the first parameter orders what travels together as the locks of writes and posts are."""
REPORT: Final = Statement(
    "WITH known AS (SELECT max(status) AS status FROM kikao.messages WHERE reference = $1 AND state = 1), "
    "raised AS (UPDATE kikao.messages SET status = $2 WHERE reference = $1 AND state = 1 AND status < $2 RETURNING 1) "
    "SELECT CASE WHEN known.status IS NULL THEN 'unknown' WHEN EXISTS (SELECT FROM raised) THEN 'raised' "
    "ELSE 'old' END FROM known"
)
MESSAGES: Final = Statement(
    f"{_MESSAGE} WHERE ($1::bytea IS NULL OR id > $1) AND ($2::smallint IS NULL OR state = $2) ORDER BY id LIMIT $3"
)
MESSAGES_OF: Final = Statement(
    f"{_MESSAGE} WHERE session = $4 AND ($1::bytea IS NULL OR id > $1) AND ($2::smallint IS NULL OR state = $2) "
    "ORDER BY id LIMIT $3"
)
REPLAY: Final = Statement("SELECT kikao.replay($1::bytea[], $2, $3)", writes=True)
DISCARD: Final = Statement(
    "DELETE FROM kikao.messages WHERE id = ANY ($1::bytea[]) AND state = 2 RETURNING 1", writes=True
)
RESEAL: Final = Statement("UPDATE kikao.messages SET payload = $2 WHERE id = $1 RETURNING 1", writes=True)
BACKLOG: Final = Statement(
    "SELECT destination, count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 2), "
    "min(posted_at) FILTER (WHERE state = 0) FROM kikao.messages "
    "WHERE state <> 1 AND shard = ANY ($1::smallint[]) GROUP BY destination ORDER BY destination"
)
PACE: Final = Statement(
    "SELECT kikao.pace($1, $2, $3, $4)",
    "SELECT kikao.pace(a.n, a.t, a.g, a.b) FROM unnest($1::text[], $2::float8[], $3::float8[], $4::integer[]) "
    "AS a (n, t, g, b)",
)
PAUSE: Final = Statement(
    "INSERT INTO kikao.paces AS p (name, paused) VALUES ($1, $2) "
    "ON CONFLICT (name) DO UPDATE SET paused = greatest(p.paused, excluded.paused)"
)
SHARE: Final = Statement("SELECT * FROM kikao.share($1, $2, $3)")
LEAVE: Final = Statement("DELETE FROM kikao.workers WHERE name = $1")
