"""Two processes on one store: whichever a webhook reaches, whatever hangs, members are answered in order and once."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import AsyncIterator
from typing import Final

import pytest
from msgspec import structs

from kikao.arrivals import Arrivals
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.message import Parcel
from kikao.channels.inbound import Inbound
from kikao.channels.outbox import Dispatcher
from kikao.inbox import Inbox
from kikao.sessions.limits import Limits
from kikao.sessions.policy import DAY, SessionPolicy, session_key
from kikao.sessions.posting import opened
from kikao.sessions.store import Claim, SessionStore
from kikao.sessions.stores.postgresql import PostgreSQLStore
from kikao.sessions.stores.postgresql.migrations import migrate
from kikao.sessions.stores.redis import RedisStore
from kikao.testing import Clock
from tests.channels.chat.talk import Letters
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey, unhurried
from tests.talk import Process
from tests.test_inbox import flows, said
from tests.waiting import PATIENCE, until

ANSWERS: Final = [f"a{number}" for number in range(9)]

PREFIXES: Final = (f"inbox-{number}" for number in itertools.count())


@pytest.fixture(params=["valkey", "postgresql"])
async def url(request: pytest.FixtureRequest) -> str:
    if request.param == "valkey":
        valkey: Valkey = request.getfixturevalue("valkey")
        return unhurried(f"{valkey.unix_url}?prefix={next(PREFIXES)}")
    server: PostgreSQL = request.getfixturevalue("postgresql")
    database = server.database()
    await migrate(database)
    return database


class Worker:
    """One of the processes, with half a breath for each turn."""

    def __init__(self, store: SessionStore) -> None:
        policy = SessionPolicy(
            idle=7 * DAY, resume=0.0, opens="message", limits=Limits(address=None, member=None)
        )
        clock = Clock(time.time())
        self.process = Process(flows, "echo", store, clock, policy=policy, budget=0.15)
        self.process.sessions.clock = time.time
        gateway = Letters("bot-api")
        lines = {gateway.line: gateway}
        inbox = Inbox(self.process.turns)
        self.arrivals = Arrivals(self.process.turns, lines, self.process.publish, inbox=inbox)
        destinations = {
            name: structs.replace(each, first=0.05)
            for name, each in inbox.destinations(lines, self.arrivals.one).items()
        }
        self._store = store
        self.kept = Dispatcher(self.process.sessions, destinations, lambda event: None, poll=0.05)
        inbox.stored = self.kept.stored

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[Worker]:
        await self.process.open()
        task = asyncio.create_task(self.kept.run())
        try:
            yield self
        finally:
            await self.kept.stop(1.0)
            await task
            await self._store.close()

    async def receives(self, inbound: Inbound) -> None:
        """As providers send: again, where there is no time for it."""

        async def taken() -> bool:
            status = (await self.arrivals.take(Received((inbound,)))).status
            assert status in (200, 503)
            return status == 200

        await until(taken, "it to be taken")

    async def hold(self, who: str, seconds: float) -> None:
        """Another turn of a member is at work for so long."""
        turns, store = self.process.turns, self.process.sessions.store
        key = session_key(turns.sessions.ring, turns.address(said(who, "")).parts)
        claim = await store.claim(key, None, now=time.time(), lease=30.0, wait=0.3)
        await asyncio.sleep(seconds)
        if isinstance(claim, Claim):
            await store.release(claim)


async def test_members_are_answered_in_order_and_once(url: str) -> None:
    chance, people = random.Random(7), [str(number) for number in range(4)]
    stores = [
        RedisStore(url) if url.startswith("unix") else PostgreSQLStore(url, patience=PATIENCE)
        for _ in range(2)
    ]
    async with Worker(stores[0]).working() as one, Worker(stores[1]).working() as other:
        both, store = (one, other), one.process.sessions.store

        async def talks(who: str) -> None:
            for text in ("hi", *ANSWERS):
                holding = asyncio.create_task(one.hold(who, chance.choice([0.0, 0.0, 0.2])))
                for _ in range(chance.choice([1, 1, 2])):  # some webhooks come twice
                    await chance.choice(both).receives(said(who, text))
                await holding

        await asyncio.gather(*map(talks, people))
        kept = [each async for each in store.messages() if each.to.startswith("inbox/")]
        assert kept, "something had to wait"

        async def all_done() -> bool:
            return not [each async for each in store.messages(state="waiting") if each.to[:5] == "inbox"]

        await until(all_done, "all to be dealt with")
        ring = one.process.sessions.ring
        shown = [
            Parcel.read(opened(ring, each)).message.text
            async for each in store.messages()
            if each.to == "telegram/bot-api"
        ]
    assert sorted(shown) == sorted([*(f"{n}?" for n in range(9)), " ".join(ANSWERS)] * len(people))
