"""PostgreSQL with a synchronous standby: the primary is killed under load, and the standby takes its place."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kikao.sessions.store import Claim, CommitUnknown, Conflict, Dedupe, Duplicate, StoreUnavailable, Write
from kikao.sessions.stores.postgresql import PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL, Standby
from tests.reliability.report import Report, at_least, exactly, report
from tests.waiting import blocked_until, until

NOW = 1_700_000_000.0
LEASE = 10.0

PATIENCE = 60.0
"""Seconds in which sessions must be served again, on whatever machine this runs."""


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """Sessions are written through several failovers, each from a new pair of servers."""
    acknowledged = lost = changed = unavailable = unknown = 0
    slowest = 0.0
    failovers = 1 if quick else 5
    for number in range(failovers):
        street = await _failover(folder / str(number), members=20 if quick else 60, seed=seed + number)
        acknowledged += len(street.replies)
        lost += street.lost
        changed += street.changed
        unavailable += street.told[StoreUnavailable]
        unknown += street.told[CommitUnknown]
        slowest = max(slowest, street.away)
    figures = {
        "failovers": failovers,
        "turns acknowledged": acknowledged,
        "of these lost": lost,
        "replies changed": changed,
        "turns told that the store is away": unavailable,
        "commits whose answer was lost": unknown,
        "seconds until served again, at most": round(slowest, 2),
    }
    musts = {"of these lost": exactly(0), "replies changed": exactly(0), "turns acknowledged": at_least(300)}
    return report(figures, [], **musts)


class _Street:
    """Members who write their sessions, one turn after the other, and note what was acknowledged."""

    def __init__(self, store: PostgreSQLStore, seed: int) -> None:
        self.store = store
        self.replies: dict[tuple[bytes, bytes], bytes] = {}
        """By session and inbound."""
        self.told: Counter[type[Exception]] = Counter()
        self.over = False
        self.away = 0.0
        self.lost = self.changed = 0
        self._random = random.Random(seed)

    async def member(self) -> None:
        key = self._random.randbytes(16)
        for turn in itertools.count():
            inbound, reply = b"inbound %d" % turn, self._random.randbytes(40)
            while not await self._turn(key, inbound, reply, NOW + turn * LEASE):
                if self.over:
                    return
                await asyncio.sleep(0.01)
            if self.over:
                return

    async def _turn(self, key: bytes, inbound: bytes, reply: bytes, now: float) -> bool:
        """Whether it was acknowledged; else the provider redelivers it."""
        try:
            claim = await self.store.claim(key, inbound, now=now, lease=LEASE, wait=0)
            if isinstance(claim, Claim):
                version = 0 if claim.record is None else claim.record.version
                seen = Dedupe(inbound, reply, now + 3600 * 24 * 365)
                await self.store.commit(Write(key, claim.fence, version, now * 2, reply, b"address", seen))
            elif not isinstance(claim, Duplicate):
                return False
        except (StoreUnavailable, CommitUnknown, Conflict) as error:
            self.told[type(error)] += 1
            return False
        self.replies[key, inbound] = reply
        return True

    async def until(self, acknowledged: int) -> None:
        await until(lambda: len(self.replies) >= acknowledged, f"{acknowledged} replies", patience=PATIENCE)

    async def look(self) -> None:
        """Compare what was acknowledged with what is stored."""
        for (key, inbound), reply in self.replies.items():
            found = await self.store.seen(key, inbound)
            self.lost += not found
            self.changed += bool(found) and found[0].reply != reply


async def _failover(folder: Path, *, members: int, seed: int) -> _Street:
    with _pair(folder) as (primary, standby):
        url = await asyncio.to_thread(primary.database)
        await migrate(url)
        both = url.replace(f":{primary.port}/", f":{primary.port},127.0.0.1:{standby.port}/")
        store = PostgreSQLStore(both)
        await store.open()
        try:
            street = _Street(store, seed)
            tasks = [asyncio.create_task(street.member()) for _ in range(members)]
            await street.until(20 * members)
            began = time.monotonic()
            await asyncio.to_thread(primary.kill)
            at_the_failover = len(street.replies)
            await asyncio.to_thread(standby.promote)
            await street.until(at_the_failover + 1)
            street.away = time.monotonic() - began
            await street.until(at_the_failover + 5 * members)
            street.over = True
            await asyncio.gather(*tasks)
            await street.look()
            return street
        finally:
            await store.close()


@contextmanager
def _pair(folder: Path) -> Iterator[tuple[PostgreSQL, Standby]]:
    """A primary, and a standby that has everything before a commit is acknowledged."""
    for name in ("primary", "standby"):
        (folder / name).mkdir(parents=True)
    primary = PostgreSQL(folder / "primary", options=Standby.REPLICATED)
    standby = Standby(folder / "standby", primary)
    try:
        primary.start()
        standby.start()
        primary.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
        primary.execute("SELECT pg_reload_conf()")
        state = "SELECT sync_state FROM pg_stat_replication"
        blocked_until(lambda: primary.execute(state) == [("sync",)], "the standby to be synchronous")
        yield primary, standby
    finally:
        standby.remove()
        primary.remove()
