"""The session: the record of one member's dealings, as it is stored (sealed) between turns."""

from __future__ import annotations

from typing import Any

import msgspec

from kikao.conversation.journal import Conversation


class Dialogue(msgspec.Struct, frozen=True, array_like=True):
    """The provider's present dialogue, as far as a redial and accumulated text need it.

    Of accumulated text, which repeats every PIN ever typed in it, only the length and a keyed hash are kept.
    """

    mark: bytes
    """Keyed hash of the provider's session id."""
    length: int = 0
    """Characters of the text processed so far."""
    text: bytes = b""
    """Keyed hash of that text."""


class Session(msgspec.Struct, omit_defaults=True):
    """One member's session. `id` has 128 random bits and is never a provider's; times are seconds since the epoch."""

    id: str
    created_at: float
    seen_at: float
    conversation: Conversation = msgspec.field(default_factory=Conversation)
    dialogue: Dialogue | None = None
    data: dict[str, Any] = {}
    """The app's own data."""


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Session)


def encode(session: Session) -> bytes:
    """The stored form, before sealing."""
    return _ENCODER.encode(session)


def decode(data: bytes) -> Session:
    """Raises `msgspec.ValidationError` for what is not a session."""
    return _DECODER.decode(data)
