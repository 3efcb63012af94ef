"""What a flow has the member's operator charge: once, with the screen of the turn that came there."""

from __future__ import annotations

import pytest

from kikao import Amount, App, Chat, Flows, Text
from kikao.events import ChargeAsked, TurnCommitted
from kikao.testing import Stage
from tests.talk import Talk, start

FEE = Amount("KES", 250)


def shop(*, times: int = 1, amount: object = FEE) -> Flows:
    flows = Flows()

    @flows.flow("shop")
    async def sell(chat: Chat) -> None:
        name = await chat.ask("name", Text(), "Name?")
        for _ in range(times):
            await chat.charge("fee", amount)  # type: ignore[arg-type]
        await chat.ask("more", Text(), f"{name}, more?")
        await chat.end("Bye")

    return flows


async def charged(talk: Talk) -> str:
    """What the last request again is told to charge."""
    response = await talk.process.turns.handle(talk.inbound(), talk.gateway)
    return dict(response.headers).get("charge", "")


def asked(talk: Talk) -> list[tuple[str, int, bool]]:
    return [(e.at, e.minor, e.carried) for e in talk.process.events if isinstance(e, ChargeAsked)]


def turns(talk: Talk) -> list[TurnCommitted]:
    return [event for event in talk.process.events if isinstance(event, TurnCommitted)]


async def test_it_goes_with_the_screen_of_its_turn_and_with_every_copy_of_that() -> None:
    talk = await start(shop(), "shop")
    await talk.dial()
    assert await charged(talk) == ""
    await talk.say("Asha")
    assert await charged(talk) == "250"
    assert await charged(talk) == "250"
    assert asked(talk) == [("fee#1", 250, True)]


async def test_it_goes_with_no_other_screen() -> None:
    talk = await start(shop(), "shop")
    await talk.dial()
    await talk.say("Asha")
    await talk.say("0")  # back: not over what left already
    assert await charged(talk) == ""
    await talk.dial()
    assert await charged(talk) == ""
    await talk.say("1", "no")
    assert talk.text == "Bye"
    assert await charged(talk) == ""
    assert len(asked(talk)) == 1


async def test_nothing_is_charged_where_the_screen_cannot_be_shown() -> None:
    flows = Flows()

    @flows.flow("shop")
    async def sell(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name?")
        await chat.charge("fee", FEE)
        await chat.confirm("sure", "Pay? " * 100)

    async with Stage(App(flows, entry="shop")) as stage:
        asha = stage.phone()
        await asha.dial()
        await asha.reply("Asha")
        assert [each.what for each in stage.events if isinstance(each, TurnCommitted)] == ["asked", "failed"]
        assert not [each for each in stage.events if isinstance(each, ChargeAsked)]


async def test_a_crash_before_the_commit_charges_nothing_and_after_it_the_same_bytes() -> None:
    talk = await start(shop(), "shop")
    await talk.dial()
    await talk.restart()
    await talk.say("Asha")
    await talk.restart()
    assert await charged(talk) == "250"
    await talk.dial()
    assert await charged(talk) == ""


@pytest.mark.parametrize(
    "amount",
    [Amount("KES", 0), Amount("KES", -5), 250, "250", None],
    ids=["none", "less", "int", "text", "None"],
)
async def test_what_is_no_amount_is_a_mistake(amount: object) -> None:
    talk = await start(shop(amount=amount), "shop")
    await talk.dial()
    await talk.say("Asha")
    assert [turn.what for turn in turns(talk)] == ["asked", "failed"]
    assert "an Amount of more than 0" in turns(talk)[-1].error
    assert asked(talk) == []
    assert await charged(talk) == ""


async def test_two_in_one_turn_are_a_mistake_and_neither_is_charged() -> None:
    talk = await start(shop(times=2), "shop")
    await talk.dial()
    await talk.say("Asha")
    assert "add the amounts up" in turns(talk)[-1].error
    assert await charged(talk) == ""


async def test_a_gateway_that_cannot_say_so_replies_as_ever() -> None:
    async with Stage(App(shop(), entry="shop")) as stage:
        asha = stage.phone()
        await asha.dial()
        assert "more?" in await asha.reply("Asha")
        assert [e.carried for e in stage.events if isinstance(e, ChargeAsked)] == [False]
