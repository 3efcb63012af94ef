"""What it means when a question to PostgreSQL fails: whether anything of it can be stored."""

from __future__ import annotations

from enum import Enum


class Trouble(Enum):
    LOST = "lost"
    """The answer is lost: it may be done or not."""
    UNDONE = "undone"
    """The server undid it: a deadlock, a time-out, a full disk, a privilege that is missing. Worth trying again."""
    READ_ONLY = "read only"
    """The server has become a standby; nothing is done."""
    REFUSED = "refused"
    """It was wrong: nothing is done, and trying again does not help."""


_READ_ONLY = "25006"

_REFUSED = ("22", "23", "KI")
"""Classes of SQLSTATE: a value that cannot be, a constraint, and what the functions of the schema refuse."""


def trouble_of(error: Exception) -> Trouble:
    """Of an error that asyncpg raised."""
    code = getattr(error, "sqlstate", None)
    severity = getattr(error, "severity_en", None) or getattr(error, "severity", None)
    if code is None:
        # Of asyncpg itself: values that it cannot encode, which were not sent, or a connection that is gone.
        return Trouble.REFUSED if isinstance(error, ValueError | TypeError) else Trouble.LOST
    if severity in ("FATAL", "PANIC") or code[:2] == "08" or code[:3] == "57P":
        # The server ended the connection, maybe between a commit and its answer.
        return Trouble.LOST
    if code == _READ_ONLY:
        return Trouble.READ_ONLY
    return Trouble.REFUSED if code.startswith(_REFUSED) else Trouble.UNDONE


def why(error: BaseException) -> str:
    """What may be shown of an error: no value, no statement, no password."""
    code = getattr(error, "sqlstate", None)
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if code is not None:
        return f"{type(error).__name__}, SQLSTATE {code}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__
