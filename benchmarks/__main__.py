"""`make bench`: every figure beside its bar, in one table. Names of parts as arguments run only those."""

from __future__ import annotations

import asyncio
import importlib.util
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks import start, stores, sweep
from benchmarks.load import Round, Server
from benchmarks.phases import phases
from benchmarks.subjects import Cost, side_by_side
from benchmarks.table import Row, fsync, judged, machine, number, percentile, show

Line = Row | str

ROUNDS: Final = 6
SQLITE: Final = "kikao, SQLite FULL"
BARE: Final = "bare Starlette, inline write"

TURNS: Final = 3_000
"""Turns of one round over HTTP."""


def replay(folder: Path) -> Iterator[Line]:
    """The replay beside a bare loop."""
    yield "Replay, CPU of one (typed answers, decoded from msgpack)"
    subjects = {
        (name, asks): (f"replay:{name}", str(asks))
        for asks in (5, 50)
        for name in ("shown", "replayed", "bare")
    }
    found = side_by_side(subjects)
    for asks, aim in ((5, 15), (50, 80)):
        whole, alone, bare = (found[name, asks] for name in ("shown", "replayed", "bare"))
        yield judged(f"{asks} asks, to the open question", " µs", *alone, most=aim)
        yield Row(f"{asks} asks, bare loop", *_cost(bare))
        yield judged("  to the bare loop", "×", alone.best / bare.best, alone.median / bare.median, most=2)
        yield Row(f"{asks} asks, and the new question put", *_cost(whole))


def turn(folder: Path) -> Iterator[Line]:
    """A turn in process, beside aiogram."""
    yield "A turn in process, memory store, CPU of one"
    subjects = {"handled": ("turns:handled",), "kikao": ("turns:kikao",)}
    peer = importlib.util.find_spec("aiogram") is not None
    if peer:
        subjects |= {"aiogram": ("aiogram_peer:webhook",), "dispatched": ("aiogram_peer:dispatched",)}
    found = side_by_side(subjects)
    handled, kikao = found["handled"], found["kikao"]
    yield judged("Turns.handle", " µs", *handled, most=60)
    yield Row("from request body to response body", *_cost(kikao))
    yield Row("  turns per CPU-second", number(1e6 / kikao.best), number(1e6 / kikao.median))
    if peer:
        whole, bare = found["aiogram"], found["dispatched"]
        yield Row("aiogram, body to body", *_cost(whole))
        yield judged(
            "  kikao does so many for one", "×", whole.best / kikao.best, whole.median / kikao.median, least=4
        )
        yield Row("aiogram, parsed update to unwritten answer", *_cost(bare))
        yield Row("  kikao's Turns.handle for one", number(bare.best / handled.best) + "×")
    else:
        yield Row("aiogram is not installed: see docs/reference/benchmarks.md", "")
    yield "The phases of Turns.handle, wall µs in the quietest of 200 batches"
    for phase, spent in asyncio.run(phases()).items():
        yield Row(phase, number(spent))


def http(folder: Path) -> Iterator[Line]:
    """A turn over HTTP, beside bare Starlette, and 100 members at once."""
    yield "This disk: 4 KiB written and synced, median, and p99 in the second column"
    for what, grow in (("written over, as a log is", False), ("at the end of a file", True)):
        middle, worst = fsync(folder, grow=grow)
        yield Row(what, number(middle) + " ms", number(worst) + " ms")
    yield "A USSD turn over HTTP, 64 sessions at once"
    with (
        Server("kikao", folder / "sqlite") as kikao,
        Server("bare", folder / "bare") as bare,
        Server("kikao", folder / "memory", "memory:") as memory,
    ):
        servers = {SQLITE: kikao, BARE: bare, "kikao, memory": memory}
        rounds: dict[str, list[Round]] = {name: [] for name in servers}
        for _ in range(ROUNDS):
            for name, server in servers.items():
                rounds[name].append(server.round(64, TURNS))
        cost = {name: [r.cpu / r.turns * 1e6 for r in found] for name, found in rounds.items()}
        for name, found in rounds.items():
            yield Row(f"{name}: server CPU", *_both(cost[name], " µs"))
            rate = [r.turns / r.wall for r in found]
            if name == SQLITE:
                yield judged(f"{name}: turns/s", "", max(rate), statistics.median(rate), least=2000)
            else:
                yield Row(f"{name}: turns/s", number(max(rate)), number(statistics.median(rate)))
        ours, theirs = cost[SQLITE], cost[BARE]
        ratio = min(theirs) / min(ours)
        yield judged(
            "kikao's turns for one bare request, per CPU-second",
            "×",
            ratio,
            statistics.median(theirs) / statistics.median(ours),
            least=0.5,
        )
        yield "100 members at once over HTTP"
        for name, server in (("SQLite FULL", kikao), ("memory", memory)):
            again = [server.round(100, TURNS).waits for _ in range(3)]
            halves = [percentile(waits, 0.5) * 1000 for waits in again]
            tails = [percentile(waits, 0.99) * 1000 for waits in again]
            yield Row(f"{name}: p50 of a turn", *_both(halves, " ms"))
            yield judged(f"{name}: p99 of a turn", " ms", min(tails), statistics.median(tails), most=200)


def store(folder: Path) -> Iterator[Line]:
    """Claims from full stores, and the memory of a session."""
    yield f"{stores.STORED:,} sessions stored, {stores.RATE} turns a second"
    for name, taken in (("memory", stores.memory_claims()), ("SQLite", stores.sqlite_claims(folder))):
        yield judged(f"{name}: claim, p99", " ms", percentile(taken, 0.99) * 1000, None, most=5)
    session = stores.bytes_per_session(deduplicated=False)
    yield judged("memory: a stored session", " bytes", session, None, most=1024)
    yield Row(
        "memory: a dedupe record", number(stores.bytes_per_session(deduplicated=True) - session) + " bytes"
    )


def sweeping(folder: Path) -> Iterator[Line]:
    """Live turns while expired sessions are swept."""
    yield f"{sweep.EXPIRED:,} expired sessions swept beside {sweep.RATE} turns a second: p99 of a turn by the second"
    for name, found in (("memory", sweep.memory()), ("SQLite", sweep.sqlite(folder))):
        held, swept = ([each * 1000 for each in seconds] for seconds in (found.held, found.swept))
        yield Row(f"{name}: while the sweep is held", *_both(held, " ms"))
        yield Row(f"{name}: while it goes on", *_both(swept, " ms"))
        ratio = statistics.median(swept) / statistics.median(held)
        yield judged(f"{name}: the latter to the former", "×", min(swept) / min(held), ratio, most=2)


def starting(folder: Path) -> Iterator[Line]:
    """Starts of the command."""
    yield "Start, wall"
    for what, seconds, most in (
        ("kikao --help", start.help_seconds(), 150),
        ("kikao run, until it answers", start.run_seconds(folder), 1500),
    ):
        yield judged(what, " ms", seconds[0] * 1000, statistics.median(seconds) * 1000, most=most)


def _cost(cost: Cost) -> tuple[str, str]:
    return number(cost.best) + " µs", number(cost.median) + " µs"


def _both(values: list[float], unit: str) -> tuple[str, str]:
    return number(min(values)) + unit, number(statistics.median(values)) + unit


PARTS: Final[dict[str, Callable[[Path], Iterator[Line]]]] = {
    "replay": replay,
    "turn": turn,
    "http": http,
    "store": store,
    "sweep": sweeping,
    "start": starting,
}


def main() -> None:
    """Run the parts, print the table."""
    chosen = sys.argv[1:] or list(PARTS)
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise SystemExit(f"benchmarks: there is no part {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
    lines: list[Line] = [f"kikao on {machine()}"]
    for name in chosen:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="kikao-bench-") as folder:
            lines += PARTS[name](Path(folder))
    show(lines)


if __name__ == "__main__":
    main()
