"""What exploring an app may take, and what it came to."""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.checking.findings import Finding

TURNS: Final = 20_000
SECONDS: Final = 60.0
PATIENCE: Final = 2_000
LAST_PAGES: Final = 12


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How far to explore. What is cut short by a bound says so in `Exploration.bound`."""

    turns: int = TURNS
    """Most turns, over all conversations held."""
    seconds: float = SECONDS
    """Most seconds: a safeguard. Where it ends the search, another machine may come farther."""
    patience: int = PATIENCE
    """After all answers were given once, so many turns without anything new are enough."""
    last_pages: int = LAST_PAGES
    """Most pages of a last screen, which nobody has to answer."""
    septets: int = 0
    """What one page holds in GSM-7; 0 for the least of kikao's USSD gateways."""
    units: int = 0
    """What one page holds otherwise, in UTF-16 units; 0 likewise."""


class Branch(msgspec.Struct, frozen=True, order=True):
    """One way on from a place in the code. `file` is as Python knows it; lines count from 1."""

    file: str
    line: int
    column: int
    what: str
    """The condition, and how it never was."""


class BranchCoverage(msgspec.Struct, frozen=True):
    """How many of the branches of the flows were taken, and which were not."""

    reached: int
    total: int
    unreached: tuple[Branch, ...] = ()

    def __str__(self) -> str:
        return f"explored {self.reached} of {self.total} branches"


class Exploration(msgspec.Struct, frozen=True):
    """What an exploration came to."""

    findings: list[Finding]
    """Sorted by file, line and code."""
    coverage: BranchCoverage
    flows: tuple[str, ...]
    """Names of the flows that were held."""
    screens: int
    """Different screens met, in any language."""
    turns: int
    bound: str = ""
    """Why there may be more to see; empty where everything was tried."""
