"""The numbers of one process at one moment, as data that can be written down and added up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from kikao.metrics.declared import METRICS, Metric
from kikao.metrics.numbers import Durations, Labels

BY_NAME: Final = {metric.name: metric for metric in METRICS}


class Value(msgspec.Struct, frozen=True, array_like=True):
    """A counter or a gauge under some labels."""

    labels: Labels
    value: float


class Buckets(msgspec.Struct, frozen=True, array_like=True):
    """A histogram under some labels: how many fell into each bucket, and the sum of all."""

    labels: Labels
    counts: tuple[int, ...]
    sum: float


class Snapshot(msgspec.Struct):
    """By the names of metrics. Adding up is `merged`."""

    counters: dict[str, list[Value]] = {}
    histograms: dict[str, list[Buckets]] = {}
    gauges: dict[str, list[Value]] = {}

    def count(self, metric: Metric, counts: Mapping[Labels, float]) -> None:
        """Put a counter in."""
        self.counters[metric.name] = [Value(labels, value) for labels, value in counts.items()]

    def time(self, metric: Metric, durations: Mapping[Labels, Durations]) -> None:
        """Put a histogram in; those that counted nothing are left out."""
        self.histograms[metric.name] = [
            Buckets(labels, tuple(of.counts), of.sum) for labels, of in durations.items() if any(of.counts)
        ]

    def gauge(self, metric: Metric, values: Mapping[Labels, float]) -> None:
        """Put a gauge in."""
        self.gauges[metric.name] = [Value(labels, value) for labels, value in values.items()]

    def without_gauges(self) -> Snapshot:
        """What stays of a process that is gone."""
        return Snapshot(self.counters, self.histograms)


def merged(snapshots: Iterable[Snapshot], *, shared_store: bool = False) -> Snapshot:
    """The numbers of several processes, added up.

    What is not (or no more) declared, or declared otherwise, is left out: it was written by another version. With a
    `shared_store` a gauge of that is as its highest reader says.
    """
    counters: dict[str, dict[Labels, float]] = {}
    gauges: dict[str, dict[Labels, float]] = {}
    histograms: dict[str, dict[Labels, Buckets]] = {}
    for snapshot in snapshots:
        for name, values in snapshot.counters.items():
            if metric := _declared(name, "counter"):
                into = counters.setdefault(name, {})
                for each in _fitting(metric, values):
                    into[each.labels] = into.get(each.labels, 0.0) + each.value
        for name, values in snapshot.gauges.items():
            if metric := _declared(name, "gauge"):
                into = gauges.setdefault(name, {})
                for each in _fitting(metric, values):
                    before = into.get(each.labels, 0.0)
                    highest = metric.of_store and shared_store
                    into[each.labels] = max(before, each.value) if highest else before + each.value
        for name, buckets in snapshot.histograms.items():
            if metric := _declared(name, "histogram"):
                found = histograms.setdefault(name, {})
                for bucket in buckets:
                    if (
                        len(bucket.labels) == len(metric.labels)
                        and len(bucket.counts) == len(metric.bounds) + 1
                    ):
                        found[bucket.labels] = _sum(found.get(bucket.labels), bucket)
    return Snapshot(
        _values(counters), {name: [*found.values()] for name, found in histograms.items()}, _values(gauges)
    )


def _declared(name: str, kind: str) -> Metric | None:
    metric = BY_NAME.get(name)
    return metric if metric is not None and metric.kind == kind else None


def _fitting(metric: Metric, values: Iterable[Value]) -> Iterable[Value]:
    return (value for value in values if len(value.labels) == len(metric.labels))


def _sum(one: Buckets | None, other: Buckets) -> Buckets:
    if one is None:
        return other
    counts = tuple(map(sum, zip(one.counts, other.counts, strict=True)))
    return Buckets(one.labels, counts, one.sum + other.sum)


def _values(by_name: Mapping[str, Mapping[Labels, float]]) -> dict[str, list[Value]]:
    return {name: [Value(*each) for each in values.items()] for name, values in by_name.items()}
