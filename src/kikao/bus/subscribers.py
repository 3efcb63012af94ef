"""The subscribers of one process, by topic: a bounded queue for each."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kikao.bus.fanout import BOUND, Gap, Heard


class Subscription:
    """What waits for one subscriber. The last thing in a full queue is a `Gap`, until there is room again."""

    def __init__(self, bound: int = BOUND) -> None:
        self._waiting: deque[Heard] = deque()
        self._bound = bound
        self._came = asyncio.Event()
        self._closed = False

    def put(self, heard: Heard) -> None:
        """Add to what waits, or leave a `Gap` in its place."""
        if self._closed:
            return
        if len(self._waiting) >= self._bound:
            heard = Gap()
        if not (isinstance(heard, Gap) and self._waiting and isinstance(self._waiting[-1], Gap)):
            self._waiting.append(heard)
        self._came.set()

    def close(self) -> None:
        """Nothing more comes; what waits is still heard."""
        self._closed = True
        self._came.set()

    def __aiter__(self) -> AsyncIterator[Heard]:
        return self

    async def __anext__(self) -> Heard:
        while not self._waiting:
            if self._closed:
                raise StopAsyncIteration
            self._came.clear()
            await self._came.wait()
        return self._waiting.popleft()


class Subscribers:
    """All of a process."""

    def __init__(self) -> None:
        self._by_topic: dict[str, list[Subscription]] = {}

    @property
    def topics(self) -> frozenset[str]:
        """Those that somebody hears."""
        return frozenset(self._by_topic)

    def count(self, topic: str) -> int:
        """How many hear a topic."""
        return len(self._by_topic.get(topic, ()))

    @asynccontextmanager
    async def one(self, topic: str) -> AsyncIterator[Subscription]:
        """One more, for as long as this is entered."""
        subscription = Subscription()
        self._by_topic.setdefault(topic, []).append(subscription)
        try:
            yield subscription
        finally:
            subscription.close()
            others = self._by_topic[topic]
            others.remove(subscription)
            if not others:
                del self._by_topic[topic]

    def tell(self, topic: str, heard: Heard) -> None:
        """To those of a topic."""
        for subscription in self._by_topic.get(topic, ()):
            subscription.put(heard)

    def tell_all(self, heard: Gap) -> None:
        """To those of every topic."""
        for topic in self._by_topic:
            self.tell(topic, heard)

    def close(self) -> None:
        """Nothing more comes."""
        for subscriptions in self._by_topic.values():
            for subscription in subscriptions:
                subscription.close()
