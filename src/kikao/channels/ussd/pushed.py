"""A screen that goes out as a call of its own: what is kept of it in the outbox until it is sent."""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.channels.inbound import Inbound


class Pushed(msgspec.Struct, frozen=True, array_like=True):
    """One page for a member, on its way. It may say anything: do not log or show it."""

    text: str
    ends: bool
    """Whether it closes the dialogue."""
    until: float
    """Seconds since the epoch. Nobody waits for it any more after that: it is not sent."""
    identity: str
    """As of `Inbound`, and so on below."""
    dialogue: str
    service_code: str
    echo: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, inbound: Inbound, text: str, *, ends: bool, until: float) -> Pushed:
        """A page that answers an inbound."""
        return cls(
            text.encode(errors="replace").decode(),
            ends,
            until,
            inbound.identity,
            inbound.dialogue,
            inbound.service_code,
            inbound.echo,
        )

    @classmethod
    def read(cls, body: bytes) -> Pushed:
        """What a letter of the outbox holds. Raises `msgspec.DecodeError` for what is none."""
        return _DECODER.decode(body)

    def written(self) -> bytes:
        """As it is kept."""
        return _ENCODER.encode(self)

    def __repr__(self) -> str:
        return "<a page>"


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Pushed)
