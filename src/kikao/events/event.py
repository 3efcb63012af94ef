"""What every event is, and what a field of one may hold.

Each field has one of the kinds below, a number, a flag, or one of a few words: a bare text does not occur, so that
nothing a member typed, nor a text that was shown, has a place to stand in. A test walks all types and all fields.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct

Name = Annotated[str, Meta(description="a name from code or settings", max_length=200)]
"""Of a flow, a question, a gateway, a field of a contract: never what a request brought."""

ShortId = Annotated[
    str, Meta(description="first 12 hex digits of the session's key", pattern="^([0-9a-f]{12})?$")
]
"""Tells events of one session apart, names nobody."""

MessageId = Annotated[str, Meta(description="32 hex digits", pattern="^[0-9a-f]{32}$")]
"""What a receiver tells copies of a message by."""

Problem = Annotated[
    str,
    Meta(
        description="an error: its type and where it was raised; its text only where kikao wrote it of your code"
    ),
]
"""See `kikao.events.described`."""

Remark = Annotated[
    str, Meta(description="words of kikao or of a provider, without a value that a member gave")
]
"""A reason, a status. Whoever makes one sees to that."""

Seconds = Annotated[float, Meta(description="seconds")]
Milliseconds = Annotated[float, Meta(description="milliseconds")]


class Event(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event", gc=False):
    """Something that happened. Its dotted name and its fields are stable.

    The garbage collector need not look at it: what its fields hold refers to nothing.
    """


class GatewayEvent(Event, frozen=True, kw_only=True):
    """Something at a gateway."""

    channel: Name = ""
    gateway: Name = ""
    """Empty where there is none of that name."""


class SessionEvent(GatewayEvent, frozen=True, kw_only=True):
    """Something in a session, and where it is."""

    session: ShortId = ""
    """Tells events of one session apart, names nobody. Empty where none was looked up yet."""
    flow: Name = ""
    """Of the run: the one that was started, not one that it called."""
    at: Name = ""
    """Journal key of a question or an effect; or of kikao's own: resume, checking, language."""
    release: int = 0
    """Of the code that did it (`KIKAO_RELEASE`)."""


Publish = Callable[[Event], None]


def name_of(kind: type[Event]) -> str:
    """The dotted name: `turn.committed`."""
    tag = kind.__struct_config__.tag
    if not isinstance(tag, str):
        raise TypeError(f"{kind.__name__} is what several events have in common")
    return tag


def short(key: bytes) -> str:
    """A session key as events have it."""
    return key[:6].hex()
