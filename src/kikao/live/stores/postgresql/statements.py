"""What PostgreSQL is asked. Whatever is more than one plain statement is a function of the schema.

What can travel together does, in the order of its first parameter, in which it is locked.
"""

from __future__ import annotations

from typing import Final

from kikao.sessions.stores.postgresql.wire import Statement

ANSWERS: Final = Statement("SELECT 1")

LEASE: Final = Statement("SELECT kikao_live.lease($1, $2, $3, $4, $5)")
RETIRE: Final = Statement("SELECT kikao_live.retire($1, $2, $3)")

PUT: Final = Statement(
    "SELECT * FROM kikao_live.put($1, $2, $3, $4, $5, $6, $7, $8)",
    "SELECT p.* FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bytea[], $7::text[], "
    "$8::text[]) AS a (t, r, s, n, m, b, o, f), LATERAL kikao_live.put(a.t, a.r, a.s, a.n, a.m, a.b, a.o, a.f) AS p",
)
HOLD: Final = Statement(
    "SELECT kikao_live.hold($1, $2)",
    "SELECT kikao_live.hold(a.p, a.s) FROM unnest($1::text[], $2::float8[]) AS a (p, s)",
)
ADOPT: Final = Statement(
    "WITH found AS (SELECT topic, ref FROM kikao_live.entries WHERE topic = $1 AND mark = $2 AND until IS NOT NULL "
    "LIMIT 1 FOR UPDATE SKIP LOCKED) UPDATE kikao_live.entries AS e SET node = $3, until = NULL FROM found "
    "WHERE e.topic = found.topic AND e.ref = found.ref RETURNING e.ref, e.sealed",
    writes=True,
)
REMOVE: Final = Statement("SELECT * FROM kikao_live.remove($1, $2::text[])", writes=True)
BEGIN: Final = Statement("SELECT kikao_live.begin_topic($1, $2)")
LISTING: Final = Statement(
    "SELECT t.epoch, t.version, e.ref, e.node, e.mark, e.sealed FROM kikao_live.topics AS t "
    "LEFT JOIN kikao_live.entries AS e USING (topic) WHERE t.topic = $1"
)
VERSIONS: Final = Statement(
    "SELECT topic, epoch, version FROM kikao_live.topics WHERE topic = ANY ($1::text[])"
)
REAP: Final = Statement("SELECT * FROM kikao_live.reap($1, $2)", writes=True)
SWEEP: Final = Statement("SELECT kikao_live.sweep($1, $2)")

APPEND: Final = Statement(
    "SELECT * FROM kikao_live.append($1, $2, $3, $4, $5, $6)",
    "SELECT p.* FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::float8[], $6::float8[]) "
    "AS a (s, f, m, k, t, r), LATERAL kikao_live.append(a.s, a.f, a.m, a.k, a.t, a.r) AS p",
    writes=True,
)
SINCE: Final = Statement(
    "SELECT * FROM kikao_live.since($1, $2, $3, $4, $5, $6, $7)",
    "SELECT p.* FROM unnest($1::text[], $2::text[], $3::float8[], $4::integer[], $5::text[], $6::bigint[], "
    "$7::bigint[]) AS a (s, f, r, h, e, q, m), LATERAL kikao_live.since(a.s, a.f, a.r, a.h, a.e, a.q, a.m) AS p",
)
LOG_OUT: Final = Statement("SELECT kikao_live.log_out($1, $2)")
LOGGED_OUT: Final = Statement(
    "SELECT kikao_live.logged_out($1)", "SELECT kikao_live.logged_out(u) FROM unnest($1::text[]) AS u"
)
