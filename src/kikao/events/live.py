"""The events of live sessions: a socket closed, and the one record of each session that is over."""

from __future__ import annotations

from typing import Literal

from kikao.events.event import GatewayEvent, Seconds, ShortId

Ended = Literal[
    "left",
    "lost",
    "silent",
    "idle",
    "logged_out",
    "stopped",
    "token_expired",
    "replaced",
    "slow",
    "flooding",
    "too_large",
    "malformed",
    "failed",
    "drained",
]
"""Why a socket, or a session, is over: the labels of `kikao.channels.socket.reasons.Reason`."""


class LiveClosed(GatewayEvent, frozen=True, kw_only=True, tag="live.closed"):
    """A socket is closed."""

    reason: Ended
    seconds: Seconds
    """How long it was open."""


class LiveEnded(GatewayEvent, frozen=True, kw_only=True, tag="live.ended"):
    """A user's session on this process is over: nobody came back in time, or it was ended."""

    live: ShortId
    """Tells events of one live session apart, names nobody."""
    reason: Ended
    seconds: Seconds
    """How long it was, with the sockets that were lost and came back."""
    sockets: int
    """How many it had over time."""
    events: int
    """That came from the client, heartbeats apart."""
    refused: int = 0
    """That were too many."""
    sent: int
    """Frames to the client."""
    channels: int = 0
    """How many were joined over time."""
    crashes: int = 0
    """Of its channels."""
