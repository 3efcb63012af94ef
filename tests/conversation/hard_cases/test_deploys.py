"""2. The code changed while a conversation was on its way."""

from __future__ import annotations

import pytest

from kikao.conversation import Chat, Flows, Number, Pin, Text
from kikao.i18n.messages import t
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.bank import PIN, Bank, fail
from tests.conversation.hard_cases.talks import UNAVAILABLE, UPDATED, flow, last
from tests.talk import Process, Talk, start, whats


class Till:
    """What is paid at, with the keys under which it was."""

    def __init__(self) -> None:
        self.paid: list[str] = []

    async def pay(self, key: str) -> str:
        self.paid.append(key)
        return "ok"


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
        till = Till()

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", till.pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.ask("size", Text(), "Size")
            await chat.step("pay", till.pay, retry="key", done=t("Paid. Ref A1"))
            await chat.ask("where", Text(), "Where to")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk")
        await talk.restart(flow(shop_2))
        assert await talk.say("Gulu") == "Paid. Ref A1\nWe updated this service. Please start again."
        assert talk.ended
        assert "test_deploys.py" in last(talk).error
        assert (await talk.dial()).startswith("What"), "no loop"
        assert len(till.paid) == 1

    async def test_a_flow_that_lost_its_payment_step_is_parked(self) -> None:
        till = Till()

        async def shop(chat: Chat) -> None:
            await chat.step("pay", till.pay, retry="key", done="Paid.")
            await chat.ask("where", Text(), "Where to")

        async def shop_2(chat: Chat) -> None:
            pass

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.restart(flow(shop_2))
        assert await talk.say("Gulu") == "Paid.\nWe updated this service. Please start again."

    async def test_a_no_to_a_confirmation_that_is_gone_never_becomes_a_payment(self) -> None:
        till = Till()

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.confirm("ok", "Sure?")
            await chat.step("pay", till.pay, retry="key")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", till.pay, retry="key")
            await chat.end("Paid")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk")
        await talk.restart(flow(shop_2))
        assert (await talk.say("2")).startswith(f"{UPDATED}\nWhat")
        assert till.paid == []
        assert await talk.say("milk") == "Paid"

    async def test_a_payment_that_moved_forward_waits_until_the_member_looked_again(self) -> None:
        till = Till()

        async def shop(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.ask("note", Text(), "Note")
            await chat.ask("more", Text(), "More")

        async def shop_2(chat: Chat) -> None:
            await chat.ask("what", Text(), "What")
            await chat.step("pay", till.pay, retry="key")
            await chat.ask("note", Text(), "Paid. Note")

        shop_2.__name__ = "shop"
        talk = await start(flow(shop), "shop")
        await talk.dial()
        await talk.say("milk", "none")
        await talk.restart(flow(shop_2))
        assert (await talk.say("no")).startswith(f"{UPDATED}\nWhat")
        assert till.paid == []

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
