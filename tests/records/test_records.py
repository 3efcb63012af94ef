"""The records database: its transactions, its files, and what happens to them when a newer kikao starts."""

from __future__ import annotations

import asyncio
import hashlib
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError, OperationalError

from kikao.records import CommitUnknown, Records, RecordsAway, RecordsRefused

ENV = "from kikao.records.migrations import run\n\nrun()\n"
FIRST = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "0001", None
def upgrade():
    op.create_table("owners", sa.Column("id", sa.Integer, primary_key=True))
    op.create_table(
        "notes", sa.Column("body", sa.Text, unique=True),
        sa.Column("owner", sa.Integer, sa.ForeignKey("owners.id")),
    )
"""
SECOND = """
from alembic import op
revision, down_revision = "0002", "0001"
def upgrade():
    {what}
"""

OWNER = "INSERT INTO owners (id) VALUES (1)"
NOTE = "INSERT INTO notes (body, owner) VALUES ('mine', 1)"

Revisions = Callable[..., Path]


@pytest.fixture
def revisions(tmp_path: Path) -> Revisions:
    """Writes a folder of revisions: the first, and if given, what the second does."""

    def write(second: str = "") -> Path:
        folder = tmp_path / f"scripts{len(list(tmp_path.glob('scripts*')))}"
        (folder / "versions").mkdir(parents=True)
        (folder / "env.py").write_text(ENV)
        (folder / "versions" / "first.py").write_text(FIRST)
        if second:
            (folder / "versions" / "second.py").write_text(SECOND.format(what=second))
        return folder

    return write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "records.db"


@pytest.fixture
async def records(path: Path, revisions: Revisions) -> AsyncIterator[Records]:
    records = Records(path)
    await records.migrate(revisions(), "notes_version")
    yield records
    await records.close()


async def note(records: Records, body: str) -> None:
    await execute(records, "INSERT INTO notes (body) VALUES (:body)", body=body)


async def bodies(records: Records) -> list[str]:
    return await query(records, "SELECT body FROM notes ORDER BY rowid")


async def execute(records: Records, *statements: str, **values: object) -> None:
    def work(connection: Connection) -> None:
        for statement in statements:
            connection.execute(text(statement), values)

    await records.write(work)


async def query(records: Records, statement: str) -> list[Any]:
    return await records.read(lambda connection: list(connection.execute(text(statement)).scalars()))


def write_shopping_list(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("bread, milk, tea\n" * 100)


def fingerprint(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in [folder, *folder.iterdir()]}


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


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
        assert written.wait(10)
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
        together.wait(10)
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return {name: connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names}

    all_at_once = [*[records.read(settings) for _ in range(3)], records.write(settings)]
    for found in await asyncio.gather(*all_at_once):
        assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


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
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


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


# --- migrations ---


async def test_a_fresh_file_gets_its_tables_and_needs_no_copy(records: Records, path: Path) -> None:
    await note(records, "works")
    await records.close()
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_an_upgrade_keeps_a_copy_of_what_was_there(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await note(old, "of old")
    await old.close()
    before = contents(path)

    new = Records(path)
    await new.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    assert await query(new, "SELECT body FROM letters") == ["of old"]
    await new.close()

    copy = path.with_name("records.db.before-notes_version-0002")
    assert contents(copy) == before
    assert modes(path.parent)[copy.name] == 0o600


async def test_an_upgrade_may_rebuild_a_table_that_others_refer_to(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await execute(old, OWNER, NOTE)
    await old.close()

    rebuild = """
    op.execute("CREATE TABLE rebuilt (id INTEGER PRIMARY KEY, name TEXT)")
    op.execute("INSERT INTO rebuilt (id) SELECT id FROM owners")
    op.drop_table("owners")
    op.rename_table("rebuilt", "owners")
"""
    new = Records(path)
    await new.migrate(revisions(rebuild), "notes_version")
    assert await bodies(new) == ["mine"]
    with pytest.raises(IntegrityError):
        await execute(new, "DELETE FROM owners")
    await new.close()


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ("op.drop_table('notes'); 1 / 0", ZeroDivisionError),
        ("op.execute('DELETE FROM owners')", RecordsRefused),
        ("op.drop_table('notes'); op.execute('nonsense')", RecordsAway),
    ],
)
async def test_an_upgrade_that_fails_changes_nothing(
    second: str, error: type[Exception], path: Path, revisions: Revisions
) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await execute(old, OWNER, NOTE)
    await old.close()
    before = contents(path)

    new = Records(path)
    with pytest.raises(error):
        await new.migrate(revisions(second), "notes_version")
    await new.close()

    assert contents(path) == before


async def test_a_database_of_a_newer_kikao_is_left_alone(path: Path, revisions: Revisions) -> None:
    newer = Records(path)
    await newer.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    await newer.close()
    before = fingerprint(path)

    older = Records(path)
    with pytest.raises(RecordsRefused, match=r"revision 0002 of notes_version.*its newest is 0001") as caught:
        await older.migrate(revisions(), "notes_version")
    await older.close()

    assert str(path) in str(caught.value)
    assert fingerprint(path) == before
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_without_room_for_the_copy_there_is_no_upgrade(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await old.close()
    before = contents(path)
    path.with_name("records.db.before-notes_version-0002").mkdir()

    new = Records(path)
    with pytest.raises(RecordsRefused, match="was not upgraded"):
        await new.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    await new.close()

    assert contents(path) == before


async def test_an_upgrade_can_be_left_to_the_operator(path: Path, revisions: Revisions) -> None:
    records = Records(path)
    with pytest.raises(RecordsRefused, match="kikao migrate"):
        await records.migrate(revisions(), "notes_version", upgrade=False)
    await records.migrate(revisions(), "notes_version")
    await records.migrate(revisions(), "notes_version", upgrade=False)
    await records.close()


async def test_sets_of_tables_start_together(path: Path, tmp_path: Path, revisions: Revisions) -> None:
    """Two apps on one database, started by two processes at once."""
    other = revisions()
    text_of = (other / "versions" / "first.py").read_text()
    (other / "versions" / "first.py").write_text(text_of.replace("owners", "people").replace("notes", "mail"))
    mine = revisions()
    one, two = Records(path), Records(path)
    await asyncio.gather(
        one.migrate(mine, "notes_version"),
        two.migrate(other, "mail_version"),
        two.migrate(mine, "notes_version"),
    )
    await note(one, "fine")
    assert await bodies(two) == ["fine"]
    await one.close()
    await two.close()


async def test_a_file_that_is_no_database_is_named(path: Path, revisions: Revisions) -> None:
    write_shopping_list(path)
    records = Records(path)
    with pytest.raises(RecordsRefused, match=r"records\.db does not answer \(file is not a database\)"):
        await records.migrate(revisions(), "notes_version")
    await records.close()
