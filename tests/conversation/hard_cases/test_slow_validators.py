"""3. A check that asks somebody else."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.conversation import BackendError, Chat, Flows, Invalid, Number, Text
from kikao.i18n.messages import t
from tests.conversation.hard_cases.talks import BROKEN, UNAVAILABLE, flow, last
from tests.talk import start

pytestmark = pytest.mark.virtual_time


class TestAValidatorWithANetwork:
    """3. A check that asks somebody else."""

    def setup_method(self) -> None:
        self.checked: list[str] = []
        self.hang: asyncio.Event | None = None

    async def check(self, number: str) -> None:
        self.checked.append(number)
        if self.hang is not None:
            await self.hang.wait()
        if number == "bad":
            raise Invalid(t("Nobody has this number."))
        if number == "down":
            raise BackendError

    @property
    def flows(self) -> Flows:
        async def meter(chat: Chat) -> None:
            number = await chat.ask("number", Text(), "Meter", validate=self.check, attempts=2)
            await chat.ask("amount", Number(), f"Amount for {number}")
            await chat.end("Bye")

        return flow(meter)

    async def test_it_runs_once_and_never_on_replay(self) -> None:
        talk = await start(self.flows, "meter")
        await talk.dial()
        await talk.say("m1")
        await talk.restart()
        assert await talk.say("5") == "Bye"
        assert self.checked == ["m1"]

    async def test_wrong_answers_are_counted_and_the_last_one_ends_it(self) -> None:
        talk = await start(self.flows, "meter")
        await talk.dial()
        assert (await talk.say("bad")).startswith("Nobody has this number.\nMeter")
        assert await talk.say("bad") == "Nobody has this number."
        assert talk.ended

    async def test_could_not_check_uses_no_attempt(self) -> None:
        talk = await start(self.flows, "meter")
        await talk.dial()
        await talk.say("bad")
        assert (await talk.say("down")).startswith(f"{UNAVAILABLE}\nMeter")
        assert (await talk.say("m1")).startswith("Amount for m1")

    async def test_one_that_hangs_is_cut_long_before_the_gateway_hangs_up(self) -> None:
        talk = await start(self.flows, "meter", budget=0.1)
        await talk.dial()
        await talk.say("bad")
        self.hang = asyncio.Event()
        assert (await talk.say("m1")).startswith("We could not check this. Try again.\nMeter")
        self.hang = None
        assert (await talk.say("m1")).startswith("Amount for m1")

    async def test_it_must_not_talk_to_the_member(self) -> None:
        async def meter(chat: Chat) -> None:
            async def check(number: str) -> None:
                await chat.read("known", lambda: True)

            await chat.ask("number", Text(), "Meter", validate=check)

        talk = await start(flow(meter), "meter")
        await talk.dial()
        assert (await talk.say("m1")).startswith(BROKEN)
        assert "inside the look-up or the validator of 'number#1'" in last(talk).error

    async def test_neither_must_a_look_up(self) -> None:
        async def meter(chat: Chat) -> None:
            async def look() -> Any:
                return await chat.ask("n", Text(), "N")

            await chat.read("x", look)

        talk = await start(flow(meter), "meter")
        assert await talk.dial() == BROKEN
        assert "inside the look-up" in last(talk).error
