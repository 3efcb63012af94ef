"""Laws of rotation: keys come and go at any point of many conversations, and no member can tell.

- What was answered is answered with the same bytes as long as its provider may deliver it again.
- Every answer counts once: the total of each member is that of what was answered.
- A start without a key that something needs is refused, and changes nothing.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.sessions.limits import Limits
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.resealing import Resealer
from kikao.sessions.store import SessionStore, StoreRefused
from kikao.sessions.stores import MemoryStore, SQLiteStore
from tests.sessions.office import Office, total
from tests.talk import Talk

NUMBERS: Final = ("+256772000001", "+256772000002", "+256772000003")
HOUR: Final = 3600.0
"""Seconds that a message may come again."""

POLICY: Final = SessionPolicy(idle=86400.0, resume=0.0, limits=Limits(address=None, member=None))

member = st.sampled_from(range(len(NUMBERS)))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), member, st.integers(1, 9)),
        st.tuples(st.just("say"), member, st.integers(1, 9)),
        st.tuples(st.just("again"), member, st.integers(0, 5)),
        st.tuples(st.just("wait"), st.just(0), st.sampled_from([1, 600, 3000, 3600])),
        st.tuples(st.just("add"), st.just(0), st.just(0)),
        st.tuples(st.just("retire"), st.just(0), st.just(0)),
        st.tuples(st.just("reseal"), st.booleans(), st.just(0)),
        st.tuples(st.just("rekey"), st.booleans(), st.integers(1, 4)),
        st.tuples(st.just("restart"), st.just(0), st.just(0)),
    ),
    min_size=4,
    max_size=30,
)


class Service:
    """A service, its members, and what they were answered."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.kids = ["k1"]
        """The keys that are set; the first seals."""
        self.made = 1
        self.phones: list[Talk] = []
        self.totals = [0] * len(NUMBERS)
        self.answered: list[list[tuple[float, str, str]]] = [[] for _ in NUMBERS]
        """When, what had been typed, and the screen."""

    async def begin(self) -> None:
        await self.office.start(*self.kids)
        for who, number in enumerate(NUMBERS):
            self.phones.append(self.office.phone(number))
            await self.phones[who].dial()
            self.keep(who)

    def keep(self, who: int) -> None:
        phone = self.phones[who]
        self.answered[who].append((self.office.clock(), phone.typed, phone.text))

    async def say(self, who: int, number: int) -> None:
        phone = self.phones[who]
        screen = await phone.say(str(number))
        self.totals[who] += number
        assert total(screen) == f"Total {self.totals[who]}"
        self.keep(who)

    async def again(self, who: int, back: int) -> None:
        """The provider delivers an earlier message again."""
        now = self.office.clock()
        known = [answer for answer in self.answered[who] if now - answer[0] < HOUR]
        if known:
            _, typed, screen = known[-1 - back % len(known)]
            phone = self.phones[who]
            present = phone.text, phone.ended
            assert await phone.send(typed) == screen
            phone.text, phone.ended = present

    async def add(self) -> None:
        self.made += 1
        self.kids.insert(0, f"k{self.made}")
        await self.office.start(*self.kids)

    async def retire(self) -> None:
        """Take the oldest key away; put it back where the start is refused."""
        if len(self.kids) > 1:
            last = self.kids.pop()
            before = [record async for record in self.office.store.scan()]
            refused = await self.refused()
            if refused:
                assert repr(last) in refused
                self.kids.append(last)
                await self.office.start(*self.kids)
                assert [record async for record in self.office.store.scan()] == before

    async def refused(self) -> str:
        """Why it does not start with the keys that are set; empty if it does."""
        try:
            await self.office.start(*self.kids)
        except StoreRefused as refused:
            return str(refused)
        return ""

    async def reseal(self, running: bool) -> None:
        if running:
            await Resealer(self.office.process.sessions, lambda _: None).run()
        else:
            await self.office.reseal(*self.kids)
            await self.office.start(*self.kids)
        assert set(await self.office.needs()) <= {self.kids[0]}

    async def rekey(self, dies: bool, at: int) -> None:
        if await self.office.rekey(*self.kids, dies_at=at if dies else None) is None:
            with pytest.raises(StoreRefused, match="half-way"):
                await self.office.start(*self.kids)
            assert await self.office.rekey(*self.kids) is not None
        await self.office.start(*self.kids)

    async def take(self, step: tuple[str, int, int]) -> None:
        what, first, second = step
        match what:
            case "say":
                await self.say(first, second)
            case "again":
                await self.again(first, second)
            case "wait":
                self.office.clock.advance(second)
            case "add":
                await self.add()
            case "retire":
                await self.retire()
            case "reseal":
                await self.reseal(bool(first))
            case "rekey":
                await self.rekey(bool(first), second)
            case "restart":
                await self.office.start(*self.kids)


async def live(store: SessionStore, steps: list[tuple[str, int, int]]) -> None:
    service = Service(Office(store, policy=POLICY))
    await service.begin()
    try:
        for step in steps:
            await service.take(step)
        for who in range(len(NUMBERS)):
            for back in range(6):
                await service.again(who, back)
            await service.say(who, 1)
    finally:
        await service.office.stop()


@given(steps=STEPS)
@settings(max_examples=30)
def test_no_member_can_tell_that_keys_change(steps: list[tuple[str, int, int]]) -> None:
    asyncio.run(live(MemoryStore(), steps))


@given(steps=STEPS)
@settings(max_examples=10)
def test_nor_in_a_file(steps: list[tuple[str, int, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(live(SQLiteStore(Path(folder) / "sessions.db"), steps))
