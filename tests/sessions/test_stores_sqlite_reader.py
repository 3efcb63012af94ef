"""The reader beside the server: one snapshot, no trace, and plain words for what is no store that can be read."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from kikao.sessions.store import IntentRow, StoreRefused, Write
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.sessions.stores.sqlite.reader import snapshot


async def put(store: SQLiteStore, number: int, *, intent: bool = False) -> None:
    key = number.to_bytes(8, "big")
    claim = await store.claim(key, None, now=0.0, lease=9.0, wait=0.0)
    version = claim.record.version if claim.record is not None else 0  # type: ignore[union-attr]
    fence = claim.fence  # type: ignore[union-attr]
    rows = (IntentRow(key, key, fence, 0.0, 0.0),) if intent else ()
    await store.commit(Write(key, fence, version, 1e10, b"state", b"address", open=rows))


def written(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        path.name: (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in folder.iterdir()
    }


def read_elsewhere(path: Path) -> list[str]:
    """What another process reads; the process that serves shares its memory with a reader of its own."""
    script = (
        "import sys, pathlib\n"
        "from kikao.sessions.stores.sqlite.reader import snapshot\n"
        "with snapshot(pathlib.Path(sys.argv[1])) as found:\n"
        "    print(found.count(), len(list(found.records())), len(found.with_intents))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    return done.stdout.split()


async def test_a_snapshot_stays_as_it_is_while_others_write(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    for number in range(50):
        await put(store, number, intent=number == 7)
    with snapshot(path) as found:
        records = found.records()
        first = next(records)
        for number in range(60):
            await put(store, number)
        rest = list(records)
        assert found.with_intents == {(7).to_bytes(8, "big")}
        assert [record.version for record in (first, *rest)] == [1] * 50
    with snapshot(path) as found:
        assert [record.version for record in found.records()] == [2] * 50 + [1] * 10
    await store.close()


async def test_another_process_reads_without_a_trace(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    for number in range(20):
        await put(store, number, intent=number == 7)
    before = written(tmp_path)
    assert {"sessions.db-wal", "sessions.db-shm"} <= before.keys()
    assert read_elsewhere(path) == ["20", "20", "1"]
    assert written(tmp_path) == before

    killed = tmp_path.with_name("killed")
    shutil.copytree(tmp_path, killed)  # as after kill -9: a log, and nobody who has it open
    before = written(killed)
    assert read_elsewhere(killed / "sessions.db") == ["20", "20", "1"]
    assert written(killed) == before

    await store.close()
    before = written(tmp_path)
    assert before.keys() == {"sessions.db", "sessions.db.lock"}
    assert read_elsewhere(path) == ["20", "20", "1"]
    assert written(tmp_path) == before

    (killed / "sessions.db-shm").unlink()
    with pytest.raises(StoreRefused, match="no index of it"), snapshot(killed / "sessions.db"):
        pass


async def test_a_server_that_starts_meanwhile_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    await store.close()
    with pytest.raises(StoreRefused, match="a server started while it was read"), snapshot(path):
        await store.open()
    await store.close()


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("PRAGMA user_version = 1", "Run: kikao migrate"),
        ("PRAGMA user_version = 99", "the kikao that wrote it"),
        ("PRAGMA application_id = 7", "no session store of kikao"),
    ],
)
async def test_another_schema_or_another_program_is_told(
    tmp_path: Path, statement: str, problem: str
) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    await store.close()
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.close()
    with pytest.raises(StoreRefused, match=problem), snapshot(path):
        pass


async def test_a_page_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "sessions.db"
    store = SQLiteStore(path)
    await store.open()
    for number in range(300):
        await put(store, number)
    await store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(size // 3)
        file.write(b"\xff" * (size // 2))
    with pytest.raises(StoreRefused, match="cannot be read"), snapshot(path) as found:
        list(found.records())
