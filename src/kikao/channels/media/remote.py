"""Files that members sent and that are still at the provider: what a webhook says of one, and where it lies."""

from __future__ import annotations

import base64
import binascii
import re

import msgspec

from kikao.channels.media.kinds import Kind
from kikao.config import Hidden


class Remote(msgspec.Struct, frozen=True, omit_defaults=True):
    """A file as a webhook announces it. All of it is the sender's word, and the octets decide."""

    id: str
    """What the provider gives it out for; good for some days, and for nobody without our token."""
    kind: Kind = "document"
    """What the member sent it as; a sticker is an image."""
    mime: str = ""
    size: int = 0
    """Octets; 0 where it is not said."""
    sha256: str = ""
    """As the provider writes it; empty where it is not said."""
    filename: str = ""

    def __repr__(self) -> str:
        return f"<a {self.kind} at the provider>"


class Located(msgspec.Struct, frozen=True):
    """Where a file can be fetched, for some minutes. The address is a secret: in Telegram's stands the bot's token."""

    url: Hidden
    headers: tuple[tuple[str, str], ...] = ()
    """Sent along, where the file is fetched from who is known."""
    size: int = 0
    """Octets that the provider announced; 0 for none."""
    sha256: bytes | None = None

    def __repr__(self) -> str:
        return "<where a file lies>"


def digest_of(written: str) -> bytes | None:
    """A SHA-256 as providers write one: hexadecimal, or base64. None for anything else, which is then not compared."""
    if _HEX(written):
        return bytes.fromhex(written)
    try:
        found = base64.b64decode(written, validate=True)
    except (binascii.Error, ValueError):
        return None
    return found if len(found) == 32 else None


_HEX = re.compile("[0-9a-fA-F]{64}").fullmatch
