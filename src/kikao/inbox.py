"""What members sent and could not be dealt with while its webhook waited: kept, and dealt with in order, soon.

A provider hears 200 for it, so nobody brings it again: it is a message of the outbox to ourselves, stored before the
answer, and tried again until its turn is done. Those of one member are a lane, and what comes while something waits
there stands behind it.

The text is sealed, as all that a store holds. It is gone with the first sweep after its turn.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.channels.refusals import FAILED
from kikao.conversation.secrets import Secret
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.policy import session_key
from kikao.sessions.sealing import message_to
from kikao.turn import Turns

INBOX: Final = "inbox/"
"""Before the name of the line that it came on, where what a member sent waits."""

GOOD_FOR: Final = 86400.0
"""Seconds after which nobody waits for an answer to it."""

TIMEOUT: Final = 45.0
"""Seconds that a turn may take here, with what it fetches before."""

TRIES: Final = 500
"""With the waits between them, some four hours."""

LONGEST: Final = 60.0
"""Seconds between two tries, at most: somebody waits."""

DEAD_KEPT: Final = 3 * 86400.0
"""Seconds in which an operator may have it tried again: what a member wrote is not kept for long."""

POISON: Final = 10
"""Tries of one that is dealt with by no turn, since it fails in one: over some minutes, in which what is stored, or a
key, may be mended. Then it is dead, so that what its member sent after it goes on."""

One = Callable[[Inbound], Awaitable[Response]]
"""Deals with one; of 200 it is done."""


class Inbox:
    """Keeps what members sent. `destinations` are for the dispatcher that deals with it; `stored` wakes that."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self._sessions: Sessions = turns.sessions
        self.stored: Callable[[bytes], None] = lambda lane: None

    def destinations(self, lines: Mapping[str, object], one: One) -> dict[str, Destination]:
        """What deals with what is kept of each line."""
        reader = Destination(
            sender=_Reader(one),
            timeout=TIMEOUT,
            at_once=16,
            tries=TRIES,
            first=1.0,
            longest=LONGEST,
            sent_kept=0.0,
            dead_kept=DEAD_KEPT,
        )
        return {f"{INBOX}{line}": reader for line in lines}

    async def waits(self, inbound: Inbound) -> bool:
        """Whether something that the member sent before is still kept.

        Raises `StoreUnavailable`, `MissingIdentifier`.
        """
        async for _ in self._sessions.store.messages(state="waiting", session=self._lane(inbound)):
            return True
        return False

    async def keep(self, inbound: Inbound) -> None:
        """Keep one, once: a copy of it changes nothing.

        Raises `StoreUnavailable`, `CommitUnknown`, `MissingIdentifier`.
        """
        ring, now = self._sessions.ring, self._sessions.clock()
        to, lane = _name(inbound), self._lane(inbound)
        id_ = os.urandom(16)
        if inbound.message_id is not None:
            id_ = ring.lookup("inbox", to, inbound.message_id.reveal())[:16]
        payload = ring.seal(_ENCODER.encode(inbound), id_, message_to(to))
        message = Outgoing(
            id=id_,
            session=lane,
            to=to,
            payload=payload,
            due_at=now,
            expires_at=now + GOOD_FOR,
            posted_at=now,
        )
        await self._sessions.store.post([message])
        self.stored(lane)

    def _lane(self, inbound: Inbound) -> bytes:
        """Where what a member sent stands in line: apart from what they get."""
        ring = self._sessions.ring
        key = session_key(ring, self._turns.address(inbound).parts)
        return ring.lookup("inbox lane", key.hex())


class _Reader:
    """Has kept messages dealt with."""

    def __init__(self, one: One) -> None:
        self._one = one

    async def send(self, letter: Letter) -> Outcome:
        """See `Sender.send`."""
        try:
            inbound = inbound_of(letter.body)
        except msgspec.DecodeError:
            return Rejected("unreadable")
        try:
            response = await self._one(inbound)
        except Exception as error:  # noqa: BLE001 - it would hold up all that its member sends
            return TryLater(type(error).__name__) if letter.tries < POISON else Rejected(type(error).__name__)
        if response == FAILED and letter.tries >= POISON:
            return Rejected("its turn fails")
        return Delivered() if response.status == 200 else TryLater(f"HTTP {response.status}")


def inbound_of(body: bytes) -> Inbound:
    """What is kept in a message. Raises `msgspec.DecodeError`."""
    return _DECODER.decode(body)


def _name(inbound: Inbound) -> str:
    return f"{INBOX}{inbound.channel}/{inbound.gateway}"


def _bare(value: Any) -> Any:
    assert isinstance(value, Secret)  # nothing else in an inbound is unknown to msgspec
    return value.reveal()


def _secret(kind: type, value: Any) -> Any:
    """A text, hidden again. What this raises msgspec tells as a `ValidationError`."""
    if not isinstance(value, str):
        raise TypeError(f"a {kind.__name__} is a text")
    return Secret(value)


_ENCODER: Final = msgspec.msgpack.Encoder(enc_hook=_bare)
_DECODER: Final = msgspec.msgpack.Decoder(Inbound, dec_hook=_secret)
