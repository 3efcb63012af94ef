"""A mistake after a payment must not look as if nothing had been paid."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from kikao.conversation import BackendError, Chat, Done, ErrorCode, Flows, RefusedError, Step, Text, Voided
from kikao.i18n.messages import t
from kikao.testing import ProcessDied
from tests.conversation.hard_cases.talks import UNAVAILABLE, flow
from tests.talk import start


class TestEffectsAreNotForgottenWhenAFlowBreaks:
    """A mistake after a payment must not look as if nothing had been paid."""

    async def test_what_is_done_is_told_with_the_error(self) -> None:
        async def pay(key: str) -> str:
            return "ok"

        down = [True]

        async def balance() -> int:
            if down:
                raise BackendError(ErrorCode.BACKEND_UNAVAILABLE)
            return 5

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.end(f"Left {await chat.read('left', balance)}")

        talk = await start(flow(f), "f")
        await talk.dial()
        assert await talk.say("x") == f"Paid. Ref A1\n{UNAVAILABLE}"
        assert talk.ended
        await talk.dial()
        assert talk.text.startswith("Continue where you stopped?")
        assert await talk.say("1") == f"Paid. Ref A1\n{UNAVAILABLE}"
        down.clear()
        await talk.dial()
        assert await talk.say("1") == "Left 5"

    async def test_a_refusal_caught_and_another_step_tried(self) -> None:
        tried: list[str] = []

        async def card(key: str) -> Any:
            tried.append("card")
            raise RefusedError(ErrorCode.REJECTED, t("No card"))

        async def cash(key: str) -> Any:
            tried.append("cash")
            return Done("B2")

        async def find(key: str) -> Any:
            return Voided()

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            try:
                ref = await chat.step("card", card, retry="check", check=find)
            except RefusedError:
                ref = await chat.step("cash", cash, retry="check", check=find)
            await chat.ask("more", Text(), f"Ref {ref}")
            await chat.end(ref)

        talk = await start(flow(f), "f")
        await talk.dial()
        assert (await talk.say("x")).startswith("Ref B2")
        await talk.restart()
        assert await talk.say("y") == "B2"
        assert tried == ["card", "cash"]


async def test_a_process_that_dies_between_parallel_steps_and_a_deploy_adds_one() -> None:
    calls: list[str] = []

    def effect(name: str) -> Callable[[str], Coroutine[Any, Any, str]]:
        async def perform(key: str) -> str:
            calls.append(name)
            return name

        return perform

    def version(*names: str) -> Flows:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.steps_parallel({name: Step(effect(name), "key") for name in names})
            await chat.end("All")

        return flow(f)

    talk = await start(version("a", "b"), "f")
    await talk.dial()
    talk.process.store.die_before = ("commit", 2)
    with pytest.raises(ProcessDied):
        await talk.say("x")
    await talk.restart(version("a", "b", "c"))
    assert await talk.send() == "We updated this service. Please start again."
    assert calls == ["a", "b"]
