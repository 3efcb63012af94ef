"""A schema over its versions: one step after the other, and what becomes of it where a step fails."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import pytest

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores.postgresql.connecting import Server
from kikao.sessions.stores.postgresql.schema import Schema
from tests.engines.postgresql import PostgreSQL

STEPS = {
    "leaves.sql": "CREATE TABLE tea.leaves (name text);",
    "cups.sql": "CREATE TABLE tea.cups (name text); INSERT INTO tea.leaves VALUES ('mint');",
    "spilled.sql": "DROP TABLE tea.cups; SELECT 1 / 0;",
}


@pytest.fixture
def having(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Schema]:
    """A release of the schema, with those scripts."""
    package = tmp_path / "tea_scripts"
    package.mkdir()
    (package / "__init__.py").touch()
    for name, script in STEPS.items():
        (package / name).write_text(script)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda *scripts: Schema("tea", "the tea", package=package.name, scripts=scripts, lock=7)


async def test_each_release_goes_on_where_the_one_before_ended(
    postgresql: PostgreSQL, having: Callable[..., Schema]
) -> None:
    url = postgresql.database()
    old, new = having("leaves.sql"), having("leaves.sql", "cups.sql")
    assert await new.version(url) == 0
    assert await old.migrate(url) == (0, 1)
    postgresql.execute("CREATE ROLE sipper LOGIN")
    for granted in ("USAGE ON SCHEMA tea", "SELECT ON tea.schema"):
        postgresql.execute(f"GRANT {granted} TO sipper", url=url)
    with pytest.raises(StoreRefused, match="has version 1 of the tea, and our user may not upgrade them"):
        await new.migrate(url.replace("kikao@", "sipper@"))
    assert sorted(await asyncio.gather(new.migrate(url), new.migrate(url))) == [(1, 2), (2, 2)]
    assert await new.version(url) == 2
    assert postgresql.execute("SELECT name FROM tea.leaves", url=url) == [("mint",)]
    for asked in (old.migrate, old.version):
        with pytest.raises(StoreRefused, match=r"version 2 of the tea, .* versions up to 1\. .* Nothing was"):
            await asked(url)


async def test_a_step_that_fails_changes_nothing_and_holds_nobody_up(
    postgresql: PostgreSQL, having: Callable[..., Schema]
) -> None:
    url = postgresql.database()
    broken = having("leaves.sql", "cups.sql", "spilled.sql")
    with pytest.raises(StoreRefused, match=r"the tea cannot be migrated \(division by zero\)"):
        await broken.migrate(url)
    assert await broken.version(url) == 2
    connection = await Server(url).connect_once(patience=None)
    try:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await broken.upgrade(connection, "here")
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        assert await connection.fetchval(held) == 0
        assert await connection.fetchval("SELECT count(*) FROM tea.cups") == 0
    finally:
        await connection.close()
