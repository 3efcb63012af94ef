"""1. Names are free in loops and sub-flows; a journal has a cap, and ways to stay under it."""

from __future__ import annotations

from kikao.conversation import Chat, Flows, Number, Text
from kikao.i18n import Amount
from kikao.i18n.messages import t
from tests.conversation.hard_cases.talks import BROKEN, NOTHING, flow, last
from tests.talk import start


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
