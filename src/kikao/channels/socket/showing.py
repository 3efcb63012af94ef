"""What a web chat shows besides text: a name in the message, and for a few minutes an address behind it.

A message stays in a stream for a day, and its client may keep it for longer: it has no address in it that opens a file.
It has a name, sealed, which says whose it is. The user's own socket gets an address for it (`show`), sealed as well,
good for minutes. Neither can be guessed or made, and a name is worth nothing on another user's socket.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from typing import Any, Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.edge import Denied
from kikao.channels.media.errors import FileError
from kikao.channels.media.kinds import kind_of, safe_name
from kikao.channels.media.store import FileStore
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
"""Files that are read at a time: each is in memory as a whole."""


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

    async def open(self, token: str) -> Response:
        """What is behind an address. Raises `Denied`: 410 where it is over, or the file is not kept any more."""
        named = self._opened(token, _ADDRESS)
        if named is None or named.until <= self._clock():
            raise Denied(410, "web chat: the address of a file is no good, or not any more")
        try:
            async with self._room:
                data = await self._store.read(named.file)
        except FileError as error:
            raise Denied(410, f"web chat: {error}") from None
        return Response(200, _headers(named.file, max(int(named.until - self._clock()), 0)), data)

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
        ("content-type", file.mime if inline else "application/octet-stream"),
        ("content-disposition", f'{"inline" if inline else "attachment"}; filename="{name}"'),
        ("content-security-policy", "default-src 'none'; sandbox"),
        ("x-content-type-options", "nosniff"),
        ("cross-origin-resource-policy", "cross-origin"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", f"private, max-age={seconds}"),
    )


_PLACE: Final = bytes(32)
"""Names belong to no session's place: what they say is in them."""
_NAME: Final = b"web chat file"
_ADDRESS: Final = b"web chat address"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Named)
