"""Sockets that say something at a steady pace: see `benchmarks.live.steady`.

They talk on whatever is answered, so that no wait hides others.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from typing import Final

from benchmarks.live import wire
from benchmarks.live.inside import payload
from benchmarks.live.sockets import Member, come
from benchmarks.live.steady import Waits, child, steady

SOCKETS: Final = 50
PACE: Final = 10.0
"""Echoes a second of each."""


def witnesses(port: int) -> AbstractAsyncContextManager[Waits]:
    """They talk until the end."""
    return steady("benchmarks.live.witness", port, SOCKETS, PACE)


class _Witness(Member):
    def __init__(self, port: int, number: int) -> None:
        super().__init__(port, f"witness{number}", "crowd:witness")
        self.waits: list[float] = []
        self._said: dict[int, float] = {}
        self._ref = 1

    async def go_on(self, pace: float, begins: float) -> None:
        due = begins
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            self._ref += 1
            self._said[self._ref] = time.perf_counter()
            self.write(wire.said("1", str(self._ref), self.topic, "echo", payload(62)))
            due += 1 / pace

    def heard(self, text: bytes) -> None:
        if not self.joined.done():
            super().heard(text)
            return
        ref = text[6 : text.find(b'"', 6)]  # behind ["1","
        if ref.isdigit() and (then := self._said.pop(int(ref), None)) is not None:
            self.waits.append(time.perf_counter() - then)

    def taken(self) -> list[float]:
        now = time.perf_counter()
        found, self.waits = [*self.waits, *(now - then for then in self._said.values())], []
        self._said.clear()
        return found


async def _begin(port: int, sockets: int) -> Sequence[_Witness]:
    found = [_Witness(port, number) for number in range(sockets)]
    await come(found)
    return found


if __name__ == "__main__":
    child(_begin)
