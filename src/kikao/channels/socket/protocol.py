"""Phoenix Channels V2 on the wire: frames of text and of octets, both ways. Pure.

A text frame is a JSON array `[join_ref, ref, topic, event, payload]`. A binary one has a kind, the lengths of its names
(an octet each), the names, and the payload as it is. Refs are opaque: whoever made one gets it back.

Source: the serializer of Phoenix 1.8 (`phoenix/socket/serializers/v2_json_serializer.ex`) and of its client 1.8.16.
"""

from __future__ import annotations

import contextlib
import json as plain
from typing import Any, Final

import msgspec

NAME: Final = 255
"""Octets of UTF-8 in a topic, an event or a ref, at most: a binary frame can say no more."""

PUSH: Final = 0
REPLY: Final = 1
BROADCAST: Final = 2

HEARTBEAT: Final = ("phoenix", "heartbeat")
JOIN: Final = "phx_join"
LEAVE: Final = "phx_leave"
CLOSE: Final = "phx_close"
ERROR: Final = "phx_error"

Frame = str | bytes
"""As it is sent: text, or binary."""


class Malformed(Exception):
    """A frame that is none of the protocol. The text says what is wrong, and repeats nothing of it."""


class Unreadable(Malformed):
    """A frame of the protocol of which one thing cannot be dealt with: it gets an error for a reply.

    Browsers send half a character as readily as a whole one, and apps make topics of what somebody typed. If that
    closed the socket, the client would be back in 10 ms, join with the same again, and never stop.
    """

    def __init__(self, push: Push, reason: str) -> None:
        super().__init__(reason)
        self.push = push
        self.reason = reason


class Push(msgspec.Struct, frozen=True, gc=False):
    """What a client said."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: msgspec.Raw | bytes
    """JSON that was not looked into yet, or what came as binary."""


def read_text(text: str) -> Push:
    """A text frame. Elements behind the fifth are ignored. Raises `Malformed`, and of this `Unreadable`."""
    try:
        said = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        raise _unread(text) from None
    push = Push(said.join_ref, said.ref, said.topic, said.event, said.payload)
    for name in (push.join_ref, push.ref, push.topic, push.event):
        if name is not None and len(name) > NAME // 4 and len(name.encode()) > NAME:
            raise _too_long(push)
    return push


def read_binary(octets: bytes) -> Push:
    """A binary frame: `0 | lengths of join_ref, ref, topic, event | these | payload`. Raises `Malformed`."""
    if len(octets) < 5 or octets[0] != PUSH:
        raise Malformed("not a binary push")
    at, names = 5, []
    for size in octets[1:5]:
        name = octets[at : at + size]
        if len(name) < size:
            raise Malformed("a name is cut")
        try:
            names.append(name.decode())
        except UnicodeDecodeError:
            raise Malformed("a name is not UTF-8") from None
        at += size
    join_ref, ref, topic, event = names
    return Push(join_ref or None, ref or None, topic, event, octets[at:])


def reply(join_ref: str | None, ref: str | None, topic: str, status: str, response: bytes | Json) -> Frame:
    """An answer to a push: `status` is "ok" or "error"."""
    if isinstance(response, bytes):
        return _binary(REPLY, (join_ref or "", ref or "", topic, status), response)
    said = f'{{"status":{_quoted(status)},"response":{response}}}'
    return f"{_begun(join_ref, ref, topic, 'phx_reply')},{said}]"


def push(join_ref: str | None, topic: str, event: str, payload: bytes | Json) -> Frame:
    """To one socket's channel. Without a ref: nobody answers it."""
    if isinstance(payload, bytes):
        return _binary(PUSH, (join_ref or "", topic, event), payload)
    return f"{_begun(join_ref, None, topic, event)},{payload}]"


def broadcast(topic: str, event: str, payload: bytes | Json) -> Frame:
    """To all who joined: the same frame for each of them."""
    if isinstance(payload, bytes):
        return _binary(BROADCAST, (topic, event), payload)
    return f"{_begun(None, None, topic, event)},{payload}]"


def closed(join_ref: str | None, topic: str) -> Frame:
    """The channel is over; the client does not join again."""
    return f"{_begun(join_ref, join_ref, topic, CLOSE)},{{}}]"


def crashed(join_ref: str | None, topic: str) -> Frame:
    """The channel failed; the client joins again, after a second at first."""
    return f'{_begun(join_ref, join_ref, topic, ERROR)},{{"reason":"channel_crash"}}]'


class Json(str):
    """Text that is JSON already: an object."""

    __slots__ = ()


EMPTY: Final = Json("{}")


def json(value: Any) -> Json:
    """A payload as JSON. Raises `TypeError` for what is no object, or cannot be written."""
    octets = _ENCODER.encode(value)
    if octets[:1] != b"{":
        raise TypeError(
            f"a payload is an object (dict or msgspec.Struct) or bytes, not {type(value).__name__}"
        )
    return Json(octets.decode())


class _Wire(msgspec.Struct, array_like=True, gc=False):
    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: msgspec.Raw


def _unread(text: str) -> Malformed:
    """What is wrong with a text in which not everything is JSON as the standard has it."""
    with contextlib.suppress(
        ValueError, RecursionError
    ):  # what Python reads, msgspec may not: half a character
        found = plain.loads(text)
        if isinstance(found, list) and len(found) >= 5:
            join_ref, ref, topic, event = found[:4]
            refs = all(each is None or isinstance(each, str) for each in (join_ref, ref))
            if refs and isinstance(topic, str) and isinstance(event, str):
                push = Push(join_ref, ref, topic, event, b"")
                return Unreadable(push, _wrong_name(push) or "invalid payload")
    return Malformed("not an array of two refs, a topic, an event and a payload")


def _too_long(push: Push) -> Malformed:
    wrong = _wrong_name(push)
    return Unreadable(push, wrong) if wrong else Malformed("a ref is too long")


def _wrong_name(push: Push) -> str:
    if not _is_name(push.topic):
        return "unmatched topic"
    return "" if _is_name(push.event) else "unknown event"


def _is_name(name: str) -> bool:
    try:
        return len(name.encode()) <= NAME
    except UnicodeEncodeError:
        return False


_DECODER: Final = msgspec.json.Decoder(_Wire)
_ENCODER: Final = msgspec.json.Encoder()


def _begun(join_ref: str | None, ref: str | None, topic: str, event: str) -> str:
    """A message up to its payload."""
    return _quoted((join_ref, ref, topic, event))[:-1]


def _quoted(names: str | tuple[str | None, ...]) -> str:
    try:
        return _ENCODER.encode(names).decode()
    except UnicodeEncodeError:  # half a character, which the client gets back as it said it
        return plain.dumps(names, separators=(",", ":"))


def _binary(kind: int, names: tuple[str, ...], payload: bytes) -> bytes:
    encoded = [name.encode() for name in names]
    if any(len(name) > NAME for name in encoded):
        raise ValueError(f"a name in a binary frame has more than {NAME} octets")
    return bytes((kind, *map(len, encoded))) + b"".join(encoded) + payload
