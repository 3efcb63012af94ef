"""The lines that go through the door. One connection is one command: a request, then items, then one last line.

    {"command":"sessions.list","where":"5c1d…","args":{"limit":2}}

    {"type":"item","item":{…}}
    {"type":"item","item":{…}}
    {"type":"done"}                     or {"type":"refused","reason":"…"}

An empty line means that the server is still at it.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

MAX_REQUEST: Final = 64 * 1024
"""Octets of a request."""

MAX_LINE: Final = 1024 * 1024
"""Octets of a line that comes back: a session is shown in one."""


class Request(msgspec.Struct, frozen=True):
    """A command with its arguments."""

    command: str
    where: str
    """Digest of the settings that name the data: a server with other data refuses."""
    args: msgspec.Raw = msgspec.Raw(b"{}")


class Item(msgspec.Struct, frozen=True, tag="item"):
    """One of what the command gives."""

    item: msgspec.Raw


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The command was carried out."""


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """It was not, or not to its end."""

    reason: str


Reply = Item | Done | Refused

STILL: Final = b"\n"

_ENCODER: Final = msgspec.json.Encoder()
_REQUEST: Final = msgspec.json.Decoder(Request)
_REPLY: Final[msgspec.json.Decoder[Reply]] = msgspec.json.Decoder(Reply)


def digest(*places: str) -> str:
    """A digest of the settings that say where data lies: nothing can be read from it."""
    return hashlib.sha256("\n".join(places).encode(errors="surrogatepass")).hexdigest()[:32]


def line(message: Request | Reply) -> bytes:
    """A message as it is sent."""
    return _ENCODER.encode(message) + b"\n"


def raw(value: object) -> msgspec.Raw:
    """A value as part of a message."""
    return msgspec.Raw(_ENCODER.encode(value))


def read_request(text: bytes) -> Request:
    """Raises `msgspec.DecodeError` for what is no request."""
    return _REQUEST.decode(text)


def read_reply(text: bytes) -> Reply:
    """Raises `msgspec.DecodeError` for what is no reply."""
    return _REPLY.decode(text)
