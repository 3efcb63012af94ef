"""A payment that takes longer than the gateway waits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.conversation import Chat, Flows, Number, Text
from kikao.i18n.messages import t
from tests.bank import PIN, Bank
from tests.conversation.payments.sending import CHECKING, WELCOME, phone, to_the_pin
from tests.talk import Talk, start

pytestmark = pytest.mark.virtual_time


class TestDeadline:
    """The bank is slower than the gateway waits: received, being processed, told at the next dial."""

    BUDGET = 0.05

    async def slow(self, **options: Any) -> tuple[Talk, Bank]:
        talk, bank = await phone(**{"budget": self.BUDGET, **options})
        bank.gate = asyncio.Event()
        await to_the_pin(talk)
        return talk, bank

    async def test_three_commits_received_still_processed_and_the_outcome_at_the_next_dial(self) -> None:
        talk, bank = await self.slow()
        assert await talk.say(PIN) == "Request received. Do not repeat it. Dial again to see the result."
        assert talk.ended
        assert await talk.send() == "Request received. Do not repeat it. Dial again to see the result.", (
            "redelivered"
        )
        for _ in range(3):
            assert await talk.dial() == "Your last request is still being processed. Dial again shortly."
        assert bank.voided == set()
        assert await talk.process.recovery.once() == 0, "somebody is at it"
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert len(bank.moved) == 1
        assert await talk.dial() == "Sent. Ref TX1"
        assert await talk.dial() == WELCOME
        assert len(bank.keys) == 1

    async def test_a_copy_in_flight_at_the_deadline_gets_the_same_closing_screen(self) -> None:
        talk, bank = await self.slow(budget=1.0)
        talk.typed += f"*{PIN}"
        inbound = talk.inbound()
        replies = await asyncio.gather(*(talk.process.turns.handle(inbound, talk.gateway) for _ in range(3)))
        assert {reply.body for reply in replies} == {
            b"END Request received. Do not repeat it. Dial again to see the result."
        }
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert len(bank.moved) == 1

    async def test_the_lease_is_renewed_even_after_a_redial(self) -> None:
        talk, bank = await self.slow()
        await talk.say(PIN)
        await talk.dial()
        (row,) = await talk.process.store.store.due(now=1e12, limit=9)
        renewed = await talk.process.store.renew(row.session, (row.id,), row.fence, 2e9)
        assert renewed == 1
        assert row.lease_until > talk.process.clock.now
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()

    async def test_a_wrong_pin_after_the_deadline_is_told_and_nothing_moved(self) -> None:
        talk, bank = await self.slow()
        await talk.say("1111")
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert (await talk.dial()).startswith("Wrong PIN. Try again.\nAmount")
        assert await talk.say("800", "1", PIN) == "Sent. Ref TX1"
        assert [r.amount for r in bank.moved] == [800]

    async def test_too_little_money_after_the_deadline_is_told(self) -> None:
        talk, bank = await self.slow()
        bank.balance = 1
        await talk.say(PIN)
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert (await talk.dial()).startswith("Insufficient balance.\nAmount")

    async def test_a_process_that_dies_after_the_closing_screen_loses_nothing(self) -> None:
        talk, bank = await self.slow()
        await talk.say(PIN)
        gate, bank.gate = bank.gate, None
        old = talk.process
        await talk.restart()
        assert await talk.process.recovery.once() == 1
        assert (await talk.dial()).startswith("Your last request was not carried out.\nAmount")
        assert gate is not None
        gate.set()
        await old.settle()
        assert bank.moved == [], "the bank refused the voided key"

    async def test_a_late_outcome_finds_the_member_elsewhere(self) -> None:
        """The lease lapses unrenewed, the member starts something else, then the bank answers after all."""
        talk, bank = await self.slow()
        bank.away = True
        await talk.say(PIN)
        talk.process.clock.advance(20)
        assert await talk.dial() == CHECKING
        assert await talk.say("2") == WELCOME
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert (await talk.say("Bob")).startswith("Done. Ref TX1\nAmount")

    @pytest.mark.parametrize("typed", ["1", PIN])
    async def test_a_late_outcome_meets_a_member_who_is_asked_again(self, typed: str) -> None:
        """The same, and the member wants to be sure: the PIN is asked for again, under the same key."""
        talk, bank = await self.slow()
        bank.away = True
        await talk.say(PIN)
        talk.process.clock.advance(20)
        assert await talk.dial() == CHECKING
        assert (await talk.say("1")).startswith("We could not confirm your last request. Enter your PIN")
        if typed == "1":
            assert await talk.say("00") == CHECKING
        assert bank.gate is not None
        bank.gate.set()
        await talk.process.settle()
        assert await talk.say(typed) == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_a_slow_look_up_is_cut_at_the_deadline_and_the_question_stays(self) -> None:
        flows = Flows()
        hang: asyncio.Event | None = asyncio.Event()

        async def fee() -> int:
            if hang is not None:
                await hang.wait()
            return 5

        @flows.flow("fees")
        async def fees(chat: Chat) -> None:
            await chat.ask("amount", Number(), "Amount")
            await chat.ask("ok", Text(), t("Fee {fee}", fee=await chat.read("fee", fee)))

        talk = await start(flows, "fees", budget=1.0)
        await talk.dial()
        assert await talk.say("7") == "The service took too long. Try again.\nAmount"
        hang = None
        assert (await talk.say("7")).startswith("Fee 5")
