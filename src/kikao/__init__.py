"""Durable conversations: one plain `async` function that survives hang-ups, restarts and redelivered requests.

What a flow needs is importable from here; `App` wires flows into an ASGI application. A name is loaded when it is first
asked for: a command that only prints its help loads no engine.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kikao.app import App
    from kikao.channels.chat.proving import prove_number
    from kikao.channels.chat.templates import LinkButton, PlainButton, QuickReply, Template
    from kikao.channels.media.errors import FileError, FileGone
    from kikao.channels.media.files import Files
    from kikao.conversation import (
        Answer,
        Attached,
        BackendError,
        Chat,
        Choice,
        Confirm,
        Date,
        Done,
        ErrorCode,
        File,
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
        Place,
        Refused,
        RefusedError,
        Secret,
        Shortcut,
        Step,
        Text,
        Unknown,
        Voided,
        examples,
    )
    from kikao.conversation.own_number import OwnNumber
    from kikao.i18n import Amount, Day, Message, Moment, t, tn
    from kikao.middleware import Outcome, Proceed, TurnContext
    from kikao.sessions.limits import Limits, Rate
    from kikao.sessions.policy import Explicit, SessionPolicy

__all__ = [
    "Amount",
    "Answer",
    "App",
    "Attached",
    "BackendError",
    "Chat",
    "Choice",
    "Confirm",
    "Date",
    "Day",
    "Done",
    "ErrorCode",
    "Explicit",
    "File",
    "FileError",
    "FileGone",
    "Files",
    "Flow",
    "Flows",
    "Invalid",
    "Key",
    "Limits",
    "LinkButton",
    "Location",
    "Media",
    "Member",
    "Message",
    "Misuse",
    "Moment",
    "Money",
    "Navigation",
    "Number",
    "Outcome",
    "OwnNumber",
    "Phone",
    "Pin",
    "Place",
    "PlainButton",
    "Proceed",
    "QuickReply",
    "Rate",
    "Refused",
    "RefusedError",
    "Secret",
    "SessionPolicy",
    "Shortcut",
    "Step",
    "Template",
    "Text",
    "TurnContext",
    "Unknown",
    "Voided",
    "examples",
    "prove_number",
    "t",
    "tn",
]

_HOMES = {
    "App": "kikao.app",
    **dict.fromkeys(("LinkButton", "PlainButton", "QuickReply", "Template"), "kikao.channels.chat.templates"),
    "prove_number": "kikao.channels.chat.proving",
    "OwnNumber": "kikao.conversation.own_number",
    "FileError": "kikao.channels.media.errors",
    "FileGone": "kikao.channels.media.errors",
    "Files": "kikao.channels.media.files",
    **dict.fromkeys(("Amount", "Day", "Message", "Moment", "t", "tn"), "kikao.i18n"),
    **dict.fromkeys(("Outcome", "Proceed", "TurnContext"), "kikao.middleware"),
    **dict.fromkeys(("Limits", "Rate"), "kikao.sessions.limits"),
    **dict.fromkeys(("Explicit", "SessionPolicy"), "kikao.sessions.policy"),
}
"""Where a name lives, if not in `kikao.conversation`."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'kikao' has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES.get(name, "kikao.conversation")), name)
    return found
