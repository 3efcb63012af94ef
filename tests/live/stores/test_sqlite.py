"""The file of streams and log-outs: what it survives, what it tells, and what it is when it cannot be used."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from kikao.live.stores.sqlite import AGAIN, SWEEP, SQLiteLive
from kikao.live.stores.store import REMEMBERED, Entry, LiveAway, Position, Recovery
from kikao.sessions.sealing import KeyRing
from tests.live.stores.places import LONG, Clock

RING = KeyRing({"k1": bytes(range(32))})


def store_at(path: Path, clock: Clock) -> SQLiteLive:
    return SQLiteLive(path, RING, clock=clock, wall=lambda: 1e9 + clock())


def after_a_kill(path: Path, folder: Path) -> Path:
    """A copy of what is on disk while the process is at work."""
    folder.mkdir()
    for file in path.parent.glob(f"{path.name}*"):
        if not file.name.endswith("-shm"):
            shutil.copy(file, folder)
    return folder / path.name


async def test_streams_and_log_outs_survive_a_kill_and_a_restart(tmp_path: Path) -> None:
    path, clock = tmp_path / "data" / "live.db", Clock()
    store = store_at(path, clock)
    await store.open()
    begun = (await store.since("quiet", None)).top
    await store.append("s", b"1", keep=10, seconds=LONG)
    at = await store.append("s", b"2", keep=10, seconds=LONG)
    out = await store.log_out("u1", seconds=LONG)
    await store.put(Entry("room:a", "u1", "r1", "n1", b"{}"))
    again = store_at(after_a_kill(path, tmp_path / "killed"), clock)
    await again.open()
    assert await again.since("s", Position(at.epoch, 0)) == Recovery(at, ((1, b"1"), (2, b"2")))
    assert await again.since("quiet", begun) == Recovery(begun, ())
    assert await again.logged_out("u1") == out
    assert (await again.listing("room:a")).entries == ()
    await again.close()
    await store.close()
    await store.open()
    assert await store.append("s", b"3", keep=10, seconds=LONG) == Position(at.epoch, 3)
    await store.close()


async def test_nothing_in_the_file_can_be_read_and_nobody_else_may(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    store = store_at(path, Clock())
    await store.open()
    await store.append("STREAMWORD", b"MESSAGEWORD", keep=10, seconds=LONG)
    await store.log_out("USERWORD", seconds=LONG)
    await store.close()
    assert b"WORD" not in path.read_bytes()
    assert path.stat().st_mode & 0o077 == 0


async def test_what_is_over_is_swept(tmp_path: Path) -> None:
    path, clock = tmp_path / "live.db", Clock()
    store = store_at(path, clock)
    await store.open()
    await store.append("s", b"m", keep=10, seconds=60.0)
    used = await store.append("used", b"m", keep=10, seconds=60.0)
    await store.log_out("u1", seconds=60.0)
    clock.now += REMEMBERED / 2
    assert (await store.since("used", used)).top == used
    clock.now += REMEMBERED / 2 + SWEEP
    await store.reap()
    assert (await store.since("used", used)).top == used
    await store.close()
    with sqlite3.connect(path) as file:
        tables = ("streams", "messages", "log_outs")
        counts = [file.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
    file.close()
    assert counts == [1, 0, 0]


async def test_a_file_of_the_version_before_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "live.db"
    store = store_at(path, Clock())
    await store.open()
    at = await store.append("s", b"1", keep=10, seconds=LONG)
    await store.close()
    with sqlite3.connect(path) as file:
        file.executescript(
            "DROP TABLE store; UPDATE streams SET epoch = '0123456789abcdef'; PRAGMA user_version = 1;"
        )
    file.close()
    await store.open()
    at = Position("0123456789abcdef", at.seq)
    assert await store.since("s", at) == Recovery(at, ())
    assert await store.append("s", b"2", keep=10, seconds=LONG) == Position(at.epoch, 2)
    assert (await store.since("t", None)).top.seq == 0
    await store.close()


@pytest.mark.parametrize("trouble", ["newer", "none", "folder"])
async def test_a_file_that_cannot_be_used_is_told_and_tried_again(
    tmp_path: Path, trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / "live.db", Clock()
    if trouble == "folder":
        path.mkdir()
    elif trouble == "none":
        path.write_bytes(b"no database" * 1000)
    else:
        with sqlite3.connect(path) as file:
            file.execute("PRAGMA user_version = 99")
        file.close()
    store = store_at(path, clock)
    await store.open()
    assert "cannot be used" in caplog.text
    with pytest.raises(LiveAway, match=r"live\.db"):
        await store.append("s", b"m", keep=1, seconds=1.0)
    with pytest.raises(LiveAway):
        await store.logged_out("u1")
    with pytest.raises(LiveAway):
        await store.answers()
    assert (await store.put(Entry("room:a", "u1", "r1", "n1", b"{}"))).joins  # presence needs no file
    path.rmdir() if trouble == "folder" else path.unlink()
    clock.now += AGAIN
    await store.reap()
    await store.answers()
    assert (await store.append("s", b"m", keep=1, seconds=1.0)).seq == 1
    await store.close()


async def test_a_write_lock_of_another_program_is_waited_for_and_then_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.live.stores.sqlite.PATIENCE", 0.05)
    path = tmp_path / "live.db"
    store = store_at(path, Clock())
    await store.open()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(LiveAway, match="write lock"):
        await store.append("s", b"m", keep=1, seconds=1.0)
    other.execute("ROLLBACK")
    other.close()
    assert (await store.append("s", b"m", keep=1, seconds=1.0)).seq == 1
    await store.close()
