"""Typed events of what happened, and who listens: log lines and counters.

An event carries names, codes and times. It never carries an answer, a text shown, an address in clear or a secret.
"""

from kikao.events.counters import Counters
from kikao.events.log import LogLines
from kikao.events.types import (
    CommandDone,
    Event,
    Limited,
    MiddlewareFailed,
    Publish,
    RecoveryDone,
    Repeated,
    RequestRefused,
    Resealed,
    SessionEnded,
    Swept,
    TurnDone,
    Uncaught,
    broadcast,
)

__all__ = [
    "CommandDone",
    "Counters",
    "Event",
    "Limited",
    "LogLines",
    "MiddlewareFailed",
    "Publish",
    "RecoveryDone",
    "Repeated",
    "RequestRefused",
    "Resealed",
    "SessionEnded",
    "Swept",
    "TurnDone",
    "Uncaught",
    "broadcast",
]
