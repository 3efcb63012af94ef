"""Turns over HTTP: beside bare Starlette doing the same work on the same store, and many members at once."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Final, NamedTuple

from benchmarks import workers
from benchmarks.engines import NAMES, Engines
from benchmarks.environments import NotHere
from benchmarks.load import Round, Server
from benchmarks.table import Line, Row, both, fsync, judged, number, percentile, skipped, times

ROUNDS: Final = 6
TURNS: Final = 3_000
"""Of one round."""


class Pair(NamedTuple):
    """kikao on a store, and what it is compared with there."""

    store: str
    does: str
    least: float


PAIRS: Final = (
    Pair("SQLite FULL", "bare Starlette, one inline write", 0.5),
    Pair("Valkey", "bare Starlette, one GET and one SET", 0.7),
    Pair("PostgreSQL", "bare Starlette, one SELECT and one UPDATE", 0.0),
)


def http(engines: Engines) -> Iterator[Line]:
    """A turn over HTTP, beside bare Starlette."""
    yield "This disk: 4 KiB written and synced, median, and p99 in the second column"
    for what, grow in (("written over, as a log is", False), ("at the end of a file", True)):
        middle, worst = fsync(engines.folder("disk"), grow=grow)
        yield Row(what, number(middle) + " ms", number(worst) + " ms")
    yield "A USSD turn over HTTP, 64 sessions at once"
    with ExitStack() as stack:
        server = stack.enter_context(Server("kikao", engines.folder("http"), "memory:"))
        _introduce(server, 64)
        rounds = [server.round(64, TURNS) for _ in range(ROUNDS)]
        yield Row("kikao, memory: server CPU", *both(_cpu(rounds), " µs"))
        yield Row("kikao, memory: turns/s", *_rates(rounds))
    for pair in PAIRS:
        yield from _compared(engines, pair)


def _compared(engines: Engines, pair: Pair) -> Iterator[Line]:
    try:
        ours, theirs = engines.url(pair.store), engines.url(pair.store, database=1)
    except NotHere as reason:
        yield skipped(f"kikao, {pair.store}", reason)
        return
    with (
        Server("kikao", engines.folder("http"), ours) as kikao,
        Server("bare", engines.folder("http"), theirs) as bare,
    ):
        found: dict[Server, list[Round]] = {kikao: [], bare: []}
        for server in found:
            _introduce(server, 64)
        for _ in range(ROUNDS):
            for server, rounds in found.items():
                rounds.append(server.round(64, TURNS))
    cost, raw = _cpu(found[kikao]), _cpu(found[bare])
    yield Row(f"kikao, {pair.store}: server CPU", *both(cost, " µs"))
    if pair.store == "SQLite FULL":
        rate = [each.turns / each.wall for each in found[kikao]]
        yield judged(f"kikao, {pair.store}: turns/s", "", max(rate), statistics.median(rate), least=2000)
    else:
        yield Row(f"kikao, {pair.store}: turns/s", *_rates(found[kikao]))
    yield Row(f"{pair.does}: server CPU", *both(raw, " µs"))
    yield Row(f"{pair.does}: turns/s", *_rates(found[bare]))
    ratio = min(raw) / min(cost), statistics.median(raw) / statistics.median(cost)
    if pair.least:
        yield judged("  kikao's turns for one bare request, per CPU-second", "×", *ratio, least=pair.least)
    else:
        yield Row("  kikao's turns for one bare request, per CPU-second", *times(ratio))


def members(engines: Engines) -> Iterator[Line]:
    """100 members at once, on every store."""
    yield "100 members at once over HTTP, wall"
    for name in NAMES:
        try:
            url = engines.url(name)
        except NotHere as reason:
            yield skipped(name, reason)
            continue
        with Server("kikao", engines.folder("members"), url) as server:
            _introduce(server, 100)
            again = [server.round(100, TURNS).waits for _ in range(3)]
        halves = [percentile(waits, 0.5) * 1000 for waits in again]
        tails = [percentile(waits, 0.99) * 1000 for waits in again]
        yield Row(f"{name}: p50 of a turn", *both(halves, " ms"))
        yield judged(f"{name}: p99 of a turn", " ms", min(tails), statistics.median(tails), most=200)


def _introduce(server: Server, members: int) -> None:
    """Who was never met is written down, which takes longer than a turn: ever more of them, not all at once."""
    for share in (0.1, 0.25, 0.5, 0.75, 1.0):
        server.round(int(members * share), 0)


def working(engines: Engines) -> Iterator[Line]:
    """One worker to four."""
    yield f"kikao run --workers N, {workers.MEMBERS} members at once; the load and the store share these cores"
    for name in ("PostgreSQL", "Valkey"):
        for count in (1, 2, 3, 4):
            try:
                url = engines.url(name)
            except NotHere as reason:
                yield skipped(name, reason)
                break
            rounds = workers.measured(url, engines.folder("workers"), count)
            plural = "" if count == 1 else "s"
            yield Row(f"{name}, {count} worker{plural}: turns/s", *_rates(rounds))
            yield Row("  CPU of all workers", *both(_cpu(rounds), " µs"))


def _cpu(rounds: list[Round]) -> list[float]:
    return [each.cpu / each.turns * 1e6 for each in rounds]


def _rates(rounds: list[Round]) -> tuple[str, str]:
    rates = [each.turns / each.wall for each in rounds]
    return number(max(rates)), number(statistics.median(rates))
