"""What the page is told, as plain data. A secret is in none of it: where one was typed stands `MASK`, or nothing."""

from __future__ import annotations

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

MASK: Final = "••••"
"""Stands for what was typed where a secret was asked for, however long that was."""


class Budget(msgspec.Struct, frozen=True):
    """What one page may take: in the GSM 7-bit alphabet, and in UTF-16 units in any other."""

    septets: int
    units: int


class EndpointView(msgspec.Struct, frozen=True):
    """Something a phone can dial."""

    id: str
    name: str
    description: str
    icon: str
    colour: str
    channel: str
    gateway: str
    path: str
    """Without its token."""
    code: str
    host: str
    budget: Budget
    tells_end: bool
    """Whether the gateway tells when a dialogue is over."""
    long_dial: bool
    """Whether what is dialled behind the code arrives as answers."""


class Moment(msgspec.Struct, frozen=True):
    """The clock: seconds since the epoch, and how many of them it is ahead."""

    now: float
    offset: float


class Setup(msgspec.Struct, frozen=True):
    """What there is to choose from."""

    endpoints: tuple[EndpointView, ...]
    locales: dict[str, str]
    numbers: tuple[str, ...]
    clock: Moment
    is_live: bool = False
    """The app has live channels of its own: a web chat belongs on the table."""


class PhoneView(msgspec.Struct, frozen=True):
    """A phone on the table."""

    id: str
    endpoint: str
    number: str
    alive: bool = False
    """Whether its dialogue goes on."""
    screen: str = ""
    changes: int | UnsetType = UNSET
    """Of a chat, in which things happen by themselves: grows with each."""
    texts: tuple[str, ...] | UnsetType = UNSET
    """SMS that came to the number: the latest."""


class JournalLine(msgspec.Struct, frozen=True):
    """An entry of the journal. `absent` in place of a `value` that came from a secret."""

    key: str
    kind: str
    barrier: bool
    value: Any | UnsetType = UNSET
    absent: bool | UnsetType = UNSET


class PendingLine(msgspec.Struct, frozen=True):
    """The open question. `page` counts from 1."""

    key: str
    tries: int
    page: int
    pages: int
    error: str | None
    secret: bool


class IntentLine(msgspec.Struct, frozen=True):
    """An effect that may be happening, or may have happened."""

    key: str
    kind: str
    retry: str
    since: float
    tries: int
    parked: bool
    at_work: bool
    """Somebody performs it just now."""


class SessionView(msgspec.Struct, frozen=True):
    """The record. Times are seconds since the epoch, by the simulated clock."""

    key: str
    version: int
    created: float
    seen: float
    idle_expires: float
    absolute_expires: float | None
    policy: dict[str, Any]
    member: str
    locale: str
    expired: bool


class Conversation(msgspec.Struct, frozen=True):
    """The conversation as the engine sees it."""

    session: SessionView | None = None
    flow: str = ""
    journal: tuple[JournalLine, ...] = ()
    pending: PendingLine | None = None
    intents: tuple[IntentLine, ...] = ()
    parked: int = 0
    notices: int = 0
    overlay: str = ""
    data: dict[str, Any] = {}
    language: str = ""
    """What the member prefers, as the directory keeps it."""
    problem: str = ""
    """Why there is nothing to see although there may be something."""


class Line(msgspec.Struct, frozen=True):
    """Something that can be typed on the screen that is shown."""

    key: str
    label: str


class CostView(msgspec.Struct, frozen=True):
    """What the shown page takes, in septets (gsm7) or UTF-16 units (ucs2), and what it may take."""

    alphabet: Literal["gsm7", "ucs2"]
    used: int
    budget: int


class RequestView(msgspec.Struct, frozen=True):
    """What the gateway sent, with `MASK` where a secret was typed."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


class ReplyView(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: str


class Step(msgspec.Struct, frozen=True):
    """What one thing that was done with a phone came to."""

    screen: str
    alive: bool
    status: int
    """Of the reply; 0 where nothing was sent."""
    ms: float
    repeated: bool
    """The server knew the request again: nothing was done, and the reply is the one of the first time."""
    what: str
    """What the turn came to, as in the log: asked, ended, duplicate … Empty where there was no turn."""
    hidden: bool
    """What was typed is a secret, or may be one: it is shown nowhere."""
    cost: CostView
    page: int
    pages: int
    secret: bool
    """What is asked for now is one."""
    options: tuple[Line, ...]
    navigation: tuple[Line, ...]
    request: RequestView | None
    """None where the gateway tells nothing: the line dropped, or it never tells that somebody hung up."""
    reply: ReplyView | None
    pushed: RequestView | None
    """The call to the provider by which the screen came, where a reply only acknowledges."""
    conversation: Conversation
