"""Results come back as what they were, and a result that cannot be kept fails at the first run."""

from __future__ import annotations

import msgspec

from kikao.conversation import Chat, Text
from tests.conversation.hard_cases.talks import BROKEN, flow, last
from tests.talk import start


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
