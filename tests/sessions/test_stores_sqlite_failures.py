"""What a SQLite store keeps and says when processes die, disks fill and other programs get in the way."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from kikao.sessions.store import (
    Busy,
    Conflict,
    Dedupe,
    Duplicate,
    StoreBroken,
    StoreRefused,
    StoreUnavailable,
)
from kikao.sessions.stores import SQLiteStore
from tests.sessions.sqlite_child import FOREVER, PADDING
from tests.sessions.store_contract import LEASE, NOW, everything, intent, make, take, written

CHILD = Path(__file__).with_name("sqlite_child.py")


# --- killed processes ---


async def test_what_was_acknowledged_survives_kill_9_and_nothing_is_half_written(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    acknowledged: dict[bytes, int] = {}
    for kill in range(12):
        with child(path, "commit") as process:
            lines = read_lines(process)
            assert next(lines) == "open"
            for _ in range(1 + 75 * kill):
                note(acknowledged, next(lines))
            process.kill()
            for line in lines:  # what was acknowledged before the blow
                note(acknowledged, line)
        await check_whole(path, acknowledged)
    assert sum(acknowledged.values()) > 2000


async def check_whole(path: Path, acknowledged: dict[bytes, int]) -> None:
    """Every acknowledged turn is there, and every part of each turn, acknowledged or not."""
    store = SQLiteStore(path)
    await store.open()
    try:
        records = {record.key: record for record in await everything(store)}
        for key, version in acknowledged.items():
            assert records[key].version >= version
        due = {row.session for row in await store.due(now=FOREVER, limit=1000)}
        assert due == {key for key, record in records.items() if record.version % 2}
        for key, record in records.items():
            version = record.version
            assert record.state == b"%d" % version + PADDING
            for number in (1, version - 1, version):
                if number:
                    answer = await store.claim(key, b"%d" % number, now=NOW, lease=0, wait=0)
                    assert answer == Duplicate(b"reply %d" % number)
            claim = await take(store, key, dedupe=b"%d" % (version + 1))
            assert (claim.seen, bool(claim.intents)) == (None, version % 2 == 1)
            assert claim.fence > record.fence
    finally:
        await store.close()


def test_a_second_process_is_refused_until_the_first_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    with child(path, "hold") as first:
        assert next(read_lines(first)) == "open"
        with child(path, "hold") as second:
            (refusal,) = read_lines(second)
        assert refusal.startswith(
            f"refused: {path} is in use by another process (pid {first.pid}). Stop it first"
        )
        first.kill()
        first.wait()
        with child(path, "hold") as third:
            assert next(read_lines(third)) == "open"
            third.kill()


async def test_a_second_store_in_the_same_process_is_refused_too(tmp_path: Path) -> None:
    first, second = SQLiteStore(tmp_path / "sessions.db"), SQLiteStore(tmp_path / "sessions.db")
    await first.open()
    with pytest.raises(StoreRefused, match="in use"):
        await second.open()
    await make(first)
    await first.close()
    await second.open()
    assert len(await everything(second)) == 1
    await second.close()


async def test_opening_lets_go_of_the_intents_of_the_process_before(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    fences = []
    for opening in range(3):
        store = SQLiteStore(path)
        await store.open()
        claim = await take(store)
        fences.append(claim.fence)
        assert len(await store.due(now=NOW, limit=10)) == (opening > 0)
        row = intent(claim, lease_until=FOREVER, due_at=NOW)
        await store.commit(written(claim, open_=(row,)))
        assert await store.due(now=NOW, limit=10) == []
        await store.close()
    assert [fence >> 40 for fence in fences] == [1, 2, 3]


# --- failing disks ---


async def test_a_full_disk_stops_the_store_and_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path, max_size=256 * 1024)
    await store.open()
    await make(store, b"before", dedupe=Dedupe(b"message", b"reply", FOREVER))
    await make(store, b"another")
    claims = [await take(store, b"%03d" % number) for number in range(200)]
    outcomes = await asyncio.gather(
        *(store.commit(written(claim, state=b"." * 3000)) for claim in claims), return_exceptions=True
    )
    # The batch in which the disk filled up fails as a whole; those before it are stored.
    stored = {claim.key for claim, outcome in zip(claims, outcomes, strict=True) if outcome is None}
    assert {type(outcome) for outcome in outcomes if outcome is not None} == {StoreBroken}
    assert "SQLITE_FULL" in str(outcomes[-1])
    assert "make room, then start again" in str(outcomes[-1])
    assert store.broken == str(outcomes[-1])

    with pytest.raises(StoreBroken, match="make room"):
        await store.end(b"before")
    with pytest.raises(StoreBroken, match="make room"):
        await take(store, b"another")
    assert await store.claim(b"before", b"message", now=NOW, lease=LEASE, wait=0) == Duplicate(b"reply")
    assert {record.key for record in await everything(store)} == {b"before", b"another", *stored}
    await store.close()

    store = SQLiteStore(path)
    await store.open()
    assert {record.key for record in await everything(store)} == {b"before", b"another", *stored}
    await make(store, b"another")
    await store.close()


async def test_an_io_error_in_commit_is_unknown_and_stops_the_store(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    await (store := SQLiteStore(path)).open()
    await store.close()
    acknowledged: dict[bytes, int] = {}
    said: dict[str, list[str]] = {"CommitUnknown": [], "StoreBroken": [], "still": []}
    with child(path, "limit", "300000") as process:
        lines = read_lines(process)
        assert next(lines) == "open"
        for line in lines:
            if line.startswith("stored"):
                note(acknowledged, line)
            else:
                said[line.split()[0]].append(line)
        assert process.wait() == 0
    assert sum(acknowledged.values()) > 20
    assert said["CommitUnknown"]
    assert all(
        "SQLITE_IOERR" in line and "check it, then start again" in line for line in said["CommitUnknown"]
    )
    assert len(said["CommitUnknown"]) + len(said["StoreBroken"]) == 16
    assert said["still"] == ["still answers Duplicate"]
    await check_whole(path, acknowledged)


@pytest.mark.parametrize("locked", ["folder", "file"])
async def test_what_cannot_be_written_is_refused(public_folder: Path, locked: str) -> None:
    path = public_folder / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    await store.close()
    before = path.read_bytes()
    path.with_name("sessions.db.lock").unlink()
    path.chmod(0o444)
    public_folder.chmod(0o555 if locked == "folder" else 0o777)
    with child(path, "nobody") as process:
        (refusal,) = read_lines(process)
    assert refusal.startswith(f"refused: {path}")
    assert ("make its lock file" if locked == "folder" else "cannot be opened for writing") in refusal
    assert path.read_bytes() == before


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that any user can reach; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)
        Path(name).chmod(0o700)


# --- other programs, queues and cancelled callers ---


async def test_a_backup_program_is_waited_for_and_then_the_turn_is_told_to_come_again(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db", patience=0.05)
    await store.open()
    claim = await take(store)
    with write_lock(store.path):
        with pytest.raises(StoreUnavailable, match="holds the write lock") as raised:
            await store.commit(written(claim))
        assert not isinstance(raised.value, StoreBroken)
        assert await everything(store) == []
    assert store.broken is None
    await store.commit(written(claim))
    await store.close()


async def test_too_many_waiting_writes_are_turned_away_at_once(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db", queue=2)
    await store.open()
    claims = [await take(store, b"%d" % number) for number in range(4)]
    with write_lock(store.path):
        waiting = [asyncio.create_task(store.commit(written(claim))) for claim in claims[:2]]
        await asyncio.sleep(0)
        for claim in claims[2:]:
            with pytest.raises(StoreUnavailable, match="2 writes wait for the disk"):
                await store.commit(written(claim))
    await asyncio.gather(*waiting)
    assert {record.key for record in await everything(store)} == {b"0", b"1"}
    await make(store, b"2")  # its lease was given back
    await store.close()


async def test_a_cancelled_commit_keeps_the_session_until_it_is_settled(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    claim = await take(store)
    with write_lock(store.path):
        commit = asyncio.create_task(store.commit(written(claim)))
        await asyncio.sleep(0)
        commit.cancel()
        with pytest.raises(asyncio.CancelledError):
            await commit
        assert isinstance(await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0), Busy)
    follower = await take(store, wait=30)
    assert follower.record is not None
    assert follower.record.version == 1
    await store.close()


async def test_closing_finishes_what_was_accepted(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    claims = [await take(store, b"%d" % number) for number in range(500)]
    with write_lock(store.path):
        commits = [asyncio.create_task(store.commit(written(claim))) for claim in claims]
        waiting = asyncio.create_task(take(store, b"0", wait=30))
        await asyncio.sleep(0)
        closing = asyncio.create_task(store.close())
        await asyncio.sleep(0)
    await closing
    await asyncio.gather(*commits)
    with pytest.raises(StoreUnavailable, match="closed"):
        await waiting
    with pytest.raises(StoreUnavailable, match="not open"):
        await take(store)
    await store.close()
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["sessions.db", "sessions.db.lock"]
    await store.open()
    assert len(await everything(store)) == 500
    await store.close()


async def test_the_log_is_moved_into_the_database_and_stays_small(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    log = tmp_path / "sessions.db-wal"
    sizes = []
    for size in (200, 20_000):
        for _ in range(40):
            claims = [await take(store, b"%d" % number) for number in range(100)]
            await asyncio.gather(*(store.commit(written(claim, state=os.urandom(size))) for claim in claims))
            sizes.append(log.stat().st_size)
    await store.close()
    written_in_all = 40 * 100 * 20_200
    assert max(sizes) < 24 * 1024 * 1024 < written_in_all
    assert max(sizes[60:]) == max(sizes[-10:])  # reused, not extended


async def test_a_long_reader_delays_the_log_only_while_it_reads(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    log = tmp_path / "sessions.db-wal"

    async def write() -> int:
        for _ in range(10):
            claims = [await take(store, b"%d" % number) for number in range(100)]
            await asyncio.gather(
                *(store.commit(written(claim, state=os.urandom(20_000))) for claim in claims)
            )
        return log.stat().st_size

    with closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute("BEGIN")
        other.execute("SELECT count(*) FROM sessions").fetchone()
        grown = await write()
    assert grown > 16 * 1024 * 1024
    assert await write() < grown + 12 * 1024 * 1024
    assert await write() == await write()
    await store.close()


async def test_conflicts_and_stored_turns_share_a_batch(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path / "sessions.db")
    await store.open()
    claims = [await take(store, b"%d" % number) for number in range(4)]
    with write_lock(store.path):  # so that all of them wait, and go in one transaction
        commits = [
            asyncio.create_task(store.commit(written(claim, version=number % 2)))
            for number, claim in enumerate(claims)
        ]
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*commits, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [type(None), Conflict, type(None), Conflict]
    assert {record.key for record in await everything(store)} == {b"0", b"2"}
    await store.close()


# --- what the tests use ---


@contextmanager
def child(path: Path, *args: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, str(CHILD), str(path), *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def read_lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None
    for line in process.stdout:
        if not line.endswith("\n"):
            return  # cut off by the kill
        yield line.rstrip("\n")


def note(acknowledged: dict[bytes, int], line: str) -> None:
    said, key, version = line.split()
    assert said == "stored"
    acknowledged[key.encode()] = int(version)


@contextmanager
def write_lock(path: Path) -> Iterator[None]:
    """Another program that writes."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")
