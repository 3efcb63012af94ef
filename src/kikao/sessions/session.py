"""The session: the record of one member's dealings, as it is stored (sealed) between turns."""

from __future__ import annotations

import hashlib
from typing import Final

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
    """Keyed hash of that text; without accumulated text, of the secret that was typed last, or of what began the
    dialogue where only its id tells that."""
    former: tuple[bytes, ...] = ()
    """The marks of the dialogues before, the last one first, from which something may still come."""
    line: str = ""
    """The channel and gateway it is held on, and from which address: a session may be of several."""
    last: bytes = b""
    """The message that was answered last, as its dedupe record names it; only where nothing else tells a copy."""
    sent_at: float = 0.0
    """When that was sent, where the provider says so (seconds since the epoch, by its clock)."""
    shown: str = ""
    """Which screen a chat shows, as its choices name it when they are tapped."""
    order: int = 0
    """The provider's number of what was processed last, where it counts; see `Chatted.order`."""
    place: tuple[str, str] = ("", "")
    """In a chat: where what is said goes, and the group it is held in, where that is not the member's own address."""


class Session(msgspec.Struct, omit_defaults=True):
    """One member's session. `id` has 128 random bits and is never a provider's; times are seconds since the epoch."""

    id: str
    created_at: float
    seen_at: float
    secret: bytes = b""
    """16 random octets: what was typed in the dialogue is hashed with it."""
    dedupe_until: float = 0.0
    """When the last dedupe record expires: the session is kept as long, or those could not be found and named anew."""
    member: str = ""
    """The id of the member, the same as long as the session lives and the address it is kept under is theirs."""
    conversation: Conversation = msgspec.field(default_factory=Conversation)
    dialogue: Dialogue | None = None
    anchor: tuple[str, ...] = ()
    """Set for an address that was linked to `member`: the parts of the key that its dealings are kept under."""

    def hashed(self, purpose: str, text: str) -> bytes:
        """Keyed hash of a text for a purpose, 16 octets; worth nothing outside of this session."""
        said = f"{purpose} {text}".encode(errors="surrogatepass")
        return hashlib.blake2b(said, digest_size=16, key=self.secret).digest()  # a keyed hash: RFC 7693, 2.5


MAX_STATE: Final = 256 * 1024
"""Octets of a stored session: a full journal, three parked ones and what belongs to them."""


class StateTooLarge(Exception):
    """A session past its cap; nothing of the turn was stored, the state before it stays."""

    SAFE = True


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(Session)


def encode(session: Session) -> bytes:
    """The stored form, before sealing."""
    return _ENCODER.encode(session)


def decode(data: bytes) -> Session:
    """Raises `msgspec.ValidationError` for what is not a session."""
    return _DECODER.decode(data)
