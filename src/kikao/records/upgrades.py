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
    """Whether it was brought there just now."""


Told = Callable[[Migrated], None]

_TOLD: Final[ContextVar[Told | None]] = ContextVar("upgrading", default=None)


@contextlib.contextmanager
def upgrading(told: Told) -> Iterator[None]:
    """Within this, every `Records.migrate` that was told nothing else upgrades, and `told` hears what it did."""
    token = _TOLD.set(told)
    try:
        yield
    finally:
        _TOLD.reset(token)


def upgrader() -> Told | None:
    """Who hears of upgrades here; None outside of `upgrading`."""
    return _TOLD.get()
