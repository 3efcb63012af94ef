"""Everything that the server of a store keeps, as octets."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey
from tests.reliability.grounds import Ground

Places = list[tuple[str, bytes]]


async def dumps(ground: Ground) -> Places:
    """Tables and the write-ahead log; or keys, values and what the server notes of commands. Nothing of SQLite."""
    if isinstance(ground.server, PostgreSQL):
        return await _tables(ground.url)
    return list(_keys(ground.server)) if isinstance(ground.server, Valkey) else []


async def _tables(url: str) -> Places:
    import asyncpg

    connection = await asyncpg.connect(url)
    try:
        found = []
        for schema, table in await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
        ):
            for form in ("binary", "text"):
                into = io.BytesIO()
                await connection.copy_from_table(table, schema_name=schema, output=into, format=form)
                found.append((f"table {schema}.{table}, {form}", into.getvalue()))
        asked = await connection.fetch("SELECT query FROM pg_stat_activity")
        found += [("pg_stat_activity", str(query).encode()) for (query,) in asked]
        for (name,) in await connection.fetch("SELECT name FROM pg_ls_waldir() ORDER BY name"):
            segment = await connection.fetchval("SELECT pg_read_binary_file('pg_wal/' || $1)", name)
            found.append((f"write-ahead log {name}", bytes(segment)))
        return found
    finally:
        await connection.close()


def _keys(server: Valkey) -> Iterator[tuple[str, bytes]]:
    cursor: Any = b"0"
    while True:
        cursor, keys = server.ask("SCAN", cursor, "COUNT", 1000)
        for key in keys:
            yield f"key {key!r}", key
            dumped = server.ask("DUMP", key)
            if dumped is not None:  # gone by now
                yield f"value of {key!r}", dumped
            yield f"plain value of {key!r}", repr(_plain(server, key)).encode("latin-1")
        if cursor == b"0":
            break
    yield "slow log", repr(server.ask("SLOWLOG", "GET", 1000)).encode()
    yield "clients", server.ask("CLIENT", "LIST")


def _plain(server: Valkey, key: bytes) -> Any:
    """Dumped values may be compressed."""
    reads: dict[bytes, tuple[str | bytes | int, ...]] = {
        b"string": ("GET", key),
        b"hash": ("HGETALL", key),
        b"list": ("LRANGE", key, 0, -1),
        b"set": ("SMEMBERS", key),
        b"zset": ("ZRANGE", key, 0, -1),
        b"stream": ("XRANGE", key, "-", "+"),
    }
    return server.ask(*reads.get(server.ask("TYPE", key), ("EXISTS", key)))
