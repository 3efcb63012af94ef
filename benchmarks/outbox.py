"""How fast messages go through the outbox of a store: posted outside of turns, and sent by one dispatcher.

The other side takes everything at once, so that what is left is ours: leases, seals, what became of each.
"""

from __future__ import annotations

import asyncio
import os
import time
from typing import Final, NamedTuple

from benchmarks.engines import store_at
from benchmarks.stores import key_of
from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter, Outcome
from kikao.conversation.journal import Posted
from kikao.events import Bus
from kikao.metrics import Counters
from kikao.sessions.keeper import Sessions
from kikao.sessions.posting import outgoing
from kikao.sessions.sealing import KeyRing

ROWS: Final = 6_000
LANES: Final = 2_000
"""Sessions they belong to: three messages each, one after the other."""

BATCH: Final = 200
TO: Final = "webhook/bench"
BODY: Final = b'{"event": "paid", "amount": 5000, "currency": "UGX", "note": "for the records"}'


class Speed(NamedTuple):
    """Rows a second, and CPU microseconds of this process for each."""

    rate: float
    cpu: float


class Found(NamedTuple):
    """Of posting, and of sending."""

    posted: Speed
    sent: Speed


class Taker:
    """Takes every message."""

    async def send(self, letter: Letter) -> Outcome:
        return Delivered()


def measured(url: str) -> Found:
    """On the store at a URL."""
    return asyncio.run(_measured(url))


async def _measured(url: str) -> Found:
    sessions = Sessions(store_at(url), KeyRing({"bench": bytes(32)}))
    await sessions.open()
    try:
        dispatcher = Dispatcher(
            sessions, {TO: Destination(sender=Taker(), at_once=64)}, Bus([Counters()]), at_once=64
        )
        watch = _Watch()
        for start in range(0, ROWS, BATCH):
            now = sessions.clock()
            await asyncio.gather(
                *(
                    sessions.store.post(
                        outgoing(
                            sessions.ring, key_of(number % LANES), [Posted(os.urandom(16), TO, BODY)], now
                        )
                    )
                    for number in range(start, start + BATCH)
                )
            )
        posted = watch.over(ROWS)
        watch = _Watch()
        sent = await dispatcher.once()
        assert sent == ROWS, f"{sent} of {ROWS} were sent"
        return Found(posted, watch.over(ROWS))
    finally:
        await sessions.close()


class _Watch:
    def __init__(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()

    def over(self, rows: int) -> Speed:
        wall, cpu = time.perf_counter() - self._wall, time.process_time() - self._cpu
        return Speed(rows / wall, cpu / rows * 1e6)
