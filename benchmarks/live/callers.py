"""Members who talk over USSD at a steady pace, posted as a gateway does: see `benchmarks.live.steady`.

Each holds the conversation of `benchmarks.conversation`, over and over, on a connection that is kept. A turn waits from
its post to its reply; nobody answers a screen before it came. Who gets another screen, such as that the service is
unavailable, waits for ever by this count, and dials again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from benchmarks.live.steady import Waits, child, steady
from benchmarks.load import Phone

MEMBERS: Final = 50
PACE: Final = 2.0
"""Turns a second of each."""


def callers(port: int) -> AbstractAsyncContextManager[Waits]:
    """They talk until the end."""
    return steady("benchmarks.live.callers", port, MEMBERS, PACE)


class Caller(Phone):
    """One of them."""

    def __init__(self, number: str) -> None:
        super().__init__(number)
        self._free = asyncio.Event()
        self._free.set()
        self._error: Exception | None = None

    async def go_on(self, pace: float, begins: float) -> None:
        due = begins
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            await self._free.wait()
            self._free.clear()
            self.post()
            due += 1 / pace

    def answered(self) -> None:
        self._free.set()

    def refused(self, answer: bytes) -> None:
        self.waits[-1] = math.inf
        self.begin()
        self._free.set()

    def failed(self, error: Exception) -> None:
        self._error = error

    def taken(self) -> list[float]:
        if self._error is not None:
            raise self._error
        found, self.waits = self.waits, []
        return found if self._free.is_set() else [*found, time.perf_counter() - self.posted_at]


async def _begin(port: int, members: int) -> Sequence[Caller]:
    found = [Caller(f"+25677{number:07}") for number in range(members)]
    loop = asyncio.get_running_loop()
    for each in found:
        await loop.create_connection(lambda each=each: each, "127.0.0.1", port)  # type: ignore[misc]
    return found


if __name__ == "__main__":
    child(_begin)
