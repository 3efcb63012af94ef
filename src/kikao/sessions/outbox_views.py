"""What operators ask of the outbox, and what they see of its messages."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from kikao.control import Call

Wanted = Literal["", "waiting", "sent", "dead"]


class Messages(msgspec.Struct, frozen=True, omit_defaults=True):
    """Which messages: of a state, to a destination; a `limit` of 0 is none."""

    state: Wanted = ""
    to: str = ""
    """In full, or without `webhook/`; empty for any."""
    limit: int = 0


class Which(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message, by the beginning of its id."""

    id: str
    clear: bool = False
    """Show what it says, too."""


class Chosen(msgspec.Struct, frozen=True, omit_defaults=True):
    """Dead messages: by the beginnings of their ids, or all of them, or all to a destination."""

    ids: tuple[str, ...] = ()
    all: bool = False
    to: str = ""


class MessageLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message, without what it says. Times are seconds since the epoch."""

    id: str
    """32 hex digits."""
    to: str
    state: str
    session: str
    """First 12 hex digits of its session's key."""
    posted_at: float
    due_at: float
    expires_at: float
    """Until when it may be sent; or, if it was or is dead, is kept."""
    tries: int = 0
    reason: str = ""
    status: str = ""
    """How far it came, as far as the other side said; empty for what was not sent."""
    urgency: int = 0
    size: int = 0
    """Octets, sealed."""
    kid: str = ""
    """The key it is sealed under."""
    held: bool = False
    """Somebody sends it just now."""
    body: str = ""
    """What it says, where that was asked for."""
    problem: str = ""
    """Why that cannot be shown."""


class Done(msgspec.Struct, frozen=True):
    """How many messages it was about."""

    count: int


LIST: Final = Call("outbox.list", Messages, MessageLine)
SHOW: Final = Call("outbox.show", Which, MessageLine)
REPLAY: Final = Call("outbox.replay", Chosen, Done)
DISCARD: Final = Call("outbox.discard", Chosen, Done)
