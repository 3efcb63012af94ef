"""A payment that the bank refuses: nothing moved, and what is asked again."""

from __future__ import annotations

from typing import Any

from kikao.conversation import Chat, ErrorCode, Flows, Refused, RefusedError, Text
from kikao.i18n.messages import t
from tests.bank import PIN
from tests.conversation.payments.sending import WELCOME, phone, to_the_pin
from tests.talk import start


class TestWrongPin:
    async def test_a_wrong_pin_then_the_right_one_pays_once(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        assert (await talk.say("1111")).startswith("Wrong PIN. Try again.\nEnter PIN")
        assert await talk.say(PIN) == "Sent. Ref TX1"
        assert talk.ended
        assert [r.amount for r in bank.moved] == [700]
        assert len(set(bank.keys)) == 2, "a refused attempt's key must not be used again"

    async def test_tries_are_counted_by_the_bank_so_that_back_and_redial_do_not_reset_them(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        await talk.say("1111")
        await talk.say("0")  # back to the confirmation
        await talk.say("1", "2222")
        await talk.dial()
        assert await talk.say("1") == "Amount\n0 Back\n00 Home"
        assert (await talk.say("700", "1", "3333")).startswith("Wrong PIN")
        assert await talk.say(PIN) == "Account locked. Please contact us."
        assert talk.ended
        assert bank.moved == []

    async def test_something_that_is_no_pin_is_not_an_attempt(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        assert (await talk.say("12ab")).startswith("Enter the 4 digits of your PIN.\nEnter PIN")
        assert bank.keys == []


class TestRefused:
    async def test_too_little_money_asks_the_amount_again_with_the_error(self) -> None:
        talk, bank = await phone()
        bank.balance = 600
        await to_the_pin(talk)
        assert (await talk.say(PIN)).startswith("Insufficient balance.\nAmount")
        assert (await talk.say("600")).startswith("Send 600 to Ann?")
        assert await talk.say("1", PIN) == "Sent. Ref TX1"
        assert [r.amount for r in bank.moved] == [600]

    async def test_a_locked_account_ends_the_conversation(self) -> None:
        talk, bank = await phone()
        bank.tries = 0
        await to_the_pin(talk)
        assert await talk.say(PIN) == "Account locked. Please contact us."
        assert talk.ended
        assert await talk.dial() == WELCOME

    async def test_a_refusal_that_a_flow_catches_is_replayed_to_it(self) -> None:
        flows = Flows()
        calls: list[str] = []

        @flows.flow("buy")
        async def buy(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")

            async def order(key: str) -> Any:
                calls.append(key)
                return Refused(ErrorCode.REJECTED, t("Sold out."))

            try:
                await chat.step("order", order, retry="key")
            except RefusedError as refused:
                await chat.say(refused.text)
            other = await chat.ask("other", Text(), "Something else?")
            await chat.end(f"Noted {other}")

        talk = await start(flows, "buy")
        await talk.dial()
        assert await talk.say("milk") == "Sold out.\nSomething else?\n0 Back\n00 Home"
        await talk.restart()
        assert await talk.say("tea") == "Noted tea"
        assert len(calls) == 1

    async def test_what_was_done_before_is_told_when_a_later_step_ends_it_all(self) -> None:
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            await chat.ask("go", Text(), "Go?")
            await chat.step("first", paid, retry="key", done=t("First paid."))
            await chat.step("second", refused, retry="key")

        async def paid(key: str) -> str:
            return "ok"

        async def refused(key: str) -> Any:
            return Refused(ErrorCode.INSUFFICIENT_BALANCE)

        talk = await start(flows, "pay")
        await talk.dial()
        assert await talk.say("y") == "First paid.\nInsufficient balance."
        assert talk.ended
