"""The stopwatch of a turn: each second belongs to one phase, and whoever watches sees them begin and end."""

from __future__ import annotations

import contextlib

from kikao import App, Outcome, Proceed, TurnContext
from kikao.metrics.numbers import Durations
from kikao.metrics.phases import PHASES, Phase, PhaseTimes, Stopwatch
from kikao.testing import Stage
from tests.testing.shop import PIN, MemoryTill, Till, flows_of


class Hands:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Story:
    """A watcher."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def entered(self, phase: Phase) -> None:
        self.lines.append(phase)

    def left(self, phase: Phase) -> None:
        self.lines.append(f"/{phase}")


class Broken:
    """A watcher that raises whatever it is told."""

    def entered(self, phase: Phase) -> None:
        raise LookupError

    def left(self, phase: Phase) -> None:
        raise LookupError


def sums(times: dict[str, Durations]) -> dict[str, float]:
    return {phase: of.sum for phase, of in times.items() if sum(of.counts)}


def test_each_second_belongs_to_one_phase() -> None:
    now, story, times = Hands(), Story(), PhaseTimes()["nalo"]
    watch = Stopwatch(times, [Broken(), story], now=now)
    watch.enter("claim")
    now.now = 1.0
    watch.enter("run")
    now.now = 3.0
    with watch.within("effects"):
        now.now = 7.0
    now.now = 15.0
    with contextlib.suppress(LookupError), watch.within("effects"):
        now.now = 31.0
        raise LookupError
    watch.enter("render")
    now.now = 63.0
    watch.leave()
    watch.leave()
    assert sums(times) == {"claim": 1.0, "run": 2.0 + 8.0, "effects": 4.0 + 16.0, "render": 32.0}
    assert story.lines == [
        *("claim", "/claim", "run", "effects", "/effects", "effects", "/effects", "/run", "render", "/render")
    ]


def test_one_that_nobody_reads_costs_nothing_but_time() -> None:
    watch = Stopwatch()
    with watch.within("effects"):
        watch.leave()
    watch.leave()


async def test_a_turn_is_timed_by_gateway() -> None:
    story = Story()

    async def watched(turn: TurnContext, proceed: Proceed) -> Outcome:
        turn.watch(story)
        return await proceed()

    app = App(flows_of(), entry="buy", members=False, services={Till: MemoryTill()}, middleware=[watched])
    async with Stage(app) as stage:
        phone = stage.phone()
        await phone.dial()
        await phone.again()
        await phone.reply("3")
        story.lines.clear()
        await phone.reply(PIN)
        await stage.phone(gateway="nalo", code="*920#").dial()
        times = stage.server.monitor.times.of
    counts = {gateway: {phase: sum(of[phase].counts) for phase in PHASES} for gateway, of in times.items()}
    assert counts == {
        "africastalking": {"claim": 4, "run": 3, "effects": 2, "render": 3, "commit": 3},
        "nalo": {"claim": 1, "run": 1, "effects": 0, "render": 1, "commit": 1},
    }
    assert story.lines[:13] == [
        *("claim", "/claim", "run", "effects", "/effects", "effects", "/effects", "/run"),
        *("render", "/render", "commit", "/commit", "claim"),
    ]
