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
    default: int = 0
    """Which is taken where nothing is decided."""
    usual: tuple[bool, ...] = ()
    """Of each way whether it is an answer like others; a failure, a refusal or a delay is not."""


@dataclass(slots=True)
class Oracle:
    """Takes the ways it was given, in order; where none was, the way taken last at the same site, else the first.

    So an account that was one in shillings of Kenya is one when it is asked for again, unless decided otherwise.
    """

    ways: Sequence[int] = ()
    decisions: list[Decision] = field(default_factory=list)
    taken: dict[str, int] = field(default_factory=dict)
    """The last way at each site that was not the first, of those that are usual."""

    def choose(self, site: str, ways: Sequence[T], usual: tuple[bool, ...] = ()) -> T:
        """One of some ways. What is decided a second time in a turn is another decision."""
        at = len(self.decisions)
        default = self.taken.get(site, 0)
        default = default if default < len(ways) else 0
        way = self.ways[at] if at < len(self.ways) else default
        way = way if way < len(ways) else default
        self.decisions.append(Decision(site, len(ways), way, default, usual))
        if usual and usual[way]:
            self.taken[site] = way
        return ways[way]
