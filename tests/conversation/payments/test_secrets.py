"""The PIN of a payment is kept nowhere, whatever the service does with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kikao.conversation import Chat, Done, ErrorCode, Flows, Pin, Refused, Secret, Text, Unknown
from kikao.i18n.messages import t
from tests.bank import PIN, fail
from tests.conversation.payments.sending import done, phone, to_the_pin
from tests.talk import start


class TestSecrets:
    """A PIN is in no state, no event and no error, whatever the service does with it."""

    LONG = "73915"

    @pytest.mark.parametrize(
        "returned",
        [
            lambda pin: {"ref": "A1", "pin": pin},
            lambda pin: Done(["A1", pin]),
            lambda pin: f"paid with {pin}",
            lambda pin: {pin: "A1"},
            lambda pin: Refused(ErrorCode.WRONG_SECRET, t("{pin} is wrong", pin=pin)),
            lambda pin: Refused(ErrorCode.REJECTED, t("{pin} is wrong", pin=pin)),
            lambda pin: Unknown(f"no answer for {pin}"),
            Secret,
            lambda pin: fail(ValueError(f"bad pin {pin}"))(),
            lambda pin: fail(RuntimeError(pin))(),
        ],
    )
    async def test_a_service_that_gives_the_pin_back_does_not_get_it_kept(
        self, returned: Callable[[str], Any]
    ) -> None:
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            async def use(pin: Secret, key: str) -> Any:
                return returned(pin.reveal())

            await chat.ask("go", Text(), "Go?")
            result = await chat.secret("pin", Pin(5), "Enter PIN", use=use)
            await chat.ask("more", Text(), f"Got {result}")

        talk = await start(flows, "pay")
        await talk.dial()
        await talk.say("y", self.LONG)
        assert self.LONG not in talk.text
        assert not await talk.process.holds(self.LONG)

    async def test_a_short_pin_as_a_value_of_its_own_is_taken_out_and_the_payment_counts(self) -> None:
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            async def use(pin: Secret, key: str) -> Any:
                return {"ref": "A1", "echo": pin.reveal()}

            result = await chat.secret("pin", Pin(), "Enter PIN", use=use)
            await chat.ask("more", Text(), f"{result['ref']} {result['echo']}")

        talk = await start(flows, "pay")
        await talk.dial()
        assert (await talk.say("4321")).startswith("A1 ***")
        assert "must not return it" in done(talk).reasons[0]

    async def test_a_pin_asked_like_any_answer_is_refused_before_it_is_kept(self) -> None:
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            await chat.ask("pin", Pin(), "Enter PIN")

        talk = await start(flows, "pay")
        await talk.dial()
        assert (await talk.say(PIN)).startswith("Something went wrong.")
        assert "ask for it with chat.secret" in done(talk).error
        assert not await talk.process.holds(PIN)

    async def test_nothing_of_a_whole_payment_holds_the_pin(self) -> None:
        talk, _ = await phone()
        await to_the_pin(talk)
        await talk.say("1111", PIN)
        assert not await talk.process.holds("1111")
        assert not await talk.process.holds(PIN)
