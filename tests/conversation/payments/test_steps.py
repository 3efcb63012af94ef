"""Steps with effects, one by one and several at once, and what may follow when an outcome is unknown."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.conversation import Chat, ErrorCode, Flows, Refused, Step, Text, Voided
from kikao.conversation.outcomes import Effect
from kikao.i18n.messages import t
from kikao.testing import ProcessDied
from tests.conversation.payments.sending import CHECKING, done
from tests.talk import start


class TestRetries:
    """What may follow when the outcome of a step is unknown."""

    @staticmethod
    def flows(effect: Effect, **step: Any) -> Flows:
        flows = Flows()

        @flows.flow("order")
        async def order(chat: Chat) -> None:
            await chat.ask("go", Text(), "Go?")
            ref = await chat.step("order", effect, **step)
            await chat.end(f"Ordered {ref}")

        return flows

    async def test_key_does_it_again_under_the_same_key(self) -> None:
        keys: list[str] = []

        async def effect(key: str) -> str:
            keys.append(key)
            if len(keys) == 1:
                raise TimeoutError
            return "A1"

        talk = await start(self.flows(effect, retry="key"), "order")
        await talk.dial()
        assert "We are checking" in await talk.say("y")
        assert await talk.dial() == "Ordered A1"
        assert len(keys) == 2
        assert len(set(keys)) == 1

    async def test_check_asks_first_and_a_voided_order_is_decided_anew(self) -> None:
        keys: list[str] = []

        async def effect(key: str) -> str:
            keys.append(key)
            if len(keys) == 1:
                raise TimeoutError
            return "A1"

        async def check(key: str) -> Any:
            return Voided()

        talk = await start(self.flows(effect, retry="check", check=check), "order")
        await talk.dial()
        await talk.say("y")
        assert (await talk.dial()).startswith("Your last request was not carried out.\nGo?")
        assert await talk.say("y") == "Ordered A1"
        assert len(set(keys)) == 2

    async def test_never_is_left_to_a_human(self) -> None:
        keys: list[str] = []

        async def effect(key: str) -> str:
            keys.append(key)
            raise TimeoutError

        talk = await start(self.flows(effect, retry="never"), "order")
        await talk.dial()
        await talk.say("y")
        assert await talk.dial() == CHECKING
        talk.process.clock.advance(3600)
        assert await talk.process.recovery.once() == 0
        assert len(keys) == 1

    async def test_a_step_that_cannot_be_checked_is_refused_when_it_is_written(self) -> None:
        async def effect(key: str) -> str:
            return ""

        talk = await start(self.flows(effect, retry="check"), "order")
        await talk.dial()
        assert (await talk.say("y")).startswith("Something went wrong. Try again.\nGo?")
        assert 'retry="check" needs check=' in done(talk).error

    async def test_a_mistake_in_the_receipt_text_does_not_make_a_done_order_unknown(self) -> None:
        async def effect(key: str) -> str:
            return "A1"

        talk = await start(self.flows(effect, retry="key", done=lambda ref: ref["no such"]), "order")
        await talk.dial()
        assert await talk.say("y") == "Ordered A1"
        assert "TypeError" in done(talk).reasons[0]


class TestParallel:
    """Several effects at once, each under its own key."""

    def setup_method(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.outcomes: dict[str, list[Any]] = {}

    def effect(self, name: str) -> Effect:
        async def perform(key: str) -> Any:
            self.calls.append((name, key))
            outcome = self.outcomes.get(name, [])
            result = outcome.pop(0) if outcome else f"{name}!"
            if isinstance(result, BaseException):
                raise result
            return result

        return perform

    @property
    def flows(self) -> Flows:
        flows = Flows()

        @flows.flow("all")
        async def everything(chat: Chat) -> None:
            await chat.ask("go", Text(), "Go?")
            steps = {name: Step(self.effect(name), "key", done=f"Done {name}") for name in ("a", "b", "c")}
            results = await chat.steps_parallel(steps)
            more = await chat.ask("more", Text(), "-".join(results.values()))
            await chat.end(more)

        return flows

    async def test_results_come_in_the_declared_order_and_are_replayed(self) -> None:
        talk = await start(self.flows, "all")
        await talk.dial()
        assert await talk.say("y") == "a!-b!-c!\n00 Home"
        await talk.restart()
        assert await talk.say("bye") == "bye"
        assert len(self.calls) == 3
        assert len({key for _, key in self.calls}) == 3

    async def test_one_refused_is_raised_once_all_are_settled(self) -> None:
        self.outcomes["b"] = [Refused(ErrorCode.LIMITED, t("b is full."))]
        talk = await start(self.flows, "all")
        await talk.dial()
        assert await talk.say("y") == "Done a\nDone c\nb is full."
        assert talk.ended

    async def test_one_unknown_is_tried_again_alone(self) -> None:
        self.outcomes["b"] = [TimeoutError()]
        talk = await start(self.flows, "all")
        await talk.dial()
        assert "We are checking" in await talk.say("y")
        assert (await talk.dial()).startswith("a!-b!-c!")
        assert [name for name, _ in self.calls] == ["a", "b", "c", "b"]

    async def test_a_crash_in_between_repeats_only_keys(self) -> None:
        talk = await start(self.flows, "all")
        await talk.dial()
        talk.process.store.die_before = ("commit", 2)
        with pytest.raises(ProcessDied):
            await talk.say("y")
        await talk.restart()
        assert (await talk.send()).startswith("a!-b!-c!")
        assert len(self.calls) == 6
        assert len(set(self.calls)) == 3

    async def test_a_parked_group_tells_what_was_done_and_what_was_not(self) -> None:
        self.outcomes["a"] = [Refused(ErrorCode.LIMITED, t("a is full."))]
        self.outcomes["b"] = [TimeoutError(), TimeoutError()]
        talk = await start(self.flows, "all")
        await talk.dial()
        await talk.say("y")
        await talk.dial()
        assert (await talk.say("2")).startswith("Go?")
        talk.process.clock.advance(60)
        await talk.process.recovery.once()
        await talk.dial()
        assert talk.text.startswith("a is full.\nDone b\nDone c\nGo?")
