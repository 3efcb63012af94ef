"""The workers of one machine that share a data folder: whichever of them is scraped answers for all.

Each worker that has a neighbour writes its numbers to `<data>/metrics/<id>.json` every few seconds, and whenever it is
scraped, before it tells them to anybody. So what was told once is never taken back, whoever is asked next and whoever
was killed meanwhile. Whether a worker lives shows by a lock on `<id>.alive`, which the system lets go when it dies. The
counters of a dead one are added to `totals.json`, its gauges vanish. The first worker of a group begins anew, as every
program does for Prometheus.

A worker that is alone and is not scraped writes nothing but its lock file.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from kikao.metrics.declared import WORKERS
from kikao.metrics.snapshot import Snapshot, merged

FOLDER: Final = "metrics"
EVERY: Final = 5.0
"""Seconds between two looks for neighbours, and two snapshots for them."""

REMEMBERED: Final = 1000
"""Ids of dead workers whose counters are in the totals: for whoever read their file just before it was removed."""

PATIENCE: Final = 2.0
"""Seconds a start waits for another one that looks into the folder."""

_PAUSE: Final = 0.01

_ALIVE, _NUMBERS, _NEW, _TOTALS, _GATE = ".alive", ".json", ".new", "totals.json", "gate"

_OF_A_WORKER: Final = re.compile(r"\d+-[0-9a-f]{8}\.(alive|json|new)")
"""Names of files; others in the folder are left alone."""


class Totals(msgspec.Struct):
    """What the dead have counted."""

    snapshot: Snapshot
    of: list[str] = []
    """Whose numbers are in it."""


class Group:
    """This worker among those that share `folder`. `take` gives its numbers as they are now.

    What the disk does not take is left out: nobody is kept from its own numbers by that.
    """

    def __init__(
        self,
        folder: Path,
        take: Callable[[], Awaitable[Snapshot]],
        *,
        shared_store: bool,
        every: float = EVERY,
    ) -> None:
        self.id = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._folder = folder
        self._take = take
        self._shared_store = shared_store
        self._every = every
        self._lock: int | None = None
        """Held for as long as this worker lives."""
        self._wrote = False
        self._writing = asyncio.Lock()
        self._replacing = threading.Lock()
        """Scrapes write in threads: their own numbers, and the totals."""

    def join(self) -> None:
        """Become one of them; the first one begins anew. Raises `OSError` where the folder cannot be used."""
        self._folder.mkdir(mode=0o700, exist_ok=True)
        with self._gate(patience=PATIENCE) as mine:
            if not mine:
                raise BlockingIOError(f"{self._folder}: another worker is in there for too long")
            if not any(map(self._lives, self._ids(_ALIVE))):
                for path in self._folder.iterdir():
                    if path.name == _TOTALS or _OF_A_WORKER.fullmatch(path.name):
                        path.unlink(missing_ok=True)
            # Locked before it has its name: whoever finds it unlocked takes its worker for dead.
            new = self._folder / f"{self.id}{_NEW}"
            self._lock = os.open(new, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            new.replace(self._folder / f"{self.id}{_ALIVE}")

    async def run(self) -> None:
        """Keep the numbers fresh for neighbours, for ever; cancel it to stop."""
        while True:
            await asyncio.sleep(self._every)
            with contextlib.suppress(OSError):
                if await asyncio.to_thread(self._neighbours):
                    await self.write()

    async def write(self) -> Snapshot:
        """Write down the numbers as they are now; those numbers."""
        async with self._writing:
            snapshot = await self._take()
            await asyncio.to_thread(self._store, snapshot)
            return snapshot

    async def merged(self) -> Snapshot:
        """The numbers of all, the dead included. What the disk does not give is left out."""
        try:
            own = await self.write()
        except OSError:
            own = await self._take()
        try:
            return await asyncio.to_thread(self._merged, own)
        except OSError:
            own.gauge(WORKERS, {(): 1.0})
            return own

    async def leave(self) -> None:
        """The end of this worker: its counters stay with the group, if there is one."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            if self._wrote or await asyncio.to_thread(self._neighbours):
                await self.write()
        with contextlib.suppress(OSError):
            (self._folder / f"{self.id}{_ALIVE}").unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    # --- files ---

    def _ids(self, suffix: str) -> list[str]:
        return [
            path.name.removesuffix(suffix)
            for path in sorted(self._folder.iterdir())
            if path.name.endswith(suffix) and _OF_A_WORKER.fullmatch(path.name)
        ]

    def _lives(self, id_: str) -> bool:
        """Whether somebody holds the lock of a worker; the file of one that is dead is removed."""
        if id_ == self.id:
            return True
        path = self._folder / f"{id_}{_ALIVE}"
        try:
            lock = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        path.unlink(missing_ok=True)
        return False

    def _neighbours(self) -> bool:
        return any(self._lives(id_) for id_ in self._ids(_ALIVE) if id_ != self.id)

    def _store(self, snapshot: Snapshot) -> None:
        self._wrote = True
        self._replace(f"{self.id}{_NUMBERS}", msgspec.json.encode(snapshot))

    def _replace(self, name: str, data: bytes) -> None:
        new = self._folder / f"{self.id}{_NEW}"
        with self._replacing:
            new.touch(mode=0o600)
            new.write_bytes(data)
            new.replace(self._folder / name)

    def _read(self, id_: str) -> Snapshot | None:
        try:
            return msgspec.json.decode((self._folder / f"{id_}{_NUMBERS}").read_bytes(), type=Snapshot)
        except (
            FileNotFoundError,
            msgspec.DecodeError,
        ):  # gone into the totals; or of a version that we do not know
            return None

    def _totals(self) -> Totals:
        try:
            return msgspec.json.decode((self._folder / _TOTALS).read_bytes(), type=Totals)
        except (FileNotFoundError, msgspec.DecodeError):
            return Totals(Snapshot())

    def _merged(self, own: Snapshot) -> Snapshot:
        others: dict[str, Snapshot] = {}
        dead: dict[str, Snapshot] = {}
        workers = 1
        for id_ in self._ids(_ALIVE):
            workers += id_ != self.id and self._lives(id_)
        for id_ in self._ids(_NUMBERS):
            if id_ == self.id:
                continue
            lives = self._lives(id_)  # before it is read: what the dead have written is their last word
            if (found := self._read(id_)) is not None:
                (others if lives else dead)[id_] = found
        # Read after them: what was folded in meanwhile is in both, and is counted once.
        totals = self._totals()
        dead = {id_: found.without_gauges() for id_, found in dead.items() if id_ not in totals.of}
        gone = merged([totals.snapshot, *dead.values()])
        if dead:
            self._fold(dead)
        found = merged([own, *others.values(), gone], shared_store=self._shared_store)
        found.gauge(WORKERS, {(): float(workers)})
        return found

    def _fold(self, dead: dict[str, Snapshot]) -> None:
        """Move the numbers of dead workers into the totals. If somebody else is at it, they do it."""
        with self._gate(patience=0.0) as mine:
            if not mine:
                return
            totals = self._totals()
            new = {id_: snapshot for id_, snapshot in dead.items() if id_ not in totals.of}
            added = Totals(
                merged([totals.snapshot, *new.values()]),
                [*totals.of, *new][-REMEMBERED:],
            )
            self._replace(_TOTALS, msgspec.json.encode(added))
            for id_ in dead:
                (self._folder / f"{id_}{_NUMBERS}").unlink(missing_ok=True)

    @contextlib.contextmanager
    def _gate(self, *, patience: float) -> Iterator[bool]:
        """One worker at a time; gives False if another one is in there for longer than `patience` seconds."""
        gate = os.open(self._folder / _GATE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        until = time.monotonic() + patience
        try:
            while True:
                try:
                    fcntl.flock(gate, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    if time.monotonic() >= until:
                        yield False
                        return
                    time.sleep(_PAUSE)
                else:
                    yield True
                    return
        finally:
            os.close(gate)
