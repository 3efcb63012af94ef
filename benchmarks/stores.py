"""The session stores full: how long a claim takes, and what a session takes.

Claims come at a steady rate, each followed by the commit of its turn, on a store that holds 100,000 sessions.
"""

from __future__ import annotations

import asyncio
import os
import random
import resource
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.engines import store_at
from benchmarks.turns import Nowhere, wired
from kikao.channels.channel import Request
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.sessions.store import Claim, Dedupe, SessionStore, Write
from kikao.sessions.stores.memory import MemoryStore

STORED: Final = 100_000
RATE: Final = 300
"""Turns a second."""

SECONDS: Final = 6
WARM: Final = 1_000
STATE: Final = bytes(700)
ADDRESS: Final = bytes(120)
REPLY: Final = bytes(200)
EXPIRY: Final = 600.0
TALKERS: Final = 20_000
"""Members who dial for the memory figure: real turns."""


class Waits(NamedTuple):
    """Seconds, sorted."""

    claims: list[float]
    turns: list[float]
    """Claim and commit."""


def key_of(number: int) -> bytes:
    """A session key, spread as keyed hashes are."""
    return random.Random(number).randbytes(32)


async def fill(store: SessionStore) -> None:
    """Store the sessions."""
    for start in range(0, STORED, 200):
        await asyncio.gather(*(_turn(store, number) for number in range(start, start + 200)))


async def _turn(store: SessionStore, number: int) -> tuple[float, float]:
    """One claim and one commit; seconds that the claim took, and both."""
    key, now = key_of(number), time.time()
    before = time.perf_counter()
    claim = await store.claim(key, os.urandom(32), now=now, lease=15.0, wait=1.0)
    waited = time.perf_counter() - before
    assert isinstance(claim, Claim), claim
    version = 0 if claim.record is None else claim.record.version
    dedupe = Dedupe(os.urandom(32), REPLY, now + EXPIRY)
    await store.commit(Write(key, claim.fence, version, now + EXPIRY, STATE, ADDRESS, dedupe))
    return waited, time.perf_counter() - before


async def _claims(store: SessionStore) -> Waits:
    """Claims and commits at a steady rate."""
    loop, turns = asyncio.get_running_loop(), []
    numbers = random.Random(1).sample(range(STORED), RATE * SECONDS)
    begun = loop.time()
    for at, number in enumerate(numbers):
        await asyncio.sleep(max(0.0, begun + at / RATE - loop.time()))
        turns.append(asyncio.create_task(_turn(store, number)))
    claims, whole = zip(*await asyncio.gather(*turns), strict=True)
    return Waits(sorted(claims), sorted(whole))


async def _filled(store: SessionStore) -> Waits:
    await store.open()
    try:
        await fill(store)
        return await _claims(store)
    finally:
        await store.close()


def measured(url: str) -> Waits:
    """Fill the store at a URL and claim from it."""
    return asyncio.run(_filled(store_at(url)))


async def _bytes_per_session(*, deduplicated: bool) -> float:
    gateway = AfricasTalking()
    turns, before = wired(MemoryStore(), Nowhere()), 0.0
    for member in range(WARM + TALKERS):
        if member == WARM:
            before = _resident()
        dialled = AfricasTalkingClient(f"+25677{member:07}", "*284#").dial(str(member))
        request = Request("POST", "/ussd/africastalking", b"", dict(dialled.headers), dialled.body)
        inbound = gateway.parse(request)
        await turns.handle(inbound if deduplicated else replace(inbound, message_id=None), gateway)
    return (_resident() - before) / TALKERS


def _resident() -> float:
    """Bytes of this process in memory; where only that is told, the most it ever had."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * float(resource.getpagesize())
    except OSError:
        return float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def bytes_per_session(*, deduplicated: bool) -> float:
    """Memory of a session on its menu; `deduplicated`, with the record of its dial."""
    words = ["deduplicated"] if deduplicated else []
    child = [sys.executable, "-m", "benchmarks.stores", *words]
    return float(subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True).stdout)


def main() -> None:
    """The child that measures memory: a process that did nothing before."""
    print(asyncio.run(_bytes_per_session(deduplicated="deduplicated" in sys.argv)))


if __name__ == "__main__":
    main()
