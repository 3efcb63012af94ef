"""One way to tell a database that is away from a fault in our own statements."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from kikao.records.errors import CommitUnknown, RecordsAway

OURS = (DataError, IntegrityError, ProgrammingError)
"""Errors that no later attempt can mend; they are raised as they are."""


@contextlib.contextmanager
def answering(where: str) -> Iterator[None]:
    """Raise `RecordsAway` for a database that fails before it commits."""
    try:
        yield
    except OURS:
        raise
    except (DBAPIError, PoolTimeoutError, OSError) as error:
        raise RecordsAway(f"records: {where} does not answer ({_cause(error)})") from error


@contextlib.contextmanager
def committing(where: str) -> Iterator[None]:
    """Raise `CommitUnknown` for a database that fails while it commits."""
    try:
        yield
    except OURS:
        raise
    except (DBAPIError, OSError) as error:
        raise CommitUnknown(f"records: {where} failed while it committed ({_cause(error)})") from error


def _cause(error: Exception) -> str:
    """The driver's own words: no statement and no values."""
    return str(error.orig if isinstance(error, DBAPIError) else error)
