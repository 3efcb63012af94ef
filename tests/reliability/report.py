"""What a part of the suite says at its end: figures, what they had to be, and what was wrong."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Literal, Protocol

import msgspec

Figures = Mapping[str, int | float | str]


class Must(msgspec.Struct, frozen=True):
    """What a figure has to be."""

    be: Literal["", "at least", "at most"]
    value: int | float

    def holds(self, seen: int | float | str) -> bool:
        if isinstance(seen, str):
            return False
        if self.be == "at least":
            return seen >= self.value
        return seen <= self.value if self.be == "at most" else seen == self.value

    def __str__(self) -> str:
        return f"{self.be} {self.value:,}".strip()


def exactly(value: int) -> Must:
    return Must("", value)


def at_least(value: float) -> Must:
    return Must("at least", value)


def at_most(value: float) -> Must:
    return Must("at most", value)


class Report(msgspec.Struct):
    """Of one part. Whatever stands in `violations`, and a figure that is not what it must be, fails the suite."""

    figures: dict[str, int | float | str]
    violations: list[str]
    musts: dict[str, Must] = {}
    """By the name of the figure; one of these that is not among the figures is a violation, too."""

    def wrong(self) -> list[str]:
        """Everything that broke a promise."""
        found = list(self.violations)
        for name, must in self.musts.items():
            if name not in self.figures:
                found.append(f"{name}: not measured")
            elif not must.holds(self.figures[name]):
                found.append(f"{name}: {self.figures[name]}, and it must be {must}")
        return found


class Run(Protocol):
    """What does a part's work, in an empty folder of its own. `quick` is a slice of it, a few seconds."""

    def __call__(self, folder: Path, *, quick: bool, seed: int) -> Awaitable[Report]: ...


def report(figures: Figures, violations: list[str], **musts: Must) -> Report:
    """A report whose expectations are named with underscores for the spaces of the figures."""
    return Report(dict(figures), violations, {name.replace("_", " "): must for name, must in musts.items()})
