"""What a user does in a web chat: the events of the channel `chat`, typed and bounded, and the inbound that each is.

Each carries an id that the client made, the same whenever it is sent again: it names the turn, and nothing is done
twice.
"""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Final

import msgspec

from kikao.channels.inbound import Chatted, Happening, Inbound
from kikao.channels.socket.gateway import CHANNEL, SLUG
from kikao.conversation.inputs import Attachment, Place
from kikao.conversation.secrets import Secret

LONGEST_TEXT: Final = 4096
"""Characters of what is written at once, as on Telegram."""

LONGEST_SECRET: Final = 256

PIECE: Final = 45_000
"""Octets of a file in one event: with base64 and what stands around it, it fits into a frame of 64 KiB."""

Id = Annotated[str, msgspec.Meta(max_length=64, pattern=r"^[A-Za-z0-9_.:-]+\Z")]
Mark = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Say(msgspec.Struct, frozen=True):
    """`say`: something is written."""

    id: Id
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_TEXT)]
    mark: Annotated[str, msgspec.Meta(max_length=64)] = ""
    """Of the newest message that was shown where it was written: a confirmation is answered by nothing without it."""

    def __repr__(self) -> str:
        return "<something written>"


class Tap(msgspec.Struct, frozen=True):
    """`tap`: a choice of a message, by the mark of that."""

    id: Id
    mark: Mark
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class Enter(msgspec.Struct, frozen=True):
    """`secret`: what is entered in the field of a message that has one."""

    id: Id
    mark: Mark
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_SECRET)]

    def __repr__(self) -> str:
        return "<a secret>"


class Open(msgspec.Struct, frozen=True):
    """`open`: the chat is opened; `ahead` is what a link brought, words joined by `_`."""

    id: Id
    ahead: Annotated[str, msgspec.Meta(max_length=64)] = ""


class Where(msgspec.Struct, frozen=True):
    """`place`: where the user's device is, in degrees (WGS 84)."""

    id: Id
    latitude: Annotated[float, msgspec.Meta(ge=-90.0, le=90.0)]
    longitude: Annotated[float, msgspec.Meta(ge=-180.0, le=180.0)]


class Piece(msgspec.Struct, frozen=True):
    """`file`: a file, or a piece of one. All but the last have `more`; `start` is how many octets came before."""

    id: Id
    data: Annotated[str, msgspec.Meta(max_length=4 * (PIECE + 2) // 3)]
    """Base64 (RFC 4648, 4)."""
    name: Annotated[str, msgspec.Meta(max_length=255)] = ""
    type: Annotated[str, msgspec.Meta(max_length=200)] = ""
    start: Annotated[int, msgspec.Meta(ge=0)] = 0
    more: bool = False

    @property
    def octets(self) -> bytes | None:
        """None where it is no base64."""
        try:
            return base64.b64decode(self.data, validate=True)
        except (binascii.Error, ValueError):
            return None

    def __repr__(self) -> str:
        return "<a piece of a file>"


class Show(msgspec.Struct, frozen=True):
    """`show`: an address is wanted for something that a message shows, by its name there."""

    ref: Annotated[str, msgspec.Meta(max_length=2048)]


Said = Say | Tap | Enter | Open | Where


def inbound(user: str, said: Said, *, language: str = "") -> Inbound:
    """What a turn gets of an event. `language` is the user's (BCP 47), where it is known."""
    match said:
        case Say():
            return _inbound(user, said.id, said.text, Chatted(language=language, seen=said.mark))
        case Tap():
            return _inbound(user, said.id, said.key, Chatted(language=language, pressed=said.mark))
        case Enter():
            chat = Chatted(language=language, pressed=said.mark, apart=True)
            return _inbound(user, said.id, said.text, chat)
        case Open():
            return _inbound(user, said.id, said.ahead, Chatted(language=language), happening="new")
        case Where():
            place = Place(said.latitude, said.longitude)
            return _inbound(user, said.id, "", Chatted(language=language), attachment=place)


def sent(user: str, id_: str, attachment: Attachment | None, *, language: str = "") -> Inbound:
    """A file, under the id that its pieces came with."""
    return _inbound(user, id_, "", Chatted(language=language), attachment=attachment)


def _inbound(
    user: str,
    id_: str,
    text: str,
    chat: Chatted,
    *,
    happening: Happening = "reply",
    attachment: Attachment | None = None,
) -> Inbound:
    return Inbound(
        channel=CHANNEL,
        gateway=SLUG,
        identity=user,
        happening=happening,
        text=Secret(text),
        message_id=Secret(id_),
        attachment=attachment,
        chat=chat,
    )
