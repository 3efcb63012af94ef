"""What processes tell each other on the bus: in order, waiting for nobody; who was away hears of the gap."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from kikao.bus import LONGEST, Fanout, FanoutAway, Gap
from kikao.live.news import TOPIC, News, packed, unpacked

N = TypeVar("N", bound=News)

NODE: Final = 16
"""Characters of a node's name, which stand before each message."""

WAITING: Final = 10_000
"""Messages that wait to be published; older ones are lost, as in an outage."""


class Wire:
    """Tells the other processes, and hears them; a process does not hear itself."""

    def __init__(self, bus: Fanout, node: str) -> None:
        """`node` is the random name of this process, `NODE` characters of ASCII."""
        self.node = node
        self._bus = bus
        self._own = node.encode()
        self._hears: dict[type, Callable[[Any], None]] = {}
        self._gaps: list[Callable[[], None]] = []
        self._waiting: deque[bytes] = deque(maxlen=WAITING)
        self._rung = asyncio.Event()
        self.heard = asyncio.Event()
        """Whether it hears the others by now."""
        self.gaps = 0
        """How often something was lost."""

    def on(self, kind: type[N], hears: Callable[[N], None]) -> None:
        """What is called with news of a kind. It must be quick, and must not raise."""
        self._hears[kind] = hears

    def on_gap(self, hears: Callable[[], None]) -> None:
        """What is called when something may have been missed: it looks for itself."""
        self._gaps.append(hears)

    def tell(self, news: News) -> None:
        """To all other processes, soon, in the order of the calls. What is too long for the bus is heard as a gap."""
        self._waiting.append(self._own + packed(news))
        self._rung.set()

    async def run(self) -> None:
        """Tell and hear; cancel it to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._tell())
            tasks.create_task(self._hear())

    async def told(self) -> None:
        """Publish what waits, now."""
        while self._waiting:
            await self._publish(self._waiting.popleft())

    async def _tell(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            await self.told()

    async def _publish(self, octets: bytes) -> None:
        if len(octets) > LONGEST:
            octets = self._own  # the number of it is used up: who hears this looks for itself
        with contextlib.suppress(
            FanoutAway
        ):  # its number is missing, so the next message is heard with a gap
            await self._bus.publish(TOPIC, octets)

    async def _hear(self) -> None:
        async with self._bus.subscribe(TOPIC) as heard:
            self.heard.set()
            async for each in heard:
                if isinstance(each, Gap):
                    self._missed()
                elif not each.payload.startswith(self._own):
                    self._take(each.payload)

    def _take(self, payload: bytes) -> None:
        try:
            news = unpacked(payload[NODE:])
        except msgspec.MsgspecError:
            self._missed()  # of another release, or too long
            return
        if (hears := self._hears.get(type(news))) is not None:
            hears(news)

    def _missed(self) -> None:
        self.gaps += 1
        for each in self._gaps:
            each()
