"""Addresses that were linked share a session, and a redelivery never notices."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.conversation import Chat, Flows, Number
from kikao.conversation.runner import Turned
from kikao.i18n import t
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import LEASE, Held
from kikao.sessions.policy import Address, SessionPolicy, session_key
from kikao.sessions.store import Claim, Conflict, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.talk import Process, Talk

HOME, WORK, OTHER = "+256772000001", "+256752000002", "+254722000003"
ASHA = "a" * 32
"""The member whose numbers they are."""

flows = Flows()


@flows.flow("sum")
async def add(chat: Chat) -> None:
    first = await chat.ask("first", Number(), t("First"))
    second = await chat.ask("second", Number(), t("Second"))
    await chat.end(t("Sum {sum}", sum=first + second))


def named(number: str) -> tuple[str, str]:
    return "msisdn", number


async def office(**policy: float) -> tuple[Process, Anchors]:
    clock = Clock()
    process = Process(flows, "sum", MemoryStore(), clock, policy=SessionPolicy.across_channels(**policy))
    await process.open()
    return process, Anchors(process.sessions, flow="sum")


def key_of(process: Process, number: str) -> bytes:
    return session_key(process.sessions.ring, ("flow:sum", f"msisdn:{number}"))


async def hold(process: Process, number: str) -> Held:
    """What lies under a number's own key."""
    parts = ("flow:sum", f"msisdn:{number}")
    address = Address("ussd", "plain", number, msisdn=number, parts=parts)
    held = await process.sessions.claim(key_of(process, number), (), address, wait=0)
    assert isinstance(held, Held)
    return held


async def ended(process: Process, number: str) -> None:
    """A session that is over, and was not swept yet."""
    held = await hold(process, number)
    held.session.conversation.over = True
    await held.commit()


async def test_linked_addresses_hold_one_conversation() -> None:
    process, anchors = await office(resume=300)
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    home, work = Talk(process, HOME), Talk(process, WORK)
    await home.dial()
    assert await home.say("2") == "Second\n00 Home"
    assert (await work.dial()).startswith("Continue where you stopped?")
    assert await work.say("1") == "Second\n00 Home"
    assert await work.say("3") == "Sum 5"


@pytest.mark.parametrize(
    "address",
    [
        ("token", "ussd/plain/x/7"),
        ("token", "x7"),
        ("token", "x/7/8"),
        ("user", "asha"),
        ("telegram", "4711"),
    ],
)
async def test_an_address_of_any_kind_can_be_linked(address: tuple[str, str]) -> None:
    process, anchors = await office()
    assert await anchors.link(address, named(HOME), ASHA)
    assert await anchors.link(named(WORK), address, ASHA)
    home, work = Talk(process, HOME), Talk(process, WORK)
    await work.dial()
    await work.say("2")
    assert (await home.dial()).startswith("Continue where you stopped?")


async def test_a_link_waits_for_what_is_alive_and_a_redelivery_gets_its_bytes_all_along() -> None:
    process, anchors = await office()
    work = Talk(process, WORK)
    await work.dial()
    asked = await work.say("2")
    assert not await anchors.link(named(WORK), named(HOME), ASHA), "a conversation is open"
    process.clock.advance(301)
    assert not await anchors.link(named(WORK), named(HOME), ASHA), "the last message may still be redelivered"
    assert await work.send() == asked
    process.clock.advance(work.gateway.retention)
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    assert await work.dial() == "First", "a fresh one, kept with those of the other address"
    home = Talk(process, HOME)
    assert await home.dial() == "First"


async def test_what_was_delivered_through_a_link_is_recognised_until_the_link_may_go() -> None:
    process, anchors = await office()
    await anchors.link(named(WORK), named(HOME), ASHA)
    work = Talk(process, WORK)
    await work.dial()
    asked = await work.say("2")
    assert not await anchors.unlink(named(WORK))
    assert await work.send() == asked
    process.clock.advance(work.gateway.retention + 1)
    assert await anchors.unlink(named(WORK))
    assert await anchors.unlink(named(WORK)), "twice does no harm"
    await work.dial()
    await work.say("7")
    home = Talk(process, HOME)
    assert await home.dial() == "First", "nothing of the other's"


async def test_links_point_to_the_end_of_the_chain_and_never_in_a_circle() -> None:
    process, anchors = await office()
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    assert await anchors.link(named(OTHER), named(WORK), ASHA)
    assert await anchors.link(named(HOME), named(OTHER), ASHA), "it is there already"
    held = await hold(process, OTHER)
    assert held.session.anchor == ("flow:sum", f"msisdn:{HOME}")
    await held.release()
    other = Talk(process, OTHER)
    assert await other.dial() == "First"


async def test_two_links_at_once_that_point_at_each_other_make_no_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each holds what the other waits for: both give up long before a lease is over."""
    process, anchors = await office()
    claim = process.store.claim

    async def in_turns(*what: Any, **more: Any) -> Any:
        await asyncio.sleep(0)
        return await claim(*what, **more)

    monkeypatch.setattr(process.store, "claim", in_turns)
    made = await asyncio.gather(
        anchors.link(named(WORK), named(HOME), ASHA), anchors.link(named(HOME), named(WORK), ASHA)
    )
    assert not any(made)
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    for number in (HOME, WORK):
        assert await Talk(process, number).dial() == "First"


async def test_a_circle_of_anchors_is_undone_by_an_unlink() -> None:
    process, anchors = await office()
    for number, to in ((HOME, WORK), (WORK, HOME)):
        held = await hold(process, number)
        held.session.anchor, held.session.member = ("flow:sum", f"msisdn:{to}"), ASHA
        await held.commit()
    assert "unavailable" in await Talk(process, HOME).dial()
    assert await anchors.unlink(named(HOME))
    assert [await Talk(process, number).dial() for number in (HOME, WORK)] == ["First", "First"]


async def test_where_no_policy_identifies_by_member_a_link_moves_nothing() -> None:
    process = Process(flows, "sum", MemoryStore(), Clock())
    await process.open()
    assert await Anchors(process.sessions, flow="sum").link(named(WORK), named(HOME), ASHA)
    assert [record async for record in process.store.scan()] == []


async def test_an_address_moves_from_one_member_to_another_when_nothing_is_alive_there() -> None:
    process, anchors = await office()
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    home = Talk(process, HOME)
    await home.dial()
    await home.say("4")
    assert not await anchors.link(named(WORK), named(OTHER), ASHA), (
        "its dealings are kept with a conversation that is open"
    )
    process.clock.advance(home.gateway.retention + 1)
    assert await anchors.link(named(WORK), named(OTHER), ASHA)
    await home.dial()
    await home.say("4")
    assert await Talk(process, WORK).dial() == "First", "where it was before is nothing of its own"


# --- several links ---


async def test_what_is_linked_to_an_address_that_is_linked_on_goes_along_and_can_leave() -> None:
    process, anchors = await office(resume=300)
    third = "+254722000004"
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    assert await anchors.link(named(OTHER), named(HOME), ASHA)
    assert await anchors.link(named(HOME), named(third), ASHA)
    elder = Talk(process, third)
    assert await elder.dial() == "First"
    work = Talk(process, WORK)
    assert await work.dial() == "First"
    await work.say("2")
    assert "Continue" in await elder.dial()
    assert not await anchors.unlink(named(WORK)), "its dealings are kept with a conversation that is open"
    assert await anchors.link(named(OTHER), named(third), ASHA), "they are kept there already"
    process.clock.advance(work.gateway.retention + 1)
    assert await anchors.unlink(named(WORK))
    assert await anchors.link(named(OTHER), named(WORK), ASHA)
    assert (await hold(process, OTHER)).session.anchor == ("flow:sum", f"msisdn:{WORK}")


# --- turns and links at the same moment ---


@pytest.mark.parametrize("late", [False, True], ids=["in time", "late"])
async def test_an_anchor_cannot_move_while_a_turn_follows_it(
    monkeypatch: pytest.MonkeyPatch, late: bool
) -> None:
    """An operator unlinks when a turn has seen the anchor and has not got the session yet.

    A turn that was held up for longer than its lease cannot keep it, and looks anew.
    """
    process, anchors = await office()
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    await ended(process, HOME)
    claim, home = process.store.claim, key_of(process, HOME)
    unlinked: list[bool] = []

    async def on_the_way(key: bytes, *what: Any, **more: Any) -> Any:
        if key == home:
            monkeypatch.undo()
            process.clock.advance(LEASE + 1 if late else 0)
            unlinked.append(await anchors.unlink(named(WORK)))
        return await claim(key, *what, **more)

    monkeypatch.setattr(process.store, "claim", on_the_way)
    work = Talk(process, WORK)
    assert await work.dial() == "First"
    assert unlinked == [late]
    assert await work.send() == "First"
    assert ((await hold(process, HOME)).session.conversation.run is None) == late
    assert (await hold(process, WORK)).session.anchor == (() if late else ("flow:sum", f"msisdn:{HOME}"))


async def test_a_link_does_not_wait_for_a_turn_at_work() -> None:
    process, anchors = await office()
    busy = await hold(process, HOME)
    waited = asyncio.get_running_loop().time()
    assert not await anchors.link(named(WORK), named(HOME), ASHA)
    assert not await anchors.unlink(named(HOME))
    waited = asyncio.get_running_loop().time() - waited
    assert waited < LEASE / 5, "or whoever links in a flow would wait for itself"
    await busy.release()
    assert await anchors.link(named(WORK), named(HOME), ASHA)


async def test_a_turn_that_was_overtaken_looks_where_its_session_is_now(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Another message of the same member was faster, and then the address was unlinked."""
    process, anchors = await office()
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    overtaken: list[bool] = []

    async def late(write: Write) -> None:
        monkeypatch.undo()
        await process.store.release(Claim(write.key, write.fence, 0.0, None))
        overtaken.append(await anchors.unlink(named(WORK)))
        raise Conflict

    monkeypatch.setattr(process.store, "commit", late)
    work = Talk(process, WORK)
    assert await work.dial() == "First"
    assert overtaken == [True]
    assert await work.say("2") == await work.send()
    assert (await hold(process, WORK)).session.conversation.run is not None
    assert (await hold(process, HOME)).fresh, "nothing of it is kept with the other address"


@pytest.mark.parametrize("was_there", [True, False])
async def test_a_turn_that_is_held_up_for_longer_than_its_lease_writes_nothing_where_it_was_unlinked_from(
    monkeypatch: pytest.MonkeyPatch, was_there: bool
) -> None:
    process, anchors = await office()
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    if was_there:
        await ended(process, HOME)
    advance = process.engine.advance
    unlinked: list[bool] = []

    async def held_up(*what: Any) -> Turned:
        turned = await advance(*what)
        if not unlinked:
            process.clock.advance(LEASE + 1)
            unlinked.append(await anchors.unlink(named(WORK)))
        return turned

    monkeypatch.setattr(process.engine, "advance", held_up)
    work = Talk(process, WORK)
    assert await work.dial() == "First"
    assert unlinked == [True]
    assert await work.send() == "First"
    assert (await hold(process, WORK)).session.conversation.run is not None
    assert (await hold(process, HOME)).session.conversation.run is None
