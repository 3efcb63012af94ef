"""Counters: how much of what happened since the process began, for a monitoring system to scrape.

Events are counted in plain numbers; what they are in the Prometheus text format is worked out when somebody asks. Every
label is a name from code (a gateway, an outcome, a status): a request can add to a number, but not make a new one.
"""

from __future__ import annotations

import asyncio
import importlib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from kikao.events.event import Event
from kikao.events.types import (
    DialogueClosed,
    LimitHit,
    RecoveryDone,
    RequestRefused,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
)

if TYPE_CHECKING:
    from prometheus_client import Metric

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of the Prometheus text format."""

BUCKETS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 4.0)
"""Upper bounds of the turns' seconds; the last is the budget of a reply, the one before it what members may expect."""

Counts = Counter[tuple[str, ...]]
"""How often, by the values of some labels."""


class Counters:
    """A subscriber that counts events. The numbers are those of this process."""

    listens_to = (
        TurnCommitted,
        TurnDuplicated,
        TurnRejected,
        DialogueClosed,
        LimitHit,
        RequestRefused,
        RecoveryDone,
        SweepDone,
    )

    def __init__(self) -> None:
        self.inbounds: Counts = Counter()
        """By channel, gateway and what came of them."""
        self.refused: Counts = Counter()
        """Requests, by channel, gateway and status."""
        self.limited: Counts = Counter()
        """Inbounds, by channel, gateway and limit."""
        self.recoveries: Counts = Counter()
        """By what came of them."""
        self.durations: dict[tuple[str, str], Durations] = {}
        """Of turns, by channel and gateway."""
        self.sweeps = 0
        self.swept = 0
        """Sessions."""
        self.sweeping = 0.0
        """Seconds."""

    def __call__(self, event: Event) -> None:
        if isinstance(event, TurnCommitted | TurnRejected):
            self.inbounds[event.channel, event.gateway, event.what] += 1
            if event.what != "stale":  # nobody waited for a flow
                durations = self.durations.get((event.channel, event.gateway))
                if durations is None:
                    durations = self.durations[event.channel, event.gateway] = Durations()
                durations.add(event.ms / 1000)
        elif isinstance(event, TurnDuplicated):
            self.inbounds[event.channel, event.gateway, "duplicate"] += 1
        elif isinstance(event, DialogueClosed):
            self.inbounds[event.channel, event.gateway, "closed"] += 1
        elif isinstance(event, RequestRefused):
            self.refused[event.channel, event.gateway, str(event.status)] += 1
        elif isinstance(event, LimitHit):
            self.limited[event.channel, event.gateway, event.kind] += 1
        elif isinstance(event, RecoveryDone):
            self.recoveries[(event.what,)] += 1
        elif isinstance(event, SweepDone):
            self.sweeps += 1
            self.swept += event.count
            self.sweeping += event.seconds

    async def exposition(self) -> bytes:
        """Every counter in the Prometheus text format, with those of the process (memory, CPU, files)."""
        # Loading it takes a tenth of a second, which turns must not wait for.
        await asyncio.to_thread(importlib.import_module, "prometheus_client.core")
        from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

        registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(self)
        return generate_latest(registry)

    def describe(self) -> Iterable[Metric]:
        """For the registry: that nothing else here has these names, it need not check."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """For the registry: the metrics as they stand."""
        from prometheus_client.core import HistogramMetricFamily

        where = ("channel", "gateway")
        yield _counted(
            "kikao_inbounds", "Inbounds by what came of them; most are turns", (*where, "what"), self.inbounds
        )
        yield _counted(
            "kikao_requests_refused", "Requests that were not let in", (*where, "status"), self.refused
        )
        yield _counted("kikao_limited", "Inbounds over a rate limit", (*where, "kind"), self.limited)
        yield _counted(
            "kikao_recoveries", "Sessions whose open effects were settled", ("what",), self.recoveries
        )
        yield _counted("kikao_sweeps", "Sweeps of expired sessions", (), {(): self.sweeps})
        yield _counted("kikao_sessions_swept", "Expired sessions removed", (), {(): self.swept})
        yield _counted(
            "kikao_sweep_seconds", "Time spent on sweeps, pauses included", (), {(): self.sweeping}
        )
        turns = HistogramMetricFamily("kikao_turn_seconds", "From an inbound to its reply", labels=where)
        for labels, durations in self.durations.items():
            turns.add_metric(labels, durations.cumulative(), durations.sum)
        yield turns


class Durations:
    """A histogram of seconds."""

    __slots__ = ("counts", "sum")

    def __init__(self) -> None:
        self.counts = [0] * (len(BUCKETS) + 1)
        self.sum = 0.0

    def add(self, seconds: float) -> None:
        """Count one."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.sum += seconds

    def cumulative(self) -> list[tuple[str, float]]:
        """Upper bound → how many took no longer, as Prometheus counts."""
        found, total = [], 0
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), self.counts, strict=True):
            total += count
            found.append((bound, float(total)))
        return found


def _counted(name: str, text: str, labels: Sequence[str], counts: Mapping[tuple[str, ...], float]) -> Metric:
    from prometheus_client.core import CounterMetricFamily

    metric = CounterMetricFamily(name, text, labels=labels)
    for values, count in counts.items():
        metric.add_metric(values, count)
    return metric
