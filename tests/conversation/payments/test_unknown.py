"""A payment whose outcome nobody knows: checked, parked, told later, and never made twice unknowingly."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kikao.conversation import BackendError, Chat, Done, Flows, Pin, Text, Unknown
from kikao.events import RecoveryDone
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.bank import PIN, Bank, fail
from tests.conversation.payments.sending import CHECKING, WELCOME, phone, sending, to_the_pin
from tests.talk import Process, Talk, start


async def paying(
    fee: Callable[[], int] = lambda: 1, check: Callable[[Bank, str], Any] = Bank.find
) -> tuple[Talk, Bank]:
    """A member who is asked for nothing but a PIN, and then for a note."""
    flows = Flows()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        bank = chat.service(Bank)
        await chat.read("fee", fee)
        await chat.secret(
            "pin",
            Pin(),
            "Enter PIN",
            use=lambda pin, key: bank.transfer("Ann", 700, pin, key),
            check=lambda key: check(bank, key),
        )
        note = await chat.ask("note", Text(), "Note")
        await chat.end(f"Noted {note}")

    bank = Bank()
    return await start(flows, "pay", services={Bank: bank}), bank


async def unanswered(talk: Talk, bank: Bank) -> None:
    """The PIN is typed, the bank pays and its answer is lost; it stays away."""
    await to_the_pin(talk)
    bank.after, bank.away = fail(TimeoutError()), True
    await talk.say(PIN)


async def asked_again() -> tuple[Talk, Bank]:
    """The bank, which cannot say "never", was not reached; the member has to type the PIN once more."""
    talk, bank = await phone(tombstones=False)
    await to_the_pin(talk)
    bank.before = fail(OSError())
    await talk.say(PIN)
    await talk.dial()
    await talk.say("1")
    return talk, bank


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
        talk, bank = await asked_again()
        assert (await talk.say("1111")).startswith("Wrong PIN. Try again.\nEnter PIN")
        assert await talk.say(PIN) == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_back_says_that_it_is_being_checked_and_home_offers_to_check(self) -> None:
        talk, _ = await asked_again()
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
        await unanswered(talk, bank)
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
        down = False

        def fee() -> int:
            if down:
                raise BackendError
            return 1

        talk, bank = await paying(fee)
        await talk.dial()
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        await talk.dial()
        down = True
        await talk.say("2")
        conversation = await talk.process.conversation()
        assert len(conversation.runs()) == 1
        bank.away = False
        assert (await talk.dial()).startswith("Note")

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
        await unanswered(talk, bank)
        recovery, clock = talk.process.recovery, talk.process.clock
        assert await recovery.once() == 0, "just asked"
        clock.advance(5)
        assert await recovery.once() == 1
        clock.advance(5)
        assert await recovery.once() == 0
        clock.advance(5)
        assert await recovery.once() == 1

    async def test_a_pin_is_never_the_answer_to_the_question_after_it(self) -> None:
        talk, bank = await paying()
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
        asked: list[str] = []

        async def shy(bank: Bank, key: str) -> Any:
            asked.append(key)
            return await bank.find(key) if len(asked) > 2 else Unknown()

        talk, bank = await paying(check=shy)
        await talk.dial()
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        await talk.dial()
        assert (await talk.say("1")).startswith("We could not confirm")
        assert await talk.say(PIN) == "Note\n00 Home"
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
        *before, last = store._sessions[key]
        store._sessions[key] = bytes([*before, last ^ 1])
        await process.recovery.once()
        what = [event.what for event in process.events if isinstance(event, RecoveryDone)]
        assert sorted(what) == ["failed", "settled"]
