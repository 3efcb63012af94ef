"""What a server's refusals mean: certainly nothing stored, or nobody knows."""

from __future__ import annotations

from typing import Final

from redis.exceptions import (
    AskError,
    AuthenticationError,
    BusyLoadingError,
    ClusterDownError,
    NoPermissionError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
)

from kikao.sessions.store import StoreFull, StoreUnavailable
from kikao.sessions.stores.redis.wire import AnswerLost

_ADVICE: Final[tuple[tuple[type[RedisError], str], ...]] = (
    (BusyLoadingError, "it loads its data"),
    (ReadOnlyError, "it is a replica by now, which takes no writes"),
    (ClusterDownError, "the Cluster does not serve every slot, or the primary is down"),
    (NoPermissionError, "its user lacks a permission: docs/how-to/run-on-redis.md lists what it needs"),
    (AuthenticationError, "it wants other credentials"),
    (NoScriptError, "it forgets scripts"),
    (TryAgainError, "the slot is being moved to another node"),
    (AskError, "the slot is being moved to another node"),
)
"""Refusals that redis-py has a class for. The first that fits."""

_CODES: Final = {
    "BUSY": "it is busy with a script that does not end (SCRIPT KILL ends it)",
    "MISCONF": "it cannot write its data to disk: see its log",
    "NOREPLICAS": "too few of its replicas are up to date (min-replicas-to-write)",
    "NOREPL": "too few of its replicas are up to date (min-replicas-to-write)",
}
"""The others, by the first word of what the server says. All of them come before a script begins."""


def refusal(name: str, error: RedisError) -> StoreUnavailable:
    """Why the server `name` refused a command: `AnswerLost` where it may have done a part of it."""
    if isinstance(error, OutOfMemoryError):
        return StoreFull(
            f"{name} refused: its memory is full (maxmemory): give it more, or sweep what is expired"
        )
    for kind, advice in _ADVICE:
        if isinstance(error, kind):
            return StoreUnavailable(f"{name} refused: {advice}")
    code = str(error).partition(" ")[0]
    if code in _CODES:
        return StoreUnavailable(f"{name} refused: {_CODES[code]}")
    return AnswerLost(f"{name} failed: {error}")
