"""Live sessions: channels, presence and pushes for browsers and apps that hold a connection.

They speak Phoenix Channels V2, so the official `phoenix` client works unchanged. `Live` is the declaration; `Hub` is
what runs, one a process. A name is loaded when it is first asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kikao.live.channel import Channel
    from kikao.live.hub import Hub
    from kikao.live.limits import LiveLimits
    from kikao.live.live import Live
    from kikao.live.registry import SessionState, SocketState
    from kikao.live.replies import NO_REPLY, LaterReply, Refused, Reply, Stop
    from kikao.live.routes import Kept, Route
    from kikao.live.stores.store import LiveAway
    from kikao.live.users import User, Users, anyone

__all__ = [
    "NO_REPLY",
    "Channel",
    "Hub",
    "Kept",
    "LaterReply",
    "Live",
    "LiveAway",
    "LiveLimits",
    "Refused",
    "Reply",
    "Route",
    "SessionState",
    "SocketState",
    "Stop",
    "User",
    "Users",
    "anyone",
]

_HOMES = {
    "Channel": "kikao.live.channel",
    "Hub": "kikao.live.hub",
    "LiveLimits": "kikao.live.limits",
    "Live": "kikao.live.live",
    **dict.fromkeys(("NO_REPLY", "LaterReply", "Refused", "Reply", "Stop"), "kikao.live.replies"),
    **dict.fromkeys(("Kept", "Route"), "kikao.live.routes"),
    **dict.fromkeys(("SessionState", "SocketState"), "kikao.live.registry"),
    "LiveAway": "kikao.live.stores.store",
    **dict.fromkeys(("User", "Users", "anyone"), "kikao.live.users"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(importlib.import_module(_HOMES[name]), name)
    return found
