"""`kikao run --workers N`: several processes of an app on one socket that listens, over one store.

The socket stays open here. A worker that dies is replaced, later each time when its successors die young; when none
lives, all end. SIGTERM and SIGINT are passed on, and this ends when the last worker has. SIGHUP replaces the workers
one after the other, each when its successor answers: so new code and new settings come in, and no request is refused.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from types import FrameType, TracebackType
from typing import Final, Self

import click
import msgspec

from kikao.cli.serving import announce, listen, load_settings
from kikao.cli.worker import Serving
from kikao.config import Settings, tenants_named
from kikao.config.tenants import CHOSEN

GRACE: Final = 55.0
"""Seconds beyond the drain that a worker gets to end: WebSockets have 30, requests and effects that run 10 each."""

YOUNG: Final = 5.0
"""Seconds that a worker has to serve, or its death counts."""

CRASHES: Final = 5
"""So many young deaths in a row, whichever worker's, and all end."""

LONGEST_PAUSE: Final = 15.0
"""Most seconds before a dead worker is replaced."""

TICK: Final = 0.5
"""Seconds between two looks at who lives, when nothing happens."""


def serve_with_workers(target: str, host: str, port: int, workers: int) -> None:
    """Serve `module:app` with several processes until told to stop.

    Exits with 2 and the reason when it cannot start, with 1 when the workers would not live or end.
    """
    settings = _settings(workers)
    with contextlib.closing(listen(host, port)) as door, _Told() as told:
        code = _Workers(target, door, workers, settings, told).run()
    if code:
        raise SystemExit(code)


def _settings(workers: int) -> tuple[Settings, ...]:
    """Those of the app, or of each tenant that has any: only workers load what they serve."""
    names = () if os.environ.get(CHOSEN) else tenants_named()
    each = [load_settings(makes_keys=True, workers=workers, tenant=name) for name in names or (None,)]
    return tuple(own.without_simulator() for own in each)


class _Workers:
    """The workers, by their numbers from 1."""

    def __init__(
        self, target: str, door: socket.socket, count: int, settings: tuple[Settings, ...], told: _Told
    ) -> None:
        self._target = target
        self._door = door
        self._count = count
        self._settings = settings
        self._told = told
        self._at_work: dict[int, _Worker] = {}
        self._coming: _Worker | None = None
        """A successor of one that is to be replaced."""
        self._to_replace: deque[int] = deque()
        self._leaving: list[_Worker] = []
        self._due: dict[int, float] = {}
        """When a dead one is replaced."""
        self._crashes = 0
        """Young deaths in a row, while nobody was older."""
        self._young: dict[int, int] = {}
        """The same for each number, whoever else lives."""
        self._announced = False

    def run(self) -> int:
        """Until told to stop, or nobody lives; the exit code. Nothing is left running."""
        try:
            self._at_work[1] = self._start(1)  # alone at first: it makes what the others find
            while not self._told.end:
                self._told.wait(self._patience(), self._all())
                if self._told.replace:
                    self._told.replace = False
                    self._to_replace.extend(n for n in sorted(self._at_work) if n not in self._to_replace)
                for worker in self._all():
                    worker.hear()
                if not self._announced and not self._look_at_the_first():
                    return 2
                self._replace()
                if not self._look_after():
                    return 1
            return self._end()
        finally:
            for worker in self._all():
                worker.kill()

    def _patience(self) -> float:
        soonest = min(self._due.values(), default=time.monotonic() + TICK)
        return min(max(soonest - time.monotonic(), 0.0), TICK)

    def _all(self) -> list[_Worker]:
        coming = [] if self._coming is None else [self._coming]
        return [*self._at_work.values(), *coming, *self._leaving]

    def _start(self, number: int) -> _Worker:
        return _Worker(self._target, number, self._door)

    def _look_at_the_first(self) -> bool:
        """When it answers the others come, and it is said what is on; False when it will not."""
        first = self._at_work[1]
        if first.serving is not None:
            for number in range(2, self._count + 1):
                self._at_work[number] = self._start(number)
            self._announced = True
            told = first.serving
            announce(
                self._settings,
                tuple(told.order),
                told.url,
                welcome=False,
                lacking=told.lacking,
                live=told.live,
            )
            click.echo(
                f"workers: {self._count}, pids {', '.join(str(w.pid) for w in self._at_work.values())}"
            )
            sys.stdout.flush()
        if not first.alive:
            _say(f"worker 1 ended before it answered ({first.code})")
        return first.alive

    def _look_after(self) -> bool:
        """Replace the dead when it is time; False when none of them would live."""
        now = time.monotonic()
        for number, worker in list(self._at_work.items()):
            if worker.alive:
                if worker.has_served(now) >= YOUNG:
                    self._crashes = self._young[number] = 0
                continue
            del self._at_work[number]
            worker.kill()
            if worker.has_served(now) < YOUNG:
                self._crashes += 1
                self._young[number] = self._young.get(number, 0) + 1
            if self._crashes >= CRASHES:
                _say(f"worker {number} ended ({worker.code}), as {CRASHES} did in a row: all end")
                self._end()
                return False
            young = self._young.get(number, 0)
            pause = min(0.25 * 2 ** min(young, 10), LONGEST_PAUSE) if young else 0.0
            self._due[number] = now + pause
            _say(
                f"worker {number} ended ({worker.code}); another one starts"
                + (f" in {pause:g} s" if pause else "")
            )
        for number in [number for number, due in self._due.items() if due <= now]:
            del self._due[number]
            self._at_work[number] = self._start(number)
        for worker in [worker for worker in self._leaving if not worker.alive]:
            worker.kill()
            self._leaving.remove(worker)
        return True

    def _replace(self) -> None:
        """One at a time, the old one when the new one answers."""
        coming = self._coming
        if coming is None:
            if self._announced and self._to_replace and not self._leaving:
                self._coming = self._start(self._to_replace.popleft())
        elif coming.serving is not None:
            self._coming = None
            before = self._at_work.get(coming.number)
            self._due.pop(coming.number, None)
            self._at_work[coming.number] = coming
            if before is not None:
                before.tell(signal.SIGTERM)
                self._leaving.append(before)
            if not self._to_replace:
                _say("the workers are replaced")
        elif not coming.alive:
            self._coming = None
            coming.kill()
            self._to_replace.clear()
            _say(f"a new worker ended ({coming.code}); those before go on")

    def _end(self) -> int:
        """Pass the signal on, and wait for all of them."""
        workers = self._all()
        for worker in workers:
            worker.tell(signal.SIGTERM)
        until = time.monotonic() + max(own.drain for own in self._settings) + GRACE
        for worker in workers:
            worker.wait(max(until - time.monotonic(), 0.0))
        late = [worker for worker in workers if worker.alive]
        for worker in late:
            _say(f"worker {worker.number} did not end in time")
        return 1 if late or any(worker.failed for worker in workers) else 0


class _Worker:
    """A process that serves, or will."""

    def __init__(self, target: str, number: int, door: socket.socket) -> None:
        self.number = number
        self.serving: Serving | None = None
        """What it said when it answered."""
        self._since: float | None = None
        self._heard = b""
        self._told, tells = os.pipe()
        hears, self._life = os.pipe()
        numbers = (number, door.fileno(), tells, hears)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "kikao.cli.worker", target, *map(str, numbers)],
                pass_fds=numbers[1:],
                process_group=0,  # a Ctrl-C in the terminal is ours to pass on
            )
        finally:
            os.close(tells)
            os.close(hears)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    @property
    def failed(self) -> bool:
        """Whether it ended, and not as it was asked to."""
        return self._process.poll() not in (None, 0, -signal.SIGTERM)  # that, while it was being loaded

    @property
    def code(self) -> str:
        """How it ended."""
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    @property
    def waits_on(self) -> int:
        """What becomes readable when it says that it answers, or dies before; -1 when nothing is to come."""
        return self._told

    def has_served(self, now: float) -> float:
        """For how many seconds; 0.0 for one that never did."""
        return 0.0 if self._since is None else now - self._since

    def hear(self) -> None:
        """What it has said since, if anything."""
        while self._told >= 0 and select.select([self._told], [], [], 0)[0]:
            more = os.read(self._told, 65536)
            self._heard += more
            if not more:
                os.close(self._told)
                self._told = -1
                with contextlib.suppress(msgspec.DecodeError):
                    self.serving = msgspec.json.decode(self._heard, type=Serving)
                    self._since = time.monotonic()

    def tell(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def wait(self, seconds: float) -> None:
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(seconds)

    def kill(self) -> None:
        """End it now, and close the pipes to it; only that when it is over."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._told, self._life):
            if pipe >= 0:
                os.close(pipe)
        self._told = self._life = -1


class _Told:
    """The signals of whoever runs this, and what they mean."""

    def __init__(self) -> None:
        self.end = False
        self.replace = False
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._writes, False)
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._before[number] = signal.signal(number, self._hear)
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, self._notice)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reads)
        os.close(self._writes)

    def wait(self, seconds: float, workers: list[_Worker]) -> None:
        """Until a signal, or word of a worker, so many seconds at most."""
        pipes = [worker.waits_on for worker in workers if worker.waits_on >= 0]
        ready, _, _ = select.select([self._reads, *pipes], [], [], seconds)
        if self._reads in ready:
            os.read(self._reads, 65536)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP and not sys.stdin.isatty():
            self.replace = True
        elif self.end:
            # The workers end with this process, as their pipes close; but at once is meant.
            _say(f"{signal.Signals(number).name} again: ending at once")
            raise _AtOnce(128 + number)
        else:
            self.end = True
        self._notice(number, frame)

    def _notice(self, number: int, frame: FrameType | None) -> None:
        with contextlib.suppress(BlockingIOError):
            os.write(self._writes, b"\n")


class _AtOnce(SystemExit):
    """Raised wherever this is when it is told to stop for the second time."""


def _say(what: str) -> None:
    click.echo(f"kikao: {what}", err=True)
