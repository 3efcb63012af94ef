"""What processes tell each other about live sessions: one topic of the bus, a kind each, packed by msgpack.

All of it is news that can be found out otherwise: whoever hears a gap lists presence anew, and reads the streams from
where it was.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.live.stores.store import Change, Position

TOPIC: Final = "live"

LARGEST: Final = 48 * 1024
"""Octets of what is broadcast, at most: a bus carries no more in one message."""

USERS: Final = 100
"""Users that one message of the bus names, at most."""


class Broadcast(msgspec.Struct, frozen=True, tag="b", array_like=True, gc=False):
    """To all who joined a topic."""

    topic: str
    event: str
    body: bytes
    """JSON, or anything where `binary`."""
    binary: bool = False
    but: str = ""
    """The id of a socket that does not get it: its own client said it."""
    at: Position | None = None
    """Where it is in the topic's stream, if that is kept: then `body` has its `seq`."""


class Doubtful(msgspec.Struct, frozen=True, tag="d", array_like=True, gc=False):
    """Something may have been added to the stream of a topic: who has it looks."""

    topic: str


class ToUsers(msgspec.Struct, frozen=True, tag="u", array_like=True, gc=False):
    """To all sockets of users, or of a group, each on the topic that is the user's own."""

    event: str
    body: bytes
    users: tuple[str, ...] = ()
    group: str = ""


class Changed(msgspec.Struct, frozen=True, tag="p", array_like=True, gc=False):
    """Presence in a topic."""

    change: Change


class EndSession(msgspec.Struct, frozen=True, tag="e", array_like=True, gc=False):
    """All sockets of a user, on every process, with the label of a reason."""

    user: str
    reason: str
    at: float = 0.0
    """Of `logged_out`: sockets whose token is newer stay; 0 for all."""
    said: float = 0.0
    """When, in seconds since the epoch."""
    place: Position | None = None
    """Where it is in the stream of such ends; None where that is not known."""


class Replaced(msgspec.Struct, frozen=True, tag="x", array_like=True, gc=False):
    """A device of a user connected again: its other sockets are over."""

    user: str
    device: str
    at: float = 0.0
    """When, in seconds since the epoch: sockets that came later stay."""


class Relayed(msgspec.Struct, frozen=True, tag="r", array_like=True, gc=False):
    """A piece of what one process says to one other: see `kikao.live.relay`. It is sealed."""

    to: str
    by: str
    kind: int
    number: int
    at: int
    """Which piece of `count`."""
    count: int
    piece: bytes


News = Broadcast | Doubtful | ToUsers | Changed | EndSession | Replaced | Relayed

_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final[msgspec.msgpack.Decoder[News]] = msgspec.msgpack.Decoder(News)


def packed(news: News) -> bytes:
    """As it travels."""
    return _ENCODER.encode(news)


def unpacked(octets: bytes) -> News:
    """Raises `msgspec.DecodeError` for what is none: of another release."""
    return _DECODER.decode(octets)
