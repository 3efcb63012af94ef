"""5. Several questions at once are refused by name; one after the other there is `form`."""

from __future__ import annotations

import asyncio

from kikao.conversation import Chat, Number, Text
from tests.conversation.hard_cases.talks import BROKEN, flow, last
from tests.talk import start


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
