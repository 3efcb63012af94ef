"""Live sockets, beside a bare server on the same uvicorn with the same flags, in the same run."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any, Final, TypeVar

import uvloop

from benchmarks.engines import Engines
from benchmarks.live import costs, harm
from benchmarks.live.harm import Harm
from benchmarks.live.server import OPEN, Server, serving
from benchmarks.live.sockets import most
from benchmarks.live.storm import Storm, storm
from benchmarks.live.witness import witnesses
from benchmarks.table import Line, Row, both, judged, number, percentile, times

ROUNDS: Final = 7
SERVERS: Final = ("kikao", "bare")
SIZES: Final = (62, 1024)
"""Octets of a payload that is broadcast."""
CROWDS: Final = (200, 2_000)
DELIVERED: Final = 40_000
"""Messages of one round."""
COMING: Final = 200
RATE: Final = 100.0
"""Sockets that come in a round, and how many a second."""
STORMING: Final = 5_000
WHILE: Final = 10.0
"""Seconds of trouble."""
AS_THEY_COME: Final = "the limits as they come"

Found = TypeVar("Found")
_folders = count(1)


def live(engines: Engines) -> Iterator[Line]:
    """All of it."""
    folder = engines.folder("live")
    yield from _memory(folder)
    yield from _arrivals(folder)
    yield from _deliveries(folder)
    yield from _echoes(folder)
    yield from _storms(folder)
    yield from _harm(folder)


def _memory(folder: Path) -> Iterator[Line]:
    sockets = (5_000, min(20_000, most()))
    yield f"A live session at rest, RSS (at most {sockets[-1]:,} files may be open here)"

    async def measured(name: str) -> list[costs.Idle]:
        async with _one(name, folder) as server:
            return await costs.idle(server, sockets)

    ours, bare = (_run(measured(name)) for name in SERVERS)
    for kikao, beside in zip(ours, bare, strict=True):
        yield Row(f"kikao, {kikao.sockets:,} sockets, each", number(kikao.resident) + " KiB")
        yield Row(f"bare, {beside.sockets:,} sockets, each", number(beside.resident) + " KiB")
        yield judged("  kikao takes more", " KiB", kikao.resident - beside.resident, None, most=10)
        for name, each in (("kikao", kikao), ("bare", beside)):
            structures = each.kernel.structures
            told = "only root may see it" if structures is None else number(structures) + " KiB"
            yield Row(f"  {name}, in the kernel besides, each: structures", told)
            yield Row(f"  {name}, in the kernel besides, each: queues", number(each.kernel.queues) + " KiB")


def _arrivals(folder: Path) -> Iterator[Line]:
    yield f"From the dial to the reply to the join, {RATE:g} a second, one after the other"

    async def measured() -> dict[str, list[costs.Arrivals]]:
        async with _both(folder) as servers:
            return {
                name: [await costs.arrivals(server, COMING, RATE) for _ in range(ROUNDS)]
                for name, server in servers.items()
            }

    found = _run(measured())
    cpu = {name: [each.cpu * 1000 for each in rounds] for name, rounds in found.items()}
    middle = {name: statistics.median(spent) for name, spent in cpu.items()}
    yield judged("kikao, CPU", " ms", min(cpu["kikao"]), middle["kikao"], most=1)
    yield Row("bare, an echo for the join, CPU", *both(cpu["bare"], " ms"))
    yield Row("  kikao takes more", number(min(cpu["kikao"]) - min(cpu["bare"])) + " ms")
    for name, rounds in found.items():
        for what, share in (("p50", 0.5), ("p99", 0.99)):
            tails = [percentile(each.waits, share) * 1000 for each in rounds]
            yield Row(f"{name}, {what}, wall", *both(tails, " ms"))


def _deliveries(folder: Path) -> Iterator[Line]:
    yield "Broadcasts to one topic, delivered per CPU-second of the server"
    for members in CROWDS:
        for octets in SIZES:

            async def measured(members: int = members, octets: int = octets) -> dict[str, list[float]]:
                async with _both(folder) as servers, AsyncExitStack() as stack:
                    crowds = {
                        name: await stack.enter_async_context(costs.crowd(server, members))
                        for name, server in servers.items()
                    }
                    found: dict[str, list[float]] = {name: [] for name in servers}
                    for _ in range(ROUNDS):
                        for name, server in servers.items():
                            times = DELIVERED // members
                            found[name].append(await costs.deliveries(server, crowds[name], times, octets))
                    return found

            yield from _rates(_run(measured()), f"to {members:,} sockets, {octets:,} octets")


def _echoes(folder: Path) -> Iterator[Line]:
    yield "Echoes of 50 sockets, per CPU-second of the server"

    async def measured() -> dict[str, list[float]]:
        async with _both(folder) as servers:
            found: dict[str, list[float]] = {name: [] for name in servers}
            for _ in range(ROUNDS):
                for name, server in servers.items():
                    found[name].append(await costs.echoes(server, 50, 1.0))
            return found

    yield from _rates(_run(measured()), f"{costs.OCTETS} octets")


def _storms(folder: Path) -> Iterator[Line]:
    async def measured(name: str, limits: dict[str, float]) -> Storm:
        async with _one(name, folder, limits) as server:
            return await storm(server, STORMING)

    for title, name, limits in (
        (f"kikao, {AS_THEY_COME}", "kikao", {}),
        ("kikao, 1,000 connects a second", "kikao", {"connects": 1000.0}),
        ("kikao, no limits", "kikao", OPEN),
        ("bare", "bare", {}),
    ):
        yield f"A storm: {STORMING:,} sockets cut at once, {title}"
        yield from _told(_run(measured(name, limits)))


def _told(found: Storm) -> Iterator[Line]:
    yield Row("until all are joined again", number(found.wall) + " s")
    yield Row("refused on the way (503)", number(found.refused))
    yield Row("CPU of the server", number(found.cpu) + " s")
    yield Row("its event loop was late, at worst", number(found.lag * 1000) + " ms")
    yield from _tails("echoes of 50 others meanwhile", found.waits)
    yield from _tails("  before", found.calm)
    if found.turns:
        yield from _tails("USSD turns meanwhile, 100 a second", found.turns)
        yield from _tails("  before", found.calm_turns)
    yield Row("memory before", number(found.before / 1024) + " MiB")
    yield Row("memory after", number(found.after / 1024) + " MiB")


def _harm(folder: Path) -> Iterator[Line]:
    async def measured(limits: dict[str, float]) -> tuple[Harm, Harm, Harm]:
        async with _one("kikao", folder, limits) as server, witnesses(server.port) as others:
            await others.waits()
            return (
                await harm.alone(server, others, WHILE),
                await harm.crashing(server, others, WHILE),
                await harm.garbage(server, others, WHILE),
            )

    for title, limits in ((AS_THEY_COME, {}), ("no limits", OPEN)):
        yield f"Echoes of 50 sockets, 10 a second each, beside {harm.TROUBLE} that make trouble: {title}"
        alone, crashes, garbage = _run(measured(limits))
        yield from _beside("alone", alone)
        yield from _beside(f"beside {crashes.troubles:,} crashes in {WHILE:g} s", crashes)
        yield from _beside(f"beside {garbage.troubles:,} frames of garbage", garbage)


def _beside(what: str, found: Harm) -> Iterator[Line]:
    yield from _tails(what, found.waits)
    yield Row("  the server's share of a core", number(found.cpu * 100) + " %")


def _tails(what: str, waits: list[float]) -> Iterator[Line]:
    for name, share in (("p50", 0.5), ("p99", 0.99)):
        yield Row(f"{what}, {name}", number(percentile(waits, share) * 1000) + " ms")


def _rates(found: dict[str, list[float]], what: str) -> Iterator[Line]:
    for name, rates in found.items():
        yield Row(f"{name}, {what}", number(max(rates)), number(statistics.median(rates)))
    ours, bare = found.values()
    ratio = max(ours) / max(bare), statistics.median(ours) / statistics.median(bare)
    yield Row("  kikao does so many for one", *times(ratio))


@asynccontextmanager
async def _both(folder: Path) -> AsyncIterator[dict[str, Server]]:
    async with AsyncExitStack() as stack:
        yield {name: await stack.enter_async_context(_one(name, folder)) for name in SERVERS}


@asynccontextmanager
async def _one(name: str, folder: Path, limits: dict[str, float] = OPEN) -> AsyncIterator[Server]:
    async with serving(name, folder / f"{name}-{next(_folders)}", limits) as server:
        yield server


def _run(measured: Coroutine[Any, Any, Found]) -> Found:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(measured)
