"""Why a socket ended: one typed value, which is the close code on the wire and the label of the metric.

The client (1.8.16) reconnects after every close code; what ends a session for good is said by the event `session_ended`
before the close, and by 403 to who comes again.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from kikao.events.live import Ended

SESSION_ENDED: Final = "session_ended"
"""The event, `{"reason": …}`, that comes before a close after which nobody should come back with the same token."""


class Reason(Enum):
    """Why. `code` is what the socket is closed with, None where the other side did."""

    LEFT = "left", None, False
    """The client closed it."""
    LOST = "lost", None, False
    """The connection broke: no close frame came."""
    SILENT = "silent", 1001, False
    """Nothing came for as long as a socket may be silent; a client sends a heartbeat every 30 s."""
    IDLE = "idle", 1001, True
    """Nobody did anything for as long as a session may be idle. Heartbeats are not activity."""
    LOGGED_OUT = "logged_out", 1001, True
    """The user, or somebody for them, ended all of their sessions."""
    STOPPED = "stopped", 1001, True
    """An operator or the app stopped the session."""
    TOKEN_EXPIRED = "token_expired", 1001, True
    """The token was not replaced in time."""
    REPLACED = "replaced", 1001, False
    """The same device connected again."""
    SLOW = "slow", 1013, False
    """It did not read what was sent to it."""
    FLOODING = "flooding", 1008, False
    """It went on sending far more than it may."""
    TOO_LARGE = "too_large", 1009, False
    """A frame over the limit."""
    MALFORMED = "malformed", 1007, False
    """A frame that is none of the protocol."""
    FAILED = "failed", 1011, False
    """A mistake of ours."""
    DRAINED = "drained", 1012, False
    """This process stops; another one takes over."""

    def __init__(self, label: Ended, code: int | None, ends_session: bool) -> None:
        self.label: Ended = label
        self.code = code
        self.ends_session = ends_session
        """Whether `session_ended` is said first."""
