"""What the session stores take: CPU beside their raw clients, claims when they are full, memory, sweeping."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence

from benchmarks import outbox, stores, sweep
from benchmarks.engines import NAMES, Engines
from benchmarks.environments import NotHere
from benchmarks.subjects import side_by_side, subject
from benchmarks.table import Line, Row, both, cost, judged, number, percentile, skipped, times


def client(engines: Engines) -> Iterator[Line]:
    """A claim and a commit beside one read and one write."""
    yield "The client's side of a turn, CPU of one, 32 members at once: a claim and a commit, beside a read and a write"
    for name in NAMES:
        try:
            commands: dict[str, Sequence[str]] = {
                "kikao": subject("clients:kikao", engines.url(name)),
                "least": subject("clients:least", engines.url(name, database=1)),
            }
        except NotHere as reason:
            yield skipped(name, reason)
            continue
        found = side_by_side(commands, rounds=15)
        ours, least = found["kikao"], found["least"]
        yield Row(f"{name}: claim and commit", *cost(ours))
        yield Row("  raw client, a read and a write", *cost(least))
        yield Row("  to the raw client", *times((ours.best / least.best, ours.median / least.median)))


def claims(engines: Engines) -> Iterator[Line]:
    """Claims from full stores, and the memory of a session."""
    yield f"{stores.STORED:,} sessions stored, {stores.RATE} turns a second, wall; p50 in the second column"
    for name in NAMES:
        try:
            taken = stores.measured(engines.url(name))
        except NotHere as reason:
            yield skipped(name, reason)
            continue
        for what, waits in (("claim", taken.claims), ("claim and commit", taken.turns)):
            tail, half = (percentile(waits, share) * 1000 for share in (0.99, 0.5))
            if what == "claim":
                yield judged(f"{name}: claim, p99", " ms", tail, half, most=5)
            else:
                yield Row(f"{name}: claim and commit, p99", f"{number(tail)} ms", f"{number(half)} ms")
    session = stores.bytes_per_session(deduplicated=False)
    yield judged("memory: a stored session", " bytes", session, None, most=1024)
    record = stores.bytes_per_session(deduplicated=True) - session
    yield Row("memory: a dedupe record beside it", f"{number(record)} bytes")


def sweeping(engines: Engines) -> Iterator[Line]:
    """Live turns while expired sessions are swept."""
    yield f"{sweep.EXPIRED:,} expired sessions swept beside {sweep.RATE} turns a second: p99 of a turn by the second"
    for name in NAMES:
        try:
            found = sweep.measured(engines.url(name))
        except NotHere as reason:
            yield skipped(name, reason)
            continue
        held, swept = ([each * 1000 for each in seconds] for seconds in (found.held, found.swept))
        if not held or not swept:
            yield Row(f"{name}: swept before it could be measured", "")
            continue
        yield Row(f"{name}: while the sweep is held", *both(held, " ms"))
        yield Row(f"{name}: while it goes on", *both(swept, " ms"))
        ratio = statistics.median(swept) / statistics.median(held)
        yield judged(f"{name}: the latter to the former", "×", min(swept) / min(held), ratio, most=2)


def sending(engines: Engines) -> Iterator[Line]:
    """Messages through the outbox."""
    yield f"The outbox: {outbox.ROWS:,} messages in {outbox.LANES:,} lanes, one process, wall; CPU in the second column"
    for name in NAMES:
        try:
            found = outbox.measured(engines.url(name))
        except NotHere as reason:
            yield skipped(name, reason)
            continue
        for what, speed in (("posted", found.posted), ("sent, and that stored", found.sent)):
            yield Row(f"{name}: {what}", f"{number(speed.rate)}/s", f"{number(speed.cpu)} µs")
