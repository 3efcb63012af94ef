"""What a bus does, whatever carries it, and what a subscriber hears."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

import msgspec

LONGEST: Final = 64 * 1024
"""Octets of a message, at most."""

BOUND: Final = 1000
"""Messages that wait for a subscriber; who is slower hears a `Gap` in their place."""


class Message(msgspec.Struct, frozen=True):
    """What somebody published."""

    payload: bytes


class Gap(msgspec.Struct, frozen=True):
    """Something may have been missed: the connection was lost, messages were, or the subscriber was too slow."""


Heard = Message | Gap


class FanoutAway(Exception):
    """What carries the bus does not answer; the message reached nobody, or some."""


class Fanout(Protocol):
    """Carries messages to all subscribers of a topic, in every process, the publisher's own included.

    Those of one publisher come in their order, each at most once. What is published before a subscription stands is not
    heard. Where something was lost, a `Gap` comes, at the latest with the publisher's next message: after a reconnect
    always, since nothing is kept for who was away.
    """

    async def open(self) -> None:
        """Try to connect, and keep trying in the background for as long as it is open. Raises nothing."""
        ...

    async def close(self) -> None:
        """End; subscriptions end with it."""
        ...

    async def publish(self, topic: str, payload: bytes) -> None:
        """Tell all. Raises `FanoutAway`, and `ValueError` for what is no topic or over `LONGEST`."""
        ...

    def subscribe(self, topic: str) -> AbstractAsyncContextManager[AsyncIterator[Heard]]:
        """Hear a topic, from the moment it is entered. Raises `ValueError` for what is no topic."""
        ...

    def reaches_others(self, topic: str) -> bool:
        """Whether anybody may hear a topic now besides one subscriber in this process."""
        ...

    async def answers(self) -> None:
        """Raises `FanoutAway` while it is not connected."""
        ...


def checked(topic: str, payload: bytes = b"") -> str:
    """The topic. Raises `ValueError`."""
    if not _TOPIC(topic):
        raise ValueError(f"{topic[:60]!r} is no topic: 1 to 40 of a-z, 0-9, . and -")
    if len(payload) > LONGEST:
        raise ValueError(f"a message of {len(payload)} octets; a bus carries {LONGEST}")
    return topic


_TOPIC = re.compile("[a-z0-9.-]{1,40}").fullmatch
