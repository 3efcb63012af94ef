"""Who upgrades tables where the database does not do so by itself: `kikao migrate`, and nobody unless it runs."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Final, NamedTuple


class Migrated(NamedTuple):
    """A set of tables that was looked at."""

    where: str
    """The database, without a password."""
    version_table: str
    revision: str
    """Where the set stands now."""
    upgraded: bool
    """Whether it was brought there just now, or would be if nobody only looked."""


Told = Callable[[Migrated], None]


class Upgrader(NamedTuple):
    """Who upgrades here."""

    told: Told
    only_looks: bool


_PRESENT: Final[ContextVar[Upgrader | None]] = ContextVar("upgrading", default=None)


@contextlib.contextmanager
def upgrading(told: Told, *, only_looks: bool = False) -> Iterator[None]:
    """Within this, every `Records.migrate` that was told nothing else upgrades, and `told` hears what it did.

    One that `only_looks` changes nothing: of what is to be upgraded `told` hears, and `NotYet` is raised.
    """
    token = _PRESENT.set(Upgrader(told, only_looks))
    try:
        yield
    finally:
        _PRESENT.reset(token)


def upgrader() -> Upgrader | None:
    """Who upgrades here; None outside of `upgrading`."""
    return _PRESENT.get()
