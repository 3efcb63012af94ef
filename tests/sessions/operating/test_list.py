"""What operators are told of every session: a line for each."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from kikao.events import TurnCommitted
from kikao.sessions.finding import AT_A_TIME
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import Write
from kikao.sessions.views import Line
from tests.sessions.operating.shop import ASHA, BEN, Office
from tests.talk import KEY


async def test_a_line_for_each_session(office: Office) -> None:
    asha, ben = office.phone(ASHA), office.phone(BEN)
    await asha.dial()
    await asha.say("Tea")
    began = office.process.clock()
    office.process.clock.advance(60)
    await ben.dial()

    lines = {line.address: line for line in await office.lines()}

    assert lines.keys() == {"+25677****01", "+25675****02"}
    one = lines["+25677****01"]
    stored = {session.id: session for session in await office.process.stored()}
    assert stored[one.id].member == one.member
    events = office.process.events
    (key,) = [event.session for event in events if isinstance(event, TurnCommitted) and event.version == 2]
    assert one == Line(
        key=key,
        version=2,
        kid="test",
        kept_until=began + 300,
        id=one.id,
        member=one.member,
        channel="ussd",
        gateway="plain",
        address="+25677****01",
        flow="shop",
        at="count#1",
        created_at=began,
        seen_at=began,
        expires_at=began + 300,
    )
    assert lines["+25675****02"].at == "what#1"


async def test_some_of_them(office: Office) -> None:
    for n in range(1, 4):
        await office.phone(f"+25677200000{n}").dial()
    office.process.clock.advance(300)
    await office.phone(BEN).dial()

    assert [len(await office.lines(**some)) for some in ({}, {"limit": 2}, {"limit": 9})] == [4, 2, 4]
    assert len(await office.lines(expired=True)) == 3
    assert len(await office.lines(channel="ussd", flow="shop", expired=True, limit=2)) == 2
    assert await office.lines(channel="telegram") == []
    assert await office.lines(flow="bank") == []


async def test_a_session_past_its_absolute_time_has_expired_however_busy(office: Office) -> None:
    talk = office.phone()
    await talk.dial()
    for _ in range(12):
        office.process.clock.advance(299)
        await talk.say("0")
    (line,) = await office.lines()
    assert line.expires_at == line.created_at + 3600
    assert not line.expired
    office.process.clock.advance(12)
    (line,) = await office.lines()
    assert line.expired


async def test_what_cannot_be_opened_is_listed_and_shown_as_such(office: Office) -> None:
    sessions = office.process.sessions
    ring = sessions.ring
    sessions.ring = KeyRing({"lost": bytes(31) + b"x", "test": KEY}, lookup="test")
    await office.phone(ASHA).dial()
    sessions.ring = ring
    await office.phone(BEN).dial()

    sealed, opened = sorted(await office.lines(), key=lambda line: line.kid)
    assert (sealed.kid, sealed.problem) == (
        "lost",
        "sealed with key 'lost', which is not among the secret keys",
    )
    assert (sealed.id, sealed.address, sealed.version) == ("", "", 1)
    assert (opened.kid, opened.problem, opened.address) == ("test", "", "+25675****02")
    detail = await office.show(sealed.key)
    assert detail.line == sealed
    assert detail.address_kid == "lost"
    assert detail.runs == ()


async def test_a_list_is_not_gathered_before_it_is_told(office: Office) -> None:
    store, sessions = office.process.store.store, office.process.sessions
    blob = sessions.ring.seal(b"", b"key", b"state")
    for n in range(3000):
        await store.commit(Write(n.to_bytes(32, "big"), 1, 0, 1e12, blob, blob))
    read = 0
    scan = store.scan

    async def counted() -> AsyncIterator[Any]:
        nonlocal read
        async for record in scan():
            read += 1
            yield record

    store.scan = counted  # type: ignore[method-assign]
    assert len(await office.lines(limit=5)) == 5
    assert read <= 5
    assert len(await office.lines()) == 3000


async def test_turns_go_on_while_a_list_is_told(office: Office) -> None:
    for n in range(3 * AT_A_TIME):
        await office.phone(f"+2567720{n:05}").dial()
    listing = asyncio.create_task(office.lines())
    turns = 0
    while not listing.done():
        await office.phone(BEN).dial()
        turns += 1
        await asyncio.sleep(0)
    assert turns >= 3
    assert len(listing.result()) >= 3 * AT_A_TIME
