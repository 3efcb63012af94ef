"""The records database: its transactions, its files, and what happens to them when a newer kikao starts."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from kikao.records import Records, RecordsRefused

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


async def write(records: Records, body: str) -> None:
    async with records.writing() as connection:
        await connection.execute(text("INSERT INTO notes (body) VALUES (:body)"), {"body": body})


async def bodies(records: Records) -> list[str]:
    async with records.reading() as connection:
        return list((await connection.execute(text("SELECT body FROM notes ORDER BY rowid"))).scalars())


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


async def test_a_block_that_raises_leaves_nothing_behind(records: Records) -> None:
    async def fail() -> None:
        async with records.writing() as connection:
            await connection.execute(text("CREATE TABLE half (a INTEGER)"))
            await connection.execute(text("INSERT INTO notes (body) VALUES ('lost')"))
            raise ZeroDivisionError

    await write(records, "kept")
    with pytest.raises(ZeroDivisionError):
        await fail()

    assert await bodies(records) == ["kept"]
    async with records.reading() as connection:
        names = (await connection.execute(text("SELECT name FROM sqlite_master"))).scalars().all()
    assert "half" not in names


async def test_a_reader_sees_one_state_and_never_waits_for_a_writer(records: Records) -> None:
    async with records.reading() as reader:
        count = text("SELECT count(*) FROM notes")
        assert (await reader.execute(count)).scalar_one() == 0
        await write(records, "later")
        assert (await reader.execute(count)).scalar_one() == 0
    assert await bodies(records) == ["later"]


async def test_what_a_writer_read_cannot_change_before_it_commits(records: Records) -> None:
    """A hundred writers add one to a number they have read: none is lost."""

    async def add_one() -> None:
        async with records.writing() as connection:
            found = (await connection.execute(text("SELECT count(*) FROM notes"))).scalar_one()
            await asyncio.sleep(0)
            await connection.execute(text("INSERT INTO notes (body) VALUES (:n)"), {"n": str(found + 1)})

    await asyncio.gather(*[add_one() for _ in range(100)])

    assert await bodies(records) == [str(n) for n in range(1, 101)]


async def test_a_writing_transaction_holds_the_writer_from_its_start(records: Records, path: Path) -> None:
    async with records.writing():
        with (
            closing(sqlite3.connect(path, timeout=0)) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")


async def test_a_writer_that_was_cancelled_frees_the_next(records: Records) -> None:
    entered = asyncio.Event()

    async def slow() -> None:
        async with records.writing() as connection:
            await connection.execute(text("INSERT INTO notes (body) VALUES ('lost')"))
            entered.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(slow())
    await entered.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await write(records, "next")

    assert await bodies(records) == ["next"]


async def test_the_promise_of_durability_is_set_on_every_connection(records: Records) -> None:
    async with records.reading() as one, records.reading() as two:
        for connection in (one, two):
            found = {
                name: (await connection.execute(text(f"PRAGMA {name}"))).scalar_one()
                for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
            }
            assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


async def test_foreign_keys_hold(records: Records) -> None:
    with pytest.raises(IntegrityError):
        async with records.writing() as connection:
            await connection.execute(text("INSERT INTO notes (owner) VALUES (7)"))


async def test_an_error_does_not_show_what_was_sent(records: Records) -> None:
    await write(records, "very private")
    with pytest.raises(DBAPIError) as caught:
        await write(records, "very private")
    assert "private" not in str(caught.value)


# --- files and addresses ---


async def test_files_are_for_their_owner_alone(records: Records, path: Path) -> None:
    await write(records, "x")
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
    async with records.writing() as connection:
        await connection.execute(text("CREATE TABLE a (b INTEGER)"))
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
    await write(records, "works")
    await records.close()
    assert modes(path.parent).keys() == {"data", "records.db"}


async def test_an_upgrade_keeps_a_copy_of_what_was_there(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    await write(old, "of old")
    await old.close()
    before = contents(path)

    new = Records(path)
    await new.migrate(revisions("op.rename_table('notes', 'letters')"), "notes_version")
    async with new.reading() as connection:
        assert (await connection.execute(text("SELECT body FROM letters"))).scalar_one() == "of old"
    await new.close()

    copy = path.with_name("records.db.before-notes_version-0002")
    assert contents(copy) == before
    assert modes(path.parent)[copy.name] == 0o600


async def test_an_upgrade_may_rebuild_a_table_that_others_refer_to(path: Path, revisions: Revisions) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    async with old.writing() as connection:
        await connection.execute(text("INSERT INTO owners (id) VALUES (1)"))
        await connection.execute(text("INSERT INTO notes (body, owner) VALUES ('mine', 1)"))
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
        async with new.writing() as connection:
            await connection.execute(text("DELETE FROM owners"))
    await new.close()


@pytest.mark.parametrize(
    ("second", "error"),
    [
        ("op.drop_table('notes'); 1 / 0", ZeroDivisionError),
        ("op.execute('DELETE FROM owners')", RecordsRefused),
        ("op.drop_table('notes'); op.execute('nonsense')", OperationalError),
    ],
)
async def test_an_upgrade_that_fails_changes_nothing(
    second: str, error: type[Exception], path: Path, revisions: Revisions
) -> None:
    old = Records(path)
    await old.migrate(revisions(), "notes_version")
    async with old.writing() as connection:
        await connection.execute(text("INSERT INTO owners (id) VALUES (1)"))
        await connection.execute(text("INSERT INTO notes (body, owner) VALUES ('mine', 1)"))
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
    await write(one, "fine")
    assert await bodies(two) == ["fine"]
    await one.close()
    await two.close()


async def test_a_file_that_is_no_database_is_named(path: Path, revisions: Revisions) -> None:
    write_shopping_list(path)
    records = Records(path)
    with pytest.raises(RecordsRefused, match=r"cannot read .*records\.db"):
        await records.migrate(revisions(), "notes_version")
    await records.close()
