"""What reaches the engine: somebody dialled, answered, or the same screen is wanted again."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

import msgspec

from kikao.conversation.secrets import Secret


class Place(msgspec.Struct, frozen=True, tag="place"):
    """A location: degrees (WGS 84)."""

    latitude: float
    longitude: float


class File(msgspec.Struct, frozen=True, tag="file"):
    """A received photo, document or recording, stored by content: never a provider's address, which expires."""

    media_id: str
    mime: str
    size: int
    """Bytes."""
    sha256: str
    stored_ref: str
    """What it is opened by, with `Files`."""
    filename: str = ""
    """As its sender called it, fit to be shown and saved; empty where nobody said."""


class SharedContact(msgspec.Struct, frozen=True, tag="contact"):
    """A number that was shared."""

    number: str
    """In E.164 where the channel says it so; else as it was sent."""
    own: bool
    """Whether the channel vouches that it is the sender's own, so that sharing it proves it."""

    def __repr__(self) -> str:
        return f"<{'the own' if self.own else 'a'} number, shared>"


Attachment = Place | File | SharedContact


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer. Typed text is a `Secret` until the engine knows that the question did not ask for one."""

    text: Secret
    attachment: Attachment | None = None


@dataclass(frozen=True, slots=True)
class Dial:
    """A dialogue begins. `ahead` are answers dialled with the code (a long dial).

    `resume` says what of a conversation that stopped: `offer` to continue it, go `on` without asking, or start `anew`.
    """

    ahead: tuple[Secret, ...] = ()
    resume: Literal["offer", "on", "anew"] = "offer"


@dataclass(frozen=True, slots=True)
class Show:
    """Show the pending screen again; nothing is answered."""

    late: bool = False
    """Whether it comes from where the member is no more: whatever waits to be told is not for it."""
    why: Literal["", "old", "unknown", "secret", "lost", "large"] = ""
    """What a member of a chat is told with it: they tapped a choice of an older screen, gave an unknown command, or
    typed what a chat must not keep."""


@dataclass(frozen=True, slots=True)
class Settle:
    """Recovery: find out what became of open intents; show nothing."""


@dataclass(frozen=True, slots=True)
class Tell:
    """What became of an effect waits to be told, and nobody asked: the conversation goes on with it by itself."""


Event = Reply | Dial | Show | Settle | Tell


@dataclass(frozen=True, slots=True)
class Given:
    """What an answer type parses: the typed text, bare (so its repr leaves it out), and the turn's date."""

    text: str = field(repr=False)
    today: dt.date
    attachment: Attachment | None = None
