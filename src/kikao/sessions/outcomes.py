"""What is left in the outbox of an outcome that came after its reply, so that it is told although nobody asks.

It is stored with the commit that writes the outcome into the journal: a process that dies behind that has left it, and
another one tells.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.sessions.keeper import Held
from kikao.sessions.posting import OUTCOMES

GOOD_FOR: Final = 86400.0
"""Seconds in which it is told. After that the member hears of it when they come back."""


class Left(msgspec.Struct, frozen=True, array_like=True):
    """An outcome that waits to be told."""

    session: bytes
    """The key of the session it is in."""
    token: str
    """The idempotency key of its effect: told once."""

    @classmethod
    def read(cls, body: bytes) -> Left:
        """What a letter holds. Raises `msgspec.DecodeError` for what is none."""
        return _DECODER.decode(body)


def leave(held: Held, token: str, now: float) -> None:
    """Have the next write leave an outcome to be told."""
    held.push(OUTCOMES, _ENCODER.encode(Left(held.claim.key, token)), now + GOOD_FOR)


def nobody(held: Held) -> bool:
    """Nobody tells: the member hears of it when they come back."""
    return False


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Left)
