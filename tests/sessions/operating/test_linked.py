"""What operators do with a session that is reached over a link from another address."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.control import CommandRefused, Commands
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held
from kikao.sessions.operating import Operator
from kikao.sessions.policy import Address, SessionPolicy, session_key
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.views import Ending
from kikao.testing import Clock
from tests.sessions.operating.shop import ASHA, BEN, Office, Service, flows
from tests.talk import Process, Talk


async def link(process: Process, number: str, to: str) -> None:
    """Have the dealings of one number kept with those of another."""
    sessions = process.sessions
    address = Address("ussd", "", number, msisdn=number, parts=("flow:shop", f"msisdn:{number}"))
    held = await sessions.claim(session_key(sessions.ring, address.parts), (), address, wait=0.0)
    assert isinstance(held, Held)
    held.session.anchor = ("flow:shop", f"msisdn:{to}")
    held.session.member = await met(process, to)
    await held.commit()


async def test_over_a_link_to_where_the_session_is() -> None:
    process = Process(
        flows,
        "shop",
        MemoryStore(),
        Clock(),
        services={Service: Service()},
        policy=SessionPolicy.across_channels(),
    )
    await process.open()
    await link(process, BEN, ASHA)
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    office = Office(commands, process, Service())
    with pytest.raises(CommandRefused, match="gone by now"):
        await office.show(BEN)
    await Talk(process, BEN).dial()

    anchor, kept = sorted(await office.lines(), key=lambda line: not line.anchor)
    assert (anchor.anchor, anchor.address, kept.anchor) == (kept.key, "+25675****02", "")
    for who in (BEN, anchor.key):
        detail = await office.show(who)
        assert (detail.line.key, detail.through) == (kept.key, (anchor.key,))
    explanation = await office.explain(BEN)
    assert (explanation.key, explanation.through, explanation.id) == (anchor.key, (kept.key,), kept.id)
    assert explanation.parts == ("flow:shop", "msisdn:+25675****02")
    met = await office.explain(address=Address("ussd", "plain", BEN, msisdn=BEN))
    assert (met.key, met.through, met.id) == (anchor.key, (kept.key,), kept.id)
    with pytest.raises(CommandRefused, match=f"kept under {kept.key}. End that one"):
        await office.end(anchor.key)
    assert (await office.end(BEN)).key == kept.key
    assert {line.key: line.anchor for line in await office.lines()} == {anchor.key: kept.key, kept.key: ""}


async def test_a_session_is_of_the_address_that_its_key_names_whichever_linked_one_came_first() -> None:
    """Or a number would be kept, and found, in what is another member's by the time that it is unlinked."""
    policy = SessionPolicy.across_channels(idle=3600)
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: Service()}, policy=policy)
    await process.open()
    anchors = Anchors(process.sessions, flow="shop")
    assert await anchors.link(("msisdn", BEN), ("msisdn", ASHA), await met(process, ASHA))
    ben = Talk(process, BEN)
    await ben.dial()
    process.clock.advance(3600)
    assert await anchors.unlink(("msisdn", BEN))
    commands = Commands()
    Operator(process.sessions, process.publish, flow="shop").offer(commands)
    office = Office(commands, process, Service())

    (line,) = await office.lines()
    assert (line.address, line.channel, line.gateway) == ("+25677****01", "ussd", "plain")
    assert (await office.show(ASHA)).line == line
    for asked in (office.show(BEN), office.end(BEN)):
        with pytest.raises(CommandRefused, match="no stored session is meant"):
            await asked


async def met(process: Process, number: str) -> str:
    """The id of a member."""
    return (await process.turns.members.meet("msisdn", number)).id


async def test_an_address_that_is_linked_meanwhile_stays_linked() -> None:
    policy = SessionPolicy.across_channels()
    process = Process(flows, "shop", MemoryStore(), Clock(), services={Service: Service()}, policy=policy)
    await process.open()
    ben = Talk(process, BEN)
    await ben.dial()
    process.clock.advance(ben.gateway.retention + 300)
    operator = Operator(process.sessions, process.publish, flow="shop")
    looks, store = 0, process.store.store
    claim = store.claim

    async def claim_after_a_link(*args: Any, **options: Any) -> Any:
        nonlocal looks
        looks += 1
        if looks == 3:  # the path was looked at, twice
            assert await Anchors(process.sessions, flow="shop").link(
                ("msisdn", BEN), ("msisdn", ASHA), "a" * 32
            )
        return await claim(*args, **options)

    store.claim = claim_after_a_link  # type: ignore[method-assign]
    with pytest.raises(CommandRefused, match="linked meanwhile; try again"):
        await anext(operator.end(Ending(BEN)))
    store.claim = claim  # type: ignore[method-assign]
    assert [session.anchor for session in await process.stored() if session.anchor] == [
        ("flow:shop", f"msisdn:{ASHA}")
    ]
