"""Workers that answer for each other: nothing that was told is ever taken back, whoever dies and whoever is asked."""

from __future__ import annotations

import asyncio
import fcntl
import os
import threading
from pathlib import Path

import pytest

from kikao.metrics.declared import INBOUNDS, OPEN_INTENTS, QUEUE_DEPTH, STORE_SECONDS, SWEEPS, WORKERS, Metric
from kikao.metrics.group import Group
from kikao.metrics.numbers import Bounded, Durations
from kikao.metrics.phases import BOUNDS
from kikao.metrics.snapshot import Buckets, Snapshot, Value, merged
from tests.waiting import until


class Worker:
    """A member of a group with a few numbers of its own."""

    def __init__(self, folder: Path, *, shared_store: bool = False, every: float = 60.0) -> None:
        self.group = Group(folder / "metrics", self.take, shared_store=shared_store, every=every)
        self.sweeps = 0
        self.queue = 0
        self.seconds = Durations(BOUNDS)
        self.group.join()

    async def take(self) -> Snapshot:
        snapshot = Snapshot()
        snapshot.count(SWEEPS, {(): self.sweeps})
        snapshot.time(STORE_SECONDS, {("claim",): self.seconds})
        snapshot.gauge(QUEUE_DEPTH, {("effects",): self.queue})
        snapshot.gauge(OPEN_INTENTS, {(): 7.0})
        return snapshot

    async def told(self, metric: Metric = SWEEPS) -> float:
        snapshot = await self.group.merged()
        values = snapshot.counters.get(metric.name) or snapshot.gauges.get(metric.name) or []
        return sum(value.value for value in values)

    def die(self) -> None:
        """As of a kill -9: the system lets go of the lock."""
        assert self.group._lock is not None
        os.close(self.group._lock)
        self.group._lock = None


def files(folder: Path) -> set[str]:
    """Kinds of files, without ids."""
    return {
        path.name.replace(path.name.split(".")[0], "*") if "-" in path.name else path.name
        for path in folder.iterdir()
    }


async def test_one_that_is_alone_writes_nothing_until_it_is_asked(tmp_path: Path) -> None:
    worker = Worker(tmp_path, every=0.0)
    watching = asyncio.create_task(worker.group.run())
    for _ in range(20):
        await asyncio.sleep(0.001)
    assert files(tmp_path / "metrics") == {"gate", "*.alive"}
    worker.sweeps = 3
    assert await worker.told() == 3
    assert await worker.told(WORKERS) == 1
    assert files(tmp_path / "metrics") == {"gate", "*.alive", "*.json"}
    watching.cancel()
    await worker.group.leave()
    await worker.group.leave()


async def test_whoever_is_asked_answers_for_all(tmp_path: Path) -> None:
    one, other = Worker(tmp_path), Worker(tmp_path)
    one.sweeps, other.sweeps, one.queue, other.queue = 3, 4, 1, 2
    one.seconds.add(0.001)
    other.seconds.add(3.0)
    await other.group.write()
    assert await one.told() == 7
    assert await one.told(QUEUE_DEPTH) == 3
    assert await one.told(OPEN_INTENTS) == 14
    assert await one.told(WORKERS) == 2
    assert await other.told() == 7
    ((_, (buckets,)),) = (await one.group.merged()).histograms.items()
    assert (sum(buckets.counts), buckets.sum) == (2, 3.001)


async def test_a_gauge_of_a_store_that_all_share_is_not_added_up(tmp_path: Path) -> None:
    one, other = Worker(tmp_path, shared_store=True), Worker(tmp_path, shared_store=True)
    await other.group.write()
    assert await one.told(OPEN_INTENTS) == 7


async def test_what_was_told_stays_true_when_another_one_is_asked(tmp_path: Path) -> None:
    alone = Worker(tmp_path)
    alone.sweeps = 100
    assert await alone.told() == 100
    newcomer = Worker(tmp_path)
    assert await newcomer.told() == 100


async def test_the_counters_of_the_dead_stay_and_their_gauges_do_not(tmp_path: Path) -> None:
    one, other, third = Worker(tmp_path), Worker(tmp_path), Worker(tmp_path)
    one.sweeps, other.sweeps, other.queue, third.sweeps = 1, 10, 5, 100
    await third.group.write()
    assert await other.told() == 110
    other.die()
    assert await one.told() == 111
    assert await one.told(QUEUE_DEPTH) == 0
    assert await one.told(WORKERS) == 2
    assert await third.told() == 111  # from the totals by now
    assert "totals.json" in files(tmp_path / "metrics")
    back = Worker(tmp_path)
    back.sweeps = 1000
    assert await back.told() == 1111
    third.die()
    assert await one.told() == 1111
    await one.group.leave()
    assert await back.told() == 1111
    assert await back.told(WORKERS) == 1


async def test_the_first_of_a_group_begins_anew(tmp_path: Path) -> None:
    one = Worker(tmp_path)
    one.sweeps = 5
    await one.told()
    await one.group.leave()
    two = Worker(tmp_path)
    assert await two.told() == 0
    two.die()
    assert await Worker(tmp_path).told() == 0


async def test_a_fold_that_was_cut_short_counts_nothing_twice(tmp_path: Path) -> None:
    one, other = Worker(tmp_path), Worker(tmp_path)
    other.sweeps = 10
    await other.group.write()
    numbers = tmp_path / "metrics" / f"{other.group.id}.json"
    data = numbers.read_bytes()
    other.die()
    assert await one.told() == 10
    assert not numbers.exists()
    numbers.write_bytes(data)  # as if the process had died before it was removed
    assert await one.told() == 10
    assert await one.told() == 10


async def test_while_somebody_else_folds_the_numbers_are_right_too(tmp_path: Path) -> None:
    one, other = Worker(tmp_path), Worker(tmp_path)
    other.sweeps = 10
    await other.group.write()
    other.die()
    gate = os.open(tmp_path / "metrics" / "gate", os.O_RDWR)
    fcntl.flock(gate, fcntl.LOCK_EX)
    assert await one.told() == 10
    assert (tmp_path / "metrics" / f"{other.group.id}.json").exists()
    os.close(gate)
    assert await one.told() == 10
    assert not (tmp_path / "metrics" / f"{other.group.id}.json").exists()


async def test_who_finds_the_gate_shut_goes_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Worker(tmp_path)
    gate = os.open(tmp_path / "metrics" / "gate", os.O_RDWR)
    fcntl.flock(gate, fcntl.LOCK_EX)
    monkeypatch.setattr("kikao.metrics.group.PATIENCE", 0.02)
    with pytest.raises(OSError, match="another worker is in there for too long"):
        Worker(tmp_path)
    os.close(gate)


@pytest.mark.parametrize(
    "junk", [b"", b"{", b"[]", b'{"counters":{"kikao_sweeps":[[["x"],"y"]]}}', b"\xff\x00"]
)
async def test_a_file_that_is_not_one_is_left_out(tmp_path: Path, junk: bytes) -> None:
    worker = Worker(tmp_path)
    worker.sweeps = 2
    (tmp_path / "metrics" / "77-dead.json").write_bytes(junk)
    (tmp_path / "metrics" / "totals.json").write_bytes(junk)
    (tmp_path / "metrics" / "note.txt").write_bytes(junk)
    assert await worker.told() == 2


async def test_a_folder_that_is_gone_keeps_nobody_from_its_own_numbers(tmp_path: Path) -> None:
    worker = Worker(tmp_path)
    worker.sweeps = 2
    for path in (tmp_path / "metrics").iterdir():
        path.unlink()
    (tmp_path / "metrics").rmdir()
    assert await worker.told() == 2
    assert await worker.told(WORKERS) == 1
    await worker.group.leave()


async def test_neighbours_are_kept_informed(tmp_path: Path) -> None:
    one, other = Worker(tmp_path, every=0.0), Worker(tmp_path)
    one.sweeps = 4
    watching = asyncio.create_task(one.group.run())
    numbers = tmp_path / "metrics" / f"{one.group.id}.json"
    await until(numbers.exists, "its numbers")
    watching.cancel()
    assert await other.told() == 4


async def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    worker, _ = Worker(tmp_path), Worker(tmp_path)
    await worker.group.write()
    folder = tmp_path / "metrics"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_what_another_version_wrote_otherwise_is_left_out() -> None:
    odd = Snapshot(
        {
            "kikao_gone": [Value((), 1.0)],
            INBOUNDS.name: [Value(("ussd",), 1.0), Value(("ussd", "nalo", "asked"), 2.0)],
            WORKERS.name: [Value((), 5.0)],
        },
        {STORE_SECONDS.name: [Buckets(("claim",), (1, 2), 3.0)], "kikao_gone": []},
        {QUEUE_DEPTH.name: [Value((), 1.0)], "kikao_gone": []},
    )
    found = merged([odd])
    assert found.counters == {INBOUNDS.name: [Value(("ussd", "nalo", "asked"), 2.0)]}
    assert found.histograms == {STORE_SECONDS.name: []}
    assert found.gauges == {QUEUE_DEPTH.name: []}


def test_names_that_are_made_at_run_time_do_not_make_series_without_end() -> None:
    counts = Bounded(3)
    for question in ("a", "b", "c", "d", "d"):
        counts.add(("buy", question))
    counts.add(("sell", "a"))
    counts.add(("buy", "a"))
    assert counts == {
        ("buy", "a"): 2,
        ("buy", "b"): 1,
        ("buy", "c"): 1,
        ("buy", "other"): 2,
        ("other", "other"): 1,
    }
    assert counts.dropped == 3


async def test_what_is_written_at_the_same_time_does_not_get_mixed_up(tmp_path: Path) -> None:
    one = Worker(tmp_path)
    stop = threading.Event()

    def write() -> None:
        numbers = Snapshot()
        while not stop.is_set():
            one.group._store(numbers)

    # As where one scrape writes its own numbers while another one moves a dead worker's into the totals.
    writing = asyncio.create_task(asyncio.to_thread(write))
    try:
        for died in range(1, 31):
            dead = Worker(tmp_path)
            dead.sweeps = 1
            await dead.group.write()
            dead.die()
            await asyncio.to_thread(one.group._merged, Snapshot())
            totals = one.group._totals()
            assert [value.value for value in totals.snapshot.counters[SWEEPS.name]] == [died]
    finally:
        stop.set()
        await writing


async def test_what_is_not_of_the_group_stays(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    (folder / "notes").mkdir(parents=True)
    for name in ("alarms.json", "readme.new", "mine.alive", "notes/all.json"):
        (folder / name).write_text("kept")
    gone = {"totals.json", "12-0123abcd.alive", "12-0123abcd.json", "12-0123abcd.new"}
    for name in gone:
        (folder / name).write_text("of an earlier group")
    worker = Worker(tmp_path)
    worker.sweeps = 2
    assert await worker.told() == 2
    assert await worker.told(WORKERS) == 1
    assert {path.name for path in folder.iterdir()} >= {"alarms.json", "readme.new", "mine.alive", "notes"}
    assert not {path.name for path in folder.iterdir()} & gone
