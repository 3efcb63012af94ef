"""What each USSD gateway costs, and paging."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from benchmarks.engines import Engines
from benchmarks.gateways import LENGTH, TEXTS
from benchmarks.subjects import side_by_side, subject
from benchmarks.table import Line, Row, cost, number
from kikao.channels.ussd.registry import SLUGS, kind

BESIDE: Final = "nalo"
"""What the others are compared with, in the same rounds."""

AT_ONCE: Final = 6
ROUNDS: Final = 10


def gateways(engines: Engines) -> Iterator[Line]:
    """A request and its reply on every gateway, and pages."""
    yield "A request read and a menu written, CPU of both, and how often that of nalo"
    others = [slug for slug in sorted(SLUGS) if slug != BESIDE and kind(slug).methods]
    for start in range(0, len(others), AT_ONCE):
        slugs = others[start : start + AT_ONCE]
        commands = {slug: subject("gateways:answered", slug) for slug in (BESIDE, *slugs)}
        found = side_by_side(commands, rounds=ROUNDS)
        for slug in slugs if start else (BESIDE, *slugs):
            beside = found[slug].best / found[BESIDE].best
            yield Row(slug, *cost(found[slug]), f"{number(beside)}×")
    yield f"A text of {LENGTH:,} characters cut into pages, CPU"
    cuts = side_by_side({alphabet: subject("gateways:cut", alphabet) for alphabet in TEXTS})
    for alphabet, spent in cuts.items():
        yield Row(alphabet, *cost(spent))
