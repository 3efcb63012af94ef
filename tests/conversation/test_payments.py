"""Money and PINs: whatever dies, hangs or lies, a payment happens at most once, and exactly once for who finishes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from kikao.conversation import (
    BackendError,
    Chat,
    Done,
    ErrorCode,
    Flows,
    Number,
    Pin,
    Refused,
    RefusedError,
    Secret,
    Step,
    Text,
    Unknown,
    Voided,
)
from kikao.conversation.outcomes import Effect
from kikao.events import RecoveryDone, TurnCommitted
from kikao.i18n.messages import t
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock, ProcessDied
from tests.bank import PIN, Bank, fail
from tests.talk import Process, Talk, start

WELCOME = "To whom?"
CHECKING = "We are checking your last request: it may still go through.\n1 Check again\n2 Start again"
RESUME = "Continue where you stopped?\n1 Continue\n2 Start again"


def sending(*, tombstones: bool = True) -> Flows:
    """Send money, with a bank that can void a key or one that cannot."""
    flows = Flows()

    @flows.flow("send")
    async def send(chat: Chat) -> None:
        bank = chat.service(Bank)
        to = await chat.ask("to", Text(), t("To whom?"))
        amount = await chat.ask("amount", Number(min=500), t("Amount"))
        await chat.confirm("ok", t("Send {amount} to {to}?", amount=amount, to=to))
        receipt = await chat.secret(
            "pin",
            Pin(),
            t("Enter PIN"),
            use=lambda pin, key: bank.transfer(to, amount, pin, key),
            check=bank.find if tombstones else None,
        )
        await chat.end(t("Sent. Ref {ref}", ref=receipt.ref))

    return flows


async def phone(*, tombstones: bool = True, **options: Any) -> tuple[Talk, Bank]:
    bank = Bank()
    return await start(sending(tombstones=tombstones), "send", services={Bank: bank}, **options), bank


async def to_the_pin(talk: Talk) -> None:
    await talk.dial()
    assert (await talk.say("Ann", "700", "1")).startswith("Enter PIN")


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


class TestCrash:
    """A stubborn member finishes the payment, whatever dies on the way."""

    STORE: ClassVar = [
        (when, method, nth)
        for when in ("before", "after")
        for method, most in (("claim", 6), ("intent", 1), ("commit", 6), ("release", 1))
        for nth in range(1, most + 1)
    ]
    BANK: ClassVar = [(when, "bank", 1) for when in ("before", "after")]

    @staticmethod
    def prepare(process: Process, bank: Bank, point: tuple[str, str, int]) -> None:
        when, method, nth = point
        if method == "bank":

            def die() -> None:
                process.store.dead = True
                raise ProcessDied

            setattr(bank, when, die)
        else:
            setattr(process.store, f"die_{when}", (method, nth))

    @staticmethod
    def answer(text: str) -> str:
        for screen, answer in [
            ("To whom?", "Ann"),
            ("Amount", "700"),
            ("Send 700 to Ann?", "1"),
            ("Enter PIN", PIN),
            ("Continue where you stopped?", "1"),
            ("We are checking", "1"),
        ]:
            if screen in text:
                return answer
        raise AssertionError(f"no member knows what to say to {text!r}")

    async def finish(self, points: list[tuple[str, str, int]], *, redelivers: bool, tombstones: bool) -> None:
        talk, bank = await phone(tombstones=tombstones)
        left = list(points)
        self.prepare(talk.process, bank, left.pop(0))
        move: Callable[[], Any] = talk.dial
        for _ in range(60):
            try:
                await move()
            except ProcessDied:
                await talk.restart()
                if left:
                    self.prepare(talk.process, bank, left.pop(0))
                move = talk.send if redelivers else talk.dial
                continue
            assert len(bank.moved) <= 1
            if "Sent. Ref" in talk.text:
                break
            if bank.moved and talk.text == WELCOME:
                return  # the last reply was committed and lost on the air; the member dials and begins anew
            move = talk.dial if talk.ended else (lambda: talk.say(self.answer(talk.text)))
        assert talk.text == "Sent. Ref TX1"
        assert [r.amount for r in bank.moved] == [700]
        talk.process.store.die_before = talk.process.store.die_after = None
        assert await talk.send() == "Sent. Ref TX1", "the last request, redelivered, gets the same reply"
        assert len(bank.moved) == 1
        assert not [row async for row in self._open(talk)]
        assert not await talk.process.holds(PIN)

    @staticmethod
    async def _open(talk: Talk) -> Any:
        for row in await talk.process.sessions.store.due(now=1e12, limit=10):
            yield row

    @pytest.mark.parametrize("point", STORE + BANK, ids=str)
    @pytest.mark.parametrize("redelivers", [True, False], ids=["redelivered", "redialled"])
    @pytest.mark.parametrize("tombstones", [True, False], ids=["voids", "cannot-void"])
    async def test_it_pays_exactly_once_when_the_process_dies(
        self, point: tuple[str, str, int], redelivers: bool, tombstones: bool
    ) -> None:
        await self.finish([point], redelivers=redelivers, tombstones=tombstones)

    @pytest.mark.parametrize("first", STORE + BANK, ids=str)
    async def test_it_pays_exactly_once_when_the_next_process_dies_too(
        self, first: tuple[str, str, int]
    ) -> None:
        for second in self.STORE + self.BANK:
            for redelivers in (True, False):
                await self.finish([first, second], redelivers=redelivers, tombstones=True)

    async def test_a_request_on_its_way_when_the_process_died_is_refused_by_the_bank(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        self.prepare(talk.process, bank, ("before", "bank", 1))
        with pytest.raises(ProcessDied):
            await talk.say(PIN)
        await talk.restart()
        assert await talk.process.recovery.once() == 1
        assert bank.voided == set(bank.keys)
        late = await bank.transfer("Ann", 700, Secret(PIN), bank.keys[0])
        assert isinstance(late, Refused)
        assert bank.moved == []
        assert (await talk.dial()).startswith("Your last request was not carried out.\nAmount")

    async def test_recovery_finds_what_the_bank_did_and_the_next_dial_tells_it(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        self.prepare(talk.process, bank, ("after", "bank", 1))
        with pytest.raises(ProcessDied):
            await talk.say(PIN)
        await talk.restart()
        await talk.process.recovery.once()
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1
        assert await talk.dial() == WELCOME, "it is told once"


class TestNoTombstones:
    """A service that cannot say "never": the same key with the next PIN."""

    async def test_the_pin_is_asked_again_under_the_same_key_and_nobody_says_it_was_not_sent(self) -> None:
        talk, bank = await phone(tombstones=False)
        await to_the_pin(talk)
        bank.after = fail(TimeoutError())
        assert (
            await talk.say(PIN)
            == "We are checking your request. Do not repeat it. Dial again to see the result."
        )
        assert await talk.dial() == CHECKING
        told = await talk.say("1")
        assert told.startswith("We could not confirm your last request. Enter your PIN again to make sure;")
        assert "not carried out" not in told
        assert await talk.say(PIN) == "Sent. Ref TX1"
        assert len(bank.moved) == 1
        assert len(set(bank.keys)) == 1

    async def test_a_wrong_pin_does_not_answer_the_question_that_is_open(self) -> None:
        talk, bank = await phone(tombstones=False)
        await to_the_pin(talk)
        bank.before = fail(OSError())
        await talk.say(PIN)
        await talk.dial()
        await talk.say("1")
        assert (await talk.say("1111")).startswith("Wrong PIN. Try again.\nEnter PIN")
        assert await talk.say(PIN) == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_back_says_that_it_is_being_checked_and_home_offers_to_check(self) -> None:
        talk, bank = await phone(tombstones=False)
        await to_the_pin(talk)
        bank.before = fail(OSError())
        await talk.say(PIN)
        await talk.dial()
        await talk.say("1")
        assert (await talk.say("0")).startswith("We are checking your last request:")
        assert await talk.say("00") == CHECKING


class TestUnknown:
    """Nobody can say what happened: the member is offered to check, never to pay twice unknowingly."""

    async def test_check_again_until_it_is_known(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.after, bank.away = fail(TimeoutError()), True
        assert (
            await talk.say(PIN)
            == "We are checking your request. Do not repeat it. Dial again to see the result."
        )
        assert talk.ended
        assert await talk.dial() == CHECKING
        assert (await talk.say("1")).startswith("We could not confirm your last request.")
        assert await talk.dial() == CHECKING
        bank.away = False
        assert await talk.say("1") == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_start_again_parks_it_and_the_outcome_is_told_later_wherever_the_member_is(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        await talk.dial()
        assert await talk.say("2") == WELCOME
        bank.away = False
        talk.process.clock.advance(60)
        await talk.process.recovery.once()
        assert (await talk.say("Bob")).startswith("Done. Ref TX1\nAmount")
        assert await talk.say("900", "1", PIN) == "Sent. Ref TX2"
        assert [r.amount for r in bank.moved] == [700, 900]

    async def test_a_parked_request_that_was_not_carried_out_is_told_too(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.before, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        await talk.dial()
        await talk.say("2")
        bank.away = False
        talk.process.clock.advance(60)
        await talk.process.recovery.once()
        assert (await talk.say("Bob")).startswith("Your last request was not carried out.\nAmount")

    async def test_a_failing_read_after_start_again_loses_neither_the_run_nor_its_outcome(self) -> None:
        flows = Flows()
        down = False

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            def fee() -> int:
                if down:
                    raise BackendError
                return 1

            bank = chat.service(Bank)
            await chat.read("fee", fee)
            await chat.secret(
                "pin",
                Pin(),
                "Enter PIN",
                use=lambda pin, key: bank.transfer("Ann", 700, pin, key),
                check=bank.find,
            )
            await chat.end("Paid")

        bank = Bank()
        talk = await start(flows, "pay", services={Bank: bank})
        await talk.dial()
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        await talk.dial()
        down = True
        await talk.say("2")
        conversation = await talk.process.conversation()
        assert len(conversation.runs()) == 1
        bank.away = False
        assert await talk.dial() == "Paid"

    async def test_nobody_leaves_more_than_three_open_requests_behind(self) -> None:
        talk, bank = await phone()
        bank.away = True
        for _ in range(4):
            await to_the_pin(talk)
            bank.before = fail(TimeoutError())
            await talk.say(PIN)
            await talk.dial()
            await talk.say("2")
            if talk.text == CHECKING:
                break
            talk.ended = True
        conversation = await talk.process.conversation()
        assert len(conversation.parked) == 3
        assert talk.text == CHECKING

    async def test_an_answer_from_the_bank_that_makes_no_sense_leaves_it_open(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.answer = lambda receipt: object()
        assert "We are checking your request" in await talk.say(PIN)
        bank.answer = Done
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_recovery_waits_longer_each_time(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        recovery, clock = talk.process.recovery, talk.process.clock
        assert await recovery.once() == 0, "just asked"
        clock.advance(5)
        assert await recovery.once() == 1
        clock.advance(5)
        assert await recovery.once() == 0
        clock.advance(5)
        assert await recovery.once() == 1

    async def test_a_pin_is_never_the_answer_to_the_question_after_it(self) -> None:
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            bank = chat.service(Bank)
            await chat.secret(
                "pin",
                Pin(),
                "Enter PIN",
                use=lambda pin, key: bank.transfer("Ann", 700, pin, key),
                check=bank.find,
            )
            note = await chat.ask("note", Text(), "Note")
            await chat.end(f"Noted {note}")

        bank = Bank()
        talk = await start(flows, "pay", services={Bank: bank})
        await talk.dial()
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        await talk.dial()
        assert talk.text.startswith("Note")
        await talk.process.recovery.once()
        await talk.say("thanks")
        assert talk.text == "Noted thanks"

    async def test_a_pin_typed_while_recovery_finds_out_is_dropped(self) -> None:
        """The member is asked for the PIN again; before the PIN arrives, the outcome is found."""
        flows = Flows()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            bank = chat.service(Bank)
            await chat.secret(
                "pin",
                Pin(),
                "Enter PIN",
                use=lambda pin, key: bank.transfer("Ann", 700, pin, key),
                check=lambda key: shy(bank, key),
            )
            note = await chat.ask("note", Text(), "Note")
            await chat.end(f"Noted {note}")

        asked: list[str] = []

        async def shy(bank: Bank, key: str) -> Any:
            asked.append(key)
            return await bank.find(key) if len(asked) > 2 else Unknown()

        bank = Bank()
        talk = await start(flows, "pay", services={Bank: bank})
        await talk.dial()
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        await talk.dial()
        assert (await talk.say("1")).startswith("We could not confirm")
        assert await talk.say(PIN) == "Note\n00 Home"
        assert not await talk.process.holds(PIN)


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

        talk = await start(flows, "fees", budget=self.BUDGET)
        await talk.dial()
        assert await talk.say("7") == "The service took too long. Try again.\nAmount"
        hang = None
        assert (await talk.say("7")).startswith("Fee 5")


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


class TestOneBadSession:
    async def test_a_session_that_does_not_open_does_not_stop_recovery(self) -> None:
        store, clock, bank = MemoryStore(), Clock(), Bank()
        process = Process(sending(), "send", store, clock, services={Bank: bank})
        await process.open()
        bad, good = Talk(process, "+256772000001"), Talk(process, "+256772000002")
        for talk in (bad, good):
            await to_the_pin(talk)
            bank.before, bank.away = fail(TimeoutError()), True
            await talk.say(PIN)
        bank.away = False
        clock.advance(60)
        key = next(iter(store._sessions))
        store._sessions[key] = store._sessions[key][:-1] + b"?"
        await process.recovery.once()
        what = [event.what for event in process.events if isinstance(event, RecoveryDone)]
        assert sorted(what) == ["failed", "settled"]


def done(talk: Talk) -> TurnCommitted:
    """The last turn's event."""
    return [event for event in talk.process.events if isinstance(event, TurnCommitted)][-1]
