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
        if _is_unfit(error):
            raise _unfit(error) from None
        raise RecordsAway(f"records: {where} does not answer ({_cause(error)})") from error


@contextlib.contextmanager
def committing(where: str) -> Iterator[None]:
    """Raise `CommitUnknown` for a database that fails while it commits, unless it says that it did not."""
    try:
        yield
    except OURS:
        raise
    except (DBAPIError, OSError) as error:
        if undone(error):
            raise
        if _is_unfit(error):
            raise _unfit(error) from None
        raise CommitUnknown(f"records: {where} failed while it committed ({_cause(error)})") from error


def undone(error: BaseException) -> bool:
    """Whether PostgreSQL says that it rolled a transaction back because of others: it may be done again at once."""
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _ROLLED_BACK


def _is_unfit(error: BaseException) -> bool:
    """Whether PostgreSQL, or its client before it sent anything, says that a value is none of its column's kind.

    SQLAlchemy has no type for it there.
    """
    return isinstance(error, DBAPIError) and str(getattr(error.orig, "sqlstate", "")).startswith("22")


def _unfit(error: BaseException) -> DataError:
    """The same without the driver's words, which repeat the value."""
    assert isinstance(error, DBAPIError)
    code = getattr(error.orig, "sqlstate", None)
    return DataError(
        error.statement, None, ValueError(f"a value does not fit ({code})"), hide_parameters=True
    )


_ROLLED_BACK = ("40001", "40P01")
"""serialization_failure and deadlock_detected: https://www.postgresql.org/docs/current/errcodes-appendix.html"""


def _cause(error: Exception) -> str:
    """The driver's own words: no statement and no values."""
    return str(error.orig if isinstance(error, DBAPIError) else error)
