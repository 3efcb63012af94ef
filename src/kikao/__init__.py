"""Durable conversations: one plain `async` function that survives hang-ups, restarts and redelivered requests.

What a flow needs is importable from here; `App` wires flows into an ASGI application.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kikao.conversation import (
    Answer,
    BackendError,
    Chat,
    Choice,
    Confirm,
    Date,
    Done,
    ErrorCode,
    Flow,
    Flows,
    Invalid,
    Key,
    Location,
    Media,
    Member,
    Misuse,
    Money,
    Navigation,
    Number,
    Phone,
    Pin,
    Refused,
    RefusedError,
    Secret,
    Step,
    Text,
    Unknown,
    Voided,
)
from kikao.i18n import Amount, Day, Message, Moment, t, tn

if TYPE_CHECKING:
    from kikao.app import App

__all__ = [
    "Amount",
    "Answer",
    "App",
    "BackendError",
    "Chat",
    "Choice",
    "Confirm",
    "Date",
    "Day",
    "Done",
    "ErrorCode",
    "Flow",
    "Flows",
    "Invalid",
    "Key",
    "Location",
    "Media",
    "Member",
    "Message",
    "Misuse",
    "Moment",
    "Money",
    "Navigation",
    "Number",
    "Phone",
    "Pin",
    "Refused",
    "RefusedError",
    "Secret",
    "Step",
    "Text",
    "Unknown",
    "Voided",
    "t",
    "tn",
]


def __getattr__(name: str) -> Any:
    # The server around the flows is loaded only by those who serve.
    if name == "App":
        from kikao.app import App

        return App
    raise AttributeError(f"module 'kikao' has no attribute {name!r}")
