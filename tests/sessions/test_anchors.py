"""Addresses that were linked share a session, and a redelivery never notices."""

from __future__ import annotations

import asyncio

import pytest

from kikao.conversation import Chat, Flows, Number
from kikao.i18n import t
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Held
from kikao.sessions.policy import SessionPolicy, session_key
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


async def test_linked_addresses_hold_one_conversation() -> None:
    process, anchors = await office(resume=300)
    assert await anchors.link(named(WORK), named(HOME), ASHA)
    home, work = Talk(process, HOME), Talk(process, WORK)
    await home.dial()
    assert await home.say("2") == "Second\n00 Home"
    assert (await work.dial()).startswith("Continue where you stopped?")
    assert await work.say("1") == "Second\n00 Home"
    assert await work.say("3") == "Sum 5"


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
    ring = process.sessions.ring
    held = await process.sessions.claim(session_key(ring, ("flow:sum", f"msisdn:{OTHER}")), wait=0)
    assert isinstance(held, Held)
    assert held.session.anchor == ("flow:sum", f"msisdn:{HOME}")
    await held.release()
    other = Talk(process, OTHER)
    assert await other.dial() == "First"


async def test_two_links_at_once_that_point_at_each_other_make_no_circle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    process, anchors = await office()
    monkeypatch.setattr("kikao.sessions.anchors.WAIT", 0.05)
    made = await asyncio.gather(
        anchors.link(named(WORK), named(HOME), ASHA), anchors.link(named(HOME), named(WORK), ASHA)
    )
    assert sum(made) <= 1 or await anchors.link(named(WORK), named(HOME), ASHA)
    for number in (HOME, WORK):
        assert await Talk(process, number).dial() == "First"


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
