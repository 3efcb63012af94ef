-- Live sessions, version 2. A stream has a row from its first message on: one that is only asked for has none, and its
-- epoch is what the database is called, and the hour; see `kikao.live.stores.epochs`. That name is the epoch of the row
-- without a name, which is never forgotten: a table of its own would have to be granted to who has these.

-- The epoch of a stream that has not begun. `fresh` is what the database is called from now on, if it has no name.
CREATE FUNCTION kikao_live.asked_for(fresh text)
RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    known text;
BEGIN
    LOOP
        SELECT o.epoch INTO known FROM kikao_live.streams AS o WHERE o.stream = '';
        EXIT WHEN FOUND;
        INSERT INTO kikao_live.streams VALUES ('', fresh, 0, 0, 'infinity') ON CONFLICT DO NOTHING;
    END LOOP;
    RETURN known || lpad(to_hex(floor(extract(epoch FROM clock_timestamp()) / 3600)::integer), 6, '0');
END $$;

CREATE FUNCTION kikao_live.is_of(epoch text, told text, hours integer)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
    SELECT told = epoch OR CASE
        WHEN length(told) = 18 AND length(epoch) >= 18 AND left(told, 12) = left(epoch, 12)
        THEN ('x' || substr(epoch, 13, 6))::bit(24)::integer - ('x' || substr(told, 13))::bit(24)::integer
            BETWEEN 0 AND hours
        ELSE false END;
$$;

-- `fresh` is the name of the database if it has none, and the end of the epoch if the stream begins.
CREATE OR REPLACE FUNCTION kikao_live.append(
    st text, fresh text, said bytea, most bigint, seconds double precision, remembered double precision,
    OUT epoch text, OUT number bigint
) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE kikao_live.streams AS o
        SET seq = o.seq + 1, keep = most, forget_at = kikao_live.in_seconds(greatest(seconds, remembered))
        WHERE o.stream = st RETURNING o.epoch, o.seq INTO epoch, number;
    IF NOT FOUND THEN
        INSERT INTO kikao_live.streams AS o
            VALUES (st, kikao_live.asked_for(left(fresh, 12)) || substr(fresh, 13), 1, most,
                kikao_live.in_seconds(greatest(seconds, remembered)))
            ON CONFLICT (stream) DO UPDATE
            SET seq = o.seq + 1, keep = excluded.keep, forget_at = excluded.forget_at
            RETURNING o.epoch, o.seq INTO epoch, number;
    END IF;
    INSERT INTO kikao_live.messages VALUES (st, number, kikao_live.in_seconds(seconds), said);
    IF number % 16 = 0 THEN
        DELETE FROM kikao_live.messages AS m WHERE m.stream = st AND m.seq <= number - most;
    END IF;
END $$;

CREATE FUNCTION kikao_live.since(
    st text, fresh text, remembered double precision, hours integer, told text, after bigint, most bigint,
    OUT epoch text, OUT top bigint, OUT whole boolean, OUT messages bytea[]
) LANGUAGE plpgsql AS $$
DECLARE
    it kikao_live.streams;
BEGIN
    SELECT * INTO it FROM kikao_live.streams AS o WHERE o.stream = st;
    IF NOT FOUND THEN
        epoch := kikao_live.asked_for(fresh);
        top := 0;
        whole := after IS NULL OR (after = 0 AND kikao_live.is_of(epoch, told, hours));
        RETURN;
    END IF;
    IF it.forget_at < kikao_live.in_seconds(remembered * 0.9) THEN
        UPDATE kikao_live.streams AS o SET forget_at = kikao_live.in_seconds(remembered) WHERE o.stream = st;
    END IF;
    epoch := it.epoch;
    top := it.seq;
    whole := after IS NULL
        OR (kikao_live.is_of(it.epoch, told, hours) AND it.seq - after BETWEEN 0 AND least(most, it.keep));
    IF whole AND after < it.seq THEN
        SELECT array_agg(m.sealed ORDER BY m.seq), count(*) = it.seq - after INTO messages, whole
            FROM kikao_live.messages AS m
            WHERE m.stream = st AND m.seq > after AND m.seq <= it.seq AND m.until > clock_timestamp();
    END IF;
END $$;
