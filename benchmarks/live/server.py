"""A measured server in a process of its own: its CPU and memory as the kernel counts them, and a socket to ask it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Final

from benchmarks.live import wire
from benchmarks.live.inside import CONTROL
from benchmarks.live.sockets import PATIENCE, Member, beating, come
from benchmarks.live.tokens import SETTING
from benchmarks.subjects import ROOT

KIKAO: Final = Path(sys.executable).with_name("kikao")
COMMANDS: Final = {
    "kikao": [str(KIKAO), "run", "benchmarks.live.app:app", "--port", "0"],
    "bare": [sys.executable, "-m", "benchmarks.live.bare"],
}
_ANSWERING: Final = re.compile(r"answering on http://[^:]+:([0-9]+)")

OPEN: Final = {"connects": 1e6, "events": 1e6, "burst": 1_000_000, "crashes": 1_000_000}
"""Limits that are none, where what lies below them is measured."""


class Server:
    """One that answers, and what it costs. `name` is that of one of `COMMANDS`."""

    def __init__(self, name: str, port: int, process: int, control: _Control) -> None:
        self.name = name
        self.port = port
        self._process = process
        self._control = control

    def cpu(self) -> float:
        """Seconds of all its threads so far. Linux only."""
        return time.clock_gettime(~self._process << 3 | 2)  # what clock_getcpuclockid(3) makes of a process

    async def resident(self) -> float:
        """KiB of memory that it has, once its garbage is collected. What the kernel keeps for sockets is not in it."""
        await self.ask("collect")
        found = Path(f"/proc/{self._process}/smaps_rollup").read_text()
        return int(found.partition("Rss:")[2].split()[0])

    async def ask(self, event: str, asked: Mapping[str, Any] = {}) -> dict[str, Any]:
        """What `benchmarks.live.inside` answers."""
        return await self._control.ask(event, asked)


class _Control(Member):
    """The socket of the questions."""

    def __init__(self, port: int) -> None:
        super().__init__(port, "bench-control", CONTROL)
        self._asked = 1
        self._answer: asyncio.Future[dict[str, Any]] | None = None

    async def ask(self, event: str, asked: Mapping[str, Any]) -> dict[str, Any]:
        self._asked += 1
        self._answer = self.joined.get_loop().create_future()
        self.write(wire.said("1", str(self._asked), self.topic, event, asked))
        async with asyncio.timeout(PATIENCE):
            return await self._answer

    def heard(self, text: bytes) -> None:
        if not self.joined.done():
            super().heard(text)
        elif self._answer is not None and text.startswith(b'["1","%d",' % self._asked):
            reply = json.loads(text)[4]
            if reply["status"] == "ok":
                self._answer.set_result(reply["response"])
            else:
                self._answer.set_exception(RuntimeError(f"the server answered {reply}"))

    def lost(self) -> None:
        super().lost()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ConnectionError("the server closed the socket of questions"))


@contextlib.asynccontextmanager
async def serving(
    name: str, folder: Path, limits: Mapping[str, float] = OPEN, *, store: str = "memory:"
) -> AsyncIterator[Server]:
    """A server that was started for this, and is stopped."""
    folder.mkdir(parents=True, exist_ok=True)
    environ = {key: value for key, value in os.environ.items() if not key.startswith("KIKAO_")}
    environ |= {
        "KIKAO_DATA": str(folder),
        "KIKAO_STORE": store,
        "KIKAO_JWT_KEYS": SETTING,
        "KIKAO_SIMULATOR": "off",  # as in production: it looks at each frame
        "BENCH_LIMITS": json.dumps(limits),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), environ.get("PYTHONPATH")])),
        "PYTHONUNBUFFERED": "1",
    }
    with (folder / "log").open("wb") as log:
        child = await asyncio.create_subprocess_exec(
            *COMMANDS[name], env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=log
        )
        try:
            port = await _port(child)
            control = _Control(port)
            await come([control])
            alive = asyncio.create_task(beating([control]))
            yield Server(name, port, child.pid, control)
            alive.cancel()
        except Exception as error:
            error.add_note(f"{name} said:\n{(folder / 'log').read_text(errors='replace')[-2000:]}")
            raise
        finally:
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
            await child.communicate()


async def _port(child: asyncio.subprocess.Process) -> int:
    assert child.stdout is not None
    async for line in child.stdout:
        if found := _ANSWERING.search(line.decode()):
            return int(found[1])
    raise RuntimeError("the server ended early")
