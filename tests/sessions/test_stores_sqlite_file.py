"""Which files a SQLite store opens, how it brings them up to date, and that it leaves alone what it refuses."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kikao.sessions.store import StoreRefused
from kikao.sessions.stores import SQLiteStore
from kikao.sessions.stores.sqlite.file import APPLICATION_ID, MIGRATIONS, inspect, prepare
from tests.sessions.store_contract import everything, make

TODAY = len(MIGRATIONS)
NEXT = (
    *MIGRATIONS,
    "ALTER TABLE sessions ADD COLUMN colour TEXT; CREATE TABLE extra (a); INSERT INTO extra VALUES (7)",
)


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    """A store file with one session."""
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    await make(store, b"kept")
    await store.close()
    return store.path


async def test_a_new_store_belongs_to_its_user_only(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "data" / "sessions.db")
    await store.open()
    await make(store)
    names = {"sessions.db", "sessions.db-wal", "sessions.db-shm", "sessions.db.lock"}
    assert {file.name for file in store.path.parent.iterdir()} == names
    assert store.path.parent.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in store.path.parent.iterdir()} == {0o600}
    await store.close()


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    store.path.touch()
    await store.open()
    await make(store)
    await store.close()


async def test_a_store_opens_again_with_what_it_had(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    assert [record.key for record in await everything(store)] == [b"kept"]
    with pytest.raises(RuntimeError, match="open already"):
        await store.open()
    await store.close()


def test_the_file_says_whose_it_is(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
        assert database.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)


# --- refused, and left as they were ---


def not_a_database(path: Path) -> None:
    path.write_bytes(b"Dear diary, today I lost a session. " * 50)


def too_short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


def damaged(path: Path) -> None:
    content = bytearray(path.read_bytes())
    for page in range(1, len(content) // 4096):
        content[page * 4096 : page * 4096 + 2000] = b"\xde" * 2000
    path.write_bytes(content)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: 2 * 4096])


def of_another_program(path: Path) -> None:
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE sessions (theirs)")
        database.commit()


def newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")


REFUSED = {
    not_a_database: "is not a SQLite database",
    too_short: "is not a SQLite database",
    damaged: "is damaged",
    truncated: "is damaged",
    of_another_program: "of another program",
    newer: f"has schema {len(MIGRATIONS) + 1}, this kikao knows up to {len(MIGRATIONS)}. Run the newer kikao",
}


@pytest.mark.parametrize(("spoil", "reason"), REFUSED.items(), ids=[spoil.__name__ for spoil in REFUSED])
async def test_a_file_that_cannot_be_used_is_refused_and_left_as_it_was(
    path: Path, spoil: object, reason: str
) -> None:
    assert callable(spoil)
    spoil(path)
    path.with_name("sessions.db.lock").unlink()
    before = snapshot(path.parent)
    with pytest.raises(StoreRefused, match=reason) as raised:
        await SQLiteStore(path).open()
    assert str(path) in str(raised.value)
    assert "left as it was" in str(raised.value)
    assert snapshot(path.parent) == before


async def test_a_file_with_a_log_is_inspected_with_its_log_and_left_as_it_was(path: Path) -> None:
    """The schema of a newer kikao may still be in the log of a process that was killed."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA wal_autocheckpoint = 0")
        newer_in_log = f"PRAGMA user_version = {len(MIGRATIONS) + 1}"
        database.execute(newer_in_log)
        database.commit()
        killed = {
            file.name: file.read_bytes()
            for file in path.parent.iterdir()
            if file.name.endswith((".db", "-wal"))
        }
    folder = path.parent / "copy"
    folder.mkdir()
    for name, content in killed.items():
        (folder / name).write_bytes(content)
    before = snapshot(folder)
    assert len(before["sessions.db-wal"]) > 0
    with pytest.raises(StoreRefused, match="has schema"):
        await SQLiteStore(folder / "sessions.db").open()
    assert snapshot(folder) == before


async def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "sessions.db").mkdir()
    with pytest.raises(StoreRefused, match="cannot be read"):
        await SQLiteStore(tmp_path / "sessions.db").open()


async def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreRefused, match="cannot make the folder"):
        await SQLiteStore(tmp_path / "file" / "sessions.db").open()


def test_a_large_file_is_not_read_whole(path: Path) -> None:
    damaged(path)
    with pytest.raises(StoreRefused):
        inspect(path, newest=TODAY)
    assert inspect(path, newest=TODAY, checked_up_to=4096) == TODAY


# --- migrations ---


def test_an_older_file_is_copied_and_then_migrated(path: Path) -> None:
    old = contents(path)
    prepare(path, migrations=NEXT).release()
    with closing(sqlite3.connect(path)) as database:
        assert database.execute("SELECT key, colour FROM sessions").fetchall() == [(b"kept", None)]
        assert database.execute("SELECT * FROM extra").fetchall() == [(7,)]
        assert database.execute("PRAGMA user_version").fetchone() == (TODAY + 1,)
    copy = path.with_name(f"sessions.db.schema{TODAY}.bak")
    assert contents(copy) == old
    assert copy.stat().st_mode & 0o777 == 0o600
    assert inspect(copy, newest=TODAY) == TODAY
    assert sorted(file.name for file in path.parent.glob("*.bak*")) == [copy.name]


def test_a_file_of_today_is_not_copied(path: Path) -> None:
    prepare(path).release()
    assert list(path.parent.glob("*.bak")) == []


def test_the_copy_holds_what_was_only_in_the_log(path: Path) -> None:
    with closing(sqlite3.connect(path)) as killed:
        killed.execute("PRAGMA wal_autocheckpoint = 0")
        killed.execute("INSERT INTO meta VALUES ('late', x'00')")
        killed.commit()
        prepare(path, migrations=NEXT).release()
    assert "late" in str(contents(path.with_name(f"sessions.db.schema{TODAY}.bak")))


def test_a_migration_that_fails_changes_nothing(path: Path) -> None:
    old = contents(path)
    broken = (*NEXT, "CREATE TABLE more (a); INSERT INTO nowhere VALUES (1)")
    for copies in (1, 2):
        with pytest.raises(StoreRefused, match=rf"cannot be migrated from schema {TODAY} .*nowhere"):
            prepare(path, migrations=broken)
        assert contents(path) == old
        assert inspect(path, newest=TODAY + 2) == TODAY
        assert len(list(path.parent.glob("*.bak"))) == copies
    prepare(path, migrations=NEXT).release()
    assert inspect(path, newest=TODAY + 1) == TODAY + 1


def test_a_creation_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    path.with_name("sessions.db.new").write_bytes(b"half a file")
    prepare(path).release()
    assert inspect(path, newest=TODAY) == TODAY
    assert sorted(file.name for file in tmp_path.iterdir()) == ["sessions.db", "sessions.db.lock"]


# --- what the tests use ---


def snapshot(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def contents(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return list(database.iterdump())
