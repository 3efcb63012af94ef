"""What a turn posts, as messages that are stored with it: sealed, named by the run, each good for a few days."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Final

from kikao.conversation.journal import Posted
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.sealing import KeyRing, message_to
from kikao.sessions.trail import GOOD_FOR as TRAIL_GOOD_FOR
from kikao.sessions.trail import TO

SCREENS: Final = "ussd/"
"""Before the name of a gateway, where its screens go out as calls of their own."""

OUTCOMES: Final = "outcomes"
"""Where what became of an effect goes when it came after its reply: who sends there tells the member."""

REPLIES: Final = (SCREENS, "whatsapp/", "telegram/", "sms/", "socket/", OUTCOMES)
"""Before the names of destinations for which members wait."""

GOOD_FOR: Final = 3 * 86400.0
"""Seconds in which a message has to leave; a receiver that is away for longer misses it."""


def outgoing(ring: KeyRing, key: bytes, posts: Sequence[Posted], now: float) -> list[Outgoing]:
    """The messages of the session `key`, due at once, in the order in which they were posted."""
    return [
        Outgoing(
            id=post.id,
            session=key,
            to=post.to,
            payload=ring.seal(post.body, post.id, message_to(post.to)),
            due_at=now,
            expires_at=now + GOOD_FOR,
            posted_at=now,
        )
        for post in posts
    ]


def to_records(ring: KeyRing, key: bytes, body: bytes, now: float) -> Outgoing:
    """What the session `key` leaves for the audit trail."""
    id_ = os.urandom(16)
    payload = ring.seal(body, id_, message_to(TO))
    return Outgoing(
        id=id_,
        session=key,
        to=TO,
        payload=payload,
        due_at=now,
        expires_at=now + TRAIL_GOOD_FOR,
        posted_at=now,
        urgency=2,
    )


def screen(ring: KeyRing, key: bytes, to: str, body: bytes, now: float, until: float) -> Outgoing:
    """A screen of the session `key` for a dialogue, which is of no use any more after `until`."""
    id_ = os.urandom(16)
    payload = ring.seal(body, id_, message_to(to))
    return Outgoing(id=id_, session=key, to=to, payload=payload, due_at=now, expires_at=until, posted_at=now)


def announce(
    messages: Sequence[Outgoing],
    key: bytes,
    *,
    posted: Callable[[bytes], None],
    pushed: Callable[[bytes], None],
) -> None:
    """Have what is stored by now leave: screens, which somebody waits for, and the rest."""
    screens = sum(message.to.startswith(REPLIES) for message in messages)
    if screens:
        pushed(key)
    if screens < len(messages):
        posted(key)


def opened(ring: KeyRing, message: Outgoing) -> bytes:
    """What a message holds. Raises `SealError`."""
    return ring.unseal(message.payload, message.id, message_to(message.to))
