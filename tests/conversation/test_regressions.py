"""Mistakes that were made once. Each test tells what a member, or whoever runs the service, would have met."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao.conversation import BackendError, Chat, Done, Flows, Number, Secret
from kikao.events import RecoveryDone
from kikao.i18n.messages import t
from kikao.sessions import recovery as recovery_module
from kikao.sessions.keeper import LEASE
from kikao.sessions.store import Conflict, StoreUnavailable, Write
from tests.bank import PIN, Bank, fail
from tests.conversation.payments.sending import CHECKING, RESUME, phone, to_the_pin
from tests.talk import Process, Talk, start

pytestmark = pytest.mark.virtual_time

ASKED_LATER = "We are checking your request. Do not repeat it. Dial again to see the result."


def paying(retry: Any, *, then: str = "") -> tuple[Flows, Bank]:
    """One answer, one transfer of 700; `then` names a flow to go on with."""
    flows, bank = Flows(), Bank()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        await chat.ask("go", Number(), "Go?")

        async def transfer(key: str) -> Any:
            return await bank.transfer("Ann", 700, Secret(PIN), key)

        receipt = await chat.step("pay", transfer, retry=retry, check=bank.find)
        if then:
            await chat.say(t("Sent {ref}", ref=receipt.ref))
            await chat.goto(then)
        await chat.end(t("Sent {ref}", ref=receipt.ref))

    return flows, bank


class TestAServiceThatIsCancelledFromWithin:
    """A pool that closes cancels what waits for it: that error is the service's, and nobody told us to stop."""

    async def test_the_member_hears_that_the_request_is_being_checked(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.after = fail(asyncio.CancelledError())
        assert await talk.say(PIN) == ASKED_LATER
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_a_look_up_shows_the_question_again(self) -> None:
        flows = Flows()

        @flows.flow("f")
        async def f(chat: Chat) -> None:
            await chat.ask("q", Number(), "Q")

            async def look() -> int:
                raise asyncio.CancelledError

            await chat.read("r", look)

        talk = await start(flows, "f")
        await talk.dial()
        assert await talk.say("1") == "Service unavailable. Try again later.\nQ"

    async def test_recovery_goes_on(self) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        bank.after = fail(TimeoutError())
        bank.away = True
        await talk.say(PIN)
        find, bank.away = bank.find, False

        async def closed(key: str) -> Any:
            raise asyncio.CancelledError

        bank.find = closed  # type: ignore[method-assign]
        talk.process.clock.advance(10)
        assert await talk.process.recovery.once() == 1
        bank.find = find  # type: ignore[method-assign]
        talk.process.clock.advance(30)
        await talk.process.recovery.once()
        assert await talk.dial() == "Sent. Ref TX1"


class TestMoneyMovedAndTheStoreWentAway:
    async def test_it_is_never_called_unavailable(self, monkeypatch: pytest.MonkeyPatch) -> None:
        talk, bank = await phone()
        await to_the_pin(talk)
        store = talk.process.store.store
        commit = store.commit

        async def away_once(write: Write) -> None:
            monkeypatch.setattr(store, "commit", commit)
            raise StoreUnavailable

        monkeypatch.setattr(store, "commit", away_once)
        assert await talk.say(PIN) == ASKED_LATER
        await talk.process.settle()
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1

    async def test_the_outcome_of_a_payment_that_cannot_be_asked_about_is_not_lost(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flows, bank = paying("never")
        talk = await start(flows, "pay")
        await talk.dial()
        store = talk.process.store.store
        commit, writes = store.commit, 0

        async def lost(write: Write) -> None:
            nonlocal writes
            writes += 1
            if writes == 1:
                raise Conflict("somebody took the session over")
            await commit(write)

        async def cannot_tell(key: str) -> Any:
            raise TimeoutError

        monkeypatch.setattr(store, "commit", lost)
        bank.find = cannot_tell  # type: ignore[method-assign]
        heard = await talk.say("1")
        await talk.process.settle()
        assert "Sent TX1" in (heard, await talk.dial())
        assert len(bank.moved) == 1

    async def test_a_refusal_of_an_earlier_try_does_not_close_a_later_one(self) -> None:
        """The wrong PIN took long, its lease lapsed, and the member entered the right one under the same key."""
        talk, bank = await phone(tombstones=False, budget=0.3)
        await to_the_pin(talk)
        first = bank.gate = asyncio.Event()
        assert (await talk.say("1111")).startswith("Request received.")
        talk.process.clock.advance(LEASE + 1)
        bank.gate = None
        await talk.dial()
        assert talk.text == CHECKING
        await talk.say("1")
        assert "Enter your PIN again" in talk.text
        second = bank.gate = asyncio.Event()
        assert (await talk.say(PIN)).startswith("Request received.")
        first.set()
        for _ in range(20):  # the refusal arrives
            await asyncio.sleep(0)
        second.set()
        await talk.process.settle()
        assert await talk.dial() == "Sent. Ref TX1"
        assert len(bank.moved) == 1


class TestWhatWasDoneIsTold:
    async def test_when_the_flow_gone_to_breaks(self) -> None:
        flows, bank = paying("key", then="menu")

        @flows.flow("menu")
        async def menu(chat: Chat) -> None:
            async def balance() -> int:
                raise BackendError

            await chat.read("balance", balance)

        talk = await start(flows, "pay")
        await talk.dial()
        assert await talk.say("1") == "Sent TX1\nService unavailable. Try again later."
        assert len(bank.moved) == 1

    async def test_when_that_reply_was_lost_and_the_member_dials_the_same_again(self) -> None:
        flows, bank = paying("key", then="menu")

        @flows.flow("menu")
        async def menu(chat: Chat) -> None:
            async def balance() -> int:
                raise BackendError

            await chat.read("balance", balance)

        talk = await start(flows, "pay")
        await talk.dial("1")
        assert await talk.dial("1") == "Sent TX1\nGo?"
        assert len(bank.moved) == 1

    async def test_when_that_reply_was_lost_and_the_member_starts_again(self) -> None:
        flows, bank = Flows(), Bank()

        @flows.flow("pay")
        async def pay(chat: Chat) -> None:
            await chat.ask("go", Number(), "Go?")
            await chat.step("pay", lambda key: bank.transfer("Ann", 700, Secret(PIN), key), retry="key")
            raise KeyError("a mistake")

        talk = await start(flows, "pay")
        await talk.dial()
        assert await talk.say("1") == "Done. Ref TX1\nSomething went wrong. Try again."
        assert await talk.dial() == RESUME
        assert await talk.say("2") == "Done. Ref TX1\nGo?"


async def test_an_effect_that_is_stopped_lets_go_before_its_services_close() -> None:
    flows, let_go = Flows(), asyncio.Event()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        async def hang(key: str) -> None:
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                let_go.set()

        await chat.step("pay", hang, retry="key")

    talk = await start(flows, "pay", budget=0.1)
    assert (await talk.dial()).startswith("Request received.")
    await talk.process.late.close(0.0)
    assert let_go.is_set()


async def test_an_older_worker_does_not_store_newer_code_s_session_while_an_effect_is_at_work() -> None:
    flows, bank = paying("key")
    flows.release = 2
    talk = await start(flows, "pay", budget=0.1)
    bank.gate = asyncio.Event()
    await talk.dial("1")
    older, _ = paying("key")
    old = Process(older, "pay", talk.process.store.store, talk.process.clock)
    assert await Talk(old, talk.number).dial() == "Service unavailable. Try again later."
    bank.gate.set()
    await talk.process.settle()
    assert await talk.dial() == "Sent TX1"


async def test_a_reply_may_not_take_longer_than_a_lease() -> None:
    flows, _ = paying("key")
    with pytest.raises(ValueError, match="between 0 and 15 seconds"):
        await start(flows, "pay", budget=LEASE)


class TestRecovery:
    async def test_a_member_who_is_often_here_does_not_put_it_off(self) -> None:
        flows, bank = paying("check")
        talk = await start(flows, "pay")
        await talk.dial()
        bank.away, bank.after = True, fail(TimeoutError())
        assert await talk.say("1") == ASKED_LATER
        await talk.dial()
        assert await talk.say("2") == "Go?"  # start again: the payment is still open
        bank.away = False
        for _ in range(10):
            talk.process.clock.advance(4)
            await talk.dial()
        assert await talk.process.recovery.once() == 1
        assert (await talk.dial()).startswith("Done. Ref TX1")

    async def test_sessions_that_cannot_be_settled_do_not_stand_in_the_way(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(recovery_module, "BATCH", 2)
        flows, bank = paying("check")
        first = await start(flows, "pay")
        process = first.process
        stuck = [first, Talk(process, "+256772000002")]
        bank.away = True
        for talk in (*stuck, Talk(process, "+256772000003")):
            bank.after = fail(TimeoutError())
            await talk.dial()
            await talk.say("1")
            process.clock.advance(1)
        sessions, hold = process.sessions, process.sessions._hold
        rows = await process.store.due(now=process.clock() + 1e6, limit=2)
        sealed = {row.session for row in rows}

        def no_key(claim: Any, *args: Any) -> Any:
            if claim.key in sealed:
                raise ValueError("sealed with a key that is gone")
            return hold(claim, *args)

        monkeypatch.setattr(sessions, "_hold", no_key)
        bank.away = False
        process.clock.advance(60)
        assert await process.recovery.once() == 2
        assert await process.recovery.once() == 1
        assert [e.what for e in process.events if isinstance(e, RecoveryDone)] == [
            "failed",
            "failed",
            "settled",
        ]

    async def test_a_slow_service_does_not_hold_up_what_belongs_to_others(self) -> None:
        flows, bank = paying("check")
        slow = await start(flows, "pay")
        process = slow.process
        fast = Talk(process, "+256772000002")
        bank.away = True
        for talk in (slow, fast):
            bank.after = fail(TimeoutError())
            await talk.dial()
            await talk.say("1")
            process.clock.advance(1)
        process.clock.advance(60)
        hangs, answered = asyncio.Event(), asyncio.Event()
        asked: list[str] = []

        async def find(key: str) -> Any:
            asked.append(key)
            if len(asked) == 1:
                await hangs.wait()
            else:
                answered.set()
            return Done(bank.moved[0])

        bank.find = find  # type: ignore[method-assign]
        look = asyncio.create_task(process.recovery.once())
        await asyncio.wait_for(answered.wait(), 5)
        hangs.set()
        assert await look == 2

    def test_it_works_within_its_lease(self) -> None:
        assert recovery_module.PATIENCE < LEASE

    async def test_it_does_not_end_silently(self, monkeypatch: pytest.MonkeyPatch) -> None:
        flows, _ = paying("key")
        process = (await start(flows, "pay")).process
        looks, again = 0, asyncio.Event()

        async def due(**_: Any) -> Any:
            nonlocal looks
            looks += 1
            if looks == 3:
                again.set()
            raise RuntimeError("a driver's own error")

        monkeypatch.setattr(process.store.store, "due", due)
        monkeypatch.setattr(process.recovery, "_every", 0.0)
        work = asyncio.create_task(process.recovery.run())
        await asyncio.wait_for(again.wait(), 5)
        work.cancel()
        assert [e.what for e in process.events if isinstance(e, RecoveryDone)][:2] == ["failed", "failed"]


async def test_a_long_dial_does_not_run_a_flow_thousands_of_times() -> None:
    flows, rounds = Flows(), 0

    @flows.flow("loop")
    async def loop(chat: Chat) -> None:
        nonlocal rounds
        while True:
            await chat.ask("n", Number(), "Number?")

            def count() -> int:
                nonlocal rounds
                rounds += 1
                return rounds

            await chat.read("seen", count)

    talk = await start(flows, "loop")
    assert (await talk.dial("*".join(["1"] * 2000))).startswith("Number?")
    assert rounds <= 20
