"""The bus of one process: nothing is lost but what a slow subscriber leaves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kikao.bus.fanout import FanoutAway, Heard, Message, checked
from kikao.bus.subscribers import Subscribers


class MemoryFanout:
    """See `Fanout`."""

    def __init__(self) -> None:
        self._subscribers = Subscribers()
        self._closed = False

    async def open(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        self._closed = True
        self._subscribers.close()

    async def publish(self, topic: str, payload: bytes) -> None:
        await self.answers()
        self._subscribers.tell(checked(topic, payload), Message(payload))

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Heard]]:
        async with self._subscribers.one(checked(topic)) as subscription:
            yield subscription

    def reaches_others(self, topic: str) -> bool:
        return self._subscribers.count(topic) > 1

    async def answers(self) -> None:
        if self._closed:
            raise FanoutAway("the bus is closed")
