"""Who is in which topic on this process, and what is told to all of them: in order, and a large crowd by and by."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol

from kikao.channels.socket.protocol import Frame
from kikao.live.routes import Route
from kikao.live.session import Connected

AT_ONCE: Final = 500
"""Frames of a broadcast that are written before anything else may run."""


class Subscriber(Protocol):
    """A channel, as far as its topic knows it."""

    name: str
    """What the topic is called between processes and in the store."""
    topic: str
    """What its client calls it."""
    route: Route

    @property
    def socket(self) -> Connected:
        """What it is on."""
        ...

    def say(self, frame: Frame, seq: int = 0) -> None:
        """Write a frame; `seq` is its number in the topic's stream, 0 for none."""
        ...

    def lose(self) -> None:
        """What it should have had is nowhere any more: its client joins anew."""
        ...


class Topics:
    """Of one process."""

    def __init__(self, spawn: Callable[[Coroutine[Any, Any, None]], asyncio.Task[None]]) -> None:
        self._spawn = spawn
        self._all: dict[str, dict[Subscriber, None]] = {}
        self._fan: deque[tuple[list[Subscriber], Frame, int, str]] = deque()
        self._fanning: asyncio.Task[None] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def of(self, name: str) -> list[Subscriber]:
        """Who is in a topic now."""
        return list(self._all.get(name, ()))

    def counts(self) -> dict[str, int]:
        """The topics that somebody is in, and by how many channels."""
        return {name: len(subscribers) for name, subscribers in self._all.items()}

    def enter(self, subscriber: Subscriber) -> bool:
        """From now on it hears its topic. Whether it is the first."""
        subscribers = self._all.setdefault(subscriber.name, {})
        subscribers[subscriber] = None
        return len(subscribers) == 1

    def leave(self, subscriber: Subscriber) -> bool:
        """It hears its topic no more. Whether it was in it, and nobody else is."""
        subscribers = self._all.get(subscriber.name)
        if subscribers is None or subscriber not in subscribers:
            return False
        del subscribers[subscriber]
        if subscribers:
            return False
        del self._all[subscriber.name]
        return True

    def tell(self, name: str, frame: Frame, seq: int = 0, but: str = "") -> None:
        """A frame to all of a topic, but those on the socket with the id `but`, behind all that was told before."""
        subscribers = self._all.get(name)
        if subscribers is None:
            return
        if self._fanning is None and len(subscribers) <= AT_ONCE:
            for each in subscribers:
                if each.socket.id != but:
                    each.say(frame, seq)
            return
        self._fan.append((list(subscribers), frame, seq, but))
        if self._fanning is None:
            self._fanning = self._spawn(self._go_on_telling())

    async def _go_on_telling(self) -> None:
        try:
            while self._fan:
                crowd, frame, seq, but = self._fan.popleft()
                for at in range(0, len(crowd), AT_ONCE):
                    for each in crowd[at : at + AT_ONCE]:
                        if each.socket.id != but:
                            each.say(frame, seq)
                    await asyncio.sleep(0)
        finally:
            self._fanning = None
