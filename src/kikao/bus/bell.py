"""A bell over the bus: who rings it wakes somebody in every other process, at most so often, and waits for nobody."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from kikao.bus.fanout import Fanout, FanoutAway, Gap

PAUSE: Final = 0.01
"""Seconds between two messages: what rings meanwhile is one."""


class Bell:
    """`rung` is called with the numbers that another process rang, or this one; with None when some may be missing."""

    def __init__(self, fanout: Fanout, topic: str, rung: Callable[[frozenset[int] | None], None]) -> None:
        self._fanout = fanout
        self._topic = topic
        self._rung = rung
        self._numbers: set[int] = set()
        self._ringing = asyncio.Event()

    def ring(self, number: int = 0) -> None:
        """Tell the others soon. Never waits, never fails: who does not hear it finds out by looking."""
        self._numbers.add(number & 255)
        self._ringing.set()

    async def run(self) -> None:
        """Ring and listen, for ever; cancel it to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._ring())
            tasks.create_task(self._listen())

    async def _ring(self) -> None:
        while True:
            await self._ringing.wait()
            self._ringing.clear()
            numbers, self._numbers = bytes(sorted(self._numbers)), set()
            with contextlib.suppress(FanoutAway):
                await self._fanout.publish(self._topic, numbers)
            await asyncio.sleep(PAUSE)

    async def _listen(self) -> None:
        async with self._fanout.subscribe(self._topic) as heard:
            async for each in heard:
                self._rung(None if isinstance(each, Gap) else frozenset(each.payload))
