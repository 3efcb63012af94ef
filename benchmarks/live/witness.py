"""Sockets that say something at a steady pace, in a process of their own: what others do to them shows in their waits.

`python -m benchmarks.live.witness PORT SOCKETS PACE`: begins, says `ready` on standard output, and at each line on
standard input prints the waits since the last as JSON. They talk on whatever is answered, so that no wait hides others.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvloop

from benchmarks.live import wire
from benchmarks.live.inside import payload
from benchmarks.live.sockets import PATIENCE, Member, come
from benchmarks.subjects import ROOT

SOCKETS: Final = 50
PACE: Final = 10.0
"""Echoes a second of each."""

_LINES: Final = 1 << 26
"""Octets that a line of waits may have."""


@asynccontextmanager
async def witnesses(port: int) -> AsyncIterator[Witnesses]:
    """They talk until the end."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.live.witness", str(port), str(SOCKETS), str(PACE)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        limit=_LINES,
    )
    try:
        found = Witnesses(child)
        await found.answer()
        yield found
    finally:
        child.kill()
        await child.wait()


class Witnesses:
    """The child, as its parent sees it."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def waits(self) -> list[float]:
        """Seconds of each echo since the last question, sorted; those that are not back yet count so far."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"\n")
        return sorted(json.loads(await self.answer()))

    async def answer(self) -> bytes:
        """A line of the child's."""
        assert self._child.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._child.stdout.readline()
        if not line:
            raise RuntimeError("the witnesses ended early")
        return line


class _Witness(Member):
    def __init__(self, port: int, number: int) -> None:
        super().__init__(port, f"witness{number}", "crowd:witness")
        self.waits: list[float] = []
        self._said: dict[int, float] = {}
        self._ref = 1

    async def talk(self, pace: float, begins: float) -> None:
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
        """What it waited, and waits: what is still under way is counted once, now."""
        now = time.perf_counter()
        found, self.waits = [*self.waits, *(now - then for then in self._said.values())], []
        self._said.clear()
        return found


async def _watch(port: int, sockets: int, pace: float) -> None:
    found = [_Witness(port, number) for number in range(sockets)]
    await come(found)
    now = time.perf_counter()
    talks = [asyncio.create_task(each.talk(pace, now + at / sockets / pace)) for at, each in enumerate(found)]
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps([wait for each in found for wait in each.taken()]), flush=True)
    for talk in talks:
        talk.cancel()


def main() -> None:
    """The child."""
    port, sockets, pace = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_watch(int(port), int(sockets), float(pace)))


if __name__ == "__main__":
    main()
