"""`kikao run --reload`: the app in a process of its own, and another one after each edit.

The socket stays open here all the time, so no request is refused: what comes while nobody serves waits in its queue.
The next process loads the new code while the present one serves. Only when that went well does the present one end,
because a SQLite store has one process; then the next one opens it and goes on with the conversations.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Final

import click
import msgspec

from kikao.cli.reloaded import Loaded
from kikao.cli.serving import give_up, listen, load_settings
from kikao.cli.watching import Watched, changes

EVERY: Final = 0.25
"""Seconds between two looks at the files."""

GRACE: Final = 30.0
"""Seconds a process gets to end: requests and effects that run have 10 each."""

DAMAGED: Final = 4 * 1024 * 1024
"""More octets than any report of a process has."""


def serve_and_reload(target: str, host: str, port: int) -> None:
    """Serve `module:app` until interrupted, always with the code as it is. Settings that will not do are an exit."""
    if load_settings().env == "production":
        give_up("--reload is for development, and KIKAO_ENV is production")
    with contextlib.closing(listen(host, port)) as door, _Stopping() as stopping:
        _Reloader(target, door, stopping).run()


class _Reloader:
    """At most two processes: one that serves, one that loads."""

    def __init__(self, target: str, door: socket.socket, stopping: _Stopping) -> None:
        self._target = target
        self._door = door
        self._stopping = stopping
        self._serving: _Process | None = None
        self._loading: _Process | None = None
        self._announced = False
        self._watched = Watched([os.getcwd()])
        self._seen = self._watched.look()

    def run(self) -> None:
        """Until told to stop; then nothing is left running."""
        try:
            self._begin()
            while not self._stopping.told:
                loading = self._loading
                if loading is None:
                    self._stopping.wait(EVERY)
                elif loading.has_told(EVERY):
                    self._loaded(loading)
                if changed := self._changed():
                    _say(f"{_listed(changed)} changed")
                    self._begin()
                else:
                    self._notice_death()
        finally:
            for process in filter(None, (self._loading, self._serving)):
                process.end()

    def _changed(self) -> list[str]:
        """Files that changed since the last look."""
        now = self._watched.look()
        if now == self._seen:
            return []
        while not self._stopping.told:  # editors write in several steps
            self._stopping.wait(EVERY / 2)
            before, now = now, self._watched.look()
            if now == before:
                break
        changed, self._seen = changes(self._seen, now), now
        return changed

    def _begin(self) -> None:
        """Load the code as it is now, and no other."""
        if self._loading is not None:
            self._loading.end()
        self._loading = _Process(self._target, self._door, again=self._announced)

    def _loaded(self, process: _Process) -> None:
        self._loading, loaded = None, process.loaded
        if loaded is not None:
            self._watched = self._watched | loaded.watched
            self._seen = {**self._watched.look(), **self._seen}
        if loaded is None or not loaded.ok:
            process.end()
            alive = self._serving is not None and self._serving.alive
            _say(f"{'the code before goes on' if alive else 'nothing is served'}; waiting for the next edit")
            return
        if self._serving is not None:
            self._serving.end()
        self._serving, self._announced = process, True
        process.go()

    def _notice_death(self) -> None:
        serving = self._serving
        if serving is not None and not serving.alive:
            self._serving = None
            serving.end()
            _say(f"the app ended ({serving.code}); waiting for the next edit")


class _Process:
    """A process that loads the app, and serves it when it may."""

    def __init__(self, target: str, door: socket.socket, *, again: bool) -> None:
        self._told, tells = os.pipe()
        hears, self._go = os.pipe()
        numbers = (door.fileno(), tells, hears, int(again))
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ourselves
                [sys.executable, "-m", "kikao.cli.reloaded", target, *map(str, numbers)],
                pass_fds=(door.fileno(), tells, hears),
                # Two edits of one second may leave compiled code that looks as if it were of the second.
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                process_group=0,  # a Ctrl-C in the terminal is ours to pass on
            )
        finally:
            os.close(tells)
            os.close(hears)
        self._heard = b""
        self.loaded: Loaded | None = None
        """What it said of loading; None if it ended without a word."""

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process.poll() is None

    @property
    def code(self) -> str:
        """How it ended."""
        code = self._process.wait()
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name

    def has_told(self, wait: float) -> bool:
        """Whether it is done with loading, for better or worse; waits so many seconds for it."""
        if self._told < 0:
            return True
        ready, _, _ = select.select([self._told], [], [], wait)
        if not ready:
            return False
        more = os.read(self._told, 65536)
        self._heard += more
        if more and not self._heard.endswith(b"\n") and len(self._heard) < DAMAGED:
            return False
        os.close(self._told)
        self._told = -1
        with contextlib.suppress(msgspec.DecodeError):
            self.loaded = msgspec.json.decode(self._heard, type=Loaded)
        return True

    def go(self) -> None:
        """The store is free."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self._go, b"\n")

    def end(self) -> None:
        """SIGTERM, and SIGKILL for what does not end in time. Harmless when it is over."""
        if self._told >= 0:
            os.close(self._told)
            self._told = -1
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._go >= 0:
            os.close(self._go)
            self._go = -1


class _Stopping:
    """SIGINT and SIGTERM, heard between two looks."""

    def __init__(self) -> None:
        self.told = False
        self._reads, self._writes = os.pipe()
        self._before: dict[int, object] = {}

    def __enter__(self) -> _Stopping:
        for number in (signal.SIGINT, signal.SIGTERM):
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        os.close(self._reads)
        os.close(self._writes)

    def wait(self, seconds: float) -> None:
        """Until told, so many seconds at most."""
        select.select([self._reads], [], [], seconds)

    def _hear(self, *_: object) -> None:
        self.told = True
        os.write(self._writes, b"\n")


def _listed(files: list[str]) -> str:
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    return ", ".join(files[:3]) + more


def _say(what: str) -> None:
    click.echo(f"kikao: {what}")
    sys.stdout.flush()
