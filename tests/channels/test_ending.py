"""A dialogue that is over is forgotten by the session that it was of, wherever that is kept."""

from __future__ import annotations

from functools import partial

import pytest

from kikao import App, Chat, Flows, SessionPolicy, Text
from kikao.channels.ending import end
from kikao.channels.ussd.registry import gateway
from kikao.members.links import Links
from kikao.sessions.policy import Address, MissingIdentifier
from kikao.sessions.store import Conflict
from kikao.testing import Phone, Stage

HOME, WORK = "+919812345678", "+919812345679"

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """Two questions."""
    first = await chat.ask("first", Text(), "First?")
    await chat.ask("last", Text(), f"Last, {first}?")


def staged() -> Stage:
    return Stage(App(flows, entry="names", policy=SessionPolicy.across_channels()))


async def linked(stage: Stage) -> None:
    links = stage.server.services[Links]
    assert isinstance(links, Links)
    assert stage.server.members is not None
    known = await stage.server.members.meet("msisdn", HOME)
    stage.clock.advance(1)
    assert await links.link(known.id, "msisdn", WORK)


async def hang_up(stage: Stage, phone: Phone) -> bool:
    """What the provider of a phone tells, as it comes to the session."""
    told = phone.client.hang_up()
    assert told is not None
    inbound = gateway("imimobile").parse(told.request())
    turns = stage.server.turns
    where = partial(turns.address, inbound, "")
    return await end(inbound, where, turns.sessions, turns.members, within=1.0)


async def says(phone: Phone, text: str) -> str:
    return await phone.send(phone.client.answer(text))


async def test_the_session_of_linked_numbers_forgets_the_dialogue_of_the_one_that_hung_up() -> None:
    async with staged() as stage:
        await linked(stage)
        home, work = (stage.phone(number, gateway="imimobile") for number in (HOME, WORK))
        await says(work, "hi")
        assert (await says(work, "Asha")).startswith("Last, Asha?")
        assert await hang_up(stage, home)  # of another phone: nothing
        assert await hang_up(stage, work)
        stage.clock.advance(5)
        assert (await says(work, "hi")).startswith("Continue where you stopped?")
        assert len([each for each in await stage.stored() if not each.anchor]) == 1


async def test_who_hung_up_elsewhere_ends_nothing_here() -> None:
    async with staged() as stage:
        await linked(stage)
        home, work = (stage.phone(number, gateway="imimobile") for number in (HOME, WORK))
        await says(work, "hi")
        assert await hang_up(stage, home)
        stage.clock.advance(5)
        assert (await says(work, "Asha")).startswith("Last, Asha?")


@pytest.mark.parametrize("problem", [Conflict("others were faster"), MissingIdentifier("nobody")])
async def test_who_is_nobody_or_was_overtaken_ends_nothing_and_breaks_nothing(problem: Exception) -> None:
    async with staged() as stage:
        phone = stage.phone(HOME, gateway="imimobile")
        await says(phone, "hi")
        told = phone.client.hang_up()
        assert told is not None
        inbound = gateway("imimobile").parse(told.request())

        def nobody() -> Address:
            raise problem

        turns = stage.server.turns
        assert await end(inbound, nobody, turns.sessions, turns.members, within=1.0)
        assert (await says(phone, "Asha")).startswith("Last, Asha?")
