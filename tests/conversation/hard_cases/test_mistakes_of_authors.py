"""A mistake in a flow is told with its line, and members read nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kikao.conversation import BackendError, Chat, ErrorCode, RefusedError, Text
from kikao.conversation.screens import Screen
from kikao.i18n.messages import t
from tests.conversation.hard_cases.talks import BROKEN, NOBODY, Conversation, flow, last
from tests.talk import start


class TestWhatTheAuthorOfAFlowMustMend:
    """A mistake in a flow is told with its line, and members read nothing of it."""

    async def told(self, function: Conversation) -> str:
        talk = await start(flow(function), function.__name__)
        assert await talk.dial() == BROKEN
        error = last(talk).error
        assert error.startswith("Misuse"), error
        assert f"{__file__}:" in error or "test_mistakes_of_authors.py:" in error, error
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
