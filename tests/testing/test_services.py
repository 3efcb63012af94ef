"""Services in bad moods: what the flow meets, what has happened, and what has not."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from kikao import App, Chat, Flows, Text, t
from kikao.testing import Phone, Stage
from tests.testing.shop import AWAY, CHECKING, CLOSING, HOW_MANY, PIN, WORKING, MemoryTill, Till, an_app

SOLD = "3 cups sold. Ref S1"


async def at_the_pin(stage: Stage) -> Phone:
    """A phone that is asked for the PIN of three cups."""
    asha = stage.phone()
    await asha.dial()
    assert (await asha.reply("3")).startswith("Enter PIN")
    return asha


# --- moods ---


async def test_slow_the_effect_happens_and_the_answer_comes_late() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        slow = stage.service(Till).slow("pay")

        assert await asha.reply(PIN) == CLOSING
        assert len(till.sales) == 1
        slow.release()
        await stage.settle()
        assert await asha.dial() == SOLD


async def test_stalls_the_effect_happens_when_it_is_released() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stalled = stage.service(Till).stalls("pay")

        assert await asha.reply(PIN) == CLOSING
        assert till.sales == []
        stalled.release()
        await stage.settle()
        assert await asha.dial() == SOLD


async def test_a_stalled_request_arrives_though_its_process_died_and_is_refused() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stalled = stage.service(Till).stalls("pay")
        await asha.reply(PIN)
        await stage.crash()
        await stage.restart()
        stalled.release()
        await stage.settle()

        assert till.sales == [], "recovery had the key refused for ever"
        assert (await asha.dial()).startswith("Your last request was not carried out.")


async def test_a_request_that_was_sent_is_done_though_its_process_died() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stalled = stage.service(Till).stalls("pay")
        await asha.reply(PIN)
        await stage.crash()
        stalled.release()
        await stage.restart()

        assert await asha.dial() == SOLD


async def test_away_nothing_happens() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        with stage.service(Till).away():
            assert await stage.phone().dial() == AWAY
        assert till.asked == 0
        assert await stage.phone().dial() == HOW_MANY


async def test_breaks_the_effect_happens_and_nobody_hears_of_it() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stage.service(Till).breaks("pay")

        assert await asha.reply(PIN) == CHECKING
        assert len(till.sales) == 1
        assert await asha.dial() == SOLD


@pytest.mark.parametrize(
    "garbage",
    [None, "<html>502</html>", b"\x00", object(), {"key": {"to": 1}}],
    ids=["none", "html", "bytes", "object", "dict"],
)
async def test_answers_the_effect_happens_and_the_answer_is_anything(garbage: Any) -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stage.service(Till).answers("pay", garbage, times=1)
        told = await asha.reply(PIN)

        assert "sold" not in told
        assert len(till.sales) == 1
        await asha.dial()
        assert len(till.sales) == 1


async def test_answers_for_a_read() -> None:
    async with Stage(an_app()) as stage:
        stage.service(Till).answers("price", 900)

        assert await stage.phone().dial() == "A cup is 900. How many?"


# --- how long ---


async def test_so_many_times() -> None:
    async with Stage(an_app()) as stage:
        stage.service(Till).away("price", times=2)

        assert [await stage.phone().dial() for _ in range(3)] == [AWAY, AWAY, HOW_MANY]


async def test_the_last_mood_counts_and_the_one_before_is_still_there() -> None:
    async with Stage(an_app()) as stage:
        till = stage.service(Till)
        till.away("price")
        with till.answers("price", 900):
            assert await stage.phone("+256772000001").dial() == "A cup is 900. How many?"
        assert await stage.phone("+256772000002").dial() == AWAY
        till.well()
        assert await stage.phone("+256772000002").dial() == HOW_MANY


async def test_a_released_answer_is_the_last_that_was_held() -> None:
    async with Stage(an_app()) as stage:
        asha = await at_the_pin(stage)
        with stage.service(Till).slow("pay"):
            assert await asha.reply(PIN) == CLOSING
        await stage.settle()
        assert await asha.dial() == SOLD
        await asha.dial()

        assert await asha.reply("2", PIN) == "2 cups sold. Ref S2"


async def test_several_members_wait_for_one_slow_service() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        phones = [stage.phone(f"+25677200000{n}") for n in range(3)]
        for phone in phones:
            await phone.dial()
            await phone.reply("3")
        slow = stage.service(Till).slow("pay")

        assert await asyncio.gather(*[phone.reply(PIN) for phone in phones]) == [CLOSING] * 3
        slow.release()
        await stage.settle()
        assert sorted([await phone.dial() for phone in phones]) == [
            f"3 cups sold. Ref S{n}" for n in (1, 2, 3)
        ]


async def test_a_service_that_is_slow_to_say_what_became_of_a_key() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        asha = await at_the_pin(stage)
        stage.service(Till).breaks("pay")
        await asha.reply(PIN)
        slow = stage.service(Till).slow("find")
        stage.clock.advance(60)
        await stage.settle()

        assert await asha.dial() == WORKING
        slow.release()
        await stage.settle()
        assert await asha.dial() == SOLD


# --- what it is about ---


async def test_a_method_the_service_does_not_have() -> None:
    async with Stage(an_app()) as stage:
        for name in ("pays", "name", "currency", "_kept"):
            with pytest.raises(
                LookupError, match=f"MemoryTill has no async method '{name}'; it has find, pay, price"
            ):
                stage.service(Till).slow(name)


async def test_a_service_the_stage_does_not_have() -> None:
    async with Stage(an_app()) as stage:
        with pytest.raises(LookupError, match="no service Phone; the stage has Till"):
            stage.service(Phone)


# --- stand-ins ---


class Vault(MemoryTill):
    """A service with everything a class can have."""

    limit = 7

    def __call__(self, times: int) -> int:
        return self.limit * times

    def __len__(self) -> int:
        return 3

    def __getitem__(self, key: str) -> str:
        return key.upper()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vault)

    def __hash__(self) -> int:
        return 0

    async def __aenter__(self) -> Vault:
        return self

    async def __aexit__(self, *error: object) -> None:
        self.limit += 1

    @property
    def open(self) -> bool:
        return True

    @classmethod
    async def made(cls) -> str:
        return cls.__name__

    @staticmethod
    async def city() -> str:
        return "Kampala"


async def test_a_flow_does_not_see_that_it_has_a_stand_in() -> None:
    vault = Vault()
    seen: list[tuple[Any, ...]] = []

    async def tripled(number: int) -> int:
        return 3 * number

    flows = Flows()

    @flows.flow("look")
    async def look(chat: Chat) -> None:
        found: Any = chat.service(Vault)
        seen.append(
            (isinstance(found, Vault), found == vault, repr(found) == repr(vault), found.open, found.name())
        )
        function: Any = chat.service(int)
        table: Any = chat.service(dict)
        seen.append((found.limit, found(2), len(found), found["a"], table["b"]))
        seen.append((await chat.read("tripled", lambda: function(4)), chat.service(float)))
        seen.append((await chat.read("made", found.made), await chat.read("city", found.city)))
        async with found as entered:
            found.limit = 10 * entered.limit
        await chat.ask("name", Text(), t("Your name?"))

    services = {Vault: vault, int: tripled, dict: {"b": 1}, float: 0.5}
    async with Stage(App(flows, entry="look", services=services)) as stage:
        assert await stage.phone().dial() == "Your name?"

    assert seen == [
        (True, True, True, True, "till"),
        (7, 14, 3, "A", 1),
        (12, 0.5),
        ("Vault", "Kampala"),
    ]
    assert vault.limit == 71


async def test_the_service_itself_is_in_no_mood() -> None:
    async with Stage(an_app()) as stage:
        handle = stage.service(Till)
        handle.away()
        assert await handle.real.price() == 300
