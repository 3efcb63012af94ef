"""The parts of the suite, in the order in which they are told. Each runs in a process of its own.

A part is a function `async (folder, *, quick, seed) -> Report`, named here by module and name, so that a process
imports nothing but its own.
"""

from __future__ import annotations

import importlib
from typing import Final, cast

import msgspec

from tests.reliability.report import Run


class Part(msgspec.Struct, frozen=True):
    """One row of the plan."""

    name: str
    """What `--only` takes, and the title of its figures."""
    where: str
    """`module:function`, below `tests.reliability`."""
    seconds: tuple[float, float]
    """About how long it takes, and its slice: those that take the longest begin first."""

    def load(self) -> Run:
        module, _, name = self.where.partition(":")
        return cast(Run, getattr(importlib.import_module(f"tests.reliability.{module}"), name))


PARTS: Final = (
    Part("deterministic simulation", "simulated:simulation", (300, 8)),
    Part("mutants of the product", "simulated:mutation", (60, 8)),
    Part("kill -9 during transfers", "work:kills", (120, 12)),
    Part("rotation of keys", "work:keys", (120, 15)),
    Part("bad input", "bad_input:part", (40, 4)),
    Part("secret canary", "work:secrets", (20, 17)),
    Part("paging proof", "work:pages", (60, 3)),
    Part("linking", "work:links", (90, 14)),
)
