-- Live sessions, version 1. Topics, marks, streams and users are keyed hashes, what entries and messages say is sealed;
-- nodes, refs and times stand as they are. Time is the server's: clock_timestamp(), since a function may wait for a lock.
--
-- Presence is unlogged: to write it waits for no disk. After a crash, and on a standby that is promoted, it is empty:
-- every node is told so when it beats, puts its own again, and topics have other epochs. Streams and log-outs are logged.
--
-- Whatever numbers a change locks the row of its topic first, and then entries of that topic. `reap` waits for nobody:
-- what somebody has locked it leaves for the next time. So no two of them wait for each other.

CREATE UNLOGGED TABLE kikao_live.nodes (
    -- Keeps apart what shares a database.
    scope text COLLATE "C" NOT NULL,
    node text COLLATE "C" NOT NULL,
    -- Another one for each time that it lived.
    lease text NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (scope, node)
) WITH (fillfactor = 50);

CREATE UNLOGGED TABLE kikao_live.topics (
    topic text COLLATE "C" PRIMARY KEY,
    epoch text NOT NULL,
    version bigint NOT NULL,
    changed_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX topics_changed ON kikao_live.topics USING brin (changed_at);

CREATE UNLOGGED TABLE kikao_live.entries (
    topic text COLLATE "C" NOT NULL,
    ref text COLLATE "C" NOT NULL,
    scope text COLLATE "C" NOT NULL,
    node text COLLATE "C" NOT NULL,
    mark text COLLATE "C" NOT NULL,
    -- Until when it is held, if it is.
    until timestamptz,
    sealed bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (topic, ref)
);
CREATE INDEX entries_owned ON kikao_live.entries (scope, node) WHERE until IS NULL;
CREATE INDEX entries_held ON kikao_live.entries (topic, mark) WHERE until IS NOT NULL;
CREATE INDEX entries_due ON kikao_live.entries (scope, until) WHERE until IS NOT NULL;

CREATE TABLE kikao_live.streams (
    stream text COLLATE "C" PRIMARY KEY,
    epoch text NOT NULL,
    seq bigint NOT NULL,
    keep bigint NOT NULL,
    forget_at timestamptz NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX streams_forget ON kikao_live.streams USING brin (forget_at);

CREATE TABLE kikao_live.messages (
    stream text COLLATE "C" NOT NULL,
    seq bigint NOT NULL,
    until timestamptz NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (stream, seq)
);
CREATE INDEX messages_until ON kikao_live.messages (until);

CREATE TABLE kikao_live.log_outs (
    member text COLLATE "C" PRIMARY KEY,
    at timestamptz NOT NULL,
    until timestamptz NOT NULL
);

CREATE FUNCTION kikao_live.in_seconds(s double precision)
RETURNS timestamptz LANGUAGE sql VOLATILE AS $$
    SELECT clock_timestamp() + s * interval '1 second';
$$;

-- The lease of a node: the one it has, or one that begins now and is called `fresh`.
CREATE FUNCTION kikao_live.lease(s text, n text, fresh text, seconds double precision, longer boolean)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found_lease text;
BEGIN
    UPDATE kikao_live.nodes AS o SET until = CASE WHEN longer THEN kikao_live.in_seconds(seconds) ELSE o.until END
        WHERE o.scope = s AND o.node = n AND (o.until > clock_timestamp() OR NOT longer) RETURNING o.lease INTO found_lease;
    IF NOT FOUND THEN
        INSERT INTO kikao_live.nodes VALUES (s, n, fresh, kikao_live.in_seconds(seconds))
            ON CONFLICT (scope, node) DO UPDATE SET lease = excluded.lease, until = excluded.until
            RETURNING lease INTO found_lease;
    END IF;
    RETURN found_lease;
END $$;

CREATE FUNCTION kikao_live.retire(s text, n text, seconds double precision)
RETURNS void LANGUAGE sql AS $$
    UPDATE kikao_live.entries SET until = kikao_live.in_seconds(seconds) 
        WHERE scope = s AND node = n AND until IS NULL;
    UPDATE kikao_live.nodes SET until = clock_timestamp() WHERE scope = s AND node = n;
$$;

-- Lock the row of a topic, which begins if there is none.
CREATE FUNCTION kikao_live.begin_topic(t text, fresh text)
RETURNS kikao_live.topics LANGUAGE plpgsql AS $$
DECLARE
    it kikao_live.topics;
BEGIN
    LOOP
        SELECT * INTO it FROM kikao_live.topics AS o WHERE o.topic = t FOR UPDATE;
        IF FOUND THEN
            RETURN it;
        END IF;
        INSERT INTO kikao_live.topics VALUES (t, fresh, 0, clock_timestamp()) ON CONFLICT DO NOTHING;
    END LOOP;
END $$;

CREATE FUNCTION kikao_live.put(
    t text, r text, s text, n text, m text, said bytea, replaces text, fresh text,
    OUT epoch text, OUT version bigint, OUT added boolean, OUT replaced_node text, OUT replaced bytea
) LANGUAGE plpgsql AS $$
DECLARE
    it kikao_live.topics;
BEGIN
    it := kikao_live.begin_topic(t, fresh);
    epoch := it.epoch;
    version := it.version;
    INSERT INTO kikao_live.entries AS e VALUES (t, r, s, n, m, NULL, said)
        ON CONFLICT (topic, ref) DO UPDATE SET node = excluded.node, until = NULL
        WHERE e.until IS NOT NULL OR e.node <> excluded.node
        RETURNING e.xmax = 0 INTO added;
    added := coalesce(added, false);
    IF replaces <> '' AND replaces <> r THEN
        DELETE FROM kikao_live.entries AS e WHERE e.topic = t AND e.ref = replaces
            RETURNING e.node, e.sealed INTO replaced_node, replaced;
    END IF;
    IF added OR replaced IS NOT NULL THEN
        UPDATE kikao_live.topics AS o SET version = o.version + 1, changed_at = clock_timestamp()
            WHERE o.topic = t RETURNING o.version INTO version;
    END IF;
END $$;

-- `place` is topic and ref.
CREATE FUNCTION kikao_live.hold(place text, seconds double precision)
RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kikao_live.entries SET until = kikao_live.in_seconds(seconds)
        WHERE topic = left(place, 32) AND ref = substr(place, 33);
    RETURN FOUND;
END $$;

CREATE FUNCTION kikao_live.remove(t text, refs text[])
RETURNS TABLE (epoch text, version bigint, ref text, node text, mark text, sealed bytea) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM kikao_live.topics AS o WHERE o.topic = t FOR UPDATE;
    RETURN QUERY
        WITH gone AS (
            DELETE FROM kikao_live.entries AS e WHERE e.topic = t AND e.ref = ANY (refs)
            RETURNING e.ref, e.node, e.mark, e.sealed
        ), changed AS (
            UPDATE kikao_live.topics AS o SET version = o.version + 1, changed_at = clock_timestamp()
            WHERE o.topic = t AND EXISTS (SELECT FROM gone) RETURNING o.epoch, o.version
        )
        SELECT c.epoch, c.version, g.ref, g.node, g.mark, g.sealed FROM changed AS c CROSS JOIN gone AS g;
END $$;

-- One at a time. A node that beats meanwhile waits for the end of it, and is told.
CREATE FUNCTION kikao_live.reap(s text, most integer)
RETURNS TABLE (topic text, epoch text, version bigint, ref text, node text, mark text, sealed bytea)
LANGUAGE plpgsql AS $$
DECLARE
    dead text[];
    topics text[];
    refs text[];
    free text[];
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('kikao live'), hashtext(s)) THEN
        RETURN;
    END IF;
    SELECT array_agg(d.node) INTO dead FROM (
        SELECT o.node FROM kikao_live.nodes AS o WHERE o.scope = s AND o.until <= clock_timestamp()
        FOR UPDATE SKIP LOCKED
    ) AS d;
    WITH due AS MATERIALIZED (
        SELECT e.topic, e.ref FROM kikao_live.entries AS e
        WHERE e.scope = s AND e.until <= clock_timestamp() LIMIT most FOR UPDATE SKIP LOCKED
    ), ghosts AS MATERIALIZED (
        SELECT e.topic, e.ref FROM kikao_live.entries AS e
        WHERE e.scope = s AND e.node = ANY (dead) AND e.until IS NULL LIMIT most FOR UPDATE SKIP LOCKED
    )
    SELECT array_agg(p.topic), array_agg(p.ref) INTO topics, refs
        FROM (SELECT * FROM due UNION ALL SELECT * FROM ghosts) AS p;
    IF topics IS NULL THEN
        RETURN;
    END IF;
    SELECT array_agg(f.topic) INTO free FROM (
        SELECT o.topic FROM kikao_live.topics AS o WHERE o.topic = ANY (topics) FOR UPDATE SKIP LOCKED
    ) AS f;
    RETURN QUERY
        WITH gone AS (
            DELETE FROM kikao_live.entries AS e USING unnest(topics, refs) AS p (topic, ref)
            WHERE e.topic = p.topic AND e.ref = p.ref AND e.topic = ANY (free)
            RETURNING e.topic, e.ref, e.node, e.mark, e.sealed
        ), changed AS (
            UPDATE kikao_live.topics AS o SET version = o.version + 1, changed_at = clock_timestamp()
            WHERE o.topic IN (SELECT g.topic FROM gone AS g) RETURNING o.topic, o.epoch, o.version
        )
        SELECT c.topic, c.epoch, c.version, g.ref, g.node, g.mark, g.sealed
        FROM gone AS g JOIN changed AS c USING (topic) ORDER BY c.topic;
END $$;

CREATE FUNCTION kikao_live.append(
    st text, fresh text, said bytea, most bigint, seconds double precision, remembered double precision,
    OUT epoch text, OUT number bigint
) LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO kikao_live.streams AS o
        VALUES (st, fresh, 1, most, kikao_live.in_seconds(greatest(seconds, remembered)))
        ON CONFLICT (stream) DO UPDATE SET seq = o.seq + 1, keep = excluded.keep, forget_at = excluded.forget_at
        RETURNING o.epoch, o.seq INTO epoch, number;
    INSERT INTO kikao_live.messages VALUES (st, number, kikao_live.in_seconds(seconds), said);
    IF number % 16 = 0 THEN
        DELETE FROM kikao_live.messages AS m WHERE m.stream = st AND m.seq <= number - most;
    END IF;
END $$;

CREATE FUNCTION kikao_live.since(
    st text, fresh text, remembered double precision, of_epoch text, after bigint, most bigint,
    OUT epoch text, OUT top bigint, OUT whole boolean, OUT messages bytea[]
) LANGUAGE plpgsql AS $$
DECLARE
    it kikao_live.streams;
BEGIN
    LOOP
        SELECT * INTO it FROM kikao_live.streams AS o WHERE o.stream = st;
        EXIT WHEN FOUND;
        INSERT INTO kikao_live.streams VALUES (st, fresh, 0, 0, kikao_live.in_seconds(remembered))
            ON CONFLICT DO NOTHING;
    END LOOP;
    IF it.forget_at < kikao_live.in_seconds(remembered * 0.9) THEN
        UPDATE kikao_live.streams AS o SET forget_at = kikao_live.in_seconds(remembered) WHERE o.stream = st;
    END IF;
    epoch := it.epoch;
    top := it.seq;
    whole := after IS NULL OR (of_epoch = it.epoch AND it.seq - after BETWEEN 0 AND least(most, it.keep));
    IF whole AND after < it.seq THEN
        SELECT array_agg(m.sealed ORDER BY m.seq), count(*) = it.seq - after INTO messages, whole
            FROM kikao_live.messages AS m
            WHERE m.stream = st AND m.seq > after AND m.seq <= it.seq AND m.until > clock_timestamp();
    END IF;
END $$;

CREATE FUNCTION kikao_live.log_out(u text, seconds double precision)
RETURNS double precision LANGUAGE sql AS $$
    INSERT INTO kikao_live.log_outs AS o VALUES (u, clock_timestamp(), kikao_live.in_seconds(seconds))
        ON CONFLICT (member) DO UPDATE
        SET at = greatest(o.at, excluded.at), until = greatest(o.until, excluded.until)
        RETURNING extract(epoch FROM at)::double precision;
$$;

CREATE FUNCTION kikao_live.logged_out(u text)
RETURNS double precision LANGUAGE sql STABLE AS $$
    SELECT coalesce(max(extract(epoch FROM at)), 0)::double precision FROM kikao_live.log_outs
        WHERE member = u AND until > clock_timestamp();
$$;

-- Forget what nobody asks for any more, some of it at a time.
CREATE FUNCTION kikao_live.sweep(empty double precision, most integer)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtext('kikao live'), hashtext('sweep')) THEN
        RETURN;
    END IF;
    -- Of nobody: put after a crash by a node that did not live to beat again.
    INSERT INTO kikao_live.nodes
        SELECT DISTINCT e.scope, e.node, 'none', clock_timestamp() FROM kikao_live.entries AS e
        WHERE e.until IS NULL
        AND NOT EXISTS (SELECT FROM kikao_live.nodes AS o WHERE o.scope = e.scope AND o.node = e.node)
        ON CONFLICT DO NOTHING;
    DELETE FROM kikao_live.nodes WHERE until < clock_timestamp() - interval '1 day';
    DELETE FROM kikao_live.topics WHERE topic IN (
        SELECT o.topic FROM kikao_live.topics AS o WHERE o.changed_at <= kikao_live.in_seconds(-empty)
        AND NOT EXISTS (SELECT FROM kikao_live.entries AS e WHERE e.topic = o.topic)
        LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM kikao_live.messages AS m USING (
        SELECT o.stream, o.seq FROM kikao_live.messages AS o WHERE o.until <= clock_timestamp()
        LIMIT most FOR UPDATE SKIP LOCKED) AS g WHERE m.stream = g.stream AND m.seq = g.seq;
    DELETE FROM kikao_live.streams WHERE stream IN (
        SELECT o.stream FROM kikao_live.streams AS o WHERE o.forget_at <= clock_timestamp()
        AND NOT EXISTS (SELECT FROM kikao_live.messages AS m WHERE m.stream = o.stream)
        LIMIT most FOR UPDATE SKIP LOCKED);
    DELETE FROM kikao_live.log_outs WHERE until <= clock_timestamp();
END $$;
