"""The records database: its transactions, its files, and what it says when it is away."""

from __future__ import annotations

import asyncio
import os
import socket
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

from kikao.records import CommitUnknown, Records, RecordsAway, RecordsRefused
from tests.records.notes import bodies, contents, execute, modes, note, query
from tests.waiting import PATIENCE

# --- transactions ---


async def test_work_that_raises_leaves_nothing_behind(records: Records) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (a INTEGER)"))
        connection.execute(text("INSERT INTO notes (body) VALUES ('lost')"))
        raise ZeroDivisionError

    await note(records, "kept")
    with pytest.raises(ZeroDivisionError):
        await records.write(fail)

    assert await bodies(records) == ["kept"]
    assert "half" not in await query(records, "SELECT name FROM sqlite_master")


async def test_work_that_reads_changes_nothing(records: Records) -> None:
    await records.read(
        lambda connection: connection.execute(text("INSERT INTO notes (body) VALUES ('lost')"))
    )
    assert await bodies(records) == []


async def test_a_reader_sees_one_state_and_never_waits_for_a_writer(records: Records) -> None:
    started, written = threading.Event(), threading.Event()

    def count_twice(connection: Connection) -> list[int]:
        count = text("SELECT count(*) FROM notes")
        before = connection.execute(count).scalar_one()
        started.set()
        assert written.wait(PATIENCE)
        return [before, connection.execute(count).scalar_one()]

    reader = asyncio.create_task(records.read(count_twice))
    await asyncio.to_thread(started.wait)
    await note(records, "later")
    written.set()

    assert await reader == [0, 0]
    assert await bodies(records) == ["later"]


async def test_what_a_writer_read_cannot_change_before_it_commits(path: Path, records: Records) -> None:
    """A hundred writers from two processes' worth of connections add one to a number they read: none is lost."""
    other = Records(path)

    def add_one(connection: Connection) -> None:
        found = connection.execute(text("SELECT count(*) FROM notes")).scalar_one()
        connection.execute(text("INSERT INTO notes (body) VALUES (:n)"), {"n": str(found + 1)})

    await asyncio.gather(*[(records, other)[n % 2].write(add_one) for n in range(100)])
    await other.close()

    assert await bodies(records) == [str(n) for n in range(1, 101)]


async def test_a_writing_transaction_holds_the_writer_from_its_start(records: Records, path: Path) -> None:
    def interfere(_: Connection) -> None:
        with closing(sqlite3.connect(path, timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")

    with pytest.raises(sqlite3.OperationalError, match="locked"):
        await records.write(interfere)


async def test_a_writer_whose_caller_left_does_not_block_the_next(records: Records) -> None:
    task = asyncio.create_task(note(records, "perhaps"))
    await asyncio.sleep(0)
    task.cancel()
    await note(records, "next")
    assert (await bodies(records))[-1] == "next"


async def test_the_promise_of_durability_is_set_on_every_connection(records: Records) -> None:
    together = threading.Barrier(4)

    def settings(connection: Connection) -> dict[str, Any]:
        together.wait(PATIENCE)
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "secure_delete")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    all_at_once = [*[records.read(settings) for _ in range(3)], records.write(settings)]
    for found in await asyncio.gather(*all_at_once):
        assert found == {
            "journal_mode": "wal",
            "synchronous": 2,
            "foreign_keys": 1,
            "busy_timeout": 5000,
            "secure_delete": 1,
        }


async def test_foreign_keys_hold(records: Records) -> None:
    with pytest.raises(IntegrityError):
        await execute(records, "INSERT INTO notes (owner) VALUES (7)")


async def test_an_error_does_not_show_what_was_sent(records: Records) -> None:
    await note(records, "very private")
    with pytest.raises(IntegrityError) as caught:
        await note(records, "very private")
    assert "private" not in str(caught.value)


# --- when the database is away ---


async def test_a_writer_that_waits_too_long_changes_nothing(
    path: Path, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.records.sqlite.BUSY_SECONDS", 0.05)
    hasty = Records(path)
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(RecordsAway, match="locked"):
            await note(hasty, "late")
    await note(hasty, "in time")
    await hasty.close()
    assert await bodies(records) == ["in time"]


async def test_a_failure_while_committing_is_not_called_a_failure_before(
    records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Connection) -> None:
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr("sqlalchemy.Connection.commit", fail)
        with pytest.raises(CommitUnknown, match="disk I/O error"):
            await note(records, "perhaps")
    await note(records, "sure")
    assert await bodies(records) == ["sure"]


async def test_postgresql_that_does_not_listen_is_away() -> None:
    pytest.importorskip("asyncpg")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        records = Records(f"postgresql://nobody:hunter2@127.0.0.1:{unused.getsockname()[1]}/none")
        with pytest.raises(RecordsAway) as caught:
            await execute(records, "SELECT 1")
        await records.close()
    assert "hunter2" not in f"{caught.value} {records.where}"


# --- files and addresses ---


async def test_files_are_for_their_owner_alone(records: Records, path: Path) -> None:
    await note(records, "x")
    assert modes(path.parent) == {
        "data": 0o700,
        "records.db": 0o600,
        "records.db-wal": 0o600,
        "records.db-shm": 0o600,
    }


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    Records(path)
    assert modes(path.parent)[path.name] == 0o600


async def test_a_file_that_another_process_makes_at_the_same_moment_is_the_same_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = os.open

    def a_moment_later(name: Path, flags: int, mode: int) -> int:
        os.close(make(name, flags, mode))  # the other one's
        return make(name, flags, mode)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(os, "open", a_moment_later)
        records = Records(path)
    await execute(records, "CREATE TABLE a (b INTEGER)")
    await records.close()
    assert any("CREATE TABLE a" in line for line in contents(path))


@pytest.mark.parametrize("form", ["{}", "sqlite:///{}", "sqlite+aiosqlite:///{}"])
async def test_a_path_and_a_url_name_the_same_file(form: str, path: Path) -> None:
    records = Records(form.format(path))
    await execute(records, "CREATE TABLE a (b INTEGER)")
    await records.close()
    assert any("CREATE TABLE a" in line for line in contents(path))


@pytest.mark.parametrize("where", ["sqlite://", "sqlite:///:memory:", "mysql://host/db", "://"])
def test_an_address_that_cannot_keep_records_is_refused(where: str) -> None:
    with pytest.raises(RecordsRefused, match="sqlite:///path"):
        Records(where)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecordsRefused, match=r"file/records\.db"):
        Records(tmp_path / "file" / "records.db")


def test_importing_the_package_loads_no_database_library() -> None:
    script = "import sys, kikao.records; print({'sqlalchemy', 'alembic'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
