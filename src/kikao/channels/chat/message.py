"""What a member of a chat gets: one message, channel-neutral; and the parcel that the outbox keeps of it."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from kikao.conversation.attached import Attached
from kikao.conversation.errors import ErrorCode, RefusedError

Layout = Literal["text", "buttons", "list"]
"""How choices are shown: in the text, numbered; as buttons below it; as rows of a list that opens."""

Kind = Literal["reply", "notice", "marketing", "confirmation"]
"""Why a message leaves: it answers what the member wrote; they should know; somebody wants them to buy; or it says that
their STOP was heard."""


class MessageRefused(RefusedError, ValueError):
    """A message that cannot be sent as it is. The text says why, and repeats nothing of it.

    Nothing was stored: in a step it is a refusal, `REJECTED`, with the text as its reason in the log.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(ErrorCode.REJECTED)
        self.args = (reason,)
        self.reason = reason


class Choice(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something to tap. `key` is what the engine gets, and what whoever types may type."""

    key: str
    label: str
    """In the member's language, as long as it is."""


class Link(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A button that opens a page. The address may hold a token: show it to nobody but the member."""

    label: str
    url: str

    def __repr__(self) -> str:
        return f"<link {self.label!r}>"


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One message. Its text may be longer than the provider takes at once: see `ladder.parts`."""

    text: str
    choices: tuple[Choice, ...] = ()
    """What can be tapped, in order; those of the navigation stand last. None where `layout` is "text"."""
    layout: Layout = "text"
    opens: str = ""
    """What stands on the button that opens a list, or on the key that shares what is wanted."""
    link: Link | None = None
    shows: tuple[Attached, ...] = ()
    """What is shown before the text, captions in the member's language. A message on its way has one, or a text."""
    wants: str = ""
    """What the member is asked to share: "contact", "location", "media"; empty for nothing of these."""
    clears: bool = False
    """Whether the message before wanted something shared, and this one does not: a key for that is to go."""
    secret: bool = False
    """Whether it is answered in a field of its own, of which the chat keeps nothing; only where a chat has one."""

    def __str__(self) -> str:
        """What the member reads, captions and labels included, a line each."""
        captions = [str(each.caption) for each in self.shows]
        return "\n".join(filter(None, [*captions, self.text, *(choice.label for choice in self.choices)]))


class Parcel(msgspec.Struct, frozen=True, omit_defaults=True):
    """A message on its way to somebody. It may say anything: do not log or show it. Times: seconds since the epoch."""

    to: str
    """Where it goes: a chat, a WhatsApp id, a number in E.164."""
    message: Message
    until: float
    """Of no use after that: it is not sent."""
    member: str = ""
    """Who reads it, as `Inbound.identity`; empty in a group."""
    kind: Kind = "reply"
    heard_at: float = 0.0
    """When the member wrote what this answers; 0 where it answers nothing."""
    mark: str = ""
    """Which screen its choices belong to: part of what a tap sends back."""
    replaces: str = ""
    """The provider's name of a message that is changed into this one, where that is kinder than another one."""
    answers: str = ""
    """In a group: the provider's name of the member's message that this answers."""
    owner: str = ""
    """In a group: the member that its choices are for, as `Inbound.identity`; others see them, too."""
    template: tuple[str, tuple[str, ...]] | None = None
    """What is sent where free text may not be: the name of a template, and its values in order."""
    echo: tuple[tuple[str, str], ...] = ()
    """Fields that the provider wants to see again with an answer, by name."""
    said: str = ""
    """What the member's own device calls this, which they said themselves: it is for their other devices. Empty for
    what is said to them."""

    @classmethod
    def read(cls, body: bytes) -> Parcel:
        """What a letter of the outbox holds. Raises `msgspec.DecodeError` for what is none."""
        return _DECODER.decode(body)

    def written(self) -> bytes:
        """As it is kept."""
        return _ENCODER.encode(self)

    def __repr__(self) -> str:
        return "<a parcel>"


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Parcel)


def legible(to: str, body: bytes) -> str:
    """What a letter of the outbox says, for an operator: a chat's message with its choices, any other as it is.

    Of a link only the label: whoever has its address could answer in the member's place.
    """
    if to.partition("/")[0] not in ("whatsapp", "telegram", "sms", "socket"):
        return body.decode(errors="replace")
    try:
        message = Parcel.read(body).message
    except msgspec.DecodeError:
        return f"({len(body)} octets)"
    lines = [message.text, *(f"[{choice.key}] {choice.label}" for choice in message.choices)]
    lines += [f"[link] {message.link.label}"] if message.link is not None else []
    return "\n".join(lines)
