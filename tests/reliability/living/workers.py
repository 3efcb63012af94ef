"""The processes that serve the crowd, each on a port of its own and behind a wire of its own to what they share."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

from tests.engines.proxy import Proxy, Refuse
from tests.http import forked
from tests.http.servers import ServerProcess, environment
from tests.reliability.grounds import Ground

APP: Final = "tests.reliability.living.app:app"


class Worker:
    """One process. `fate` is what becomes of the sockets that it loses now."""

    def __init__(self, number: int, proxy: Proxy, process: ServerProcess) -> None:
        self.number = number
        self.proxy = proxy
        self.process = process
        self.is_up = True
        """Whether whoever comes is sent there."""
        self.fate = "dropped"
        self.born = time.monotonic()
        self.impaired: list[list[float]] = []
        """From when to when it stood still or was cut off for longer than may pass unnoticed."""

    @property
    def port(self) -> int:
        return self.process.port

    @property
    def pid(self) -> int:
        return self.process.process.pid

    def impair(self, at: float) -> None:
        """From then on."""
        self.impaired.append([at, float("inf")])

    def recover(self) -> None:
        """Until now."""
        self.impaired[-1][1] = time.monotonic()

    def was_impaired(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self.impaired)


class Workers:
    """All of them. What they share is reached through a relay each, which can be cut."""

    def __init__(self, folder: Path, ground: Ground, env: Mapping[str, str], count: int) -> None:
        self.all: list[Worker] = []
        self.ever: list[Worker] = []
        self.kills = 0
        self._folder, self._ground, self._count = folder, ground, count
        self._env = {"KIKAO_STORE": ground.url, **env}
        self._stack = AsyncExitStack()
        self._proxies: list[Proxy] = []

    async def __aenter__(self) -> Workers:
        if self._ground.name == "PostgreSQL":
            self._env["KIKAO_RECORDS"] = self._ground.url
            await asyncio.to_thread(self._migrate)
        for _ in range(self._count):
            proxy = await self._stack.enter_async_context(Proxy(self._ground.target))
            self._proxies.append(proxy)
        self.all += await asyncio.gather(*map(self._start, range(self._count)))
        return self

    async def __aexit__(self, *_: object) -> None:
        for worker in self.all:
            if worker.process.process.poll() is None:
                worker.process.process.send_signal(signal.SIGCONT)
                worker.process.kill()
        await self._stack.aclose()

    @property
    def up(self) -> list[Worker]:
        return [worker for worker in self.all if worker.is_up]

    async def _start(self, number: int) -> Worker:
        proxy = self._proxies[number]
        url = self._ground.through(proxy.address)
        env = {**self._env, "KIKAO_BUS": url}
        process = forked.fork(self._folder / "data", APP, env=env, log=self._folder / "workers.log")
        await asyncio.to_thread(process.wait_until_up)
        worker = Worker(number, proxy, process)
        self.ever.append(worker)
        return worker

    def _migrate(self) -> None:
        data = self._folder / "data"
        env = environment(data, **self._env, KIKAO_BUS=self._ground.url)
        done = forked.run(("migrate", APP), folder=self._folder, env=env)
        assert done.returncode == 0, done.stderr

    async def kill(self, worker: Worker) -> None:
        worker.is_up, worker.fate = False, "killed"
        await asyncio.to_thread(worker.process.kill)
        self.kills += 1

    async def restart(self, worker: Worker) -> Worker:
        """Another one in its place."""
        self.all[worker.number] = await self._start(worker.number)
        return self.all[worker.number]

    async def drain(self, worker: Worker) -> int:
        """SIGTERM; its exit code."""
        worker.is_up, worker.fate = False, "drained"
        return await asyncio.to_thread(worker.process.stop)

    def pause(self, worker: Worker) -> None:
        worker.is_up = False
        worker.process.process.send_signal(signal.SIGSTOP)

    def resume(self, worker: Worker) -> None:
        worker.process.process.send_signal(signal.SIGCONT)
        worker.is_up = True

    def cut(self, *workers: Worker) -> None:
        """From bus and store, at once and until `heal`."""
        for worker in workers:
            worker.proxy.fault = Refuse()

    def heal(self, *workers: Worker) -> None:
        for worker in workers:
            worker.proxy.fault = None
