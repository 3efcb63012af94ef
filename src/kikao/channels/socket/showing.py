"""What a web chat shows besides text: a name in the message, and for a few minutes an address behind it.

A message stays in a stream for a day, and its client may keep it for longer: it has no address in it that opens a file.
It has a name, sealed, which says whose it is. The user's own socket gets an address for it (`show`), sealed as well,
good for minutes. Neither can be guessed or made, and a name is worth nothing on another user's socket.

What is behind an address is read while it is sent, and players get the parts of it that they ask for.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
from collections.abc import AsyncGenerator, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.edge import Denied
from kikao.channels.media.errors import FileError
from kikao.channels.media.kinds import kind_of, safe_name
from kikao.channels.media.store import FileStore
from kikao.channels.ranges import Unsatisfiable, asked_for
from kikao.channels.streamed import Streamed
from kikao.conversation.attached import Attached, Link, Person
from kikao.conversation.inputs import File, Place
from kikao.sessions.sealing import KeyRing, SealError

PATH: Final = "files/"
"""Where addresses begin."""

GOOD_FOR: Final = 300.0
"""Seconds in which an address opens its file."""

LONGEST: Final = 2048
"""Characters of a name, and of what stands in an address."""

AT_ONCE: Final = 4
"""Pieces of files that are read at a time: others need threads, too."""


class _Named(msgspec.Struct, frozen=True, array_like=True):
    """Whose a file is, and which."""

    user: str
    file: File
    until: float = 0.0
    """Seconds since the epoch; of an address alone."""


class Showing:
    """Names files, gives addresses for their names, and opens them."""

    def __init__(self, ring: Callable[[], KeyRing], store: FileStore, clock: Callable[[], float]) -> None:
        self._ring = ring
        self._store = store
        self._clock = clock
        self._room = asyncio.Semaphore(AT_ONCE)

    def described(self, user: str, attached: Attached) -> dict[str, Any]:
        """What a message says of what it shows."""
        what = attached.what
        found: dict[str, Any] = {"kind": attached.kind, "caption": str(attached.caption)}
        if isinstance(what, Place):
            return found | {"latitude": what.latitude, "longitude": what.longitude}
        if isinstance(what, Person):
            return found | {"name": what.name, "number": what.msisdn}
        if isinstance(what, Link):
            return found | {"url": what.url, "name": attached.filename}
        name = safe_name(attached.filename or what.filename, what.mime)
        return found | {
            "ref": self._sealed(_Named(user, what), _NAME),
            "name": name,
            "type": what.mime,
            "size": what.size,
        }

    def address(self, user: str, ref: str) -> str | None:
        """Where a file of a user is for `GOOD_FOR` seconds, below the path that sockets are opened at; None for what is
        no name of theirs."""
        named = self._opened(ref, _NAME)
        if named is None or named.user != user:
            return None
        return PATH + self._sealed(_Named(user, named.file, self._clock() + GOOD_FOR), _ADDRESS)

    async def open(
        self, token: str, method: str = "GET", headers: Mapping[str, str] = MappingProxyType({})
    ) -> Response | Streamed:
        """What is behind an address, or the range of it that the headers ask for.

        Raises `Denied`: 410 where it is over, or the file is not kept any more.
        """
        named = self._opened(token, _ADDRESS)
        if named is None or named.until <= self._clock():
            raise Denied(410, "web chat: the address of a file is no good, or not any more")
        file, size = named.file, named.file.size
        said = _headers(file, max(int(named.until - self._clock()), 0))
        if _tag(file) in headers.get("if-none-match", ""):
            return Response(304, said, b"")
        try:
            part = asked_for(method, headers, size, _tag(file))
        except Unsatisfiable:
            return Response(416, (("content-range", f"bytes */{size}"), *_NEVER), b"")
        rest = self._read(file, 0 if part is None else part.start)
        try:
            begun = await anext(rest)
        except FileError as error:
            raise Denied(410, f"web chat: {error}") from None
        if part is None:
            return Streamed(200, said, size, begun, rest)
        said = (("content-range", f"bytes {part.start}-{part.stop - 1}/{size}"), *said)
        return Streamed(206, said, len(part), begun, rest)

    async def _read(self, file: File, start: int) -> AsyncGenerator[bytes, None]:
        async with contextlib.aclosing(self._store.parts(file, start=start)) as pieces:
            while True:
                async with self._room:
                    piece = await anext(pieces, None)
                if piece is None:
                    return
                yield piece

    def _sealed(self, named: _Named, purpose: bytes) -> str:
        sealed = self._ring().seal(_ENCODER.encode(named), _PLACE, purpose)
        return base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def _opened(self, token: str, purpose: bytes) -> _Named | None:
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            return _DECODER.decode(self._ring().unseal(sealed, _PLACE, purpose))
        except (SealError, binascii.Error, ValueError, IndexError):
            return None


def _headers(file: File, seconds: int) -> tuple[tuple[str, str], ...]:
    """Shown within a page where it is a picture or a recording, saved where it is anything else; run nowhere."""
    inline = kind_of(file.mime) != "document"
    name = safe_name(file.filename, file.mime).encode("ascii", "replace").decode().replace('"', "_")
    return (
        ("accept-ranges", "bytes"),
        ("etag", _tag(file)),
        ("content-type", file.mime if inline else "application/octet-stream"),
        ("content-disposition", f'{"inline" if inline else "attachment"}; filename="{name}"'),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", f"private, max-age={seconds}"),
        ("x-accel-buffering", "no"),  # nginx would put what is large on its disk, as it is
    )


def _tag(file: File) -> str:
    """Strong: the same octets of the same owner."""
    return f'"{hashlib.sha256(file.stored_ref.encode()).hexdigest()[:32]}"'


_NEVER: Final = (("cache-control", "no-store"), ("x-content-type-options", "nosniff"))

_PLACE: Final = bytes(32)
"""Names belong to no session's place: what they say is in them."""
_NAME: Final = b"web chat file"
_ADDRESS: Final = b"web chat address"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Named)
