"""Numbers as Prometheus reads them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from kikao.metrics.declared import METRICS
from kikao.metrics.snapshot import Snapshot

if TYPE_CHECKING:
    from prometheus_client import Metric as Family

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
"""Of the Prometheus text format."""


async def exposition(snapshot: Snapshot) -> bytes:
    """A snapshot in the Prometheus text format, with what the system tells of this process (memory, CPU, files)."""
    # Loading the library takes a tenth of a second and thousands of series half of that: turns must not wait for it.
    return await asyncio.to_thread(_written, snapshot)


def _written(snapshot: Snapshot) -> bytes:
    from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest

    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    registry.register(_Collector(snapshot))
    return generate_latest(registry)


class _Collector:
    """A snapshot, for the registry."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> Iterable[Family]:
        """That nothing else here has these names: the registry need not check."""
        return ()

    def collect(self) -> Iterator[Family]:
        """Every metric that is declared, also without a value."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

        snapshot = self._snapshot
        for metric in METRICS:
            if metric.kind == "histogram":
                histogram = HistogramMetricFamily(metric.name, metric.text, labels=metric.labels)
                bounds = (*map(str, metric.bounds), "+Inf")
                for each in snapshot.histograms.get(metric.name, ()):
                    up_to = map(float, accumulate(each.counts))
                    histogram.add_metric(each.labels, list(zip(bounds, up_to, strict=True)), each.sum)
                yield histogram
            else:
                counter = metric.kind == "counter"
                family = (CounterMetricFamily if counter else GaugeMetricFamily)(
                    metric.name, metric.text, labels=metric.labels
                )
                found = (snapshot.counters if counter else snapshot.gauges).get(metric.name, ())
                for value in found:
                    family.add_metric(value.labels, value.value)
                yield family
