"""What errors of asyncpg mean to who asked."""

from __future__ import annotations

import asyncpg
import pytest

from kikao.sessions.stores.postgresql.troubles import Trouble, trouble_of, why


def fatal(error: asyncpg.PostgresError) -> asyncpg.PostgresError:
    error.severity_en = "FATAL"
    return error


@pytest.mark.parametrize(
    ("error", "trouble"),
    [
        (asyncpg.ConnectionDoesNotExistError("gone"), Trouble.LOST),
        (asyncpg.InterfaceError("connection is closed"), Trouble.LOST),
        (ConnectionResetError(104, "Connection reset by peer"), Trouble.LOST),
        (asyncpg.AdminShutdownError("terminating"), Trouble.LOST),
        (asyncpg.CrashShutdownError("terminating"), Trouble.LOST),
        (fatal(asyncpg.OutOfMemoryError("out of memory")), Trouble.LOST),
        (asyncpg.OutOfMemoryError("out of memory"), Trouble.UNDONE),
        (asyncpg.DiskFullError("no space left"), Trouble.UNDONE),
        (asyncpg.DeadlockDetectedError("deadlock"), Trouble.UNDONE),
        (asyncpg.QueryCanceledError("statement timeout"), Trouble.UNDONE),
        (asyncpg.InsufficientPrivilegeError("permission denied"), Trouble.UNDONE),
        (asyncpg.UndefinedTableError("kikao.sessions"), Trouble.UNDONE),
        (asyncpg.ReadOnlySQLTransactionError("read-only"), Trouble.READ_ONLY),
        (asyncpg.NotNullViolationError("null"), Trouble.REFUSED),
        (asyncpg.NumericValueOutOfRangeError("out of range"), Trouble.REFUSED),
        (asyncpg.DataError("invalid input"), Trouble.REFUSED),
        (TypeError("expected bytes"), Trouble.REFUSED),
    ],
)
def test_an_error_tells_whether_anything_can_be_stored(error: Exception, trouble: Trouble) -> None:
    assert trouble_of(error) is trouble


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.DiskFullError("could not write kikao.sessions 0x1234"), "DiskFullError, SQLSTATE 53100"),
        (TimeoutError(), "no answer in time"),
        (ConnectionRefusedError(111, "Connection refused"), "Connection refused"),
        (OSError("Multiple exceptions: hunter2"), "OSError"),
        (asyncpg.InterfaceError("password hunter2"), "InterfaceError"),
    ],
)
def test_what_is_said_of_an_error_holds_no_value(error: Exception, said: str) -> None:
    assert why(error) == said
