"""Something that is done at a steady pace by a process of its own: what others do to it shows in its waits.

`python -m MODULE PORT COUNT PACE` begins, says `ready` on standard output, and at each line on standard input prints
the waits since the last as JSON.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any, Final, Protocol

import uvloop

from benchmarks.live.sockets import PATIENCE
from benchmarks.subjects import ROOT

_LINES: Final = 1 << 26
"""Octets that a line of waits may have."""


class Waits:
    """The child, as its parent sees it."""

    def __init__(self, child: asyncio.subprocess.Process) -> None:
        self._child = child

    async def waits(self) -> list[float]:
        """Seconds of each since the last question, sorted; those that are not answered yet count so far."""
        assert self._child.stdin is not None
        self._child.stdin.write(b"\n")
        return sorted(json.loads(await self.answer()))

    async def answer(self) -> bytes:
        """A line of the child's."""
        assert self._child.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await self._child.stdout.readline()
        if not line:
            raise RuntimeError("what is done at a steady pace ended early")
        return line


@contextlib.asynccontextmanager
async def steady(module: str, port: int, count: int, pace: float) -> AsyncIterator[Waits]:
    """So many of them, each so often a second, until the end."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", module, str(port), str(count), str(pace)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=ROOT,
        limit=_LINES,
    )
    try:
        found = Waits(child)
        await found.answer()
        yield found
    finally:
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        await child.wait()


class Steady(Protocol):
    """One of the child's."""

    async def go_on(self, pace: float, begins: float) -> None:
        """So often a second, from this moment on, for ever."""
        ...

    def taken(self) -> list[float]:
        """What it waited, and waits: what is still under way is counted once, now."""
        ...


def child(begin: Callable[[int, int], Coroutine[Any, Any, Sequence[Steady]]]) -> None:
    """Be the child, with what `begin` makes of a port and a count."""
    port, count, pace = sys.argv[1:]
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_go_on(begin(int(port), int(count)), float(pace)))


async def _go_on(beginning: Coroutine[Any, Any, Sequence[Steady]], pace: float) -> None:
    found, now = await beginning, time.perf_counter()
    tasks = [
        asyncio.create_task(each.go_on(pace, now + at / len(found) / pace)) for at, each in enumerate(found)
    ]
    print("ready", flush=True)
    loop = asyncio.get_running_loop()
    while await loop.run_in_executor(None, sys.stdin.readline):
        print(json.dumps([wait for each in found for wait in each.taken()]), flush=True)
    for task in tasks:
        task.cancel()
