"""Where the time of a turn goes: the same turns as in `benchmarks.turns`, with a clock around each phase.

The clock itself costs about a tenth of a microsecond per call, so the sum is a little more than a turn takes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from benchmarks.turns import Nowhere, requests, wired
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.events import EVENTS, Bus
from kikao.sessions import keeper, session
from kikao.sessions.stores.memory import MemoryStore
from kikao.turn import Turns

TURNS = 60
BATCHES = 200
"""Short and many: the quietest one is taken, so that what else the machine does stays out of it."""


class Clock:
    """CPU nanoseconds by phase."""

    def __init__(self) -> None:
        self.spent: dict[str, int] = {}

    def around(self, owner: Any, name: str, phase: str) -> None:
        """Time a function of an object or a module from now on."""
        setattr(owner, name, self._timed(getattr(owner, name), phase))

    def around_bus(self, turns: Turns, phase: str) -> None:
        """Time what hears of the events of turns."""
        bus = turns._publish
        turns._publish = Bus()
        turns._publish.on([kind for kind in EVENTS if bus.wants(kind)], self._timed(bus, phase))

    def around_async(self, owner: Any, name: str, phase: str) -> None:
        """Time a coroutine function that never really waits."""
        function = getattr(owner, name)
        timed = self._timed(_result, phase)

        async def call(*args: Any, **named: Any) -> Any:
            return timed(function(*args, **named))

        setattr(owner, name, call)

    def _timed(self, function: Callable[..., Any], phase: str) -> Callable[..., Any]:
        spent, now = self.spent, time.perf_counter_ns
        spent.setdefault(phase, 0)

        def call(*args: Any, **named: Any) -> Any:
            before = now()
            try:
                return function(*args, **named)
            finally:
                spent[phase] += now() - before

        return call


def _result(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("a phase waited")


async def phases() -> dict[str, float]:
    """Microseconds of each phase in one turn, in the order they come."""
    store, clock, gateway = MemoryStore(), Clock(), AfricasTalking()
    turns = wired(store, Nowhere())
    ring = turns.sessions.ring
    clock.around(ring, "lookup", "keyed hashes (session, message, text)")
    clock.around_async(store, "claim", "claim")
    clock.around(ring, "unseal", "unseal")
    clock.around(keeper, "decode", "decode")
    clock.around_async(turns.engine, "advance", "replay and the new question")
    clock.around(gateway, "pages", "render")
    clock.around(keeper, "encode", "encode")
    clock.around(ring, "seal", "seal (session, reply for dedupe)")
    clock.around_async(store, "commit", "commit (session, dedupe)")
    clock.around_bus(turns, "log line, counters")
    try:
        quietest: dict[str, float] = {}
        for batch in range(BATCHES):
            clock.spent.update(dict.fromkeys(clock.spent, 0))
            waiting = [gateway.parse(request) for request in requests(str(batch), TURNS)]
            before = time.perf_counter_ns()
            for inbound in waiting:
                await turns.handle(inbound, gateway)
            total = time.perf_counter_ns() - before
            if not quietest or total < sum(quietest.values()):
                quietest = {**clock.spent, "between them": total - sum(clock.spent.values())}
    finally:
        for name in ("decode", "encode"):
            setattr(keeper, name, getattr(session, name))
    return {phase: spent / TURNS / 1000 for phase, spent in quietest.items()}
