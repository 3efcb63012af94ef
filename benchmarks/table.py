"""The table: a row per figure, with its bar and whether it is met."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

Met = Literal["met", "NOT MET", ""]


class Row(NamedTuple):
    """One figure: the best and the median of its rounds, the bar, and whether the best meets it."""

    what: str
    best: str
    median: str = ""
    bar: str = ""
    met: Met = ""


def judged(
    what: str, unit: str, best: float, middle: float | None, *, most: float = 0, least: float = 0
) -> Row:
    """A row with a bar: at most `most`, or at least `least`."""
    meets = best <= most if most else best >= least
    bar = f"≤ {most:g}{unit}" if most else f"≥ {least:g}{unit}"
    return Row(
        what,
        number(best) + unit,
        "" if middle is None else number(middle) + unit,
        bar,
        "met" if meets else "NOT MET",
    )


Line = Row | str
"""A figure, or a title between figures."""


def skipped(what: str, reason: Exception) -> Row:
    """A figure that cannot be had on this machine."""
    return Row(f"{what}: skipped, {reason}", "")


def cost(each: Sequence[float]) -> tuple[str, str]:
    """The best and the median of CPU microseconds."""
    best, median = each
    return f"{number(best)} µs", f"{number(median)} µs"


def times(ratio: tuple[float, float]) -> tuple[str, str]:
    """The ratio of the bests and that of the medians."""
    return f"{number(ratio[0])}×", f"{number(ratio[1])}×"


def both(values: Sequence[float], unit: str) -> tuple[str, str]:
    """The least and the median."""
    return number(min(values)) + unit, number(statistics.median(values)) + unit


def number(value: float) -> str:
    """Three digits that count, or all of the whole part."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def show(rows: Sequence[Line]) -> None:
    """Print rows under a head; a string is a title between them."""
    head = Row("", "best", "median", "bar", "")
    table = [row for row in rows if isinstance(row, Row)]
    widths = [max(len(row[at]) for row in [head, *table] if row.best or not at) for at in range(5)]
    for row in [head, *rows]:
        if isinstance(row, str):
            print(f"\n{row}")
            continue
        cells = [f"{row[0]:<{widths[0]}}", *(f"{row[at]:>{widths[at]}}" for at in (1, 2, 3)), row.met]
        print("  " + "   ".join(cells).rstrip())


def percentile(seconds: Sequence[float], share: float) -> float:
    """Of sorted values."""
    return seconds[min(len(seconds) - 1, int(len(seconds) * share))]


def machine() -> str:
    """What the figures were taken on, as far as it may be told."""
    load = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), load {load:.1f}, Python {platform.python_version()}"
    )


def fsync(folder: Path, *, grow: bool, rounds: int = 200) -> tuple[float, float]:
    """Milliseconds that 4 KiB take to the disk, median and 99th percentile: at the end of a file, or in its middle.

    A log that begins anew after each checkpoint is written over, which costs a disk less than to `grow` a file.
    """
    taken, sync = [], getattr(os, "fdatasync", os.fsync)  # as SQLite does
    fd = os.open(folder / "fsync", os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(fd, bytes(4096 * rounds), 0)
        os.fsync(fd)
        for at in range(rounds):
            os.pwrite(fd, b"x" * 4096, 4096 * (at + rounds * grow))
            before = time.perf_counter()
            sync(fd)
            taken.append((time.perf_counter() - before) * 1000)
    finally:
        os.close(fd)
    return statistics.median(taken), percentile(sorted(taken), 0.99)
