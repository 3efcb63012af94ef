"""What an app keeps in a session (`chat.session`), from one flow to the next and no further."""

from __future__ import annotations

import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.conversation import (
    BackendError,
    Chat,
    Done,
    Flows,
    Misuse,
    Number,
    Refused,
    RefusedError,
    Secret,
    Text,
    Unknown,
)
from kikao.conversation.data import MAX_DATA, DataFull
from kikao.conversation.errors import ErrorCode
from kikao.sessions.policy import SessionPolicy
from kikao.testing import ProcessDied
from tests.talk import Talk, start


class Item(msgspec.Struct):
    name: str
    count: int


class Cart(msgspec.Struct, frozen=True):
    items: list[Item]


class Changed(msgspec.Struct):
    owner: str


def question(text: str) -> str:
    return text.partition("\n0 ")[0].partition("\n00 ")[0]


async def visits(chat: Chat) -> int:
    """Count one more."""
    count: int = await chat.session.get("visits", 0) + 1
    await chat.session.set("visits", count)
    return count


# --- kept, and how long ---


class TestFromOneFlowToTheNext:
    def setup_method(self) -> None:
        self.flows = Flows()

        @self.flows.flow("shop")
        async def shop(chat: Chat) -> None:
            cart: Cart = await chat.session.get("cart", Cart([]))
            had = ", ".join(f"{item.count} {item.name}" for item in cart.items) or "nothing"
            name = await chat.ask("name", Text(), f"You have {had}. Add")
            count = await chat.ask("count", Number(), "How many")
            await chat.session.set("cart", Cart([*cart.items, Item(name, count)]))
            await chat.end("Added")

    async def buy(self, talk: Talk, *answers: str) -> str:
        first = await talk.dial()
        assert await talk.say(*answers) == "Added"
        return question(first)

    async def test_a_struct_comes_back_as_it_was(self) -> None:
        talk = await start(self.flows, "shop")
        assert await self.buy(talk, "tea", "2") == "You have nothing. Add"
        assert await self.buy(talk, "milk", "1") == "You have 2 tea. Add"
        talk = await talk.restart()
        assert question(await talk.dial()) == "You have 2 tea, 1 milk. Add"

    async def test_it_ends_with_the_session(self) -> None:
        talk = await start(self.flows, "shop", policy=SessionPolicy(idle=300))
        await self.buy(talk, "tea", "2")
        talk.process.clock.advance(300)
        assert question(await talk.dial()) == "You have nothing. Add"

    async def test_each_member_has_their_own(self) -> None:
        talk = await start(self.flows, "shop")
        await self.buy(talk, "tea", "2")
        assert question(await Talk(talk.process, "+256772000002").dial()) == "You have nothing. Add"

    @pytest.mark.parametrize("changed", [None, Changed, lambda: None])
    async def test_a_value_whose_type_is_gone_or_changed_is_none(
        self, changed: object, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        flows = Flows()

        @flows.flow("shop")
        async def shop(chat: Chat) -> None:
            there = await chat.session.exists("cart")
            await chat.end(f"{there} {await chat.session.get('cart', 'none')}")

        talk = await start(self.flows, "shop")
        await self.buy(talk, "tea", "2")
        monkeypatch.setattr(sys.modules[__name__], "Cart", changed)
        talk = await talk.restart(flows)
        assert await talk.dial() == "True none"


# --- replay ---


class TestReplay:
    async def test_what_was_read_stays_what_it_was_however_often_the_flow_is_run(self) -> None:
        flows = Flows()

        @flows.flow("count")
        async def count(chat: Chat) -> None:
            before = await chat.session.get("visits", 0)
            now = await visits(chat)
            for _ in range(4):
                await chat.ask("any", Text(), f"{before} then {now}")
            await chat.end(f"{await chat.session.get('visits')}")

        talk = await start(flows, "count")
        for visit in (1, 2):
            shown = f"{visit - 1} then {visit}"
            assert question(await talk.dial()) == shown
            for _ in range(3):
                talk = await talk.restart()
                assert question(await talk.say("x")) == shown
            assert await talk.say("x") == f"{visit}"

    async def test_a_flow_may_change_what_it_got_without_changing_what_is_kept(self) -> None:
        flows = Flows()

        @flows.flow("list")
        async def many(chat: Chat) -> None:
            await chat.session.set("list", ["a"])
            got = await chat.session.get("list")
            got.append("b")
            await chat.ask("any", Text(), "Any")
            await chat.end(f"{got} {await chat.session.get('list')}")

        talk = await start(flows, "list")
        await talk.dial()
        assert await talk.say("x") == "['a', 'b'] ['a']"

    async def test_going_back_does_not_undo_a_write(self) -> None:
        flows = Flows()

        @flows.flow("count")
        async def count(chat: Chat) -> None:
            await chat.ask("name", Text(), "Name")
            await visits(chat)
            await chat.ask("any", Text(), f"{await chat.session.get('visits')}")

        talk = await start(flows, "count")
        await talk.dial()
        assert question(await talk.say("Asha")) == "1"
        await talk.say("0")
        assert question(await talk.say("Asha")) == "2"


# --- a turn that fails writes nothing ---


class TestFailures:
    def setup_method(self) -> None:
        self.flows = Flows()
        self.down = False

        async def look() -> None:
            if self.down:
                raise BackendError

        @self.flows.flow("plain")
        async def plain(chat: Chat) -> None:
            await chat.ask("go", Text(), f"Visits {await chat.session.get('visits', 0)}")
            await visits(chat)
            await chat.read("look", look)
            await chat.end(f"Visit {await chat.session.get('visits')}")

        @self.flows.flow("paid")
        async def paid(chat: Chat) -> None:
            await chat.ask("go", Text(), f"Visits {await chat.session.get('visits', 0)}")
            await visits(chat)
            await chat.step("pay", pay, retry="key", done="Paid.")
            await visits(chat)
            await chat.read("look", look)
            await chat.end(f"Visit {await chat.session.get('visits')}")

        @self.flows.flow("moved")
        async def moved(chat: Chat) -> None:
            await chat.step("pay", pay, retry="key", done="Paid.")
            await visits(chat)
            await chat.goto("then")

        @self.flows.flow("then")
        async def then(chat: Chat) -> None:
            await visits(chat)
            await chat.read("look", look)
            await chat.end(f"Visit {await chat.session.get('visits')}")

        @self.flows.flow("tried")
        async def tried(chat: Chat) -> None:
            await visits(chat)
            try:
                await chat.step("pay", refuse, retry="key")
            except RefusedError:
                await visits(chat)
            await chat.read("look", look)
            await chat.end(f"Visit {await chat.session.get('visits')}")

        async def pay(key: str) -> Done[int]:
            return Done(1)

        async def refuse(key: str) -> Refused:
            return Refused(ErrorCode.REJECTED)

    async def kept(self, talk: Talk) -> Any:
        return (await talk.process.conversation()).data.get("visits", ("", 0))[1]

    async def test_nothing_of_it_is_kept(self) -> None:
        talk = await start(self.flows, "plain")
        await talk.dial()
        self.down = True
        assert question(await talk.say("x")) == "Service unavailable. Try again later.\nVisits 0"
        assert await self.kept(talk) == 0
        self.down = False
        assert await talk.say("x") == "Visit 1"

    async def test_behind_an_effect_that_cannot_be_undone_only_what_came_before_it_is_kept(self) -> None:
        talk = await start(self.flows, "paid")
        await talk.dial()
        self.down = True
        assert "Paid." in await talk.say("x")
        assert await self.kept(talk) == 1
        await talk.dial()
        assert "Paid." in await talk.say("1")
        assert await self.kept(talk) == 1
        self.down = False
        await talk.dial()
        assert (await talk.say("1")).endswith("Visit 2")

    async def test_what_a_flow_wrote_that_led_to_another_is_kept(self) -> None:
        self.down = True
        talk = await start(self.flows, "moved")
        assert "Paid." in await talk.dial()
        assert await self.kept(talk) == 1
        self.down = False
        await talk.dial()
        assert (await talk.say("1")).endswith("Visit 2")

    async def test_after_a_refusal_nothing_of_the_turn_is_kept(self) -> None:
        self.down = True
        talk = await start(self.flows, "tried")
        await talk.dial()
        assert await self.kept(talk) == 0
        self.down = False
        await talk.dial()
        assert (await talk.say("1")).endswith("Visit 2")

    @pytest.mark.parametrize("when", ["die_before", "die_after"])
    async def test_a_process_that_dies_at_its_commit_wrote_all_or_nothing(self, when: str) -> None:
        talk = await start(self.flows, "plain")
        await talk.dial()
        store = talk.process.store
        setattr(store, when, ("commit", store.calls["commit"] + 1))
        with pytest.raises(ProcessDied):
            await talk.say("x")
        talk = await talk.restart()
        assert await self.kept(talk) == (1 if when == "die_after" else 0)
        assert await talk.send() == "Visit 1"


# --- what may be kept, and how much ---


class TestLimits:
    def setup_method(self) -> None:
        self.flows = Flows()
        self.value: Any = None
        self.caught: list[str] = []

        @self.flows.flow("keep")
        async def keep(chat: Chat) -> None:
            await chat.session.set("small", "s")
            await chat.ask("go", Text(), "Go")
            try:
                await chat.session.set("value", self.value)
            except Misuse as error:
                self.caught.append(f"{type(error).__name__}: {error}")
            await chat.end(f"{await chat.session.exists('value')} {await chat.session.get('small')}")

    async def keep(self, value: Any) -> tuple[str, Talk]:
        self.value = value
        talk = await start(self.flows, "keep")
        await talk.dial()
        return await talk.say("x"), talk

    async def test_as_much_as_the_cap_allows_and_not_one_octet_more(self) -> None:
        frame = len(msgspec.msgpack.encode({"small": ("", "s"), "value": ("", "x" * 60_000)})) - 60_000
        for size, kept in ((MAX_DATA - frame, "True s"), (MAX_DATA - frame + 1, "False s")):
            shown, talk = await self.keep("x" * size)
            assert shown == kept
            assert ("value" in (await talk.process.conversation()).data) == (kept == "True s")
        told = f"DataFull: session data 'value': {MAX_DATA + 1} octets in all, the cap is {MAX_DATA}"
        assert self.caught == [f"{told}. Keep large things in a service."]

    async def test_a_flow_that_does_not_catch_it_fails_and_keeps_what_was(self) -> None:
        flows = Flows()

        @flows.flow("fill")
        async def fill(chat: Chat) -> None:
            await chat.session.set("small", "s")
            await chat.ask("go", Text(), "Go")
            await chat.session.set("large", "x" * MAX_DATA)

        talk = await start(flows, "fill")
        await talk.dial()
        assert question(await talk.say("x")).endswith("Go")
        assert list((await talk.process.conversation()).data) == ["small"]
        assert any(DataFull.__name__ in getattr(event, "error", "") for event in talk.process.events)

    @pytest.mark.parametrize(
        "value", [object(), Secret("2580"), {"pin": Secret("2580")}, lambda: None, {1, object()}]
    )
    async def test_what_cannot_be_stored_is_refused_and_not_shown(self, value: Any) -> None:
        shown, talk = await self.keep(value)
        assert shown == "False s"
        assert "cannot be kept" in self.caught[-1]
        assert "2580" not in self.caught[-1]
        assert not await talk.process.holds("2580")

    async def test_nothing_is_a_value(self) -> None:
        shown, _ = await self.keep(None)
        assert shown == "True s"


# --- the end of a session ---


class TestDestroy:
    def setup_method(self) -> None:
        self.flows = Flows()
        self.outcome: Any = Done("R1")

        async def pay(key: str) -> Any:
            return self.outcome

        async def check(key: str) -> Any:
            return self.outcome

        @self.flows.flow("shop")
        async def shop(chat: Chat) -> None:
            word = await chat.ask("word", Text(), f"Keeps {await chat.session.get('word', 'nothing')}")
            await chat.session.set("word", word)
            if word == "pay":
                await chat.session.destroy()
                await chat.step("pay", pay, retry="check", check=check, done="Paid.")
            if word == "leave":
                await chat.session.destroy()
                await chat.end("Bye")
            if word == "list":
                await chat.session.destroy()
                await chat.session.set("word", word)
                await chat.say("One")
                await chat.say("Two")
                await chat.end("Three")
            if word == "ask":
                await chat.session.destroy()
                await chat.ask("more", Text(), "More")
            await chat.end("Kept")

    async def test_what_comes_next_is_a_new_session_without_data(self) -> None:
        talk = await start(self.flows, "shop")
        await talk.dial()
        assert await talk.say("leave") == "Bye"
        (before,) = await talk.process.stored()
        assert before.conversation.data == {}
        assert question(await talk.dial()) == "Keeps nothing"
        (after,) = await talk.process.stored()
        assert after.id != before.id

    async def test_its_record_goes_with_the_next_sweep_that_no_copy_can_follow(self) -> None:
        talk = await start(self.flows, "shop", policy=SessionPolicy(idle=7 * 86400))
        await talk.dial()
        await talk.say("leave")
        store, clock = talk.process.store, talk.process.clock
        assert await store.sweep(now=clock(), limit=10) == 0
        assert await talk.send() == "Bye", "a redelivery gets the same bytes"
        clock.advance(talk.gateway.retention)
        assert await store.sweep(now=clock(), limit=10) == 1

    async def test_an_answer_to_what_was_asked_after_it_finds_no_session(self) -> None:
        talk = await start(self.flows, "shop")
        await talk.dial()
        assert question(await talk.say("ask")) == "More"
        assert question(await talk.say("x")) == "Session expired. Please start again.\nKeeps nothing"

    async def test_a_last_screen_of_several_pages_can_be_read_to_its_end(self) -> None:
        talk = await start(self.flows, "shop", policy=SessionPolicy(idle=60))
        talk.gateway.page_lines, talk.gateway.retention = 1, 1
        await talk.dial()
        assert await talk.say("list") == "One\n98 More"
        talk.process.clock.advance(59)
        assert await talk.process.store.sweep(now=talk.process.clock(), limit=10) == 0
        assert await talk.say("98") == "Two\n98 More"
        assert await talk.say("98") == "Three"
        assert talk.ended
        assert question(await talk.dial()) == "Keeps nothing"

    async def test_who_leaves_such_a_screen_for_home_begins_without_data(self) -> None:
        talk = await start(self.flows, "shop")
        talk.gateway.page_lines = 1
        await talk.dial()
        assert await talk.say("list") == "One\n98 More"
        talk.gateway.page_lines = 9
        assert question(await talk.say("00")) == "Keeps nothing"
        assert question(await talk.say("x")) == "Kept"
        assert question(await talk.dial()) == "Keeps x"

    async def test_an_open_effect_outlives_it_and_is_told(self) -> None:
        self.outcome = Unknown("timeout")
        talk = await start(self.flows, "shop", policy=SessionPolicy(idle=60))
        await talk.dial()
        await talk.say("pay")
        process = talk.process
        process.clock.advance(3600)
        assert await process.store.sweep(now=process.clock(), limit=10) == 0
        self.outcome = Done("R1")
        await process.recovery.once()
        assert await process.store.sweep(now=process.clock(), limit=10) == 0
        assert (await talk.dial()).startswith("Kept"), "the flow is told, and goes on to its end"
        assert question(await talk.dial()) == "Keeps nothing"


# --- a dictionary, whatever happens in between ---

NAMES = st.sampled_from(["a", "b", "cart"])
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.text(max_size=8),
    st.lists(st.integers(0, 9), max_size=3),
    st.dictionaries(st.text(max_size=3), st.booleans(), max_size=2),
    st.builds(Item, st.text(max_size=3), st.integers(0, 9)),
)
OPERATIONS = st.one_of(
    st.tuples(st.just("set"), NAMES, VALUES),
    st.tuples(st.just("delete"), NAMES),
    st.tuples(st.just("clear")),
    st.tuples(st.just("ask")),
    st.tuples(st.just("restart")),
    st.tuples(st.just("again")),
)


@settings(max_examples=60)
@given(st.lists(OPERATIONS, max_size=25))
async def test_it_is_a_dictionary_that_survives_everything(operations: list[tuple[Any, ...]]) -> None:
    flows = Flows()
    steps = [operation for operation in operations if operation[0] not in ("restart", "again")]
    seen: list[dict[str, Any]] = []

    @flows.flow("run")
    async def run(chat: Chat) -> None:
        for word, *given_ in steps:
            if word == "ask":
                await chat.ask("any", Text(), "Any")
            elif word == "set":
                await chat.session.set(*given_)
            elif word == "delete":
                await chat.session.delete(*given_)
            else:
                await chat.session.clear()
        found = {}
        for name in ("a", "b", "cart"):
            if await chat.session.exists(name):
                found[name] = await chat.session.get(name)
        seen.append(found)
        await chat.end("Done")

    talk = await start(flows, "run")
    await talk.dial()
    for word, *_ in operations:
        if word == "ask":
            await talk.say("x")
        elif word == "restart":
            talk = await talk.restart()
        elif word == "again":
            await talk.send()
    model: dict[str, Any] = {}
    for word, *given_ in steps:
        if word == "set":
            model[given_[0]] = given_[1]
        elif word == "delete":
            model.pop(given_[0], None)
        elif word == "clear":
            model.clear()
    assert talk.text == "Done"
    assert seen == [model]
