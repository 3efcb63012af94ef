"""Decides what happens in a turn: what a service answers, whether an effect is late. A turn is its decisions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that might have come otherwise."""

    site: str
    """What was decided: `Bank.fee`."""
    ways: int
    """How many ways there were."""
    way: int
    """Which was taken, from 0."""


@dataclass(slots=True)
class Oracle:
    """Takes the ways it was given, in order, and the first way where none was."""

    ways: Sequence[int] = ()
    decisions: list[Decision] = field(default_factory=list)

    def choose(self, site: str, ways: Sequence[T]) -> T:
        """One of some ways. What is decided a second time in a turn is another decision."""
        at = len(self.decisions)
        way = self.ways[at] if at < len(self.ways) else 0
        way = way if way < len(ways) else 0
        self.decisions.append(Decision(site, len(ways), way))
        return ways[way]
