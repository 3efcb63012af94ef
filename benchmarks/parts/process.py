"""What happens in one process: replay, a turn beside its peers, a start."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from benchmarks import start
from benchmarks.engines import Engines
from benchmarks.environments import NotHere, python_of_peers, ussd_menu
from benchmarks.phases import phases
from benchmarks.subjects import side_by_side, subject
from benchmarks.table import Line, Row, cost, judged, number, skipped, times

Commands = dict[str, Sequence[str]]


def replay(engines: Engines) -> Iterator[Line]:
    """The replay beside a bare loop."""
    yield "Replay, CPU of one (typed answers, decoded from msgpack)"
    found = side_by_side(
        {
            (name, asks): subject(f"replay:{name}", str(asks))
            for asks in (5, 50)
            for name in ("shown", "replayed", "bare")
        }
    )
    for asks, aim in ((5, 15), (50, 80)):
        whole, alone, bare = (found[name, asks] for name in ("shown", "replayed", "bare"))
        yield judged(f"{asks} asks, to the open question", " µs", *alone, most=aim)
        yield Row(f"{asks} asks, bare loop", *cost(bare))
        yield judged("  to the bare loop", "×", alone.best / bare.best, alone.median / bare.median, most=2)
        yield Row(f"{asks} asks, and the new question put", *cost(whole))


def turn(engines: Engines) -> Iterator[Line]:
    """A turn in process, beside other frameworks."""
    yield "A turn in process, CPU of one, from the body of a request to that of its reply"
    commands: Commands = {HANDLED: subject("turns:handled"), KIKAO: subject("turns:kikao")}
    missing: list[tuple[str, NotHere]] = []
    for label, make in _peers(engines).items():
        try:
            commands[label] = make()
        except NotHere as reason:
            missing.append((label, reason))
    found = side_by_side(commands)
    ours = found[KIKAO]
    yield judged(HANDLED, " µs", *found[HANDLED], most=60)
    yield Row(KIKAO, *cost(ours))
    yield Row("  turns per CPU-second", number(1e6 / ours.best), number(1e6 / ours.median))
    for label in _peers(engines):
        if label not in found:
            continue
        peer, beside = found[label], found.get(BESIDE.get(label, KIKAO))
        yield Row(label, *cost(peer))
        if label == ON_VALKEY or beside is None:
            continue
        ratio = peer.best / beside.best, peer.median / beside.median
        what = "  kikao does so many for one"
        yield judged(what, "×", *ratio, least=4) if label == AIOGRAM else Row(what, *times(ratio))
    yield from (skipped(label, reason) for label, reason in missing)
    yield "The phases of Turns.handle, wall µs in the quietest of 200 batches"
    for phase, spent in asyncio.run(phases()).items():
        yield Row(phase, number(spent))


AIOGRAM: Final = "aiogram, memory storage"
DISPATCHED: Final = "aiogram, parsed update to unwritten answer"
REDIS_STORAGE: Final = "aiogram, Redis storage (Valkey)"
HANDLED: Final = "Turns.handle alone, memory store"
KIKAO: Final = "kikao, memory store"
ON_VALKEY: Final = "kikao, Valkey"
BESIDE: Final = {DISPATCHED: HANDLED, REDIS_STORAGE: ON_VALKEY}
"""What a peer is compared with, where that is not `KIKAO`."""


def _peers(engines: Engines) -> dict[str, Callable[[], Sequence[str]]]:
    def aiogram(what: str, *args: str) -> Sequence[str]:
        return subject(f"peers.aiogram_bot:{what}", *args, python=python_of_peers())

    return {
        AIOGRAM: lambda: aiogram("webhook"),
        DISPATCHED: lambda: aiogram("dispatched"),
        "python-telegram-bot, states in memory": lambda: subject(
            "peers.telegram_bot:webhook", python=python_of_peers()
        ),
        "ussd-menu-builder (Node), memory": lambda: ussd_menu(engines.folder("node")),
        ON_VALKEY: lambda: subject("turns:kikao", engines.url("Valkey")),
        REDIS_STORAGE: lambda: aiogram("webhook", engines.url("Valkey", database=1)),
    }


def starting(engines: Engines) -> Iterator[Line]:
    """Starts of the command."""
    yield "Start, wall"
    for what, seconds, most in (
        ("kikao --help", start.help_seconds(), 150),
        ("kikao run, until it answers", start.run_seconds(engines.folder("start")), 1500),
    ):
        yield judged(what, " ms", seconds[0] * 1000, statistics.median(seconds) * 1000, most=most)
