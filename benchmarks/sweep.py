"""Live turns while 100,000 expired sessions are swept, beside the same turns while the sweep is held.

Members talk all the time. The sweep is held and let go in turns, a second each, so that what else the machine and its
disk do falls on both alike. A turn is timed from when it was due: what holds up the event loop counts, too.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from benchmarks.conversation import TYPED
from benchmarks.engines import store_at
from benchmarks.stores import ADDRESS, REPLY, STATE, key_of
from benchmarks.table import percentile
from benchmarks.turns import Nowhere, wired
from kikao.channels.channel import Request
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.events import LogLines
from kikao.sessions.store import Claim, Dedupe, SessionStore, Write
from kikao.sessions.stores.sqlite import SQLiteStore
from kikao.sessions.sweeping import Sweeper
from kikao.turn import Turns

EXPIRED: Final = 100_000
RATE: Final = 300
"""Turns a second."""

SLICES: Final = 20
"""Of each kind, unless the sweep is over before."""

SLICE: Final = 300
"""Turns for which the sweep is held, and then let go."""

MEMBERS: Final = 60
"""Who talk at the same time."""

ROUNDS: Final = 4
"""Full memory stores that are swept; a SQLite store takes long enough alone."""


class Found(NamedTuple):
    """99th percentiles of turns, in seconds, by slice: while the sweep is held, and while it goes on."""

    held: list[float]
    swept: list[float]


def measured(url: str) -> Found:
    """On the store at a URL. One of SQLite is opened anew once it is full: nothing of it is in SQLite's cache."""
    found = Found([], [])
    if url.startswith("sqlite:"):
        asyncio.run(_filled(store_at(url)))
        file = Path(url.removeprefix("sqlite:///"))
        shutil.copyfile(file, file.with_name("swept.db"))
        asyncio.run(_measure(SQLiteStore(file.with_name("swept.db")), found))
        return found
    for _ in range(ROUNDS if url == "memory:" else 1):
        asyncio.run(_measure(store_at(url), found))
    return found


async def _filled(store: SessionStore) -> None:
    await store.open()
    try:
        await _fill(store)
    finally:
        await store.close()


async def _fill(store: SessionStore) -> None:
    """Store sessions that have expired, each with the record of its last inbound."""
    now = time.time()

    async def leave(number: int) -> None:
        key = key_of(number)
        claim = await store.claim(key, None, now=now, lease=15.0, wait=1.0)
        assert isinstance(claim, Claim), claim
        dedupe = Dedupe(os.urandom(32), REPLY, now - 1)
        await store.commit(Write(key, claim.fence, 0, now - 1 - number % 600, STATE, ADDRESS, dedupe))

    for start in range(0, EXPIRED, 200):
        await asyncio.gather(*(leave(number) for number in range(start, start + 200)))


async def _measure(store: SessionStore, found: Found) -> None:
    await store.open()
    try:
        if not isinstance(store, SQLiteStore):
            await _fill(store)
        gate, turns, requests = Gate(store), wired(store, Nowhere()), _requests()
        sweep = asyncio.create_task(Sweeper(turns.sessions, LogLines(Nowhere())).once())
        for at in range(2 * SLICES):
            if at % 2 == 0:
                gate.hold()
            else:
                gate.let_go()
            held = at % 2 == 0 and not gate.at_work
            waited = await _talk(turns, requests)
            if sweep.done():
                break
            (found.held if held else found.swept).append(waited)
        sweep.cancel()
        await asyncio.gather(sweep, return_exceptions=True)
    finally:
        await store.close()


class Gate:
    """Holds the sweep of a SQLite store between two writes, and that of another between two batches."""

    def __init__(self, store: SessionStore) -> None:
        self.at_work = False
        """Whether a batch has begun. A write is soon over, and then the store rests."""
        self._go = asyncio.Event()
        between_writes = isinstance(store, SQLiteStore)
        name = "_politely" if between_writes else "sweep"
        work = getattr(store, name)

        async def gated(*args: Any, **named: Any) -> Any:
            await self._go.wait()
            self.at_work = not between_writes
            try:
                return await work(*args, **named)
            finally:
                self.at_work = False

        setattr(store, name, gated)

    def hold(self) -> None:
        """From the next on."""
        self._go.clear()

    def let_go(self) -> None:
        """Let one follow the other."""
        self._go.set()


async def _talk(turns: Turns, requests: Iterator[Request]) -> float:
    """Turns for one slice at a steady rate; the 99th percentile of their seconds."""
    gateway, loop = AfricasTalking(), asyncio.get_running_loop()

    async def turn(request: Request, due: float) -> float:
        await turns.handle(gateway.parse(request), gateway)
        return loop.time() - due

    said, began = [], loop.time()
    for at, request in enumerate(islice(requests, SLICE)):
        due = began + at / RATE
        await asyncio.sleep(max(0.0, due - loop.time()))
        said.append(asyncio.create_task(turn(request, due)))
    return percentile(sorted(await asyncio.gather(*said)), 0.99)


def _requests() -> Iterator[Request]:
    """Members who talk at the same time, each answering when all others have."""
    for wave in count():
        phones = [AfricasTalkingClient(f"+2567710{member:05}", "*284#") for member in range(MEMBERS)]
        for at, typed in enumerate(TYPED):
            for member, phone in enumerate(phones):
                said = phone.answer(typed) if at else phone.dial(f"{wave}/{member}")
                yield Request("POST", "/ussd/africastalking", b"", dict(said.headers), said.body)
