"""One-time links: what a chat must not keep is entered on a page that belongs to one question of one member.

A chat keeps what is typed, on phones and at the provider. So a question for a secret is shown with a link instead. All
that the page needs is in its address, sealed with the ring: whose question it is, which screen, until when. It names
the answer too, so that a second one by the same link is a copy of the first, and is answered as such.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

import msgspec

from kikao.channels.inbound import Chatted, Inbound
from kikao.conversation.secrets import Secret
from kikao.sessions.sealing import KeyRing, SealError

GOOD_FOR: Final = 900.0
"""Seconds in which a link opens its question."""

PATH: Final = "/secret/"

LONGEST: Final = 2048
"""Characters of what stands behind that."""


class Asking(msgspec.Struct, frozen=True, array_like=True):
    """Whose secret is asked for, where, and until when (seconds since the epoch)."""

    key: bytes
    """Of the session that asks."""
    channel: str
    gateway: str
    identity: str
    to: str
    mark: str
    """The screen that asks; see `turning.mark_of`."""
    name: str
    """Of the answer, unlike any other's."""
    until: float
    locale: str

    def answered(self, secret: Secret) -> Inbound:
        """The answer, as if it came from the chat."""
        return Inbound(
            channel=self.channel,
            gateway=self.gateway,
            identity=self.identity,
            happening="reply",
            text=secret,
            message_id=Secret(f"secret {self.name}"),
            chat=Chatted(to=self.to, pressed=self.mark, apart=True),
        )

    def __repr__(self) -> str:
        return f"<asking on {self.channel}/{self.gateway}>"


class SecretLinks:
    """Makes links and reads them. `public_url` is where members reach this server, without a `/` at its end."""

    def __init__(self, ring: Callable[[], KeyRing], public_url: str, clock: Callable[[], float]) -> None:
        self._ring = ring
        self._public_url = public_url
        self._clock = clock

    @property
    def host(self) -> str:
        """Whose links they are, as members see it: the host of the server's address, without a port."""
        return urlsplit(self._public_url).hostname or ""

    def link(self, key: bytes, inbound: Inbound, mark: str, locale: str) -> str:
        """The address of the page on which the question of this screen is answered."""
        chat = inbound.chat or Chatted()
        asking = Asking(
            key,
            inbound.channel,
            inbound.gateway,
            inbound.identity,
            chat.to,
            mark,
            os.urandom(12).hex(),
            self._clock() + GOOD_FOR,
            locale,
        )
        sealed = self._ring().seal(_ENCODER.encode(asking), _PLACE, _PURPOSE)
        return f"{self._public_url}{PATH}{base64.urlsafe_b64encode(sealed).decode().rstrip('=')}"

    def read(self, token: str) -> Asking | None:
        """What a link says; None for one that we did not make, or that is over."""
        if len(token) > LONGEST or not token.isascii():
            return None
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            asking = _DECODER.decode(self._ring().unseal(sealed, _PLACE, _PURPOSE))
        except (SealError, binascii.Error, ValueError, IndexError):
            return None
        return asking if asking.until > self._clock() else None


_PLACE: Final = bytes(32)
"""Links belong to no session's place: what they say is in them."""
_PURPOSE: Final = b"secret link"
_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Asking)
