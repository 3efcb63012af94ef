"""What the page is told of a chat, as plain data. No token is in it, no address that holds one, and no secret."""

from __future__ import annotations

from typing import Literal

import msgspec

from kikao.console.simulator.views import Conversation, ReplyView, RequestView

Mood = Literal["well", "down", "busy", "silent"]
"""How the provider is: it takes calls; it fails; every call is too many; it does what it is asked, and says nothing."""


class ButtonView(msgspec.Struct, frozen=True):
    """Something to tap. `place` counts the buttons of its message from 0."""

    place: int
    label: str
    kind: str
    """callback, row, text, url, contact, location …"""
    about: str = ""
    """What stands below it, in a list."""


class MediaView(msgspec.Struct, frozen=True):
    """A file in a message."""

    name: str
    kind: str
    mime: str
    is_picture: bool
    """Whether a browser can show it, and it is here."""


class MessageView(msgspec.Struct, frozen=True):
    """One message, as the member sees it now. Times are seconds since the epoch, by the simulated clock."""

    id: str
    mine: bool
    """The member wrote it."""
    text: str
    at: float
    kind: str
    rows: tuple[tuple[ButtonView, ...], ...]
    opens: str
    """On the button that opens a list; its rows are in `rows`."""
    media: MediaView | None
    is_edited: bool
    ticks: str
    """sent, delivered, read or failed; empty where nothing was reported."""


class WaitingView(msgspec.Struct, frozen=True):
    """A message of the app that has not reached the provider."""

    is_dead: bool
    """It will not leave any more."""
    due: float
    reason: str
    """Why it did not leave so far; empty where it was not tried."""


class ProviderView(msgspec.Struct, frozen=True):
    """The provider between the phones and the app; all phones of its channel share it."""

    mood: Mood
    is_holding: bool
    """It keeps to itself what members do."""
    held: int
    """Webhooks that it could not deliver, or keeps."""
    takes_batches: bool
    """Whether several messages can come in one webhook."""


class ChatView(msgspec.Struct, frozen=True):
    """A chat."""

    messages: tuple[MessageView, ...]
    """The latest."""
    keyboard: tuple[tuple[ButtonView, ...], ...]
    """In place of the letters."""
    note: str
    """What the answer to the last tap said, which disappears by itself."""
    notes: int
    """How many there were so far."""
    is_spinning: bool
    """A button was tapped that nobody has answered yet."""
    is_blocked: bool
    open_until: float | None
    """Until when anything may be written to the member; 0 where nothing may, None where there is no such window."""
    waiting: tuple[WaitingView, ...]
    provider: ProviderView
    changes: int
    """Grows with each change."""


class ExchangeView(msgspec.Struct, frozen=True):
    """A request over the wire between the app and the provider. `n` counts those of a phone from 1."""

    n: int
    way: Literal["webhook", "call", "event", "push"]
    """The last two over a socket: of the client, which gets a reply, and of the server, which gets none."""
    name: str
    """What it is, in the provider's words: `message`, `callback_query`, `sendMessage`, `statuses`."""
    status: int
    """Of the reply; 0 where none came."""
    ms: float
    what: str
    """What the turn came to; empty where there was none."""
    repeated: bool
    """The server knew it again: nothing was done."""
    request: RequestView
    reply: ReplyView | None


class ChatStep(msgspec.Struct, frozen=True):
    """What one thing that was done in a chat came to."""

    chat: ChatView
    exchanges: tuple[ExchangeView, ...]
    """Those since the one that was asked for."""
    secret: bool
    """What is asked for now is a secret, and it would be typed here."""
    conversation: Conversation
