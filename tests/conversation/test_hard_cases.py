"""The twelve hard cases of durable conversations, each by name, each as a member lives it."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import gc
from collections.abc import Callable, Coroutine
from typing import Any

import msgspec
import pytest

from kikao.conversation import (
    BackendError,
    Chat,
    Done,
    ErrorCode,
    Flows,
    Invalid,
    Number,
    Pin,
    RefusedError,
    Step,
    Text,
    Voided,
)
from kikao.conversation.screens import Screen
from kikao.events import TurnCommitted, TurnRejected
from kikao.i18n import Amount, Catalogs
from kikao.i18n.messages import Translate, t
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock, ProcessDied
from tests.bank import PIN, Bank, fail
from tests.talk import PlainGateway, Process, Talk, start, whats

NOBODY: Any = None

NOTHING = Amount("UGX", 0)
UPDATED = "We updated this service. Please enter this again."
UNAVAILABLE = "Service unavailable. Try again later."
BROKEN = "Something went wrong. Try again."

Conversation = Callable[[Chat], Coroutine[Any, Any, None]]


def flow(function: Conversation, *others: Conversation, release: int = 0) -> Flows:
    """One version of a service: its flows by their functions' names."""
    flows = Flows(release=release)
    for each in (function, *others):
        flows.flow(each.__name__)(each)
    return flows


def last(talk: Talk) -> TurnCommitted | TurnRejected:
    return [event for event in talk.process.events if isinstance(event, TurnCommitted | TurnRejected)][-1]


class TestLoopsSubFlowsScopesAndTheCap:
    """1. Names are free in loops and sub-flows; a journal has a cap, and ways to stay under it."""

    async def test_a_name_may_repeat_in_a_loop(self) -> None:
        async def basket(chat: Chat) -> None:
            items: list[str] = []
            while (item := await chat.ask("item", Text(), f"Item {len(items) + 1}")) != "done":
                items.append(item)
            await chat.end(", ".join(items))

        talk = await start(flow(basket), "basket")
        await talk.dial()
        await talk.say("milk", "bread")
        assert talk.text.startswith("Item 3")
        await talk.restart()
        assert await talk.say("done") == "milk, bread"

    async def test_a_sub_flow_has_its_own_names_and_may_be_held_twice(self) -> None:
        flows = Flows()

        @flows.flow("person")
        async def person(chat: Chat, *, who: str) -> str:
            name = await chat.ask("name", Text(), who)
            age = await chat.ask("age", Number(), "Age")
            return f"{name} {age}"

        @flows.flow("pair")
        async def pair(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Group name")
            first = await chat.call(person, who="First")
            second = await chat.call(person, who="Second")
            await chat.end(f"{name}: {first}, {second}")

        talk = await start(flows, "pair")
        await talk.dial()
        assert await talk.say("Us", "Ann", "30", "Bob", "40") == "Us: Ann 30, Bob 40"

    async def test_back_goes_into_the_sub_flow_and_out_of_it(self) -> None:
        flows = Flows()

        @flows.flow("child")
        async def child(chat: Chat) -> str:
            return await chat.ask("name", Text(), "Name")

        @flows.flow("parent")
        async def parent(chat: Chat) -> None:
            await chat.ask("town", Text(), "Town")
            name = await chat.call(child)
            await chat.ask("ok", Text(), f"Right, {name}?")

        talk = await start(flows, "parent")
        await talk.dial()
        await talk.say("Gulu", "Ann")
        assert (await talk.say("0")).startswith("Name")
        assert (await talk.say("0")).startswith("Town")
        assert (await talk.say("0")).startswith("You are at the start.\nTown")

    async def test_a_journal_that_is_full_is_an_error_of_the_flow_that_names_the_way_out(self) -> None:
        async def forever(chat: Chat) -> None:
            while True:
                for _ in range(100):
                    await chat.read("look", lambda: 1)
                await chat.ask("more", Text(), "More?")

        talk = await start(flow(forever), "forever")
        await talk.dial()
        await talk.say("y", "y", "y", "y")
        assert talk.text.startswith(f"{BROKEN}\nMore?")
        assert "restart_with" in last(talk).error

    async def test_a_result_that_is_too_large_is_not_kept(self) -> None:
        async def bulk(chat: Chat) -> None:
            await chat.ask("go", Text(), "Go?")
            await chat.read("all", lambda: "x" * 40_000)
            await chat.ask("more", Text(), "More?")

        talk = await start(flow(bulk), "bulk")
        await talk.dial()
        assert (await talk.say("y")).startswith(f"{BROKEN}\nGo?")
        assert "journal is full" in last(talk).error
        run = (await talk.process.conversation()).run
        assert run is not None
        assert run.size < 1000

    async def test_restart_with_goes_on_for_ever_and_keeps_what_it_is_given(self) -> None:
        flows = Flows()

        @flows.flow("sum")
        async def total(chat: Chat, *, so_far: Amount = NOTHING, seen: list[int] | None = None) -> None:
            seen = seen or []
            amount = await chat.ask("amount", Number(), t("So far {sum}", sum=so_far))
            seen.append(amount)
            await chat.say(f"Added {amount}, {len(seen)} in all")
            await chat.restart_with(so_far=so_far + Amount("UGX", amount), seen=seen)

        talk = await start(flows, "sum")
        await talk.dial()
        for i in range(700):
            await talk.say("1")
            assert talk.text.startswith(f"Added 1, {i + 1} in all\nSo far UGX {i + 1}"), talk.text
        run = (await talk.process.conversation()).run
        assert run is not None
        assert run.journal == []

    async def test_restarting_without_asking_is_stopped(self) -> None:
        async def spin(chat: Chat) -> None:
            await chat.restart_with()

        talk = await start(flow(spin), "spin")
        assert await talk.dial() == BROKEN
        assert "without asking" in last(talk).error

    async def test_compact_keeps_only_the_result_of_a_sub_flow(self) -> None:
        flows = Flows()

        @flows.flow("line")
        async def line(chat: Chat) -> int:
            for _ in range(20):
                await chat.read("noise", lambda: 1)
            return await chat.ask("n", Number(), "Number")

        @flows.flow("lines")
        async def lines(chat: Chat) -> None:
            total = 0
            for _ in range(60):
                total += await chat.call(line, compact=True)
            await chat.end(str(total))

        talk = await start(flows, "lines")
        await talk.dial()
        await talk.say(*["2"] * 30)
        await talk.restart()
        assert await talk.say(*["2"] * 30) == "120"

    async def test_compact_never_forgets_a_payment(self) -> None:
        flows, paid = Flows(), []

        async def pay(key: str) -> str:
            paid.append(key)
            return "A1"

        @flows.flow("buy")
        async def buy(chat: Chat) -> str:
            ref: str = await chat.step("pay", pay, retry="key", done="Paid A1")
            return ref

        @flows.flow("shop")
        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What?")
            await chat.call(buy, compact=True)
            await chat.ask("more", Text(), "More?")

        talk = await start(flows, "shop")
        await talk.dial()
        await talk.say("milk")
        assert (await talk.say("0")).startswith("Paid A1\nMore?")
        assert len(paid) == 1


class TestADeployChangesTheFlow:
    """2. The code changed while a conversation was on its way."""

    async def test_a_change_after_the_last_payment_asks_again_and_says_so(self) -> None:
        async def form(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Name")
            age = await chat.ask("age", Number(), "Age")
            await chat.ask("town", Text(), f"{name} {age}, town")

        async def form_2(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Name")
            born = await chat.ask("born", Number(), "Born")
            await chat.ask("town", Text(), f"{name} {born}, town")

        form_2.__name__ = "form"
        talk = await start(flow(form), "form")
        await talk.dial()
        await talk.say("Ann", "30")
        await talk.restart(flow(form_2))
        assert (await talk.say("Gulu")).startswith(f"{UPDATED}\nBorn")
        assert (await talk.say("1996")).startswith("Ann 1996, town")

    async def test_an_answer_whose_type_changed_is_asked_again(self) -> None:
        async def form(chat: Chat) -> None:
            await chat.ask("age", Text(), "Age")
            await chat.ask("town", Text(), "Town")

        async def form_2(chat: Chat) -> None:
            age = await chat.ask("age", Number(), "Age in years")
            await chat.ask("town", Text(), f"{age + 1} next year. Town")

        form_2.__name__ = "form"
        talk = await start(flow(form), "form")
        await talk.dial()
        await talk.say("thirty")
        await talk.restart(flow(form_2))
        assert (await talk.say("Gulu")).startswith(f"{UPDATED}\nAge in years")

    async def test_a_change_before_a_payment_parks_the_run_and_shows_what_is_recorded(self) -> None:
        paid: list[str] = []

        async def pay(key: str) -> str:
            paid.append(key)
            return "ok"

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.ask("size", Text(), "Size")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk")
        await talk.restart(flow(shop_2))
        assert await talk.say("Gulu") == "Paid. Ref A1\nWe updated this service. Please start again."
        assert talk.ended
        assert "test_hard_cases.py" in last(talk).error
        assert (await talk.dial()).startswith("What"), "no loop"
        assert len(paid) == 1

    async def test_a_flow_that_lost_its_payment_step_is_parked(self) -> None:
        paid: list[str] = []

        async def pay(key: str) -> str:
            paid.append(key)
            return "ok"

        async def shop(chat: Chat) -> None:
            await chat.step("pay", pay, retry="key", done="Paid.")
            await chat.ask("where", Text(), "Where to")

        async def shop_2(chat: Chat) -> None:
            pass

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.restart(flow(shop_2))
        assert await talk.say("Gulu") == "Paid.\nWe updated this service. Please start again."

    async def test_a_no_to_a_confirmation_that_is_gone_never_becomes_a_payment(self) -> None:
        paid: list[str] = []

        async def pay(key: str) -> str:
            paid.append(key)
            return "ok"

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.confirm("ok", "Sure?")
            await chat.step("pay", pay, retry="key")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key")
            await chat.end("Paid")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk")
        await talk.restart(flow(shop_2))
        assert (await talk.say("2")).startswith(f"{UPDATED}\nWhat")
        assert paid == []
        assert await talk.say("milk") == "Paid"

    async def test_a_payment_that_moved_forward_waits_until_the_member_looked_again(self) -> None:
        paid: list[str] = []

        async def pay(key: str) -> str:
            paid.append(key)
            return "ok"

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.ask("note", Text(), "Note")
            await chat.ask("more", Text(), "More")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key")
            await chat.ask("note", Text(), "Paid. Note")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk", "none")
        await talk.restart(flow(shop_2))
        assert (await talk.say("no")).startswith(f"{UPDATED}\nWhat")
        assert paid == []

    @pytest.mark.parametrize("change", ["inserted", "removed", "renamed"])
    async def test_an_open_payment_is_neither_forgotten_nor_repeated_by_a_change(self, change: str) -> None:
        bank = Bank()

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            if change == "inserted":
                await chat.ask("size", Text(), "Size")
            if change != "removed":
                name = "code" if change == "renamed" else "pin"
                await chat.secret(
                    name, Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
                )

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk")
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        await talk.restart(flow(shop_2))
        assert await talk.dial() == "We updated this service. Please start again."
        conversation = await talk.process.conversation()
        assert conversation.run is None
        assert [run.intents[0].key for run in conversation.parked] == ["pin#1"]
        assert len(bank.moved) == 1
        recovery, clock = talk.process.recovery, talk.process.clock
        clock.advance(5)
        assert await recovery.once() == 1
        clock.advance(5)
        assert await recovery.once() == 0, "nobody can be asked: not so soon again"
        await talk.restart(flow(shop))
        clock.advance(60)
        await talk.process.recovery.once()
        assert (await talk.dial()).startswith("Done. Ref TX1\nWhat"), "the old code is back and finds out"

    async def test_the_same_key_with_other_arguments_is_refused(self) -> None:
        calls: list[str] = []

        def version(price: int) -> Flows:
            async def order(key: str) -> str:
                calls.append(key)
                raise TimeoutError

            async def f(chat: Chat) -> None:
                await chat.ask("q", Text(), "Q")
                await chat.step("order", order, retry="key", args=price)

            return flow(f)

        talk = await start(version(5), "f")
        await talk.dial()
        await talk.say("x")
        await talk.restart(version(6))
        assert await talk.dial() == "We updated this service. Please start again."
        assert "arguments changed" in last(talk).error
        assert len(calls) == 1

    async def test_a_marker_lets_old_and_new_runs_go_their_ways(self) -> None:
        async def form(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            await chat.ask("town", Text(), "Town")
            await chat.end("Bye")

        async def form_2(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            if await chat.version("with-age"):
                await chat.ask("age", Number(), "Age")
            await chat.ask("town", Text(), "Town")
            await chat.end("Bye")

        form_2.__name__ = "form"
        talk = await start(flow(form), "form")
        await talk.dial()
        await talk.say("Ann")
        await talk.restart(flow(form_2))
        assert await talk.say("Gulu") == "Bye", "was past the marker"
        await talk.dial()
        assert (await talk.say("Bob")).startswith("Age")
        assert await talk.say("30", "Gulu") == "Bye"

    async def test_an_older_worker_leaves_a_newer_journal_alone(self) -> None:
        async def form(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            await chat.ask("town", Text(), "Town")

        async def form_2(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            await chat.ask("age", Number(), "Age")
            await chat.end("Bye")

        form_2.__name__ = "form"
        store = MemoryStore()
        clock = Clock()
        newer = Process(flow(form_2, release=2), "form", store, clock)
        older = Process(flow(form, release=1), "form", store, clock)
        await newer.open()
        talk = Talk(newer)
        await talk.dial()
        await talk.say("Ann")
        before = [record async for record in store.scan()]
        talk.process = older
        assert await talk.say("30") == UNAVAILABLE
        assert whats(talk.process.events)[-1] == "older_code"
        assert [record async for record in store.scan()] == before
        talk.process = newer
        assert await talk.send() == "Bye", "nothing was consumed"

    async def test_an_older_worker_does_not_settle_a_payment_of_newer_code(self) -> None:
        bank = Bank()

        async def pay(chat: Chat) -> None:
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )

        async def nothing(chat: Chat) -> None:
            await chat.ask("x", Text(), "X")

        nothing.__name__ = "pay"
        store, clock = MemoryStore(), Clock()
        first = Process(flow(pay, release=1), "pay", store, clock)
        newer = Process(flow(pay, release=2), "pay", store, clock)
        older = Process(flow(nothing, release=1), "pay", store, clock)
        await first.open()
        talk = Talk(first)
        await talk.dial()
        talk.process = newer
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        clock.advance(60)
        before = [record async for record in store.scan()]
        await older.recovery.once()
        assert [record async for record in store.scan()] == before
        await newer.recovery.once()
        assert [record async for record in store.scan()] != before


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


class TestASwallowedSuspension:
    """4. Whatever stands around a question, code after it never runs without an answer."""

    async def around(self, function: Conversation, *, budget: float = 4.0) -> Talk:
        """Dial, and return the phone; the flow's own notes are in `self.ran`."""
        talk = await start(flow(function), function.__name__, budget=budget)
        await talk.dial()
        return talk

    def setup_method(self) -> None:
        self.ran: list[str] = []

    async def fine(self, function: Conversation) -> None:
        talk = await self.around(function)
        assert talk.text.startswith("Q"), last(talk).error
        assert last(talk).error == ""
        assert self.ran == []
        assert await talk.say("a") == "End a"

    async def misuse(self, function: Conversation, *words: str) -> None:
        talk = await self.around(function)
        assert talk.text == BROKEN
        error = last(talk).error
        assert error.startswith("Misuse")
        assert f"{__file__}:" in error
        assert all(word in error for word in words), error

    async def test_except_exception(self) -> None:
        async def f(chat: Chat) -> None:
            answer = "none"
            try:
                answer = await chat.ask("q", Text(), "Q")
            except Exception:
                self.ran.append("except")
            await chat.end(f"End {answer}")

        await self.fine(f)

    async def test_a_timeout_around_it(self) -> None:
        async def f(chat: Chat) -> None:
            async with asyncio.timeout(1):
                answer = await chat.ask("q", Text(), "Q")
            await chat.end(f"End {answer}")

        await self.fine(f)

    async def test_a_generator_around_it(self) -> None:
        async def f(chat: Chat) -> None:
            async def answers() -> Any:
                yield await chat.ask("q", Text(), "Q")

            async for answer in answers():
                await chat.end(f"End {answer}")

        await self.fine(f)

    async def test_real_waiting_before_it(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.sleep(0)
            await asyncio.wait_for(asyncio.sleep(0), 1)
            answer = await chat.ask("q", Text(), "Q")
            await asyncio.sleep(0)
            await chat.end(f"End {answer}")

        await self.fine(f)

    async def test_real_waiting_at_the_very_end(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await asyncio.sleep(0)

        talk = await self.around(f)
        assert await talk.say("a") == "Thank you."
        assert last(talk).error == ""

    async def test_except_base_exception(self) -> None:
        async def f(chat: Chat) -> None:
            answer = "none"
            try:  # noqa: SIM105
                answer = await chat.ask("q", Text(), "Q")
            except BaseException:
                pass
            await chat.read("after", lambda: self.ran.append("after") if answer == "none" else None)
            await chat.end(f"End {answer}")

        await self.misuse(f, "goes on after a question")
        assert self.ran == []

    async def test_a_bare_except(self) -> None:
        async def f(chat: Chat) -> None:
            try:  # noqa: SIM105
                await chat.ask("q", Text(), "Q")
            except:  # noqa: E722
                pass
            await chat.say("after")

        await self.misuse(f, "goes on after a question")

    async def test_suppressing_everything(self) -> None:
        async def f(chat: Chat) -> None:
            with contextlib.suppress(BaseException):
                await chat.ask("q", Text(), "Q")
            await chat.step("pay", self.pay, retry="key")

        await self.misuse(f, "goes on after a question")
        assert self.ran == []

    async def test_swallowing_and_doing_nothing_more_just_asks(self) -> None:
        async def f(chat: Chat) -> None:
            answer = ""
            with contextlib.suppress(BaseException):
                answer = await chat.ask("q", Text(), "Q")
            if answer:
                await chat.end(f"End {answer}")

        await self.fine(f)

    async def test_return_in_finally(self) -> None:
        async def f(chat: Chat) -> None:
            try:
                answer = await chat.ask("q", Text(), "Q")
                await chat.end(f"End {answer}")
            finally:
                return  # noqa: B012

        talk = await self.around(f)
        assert talk.text.startswith("Q")
        assert await talk.say("a") == "End a"

    @pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
    async def test_a_bare_except_in_a_retry_loop_does_not_spin(self) -> None:
        async def f(chat: Chat) -> None:
            while True:
                try:
                    await chat.ask("q", Text(), "Q")
                except:  # noqa: E722
                    continue

        await self.misuse(f, "goes on after a question")
        gc.collect()

    async def test_awaiting_in_finally(self) -> None:
        async def f(chat: Chat) -> None:
            try:
                await chat.ask("q", Text(), "Q")
            finally:
                await asyncio.sleep(0)
                self.ran.append("after")

        await self.misuse(f, "awaiting in `finally`")
        assert self.ran == []

    async def test_awaiting_when_a_context_is_left(self) -> None:
        @contextlib.asynccontextmanager
        async def connection() -> Any:
            try:
                yield
            finally:
                await asyncio.sleep(0)
                self.ran.append("closed")

        async def f(chat: Chat) -> None:
            async with connection():
                await chat.ask("q", Text(), "Q")

        await self.misuse(f, "async with")
        assert self.ran == []

    async def test_a_synchronous_finally_runs_at_every_question(self) -> None:
        async def f(chat: Chat) -> None:
            try:
                answer = await chat.ask("q", Text(), "Q")
            finally:
                self.ran.append("finally")
            await chat.end(f"End {answer}")

        talk = await self.around(f)
        assert talk.text.startswith("Q")
        assert await talk.say("a") == "End a"
        assert self.ran == ["finally", "finally"]

    async def test_wait_for(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.wait_for(chat.ask("q", Text(), "Q"), 1)

        await self.misuse(f, "task of its own", "q#1")

    async def test_shield(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.shield(chat.ask("q", Text(), "Q"))

        await self.misuse(f, "task of its own")

    async def test_gather_that_returns_exceptions(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.gather(chat.ask("q", Text(), "Q"), return_exceptions=True)
            await chat.end("after")

        await self.misuse(f, "task of its own")

    async def test_a_task_group(self) -> None:
        async def f(chat: Chat) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(chat.ask("q", Text(), "Q"))

        await self.misuse(f, "task of its own")

    async def test_a_task_that_is_awaited(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.create_task(chat.ask("q", Text(), "Q"))

        await self.misuse(f, "task of its own")

    async def test_a_step_in_a_task(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.gather(chat.step("pay", self.pay, retry="key"))

        await self.misuse(f, "task of its own", "steps_parallel")
        assert self.ran == []

    async def test_a_task_nobody_awaits_does_nothing(self) -> None:
        tasks: list[asyncio.Task[Any]] = []

        async def f(chat: Chat) -> None:
            tasks.append(asyncio.create_task(chat.step("pay", self.pay, retry="key")))
            await chat.ask("q", Text(), "Q")

        await self.around(f)
        with pytest.raises(Exception, match="goes on after a question"):
            await tasks[0]
        assert self.ran == []

    async def test_a_flow_that_catches_the_end_of_its_time_and_waits_on_is_ended(self) -> None:
        async def f(chat: Chat) -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.Event().wait()

        talk = await self.around(f, budget=0.02)
        assert talk.text == "The service took too long. Try again."

    async def pay(self, key: str) -> str:
        self.ran.append("paid")
        return "ok"


class TestWhatTheAuthorOfAFlowMustMend:
    """A mistake in a flow is told with its line, and members read nothing of it."""

    async def told(self, function: Conversation) -> str:
        talk = await start(flow(function), function.__name__)
        assert await talk.dial() == BROKEN
        error = last(talk).error
        assert error.startswith("Misuse"), error
        assert f"{__file__}:" in error or "test_hard_cases.py:" in error, error
        return error

    async def test_a_service_that_the_app_does_not_have(self) -> None:
        async def f(chat: Chat) -> None:
            chat.service(Screen)

        assert "the app has no service Screen" in await self.told(f)

    @pytest.mark.parametrize("way", ["menu", "goto", "call"])
    async def test_a_flow_that_there_is_not(self, way: str) -> None:
        async def f(chat: Chat) -> None:
            await (chat.menu("m", "M", ["nope"]) if way == "menu" else getattr(chat, way)("nope"))

        assert "there is no flow 'nope'. There are: f." in await self.told(f)

    async def test_a_call_without_what_it_needs(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.step("pay", lambda key: key)  # type: ignore[call-arg, arg-type, return-value]

        assert "chat.step() missing 1 required keyword-only argument: 'retry'" in await self.told(f)

    @pytest.mark.parametrize("retry", ["maybe", "check"])
    async def test_a_step_that_is_declared_wrong(self, retry: Any) -> None:
        async def f(chat: Chat) -> None:
            await chat.step("pay", lambda key: key, retry=retry)  # type: ignore[arg-type, return-value]

        assert await self.told(f)

    @pytest.mark.parametrize(
        "value", [None, object(), ["x"], {"x": 1}, 1.5, True, b"x", t("{y}", y=NOBODY)], ids=type
    )
    async def test_what_no_member_should_read(self, value: Any) -> None:
        async def asks(chat: Chat) -> None:
            await chat.ask("q", Text(), t("{x}", x=value))

        async def offers(chat: Chat) -> None:
            await chat.choose("q", "Q", [(t("{x}", x=value), 1)])

        async def says(chat: Chat) -> None:
            await chat.say(t("{x}", x=value))
            await chat.ask("q", Text(), "Q")

        async def ends(chat: Chat) -> None:
            await chat.end(t("{x}", x=value))

        for function in (asks, offers, says, ends):
            assert "a member would read that as it is" in await self.told(function)

    async def test_no_text_at_all(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), None)  # type: ignore[arg-type]

        assert "None is no text: give t(...) or a str" in await self.told(f)

    @pytest.mark.parametrize("error", [RefusedError, BackendError])
    async def test_an_error_that_says_what_no_member_should_read(self, error: Any) -> None:
        async def f(chat: Chat) -> None:
            raise error(ErrorCode.REJECTED, t("{x}", x=None))  # type: ignore[arg-type]

        talk = await start(flow(f), "f")
        assert await talk.dial() == BROKEN

    async def test_a_coroutine_in_a_text(self) -> None:
        async def f(chat: Chat) -> None:
            last = chat.session.get("last")
            try:
                await chat.end(t("{x}", x=last))  # type: ignore[arg-type]
            finally:
                last.close()

        assert "of type coroutine (an `await` is missing)" in await self.told(f)

    @pytest.mark.parametrize("name", ["say", "ask", "language", "session.set", "confirm", "end"])
    @pytest.mark.parametrize("and_then", ["asks", "pays", "ends", "returns"])
    async def test_a_forgotten_await(self, name: str, and_then: str) -> None:
        paid = []

        async def pay(key: str) -> None:
            paid.append(key)

        calls: dict[str, Callable[[Chat], Any]] = {
            "say": lambda chat: chat.say("Hello."),
            "ask": lambda chat: chat.ask("a", Text(), "A"),
            "language": lambda chat: chat.language(),
            "session.set": lambda chat: chat.session.set("x", 1),
            "confirm": lambda chat: chat.confirm("c", "C"),
            "end": lambda chat: chat.end(),
        }

        async def f(chat: Chat) -> None:
            calls[name](chat)
            if and_then == "asks":
                await chat.ask("q", Text(), "Q")
            elif and_then == "pays":
                await chat.step("pay", pay, retry="key")
            elif and_then == "ends":
                await chat.end(t("Done."))

        assert f"an `await` is missing before the call of {name!r}" in await self.told(f)
        assert not paid


class TestAGatherOfQuestions:
    """5. Several questions at once are refused by name; one after the other there is `form`."""

    async def test_the_error_names_the_line_and_the_cure(self) -> None:
        async def f(chat: Chat) -> None:
            await asyncio.gather(chat.ask("a", Text(), "A"), chat.ask("b", Text(), "B"))

        talk = await start(flow(f), "f")
        assert await talk.dial() == BROKEN
        assert f"{__file__}:" in last(talk).error
        assert "chat.form" in last(talk).error

    async def test_a_form_asks_in_order(self) -> None:
        async def f(chat: Chat) -> None:
            answers = await chat.form({"a": (Text(), "A"), "b": (Number(), "B")})
            await chat.end(str(answers))

        talk = await start(flow(f), "f")
        await talk.dial()
        assert await talk.say("x", "5") == "{'a': 'x', 'b': 5}"


class TestTimeAndChance:
    """6. The same on every replay."""

    async def test_now_is_when_the_run_came_by(self) -> None:
        async def f(chat: Chat) -> None:
            first = await chat.now()
            await chat.ask("a", Text(), "A")
            second = await chat.now()
            await chat.ask("b", Text(), f"{(second - first).seconds}")
            assert first.tzinfo is dt.UTC

        talk = await start(flow(f), "f")
        await talk.dial()
        talk.process.clock.advance(30)
        await talk.say("x")
        talk.process.clock.advance(60)
        await talk.restart()
        await talk.dial()
        assert (await talk.say("1")).startswith("30")

    async def test_random_numbers_are_replayed_and_differ_between_members_and_names(self) -> None:
        async def f(chat: Chat) -> None:
            numbers = [chat.random(name).randrange(10**9) for name in ("a", "a", "b")]
            await chat.ask("a", Text(), "-".join(map(str, numbers)))
            await chat.end("-".join(map(str, numbers)))

        talk = await start(flow(f), "f")
        first = (await talk.dial()).partition("\n")[0]
        await talk.restart()
        assert await talk.say("x") == first
        other = Talk(talk.process, "+256772000002")
        second = (await other.dial()).partition("\n")[0]
        assert len({*first.split("-"), *second.split("-")}) == 6

    async def test_what_a_flow_does_to_a_looked_up_list_does_not_change_what_was_seen(self) -> None:
        async def f(chat: Chat) -> None:
            queue = await chat.read("queue", lambda: [1, 2, 3])
            while queue:
                item = queue.pop(0)
                await chat.ask("ok", Text(), f"Item {item} of {len(queue) + item}")
            await chat.end("All")

        talk = await start(flow(f), "f")
        assert (await talk.dial()).startswith("Item 1 of 3")
        assert (await talk.say("y")).startswith("Item 2 of 3")
        assert (await talk.say("y")).startswith("Item 3 of 3")
        assert await talk.say("y") == "All"

    async def test_a_looked_up_value_is_the_same_live_and_on_replay(self) -> None:
        seen: list[Any] = []

        async def f(chat: Chat) -> None:
            seen.append(await chat.read("pair", lambda: (1, (2, 3))))
            await chat.ask("q", Text(), "Q")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        assert seen[0] == seen[1]
        assert type(seen[0]) is type(seen[1])


class TestAGatewayThatSendsAgain:
    """7. The same message gets the same bytes, and happens once."""

    async def test_the_same_bytes_for_an_end_too(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.end(f"At {(await chat.now()).isoformat()}")

        talk = await start(flow(f), "f")
        await talk.dial()
        end = await talk.say("x")
        talk.process.clock.advance(100)
        assert await talk.send() == end
        assert talk.ended
        await talk.restart()
        assert await talk.send() == end

    async def test_one_in_flight_waits_for_the_first_and_twenty_at_once_pay_once(self) -> None:
        arrived, gate, paid = asyncio.Event(), asyncio.Event(), []

        async def pay(key: str) -> str:
            paid.append(key)
            arrived.set()
            await gate.wait()
            return f"A{len(paid)}"

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.end(await chat.step("pay", pay, retry="key"))

        talk = await start(flow(f), "f")
        await talk.dial()
        talk.typed = "x"
        inbound = talk.inbound()
        requests = [asyncio.create_task(talk.process.turns.handle(inbound, talk.gateway)) for _ in range(20)]
        await arrived.wait()
        gate.set()
        replies = await asyncio.gather(*requests)
        assert {reply.body for reply in replies} == {b"END A1"}
        assert len(paid) == 1

    async def test_a_gateway_without_ids_gets_the_same_bytes_for_a_second(self) -> None:
        class Nameless(PlainGateway):
            slug = "nameless"
            dedupe = "window"

        async def f(chat: Chat) -> None:
            first = await chat.ask("a", Text(), "A")
            await chat.ask("b", Text(), f"B after {first}")
            await chat.end("Bye")

        talk = await start(flow(f), "f")
        talk.gateway = Nameless()
        talk.accumulates = False
        await talk.dial()
        reply = await talk.say("1")
        assert await talk.send() == reply
        talk.process.clock.advance(1.5)
        assert await talk.send() == "Bye", "later it is an answer"

    async def test_unavailable_is_not_a_turn(self) -> None:
        async def f(chat: Chat) -> None:
            answer = await chat.ask("q", Text(), "Q")
            await chat.end(answer)

        talk = await start(flow(f), "f")
        await talk.dial()
        talk.process.store.unavailable = True
        assert await talk.say("x") == UNAVAILABLE
        talk.process.store.unavailable = False
        assert await talk.send() == "x"

    @pytest.mark.parametrize("stored", [True, False], ids=["stored", "not-stored"])
    @pytest.mark.parametrize("method", ["intent", "commit"])
    async def test_a_commit_that_nobody_confirmed_is_found_out(self, method: str, stored: bool) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            ref = await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )
            await chat.end(ref.ref)

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        nth = talk.process.store.calls.get(method, 0) + 1
        talk.process.store.unanswered = (method, nth, stored)
        await talk.say(PIN)
        if method == "intent" and stored:
            assert talk.text.startswith("Your last request was not carried out.\nPIN")
            await talk.say(PIN)
        assert talk.text == "TX1"
        assert len(bank.moved) == 1


class TestBackOverACompletedStep:
    """8. Done is done, and an edited amount is another payment."""

    async def test_back_says_what_is_done(self) -> None:
        async def pay(key: str) -> str:
            return "ok"

        async def f(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")
            await chat.ask("when", Text(), "When")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("milk", "Gulu")
        assert (await talk.say("0")).startswith("Where to")
        assert (await talk.say("0")).startswith("Paid. Ref A1\nWhere to")
        assert (await talk.say("0")).startswith("Paid. Ref A1\nWhere to")

    async def test_an_edited_amount_never_meets_the_key_of_the_old_one(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            amount = await chat.ask("amount", Number(), "Amount")
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", amount, p, k), check=bank.find
            )
            await chat.end(f"Sent {amount}")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("700", "1111", "0", "900")
        assert await talk.say(PIN) == "Sent 900"
        assert [receipt.amount for receipt in bank.moved] == [900]
        assert len(set(bank.keys)) == 2


class TestASessionThatExpiresInsideAMoneyStep:
    """9. Expiry closes the dialogue, never the step."""

    async def test_the_outcome_is_found_and_told_at_the_next_dial(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        clock = talk.process.clock
        clock.advance(3600)
        assert await talk.process.sessions.store.sweep(now=clock.now, limit=100) == 0
        bank.away = False
        assert await talk.process.recovery.once() == 1
        clock.advance(3600)
        assert await talk.process.sessions.store.sweep(now=clock.now, limit=100) == 0
        assert await talk.dial() == "Sent"

    async def test_a_voided_payment_is_told_too(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        await talk.dial()
        bank.before = fail(TimeoutError())
        await talk.say(PIN)
        talk.process.clock.advance(3600)
        await talk.process.recovery.once()
        assert (await talk.dial()).startswith("Your last request was not carried out.\nPIN")

    async def test_an_idle_question_expires_and_says_so_to_who_answers_it(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.ask("r", Text(), "R")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        talk.process.clock.advance(301)
        assert await talk.say("y") == "Session expired. Please start again.\nQ"
        assert (await talk.say("x")).startswith("R")
        talk.process.clock.advance(301)
        assert await talk.dial() == "Q", "no offer to continue what is gone"


class TestTwoMessagesAtOnce:
    """10. Two messages of one member never interleave, and one never answers the other's question."""

    @staticmethod
    def flows(started: asyncio.Event, gate: asyncio.Event) -> Flows:
        async def slow(answer: str) -> None:
            started.set()
            await gate.wait()

        async def f(chat: Chat) -> None:
            first = await chat.ask("a", Text(), "A", validate=slow)
            second = await chat.ask("b", Text(), f"B after {first}")
            await chat.end(f"{first}{second}")

        return flow(f)

    async def cross(self, first: str, second: str, *, accumulated: bool = True) -> tuple[Talk, str, str]:
        started, gate = asyncio.Event(), asyncio.Event()
        talk = await start(self.flows(started, gate), "f")
        talk.accumulates = accumulated
        await talk.dial()
        handle = talk.process.turns.handle
        one = asyncio.create_task(handle(talk.inbound(first), talk.gateway))
        await started.wait()
        two = asyncio.create_task(handle(talk.inbound(second), talk.gateway))
        await asyncio.sleep(0)
        gate.set()
        replies = [(await task).body.decode() for task in (one, two)]
        return talk, replies[0], replies[1]

    async def test_crossed_messages(self) -> None:
        talk, first, second = await self.cross("5", "6")
        assert first.startswith("CON B after 5")
        assert second == first, "the loser sees the question that is open, its answer is not used"
        talk.typed, talk.ended = "6", False
        assert await talk.say("7") == "57"

    async def test_a_double_tap_never_answers_two_questions(self) -> None:
        _, first, second = await self.cross("1", "1*1")
        assert first.startswith("CON B after 1")
        assert second == first

    async def test_a_double_tap_where_the_gateway_sends_single_answers(self) -> None:
        _, first, second = await self.cross("1", "1", accumulated=False)
        assert first.startswith("CON B after 1")
        assert second == first

    async def test_a_lost_race_does_not_become_the_answer_to_the_next_question(self) -> None:
        """Another process answers first; this one's commit conflicts and is not tried on the new screen."""
        started, gate = asyncio.Event(), asyncio.Event()
        store, clock = MemoryStore(), Clock()
        flows = self.flows(started, gate)
        one, two = Process(flows, "f", store, clock), Process(flows, "f", store, clock)
        await one.open()
        talk = Talk(one)
        talk.accumulates = False
        await talk.dial()
        first = asyncio.create_task(one.turns.handle(talk.inbound("1"), talk.gateway))
        await started.wait()
        clock.advance(20)  # the lease lapses
        gate.set()
        second = await two.turns.handle(talk.inbound("2"), talk.gateway)
        assert second.body.startswith(b"CON B after")
        assert (await first).body == second.body

    async def test_members_do_not_wait_for_each_other(self) -> None:
        started, gate = asyncio.Event(), asyncio.Event()
        talk = await start(self.flows(started, gate), "f")
        await talk.dial()
        stuck = asyncio.create_task(talk.process.turns.handle(talk.inbound("1"), talk.gateway))
        await started.wait()
        assert await Talk(talk.process, "+256772000002").dial() == "A"
        gate.set()
        await stuck


def shouting(locale: str) -> Translate:
    """A second language that everybody can read."""
    english = Catalogs().translate("en")
    return (lambda text: english(text).upper()) if locale == "lg" else english


class TestALanguageChangeOnTheWay:
    """11. Rendered again, nothing lost, nothing translated in the journal."""

    LOCALES = {"en": "English", "lg": "Luganda"}  # noqa: RUF012

    async def test_the_question_is_shown_in_the_new_language_and_nothing_is_asked_again(self) -> None:
        async def f(chat: Chat) -> None:
            amount = await chat.ask("amount", Number(), t("Amount"))
            kind = await chat.choose("kind", t("Kind"), [(t("Airtime"), "air"), (t("Data"), "data")])
            await chat.ask("ok", Text(), t("{n} of {kind}", n=amount, kind=kind))

        talk = await start(flow(f), "f", locales=self.LOCALES, translate=shouting)
        await talk.dial()
        await talk.say("5")
        assert await talk.say("97") == "Choose language\n1 English\n2 Luganda\n0 Back"
        assert await talk.say("2") == "KIND\n1 AIRTIME\n2 DATA\n0 BACK\n00 HOME"
        assert (await talk.say("2")).startswith("5 OF DATA")
        conversation = await talk.process.conversation()
        assert conversation.locale == "lg"
        assert conversation.run is not None
        assert [entry.value for entry in conversation.run.journal] == [5, "data"]
        await talk.restart()
        assert (await talk.dial()).startswith("CONTINUE WHERE YOU STOPPED?")

    async def test_a_wrong_choice_of_language_asks_again(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), t("Name"))

        talk = await start(flow(f), "f", locales=self.LOCALES, translate=shouting)
        await talk.dial()
        await talk.say("97")
        assert (
            await talk.say("9") == "Invalid choice. Try again.\nChoose language\n1 English\n2 Luganda\n0 Back"
        )
        assert await talk.say("1") == "Name"

    async def test_with_one_language_its_key_is_an_answer(self) -> None:
        async def f(chat: Chat) -> None:
            answer = await chat.ask("q", Text(), "Q")
            await chat.end(answer)

        talk = await start(flow(f), "f")
        await talk.dial()
        assert await talk.say("97") == "97"


class TestLongTexts:
    """12. Pages are the engine's; a confirmation is never split."""

    @staticmethod
    def flows() -> Flows:
        async def f(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            town = await chat.choose("town", "Town", [f"Town {c}" for c in "ABCDEFG"])
            await chat.end(town)

        return flow(f)

    async def test_more_and_back_turn_pages_and_the_number_shown_is_the_one_chosen(self) -> None:
        talk = await start(self.flows(), "f")
        talk.gateway = PlainGateway(page_lines=3)
        await talk.dial()
        await talk.say("Ann")
        assert talk.text == "Town\n1 Town A\n2 Town B\n0 Back\n00 Home\n98 More"
        assert await talk.say("98") == "3 Town C\n4 Town D\n5 Town E\n0 Back\n00 Home\n98 More"
        await talk.restart()
        assert await talk.say("98") == "6 Town F\n7 Town G\n0 Back\n00 Home"
        assert (await talk.say("0")).startswith("3 Town C")
        assert (await talk.say("0")).startswith("Town\n1 Town A")
        assert (await talk.say("0")).startswith("Name")
        await talk.say("Ann", "98")
        assert await talk.say("2") == "Town B"

    async def test_more_on_the_last_page_is_an_answer(self) -> None:
        talk = await start(self.flows(), "f")
        talk.gateway = PlainGateway(page_lines=5)
        await talk.dial()
        await talk.say("Ann", "98")
        assert (await talk.say("98")).startswith("Invalid choice. Try again.")

    async def test_a_confirmation_that_does_not_fit_is_not_shown_at_all(self) -> None:
        class Small(PlainGateway):
            def pages(self, screen: Screen, translate: Translate) -> list[str]:
                pages = list(super().pages(screen, translate))
                if screen.whole and len(pages[0]) > 80:
                    raise ValueError("too long")
                return pages

        async def f(chat: Chat) -> None:
            name = await chat.ask("name", Text(), "Name")
            await chat.confirm("ok", f"Send to {name}?")
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        talk.gateway = Small()
        await talk.dial()
        assert await talk.say("A" * 60) == BROKEN
        assert talk.ended
        await talk.dial()
        await talk.say("1", "Ann", "1")
        assert talk.text == "Sent"


class Fee(msgspec.Struct, frozen=True):
    """What a look-up returns."""

    amount: int


class TestJournalsKeepTypes:
    """Results come back as what they were, and a result that cannot be kept fails at the first run."""

    async def test_structs(self) -> None:
        async def f(chat: Chat) -> None:
            one = await chat.read("fee", lambda: Fee(5))
            many = await chat.read("fees", lambda: [Fee(6), Fee(7)])
            await chat.ask("q", Text(), f"{one.amount}{many[1].amount}")
            await chat.end(f"{one} {many}")

        talk = await start(flow(f), "f")
        assert (await talk.dial()).startswith("57")
        assert await talk.say("x") == "Fee(amount=5) [Fee(amount=6), Fee(amount=7)]"

    async def test_a_connection_is_refused_by_name(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.read("db", object)

        talk = await start(flow(f), "f")
        assert await talk.dial() == BROKEN
        assert "type object cannot be kept in the journal" in last(talk).error


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
