"""Laws of members and their addresses, under whatever is linked, unlinked and alive, with real sessions beside them."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import suppress
from functools import partial
from itertools import combinations, count
from pathlib import Path
from typing import Literal

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kikao.events import Event
from kikao.members import LastAddress
from kikao.members.claiming import Claimed, claim
from kikao.members.directory import Directory
from kikao.members.ending import end_sessions
from kikao.members.links import Links
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.policy import Address, SessionPolicy, address_kind, session_key
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.key_rings import ring
from tests.members.directories import a_directory

Named = tuple[str, str]
ONE, TWO, CHAT = ("msisdn", "+256772000001"), ("msisdn", "+256772000002"), ("telegram", "77001")
ADDRESSES: list[Named] = [ONE, TWO, CHAT, ("whatsapp", "256772000001"), ("user", "asha")]
IDLE = 300.0

addresses = st.sampled_from(ADDRESSES)
operations = st.lists(
    st.one_of(
        st.tuples(st.just("meet"), addresses),
        st.tuples(st.just("link"), addresses, addresses),
        st.tuples(st.just("link"), addresses, addresses),
        st.tuples(st.just("unlink"), addresses, addresses),
        st.tuples(
            st.just("die"), st.sampled_from(["link", "unlink"]), addresses, addresses, st.integers(1, 3)
        ),
        st.tuples(st.just("erase"), addresses),
        st.tuples(st.just("talk"), addresses),
        st.tuples(st.just("rest")),
    ),
    max_size=14,
)
Operation = (
    tuple[str]
    | tuple[str, Named]
    | tuple[str, Named, Named]
    | tuple[str, Literal["link", "unlink"], Named, Named, int]
)


class Died(BaseException):
    """The process ended here."""


class Mortal(Anchors):
    """Anchors of a process that dies after it moved so many."""

    def __init__(self, sessions: Sessions, lives: int) -> None:
        super().__init__(sessions, flow="menu")
        self.lives = lives

    async def link(self, address: Named, to: Named, member: str) -> bool:
        return self.outlives(await super().link(address, to, member))

    async def unlink(self, address: Named) -> bool:
        return self.outlives(await super().unlink(address))

    def outlives(self, moved: bool) -> bool:
        self.lives -= 1
        if not self.lives:
            raise Died
        return moved


class World:
    """A directory with sessions that are one for each member, and everything that was ever linked."""

    def __init__(self, directory: Directory, clock: Clock) -> None:
        self.directory = directory
        self.clock = clock
        self.sessions = Sessions(MemoryStore(), ring(), SessionPolicy.across_channels(idle=IDLE), clock=clock)
        self.events: list[Event] = []
        self.links = Links(directory, Anchors(self.sessions, flow="menu"), self.events.append)
        self.linked: set[frozenset[Named]] = set()
        self.erased: set[str] = set()

    async def do(self, operation: Operation) -> None:
        self.clock.now += 1
        match operation:
            case ("meet", one):
                await self.directory.meet(*one)
            case ("link", one, other):
                self.linked.add(frozenset((one, other)))
                await self.links.link((await self.directory.meet(*one)).id, *other)
            case ("unlink", one, other):
                await self.unlink((await self.directory.meet(*one)).id, other)
            case ("die", wish, one, other, lives):
                await self.die(wish, one, other, lives)
            case ("erase", one):
                await self.erase((await self.directory.meet(*one)).id)
            case ("talk", one):
                await self.talk(one)
            case _:
                await self.rest()

    async def unlink(self, member_id: str, address: Named) -> None:
        try:
            await self.links.unlink(member_id, *address)
        except LastAddress:
            assert len((await self.directory.show(member_id)).addresses) == 1

    async def erase(self, member_id: str) -> None:
        """With sessions that are alive, as an operator may."""

        async def forget(_: object) -> None:
            pass

        await self.directory.erase(
            member_id, forget=forget, end_sessions=partial(end_sessions, self.sessions)
        )
        self.erased.add(member_id)

    async def rest(self) -> None:
        """Everybody leaves, and what had to wait is tried until nothing is left."""
        for _ in range(10):
            self.clock.now += 10 * IDLE
            await self.links.once()
            if not await self.directory.links_due():
                return
        raise AssertionError(f"links never come into force: {await self.directory.links_due()}")

    async def die(self, wish: str, one: Named, other: Named, lives: int) -> None:
        """Link or unlink, in a process that dies on the way."""
        member_id = (await self.directory.meet(*one)).id
        mortal = Links(self.directory, Mortal(self.sessions, lives), self.events.append)
        if wish == "link":
            self.linked.add(frozenset((one, other)))
        with suppress(Died, LastAddress):
            await getattr(mortal, wish)(member_id, *other)

    async def talk(self, address: Named) -> None:
        """A turn: it finds nothing but what the same member left."""
        claimed = await self.claimed(address)
        held = claimed.found
        assert isinstance(held, Held)
        data = held.session.conversation.data
        if "who" in data:
            assert data["who"][1] in await self.directory.aliases(claimed.known.id)
        held.session.member = held.session.member or claimed.known.id
        data["who"] = ("", held.session.member)
        await held.commit()

    async def claimed(self, named: Named) -> Claimed:
        kind, identity = named
        number = identity if kind == "msisdn" else ""
        channel = {"msisdn": "ussd", "user": "socket"}.get(kind, kind)
        parts = ("flow:menu", ":".join(named))
        address = Address(channel, "", identity, msisdn=number, parts=parts)
        key, named = session_key(self.sessions.ring, address.parts), address_kind(address)
        return await claim(self.sessions, self.directory, address, (), named=named, key=key, wait=1)

    async def where(self, address: Named) -> bytes:
        """Under which key the dealings of an address are kept."""
        claimed = await self.claimed(address)
        assert isinstance(claimed.found, Held)
        await claimed.found.release()
        return claimed.key

    async def check(self) -> None:
        assert [event for event in self.events if getattr(event, "error", "")] == []
        members = {one: await self.directory.find(*one) for one in ADDRESSES}
        kept = {one: await self.where(one) for one in ADDRESSES if members[one] is not None}
        pending = await self.directory.links_due()
        for one, other in combinations(kept, 2):
            same = members[one] == members[other]
            assert not same or self.reachable(one, other), "nobody linked these"
            if not pending:
                assert (kept[one] == kept[other]) == same, (one, other, kept, members)
        for member_id in self.erased:
            assert member_id not in members.values()
        for member in set(filter(None, members.values())):
            profile = await self.directory.show(member)
            held = {(one.address.kind, one.address.identity) for one in profile.addresses}
            assert held == {one for one in ADDRESSES if members[one] == member}
            assert profile.erased_at is None

    def reachable(self, one: Named, other: Named) -> bool:
        seen, todo = {one}, [one]
        while todo:
            at = todo.pop()
            for pair in self.linked:
                if at in pair:
                    todo += pair - seen
                    seen |= pair
        return other in seen


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(story=operations)
@example(story=[("link", ONE, TWO), ("link", ONE, CHAT), ("rest",), ("unlink", TWO, ONE)])
@example(story=[("meet", ONE), ("link", TWO, CHAT), ("link", ONE, TWO), ("rest",), ("unlink", ONE, TWO)])
@example(story=[("link", ONE, TWO), ("talk", TWO), ("erase", ONE), ("meet", ONE), ("meet", TWO)])
@example(story=[("meet", TWO), ("link", ONE, CHAT), ("die", "link", ONE, TWO, 1), ("erase", TWO)])
@example(story=[("link", ONE, TWO), ("die", "unlink", TWO, ONE, 2), ("talk", TWO), ("link", ONE, TWO)])
@example(
    story=[
        ("link", ONE, TWO),
        ("die", "unlink", ONE, TWO, 1),
        ("talk", TWO),
        ("unlink", ONE, TWO),
        ("talk", TWO),
    ]
)
@example(
    story=[
        ("die", "link", ONE, TWO, 1),
        ("talk", ONE),
        ("talk", TWO),
        ("erase", ONE),
        ("talk", TWO),
        ("talk", ONE),
    ]
)
def test_addresses_share_a_member_only_when_linked_and_sessions_only_as_one_member(
    story: list[Operation],
) -> None:
    async def happen(folder: Path) -> None:
        clock = Clock()
        async with a_directory(folder, clock=clock) as directory:
            world = World(directory, clock)
            await world.sessions.open()
            for operation in [*story, ("rest",)]:
                await world.do(operation)
                await world.check()
            await world.sessions.close()

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(happen(Path(folder)))


@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(met=st.lists(addresses, min_size=1, max_size=16), linked=st.sets(addresses, max_size=3))
def test_whoever_meets_whom_at_once_an_address_has_one_member(met: list[Named], linked: set[Named]) -> None:
    """Three processes meet people, while addresses are linked to a member who was there before."""

    async def happen(folder: Path) -> None:
        clock, patience = Clock(), 60.0
        async with (
            a_directory(folder, clock=clock, patience=patience) as one,
            a_directory(folder, clock=clock, patience=patience) as two,
            a_directory(folder, clock=clock, patience=patience, cache=0) as three,
        ):
            first = await one.meet("user", "elder")
            clock.now += 1
            turn = count()

            async def meet(address: Named) -> tuple[Named, str]:
                known = await (one, two, three)[next(turn) % 3].meet(*address)
                return address, known.id

            async def link(address: Named) -> None:
                while not await two.link(first.id, *address, anchor=agreed):
                    pass

            await asyncio.gather(*map(meet, met), *map(link, linked), *map(meet, met))
            for address in ADDRESSES:
                ids = {await directory.find(*address) for directory in (one, two, three)}
                assert len(ids) == 1
                if address in linked:
                    assert ids == {first.id}
            apart = {await one.find(*address) for address in set(met) - linked}
            assert len(apart) == len(set(met) - linked)
            assert await one.links_due() == []

    async def agreed(_: object) -> bool:
        return True

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(happen(Path(folder)))
