"""Who is turned away at the gate: told so in their own language, at once, and neither store nor records are asked."""

from __future__ import annotations

import asyncio
import contextlib

from kikao import App, Chat, Flows, Text, t
from kikao.events import TurnRejected
from kikao.sessions.gate import TRIES
from kikao.sessions.timing import TimedStore
from kikao.testing import Stage
from kikao.testing.stage import UNHURRIED
from kikao.testing.timers import let_pass
from tests.waiting import until

UNAVAILABLE = "Service unavailable. Try again later."
IN_SWAHILI = "Huduma haipatikani"


def an_app(budget: float = 4.0) -> App:
    flows = Flows()

    @flows.flow("greet")
    async def greet(chat: Chat) -> None:
        name = await chat.ask("name", Text(), t("Name?"))
        await chat.end(t("{name}.", name=name))

    return App(flows, entry="greet", budget=budget, locales={"en": "English", "sw": "Kiswahili"})


def claims(stage: Stage) -> int:
    """How often the store was asked for a session."""
    store = stage.server.sessions.store
    assert isinstance(store, TimedStore)
    return sum(store.times["claim"].counts)


async def test_beyond_the_places_the_screen_comes_at_once_in_the_member_s_language() -> None:
    async with Stage(an_app()) as stage:
        turns, members = stage.server.turns, stage.server.members
        assert members is not None
        asha, stranger = stage.phone(), stage.phone("+256772000009")
        await asha.dial()
        known = await members.meet("msisdn", asha.number)
        await members.remember(known.id, locale="sw")
        await members.meet("msisdn", asha.number)
        asked = claims(stage)

        turns.gate.inside += turns.gate._most
        assert (await asha.reply("Asha")).startswith(IN_SWAHILI)
        assert await stranger.dial() == UNAVAILABLE
        assert asha.raw is not None
        assert asha.raw[0] == 200
        turns.gate.inside -= turns.gate._most

        assert claims(stage) == asked
        assert await members.find("msisdn", stranger.number) is None, "nobody is met who is not let in"
        rejected = [event for event in stage.events if isinstance(event, TurnRejected)]
        assert [(event.what, event.error.partition(" ")[0]) for event in rejected] == [
            ("unavailable", "Crowded")
        ] * 2
        assert await asha.again() == "Asha.", "nothing was consumed"


async def test_a_turn_ends_in_its_budget_and_after_several_the_next_are_told_at_once() -> None:
    budget, probe = 14.0, 60.0
    async with Stage(an_app(budget=budget)) as stage:
        asha = stage.phone()
        await asha.dial()
        members = stage.server.members
        assert members is not None
        stage.server.turns.gate._probe = probe
        asked, go_on = asyncio.Event(), asyncio.Event()
        meet = members.meet

        async def silent(kind: str, identity: str) -> object:
            asked.set()
            await go_on.wait()
            return await meet(kind, identity)

        members.meet = silent  # type: ignore[method-assign,assignment]
        replying = asyncio.create_task(asha.reply("Asha"))
        for _ in range(TRIES):
            await asked.wait()
            asked.clear()
            let_pass(budget * 0.7)
            for _ in range(5):
                await asyncio.sleep(0)
            assert not replying.done(), "as long as there is hope"
            let_pass(budget * 0.3)
            assert await replying == UNAVAILABLE
            replying = asyncio.create_task(asha.again())
        assert await replying == UNAVAILABLE
        errors = [event.error.partition(" ")[0] for event in stage.events if isinstance(event, TurnRejected)]
        assert errors == ["TimeoutError"] * TRIES + ["Hanging"]
        go_on.set()
        let_pass(probe)

        async def answered() -> bool:
            return await asha.again() == "Asha."

        await until(answered, "the copy that a gateway sends to be answered")
        assert await asha.dial() == "Name?"


async def test_a_flow_that_hangs_turns_nobody_else_away() -> None:
    """Five of them in a row run out of time; the store and the records answer."""
    flows = Flows()

    @flows.flow("greet")
    async def greet(chat: Chat) -> None:
        name = await chat.ask("name", Text(), t("Name?"))
        while name == "stuck":
            asyncio.get_running_loop().call_soon(let_pass, UNHURRIED)
            with contextlib.suppress(TimeoutError):
                await asyncio.Event().wait()
        await chat.end(t("{name}.", name=name))

    async with Stage(App(flows, entry="greet")) as stage:
        asha, okello = stage.phone(), stage.phone("+256772000009")
        await asha.dial()
        assert await asha.reply("stuck") == UNAVAILABLE
        for _ in range(TRIES):
            assert await asha.again() == UNAVAILABLE
        assert await okello.dial() == "Name?"
