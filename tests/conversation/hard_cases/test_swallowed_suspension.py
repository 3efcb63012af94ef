"""4. Whatever stands around a question, code after it never runs without an answer."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from typing import Any

import pytest

from kikao.conversation import Chat, Text, suspension
from tests.conversation.hard_cases.talks import BROKEN, Conversation, flow, last
from tests.talk import Talk, start

pytestmark = pytest.mark.virtual_time


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

    async def test_a_flow_that_catches_the_end_of_its_time_and_waits_on_is_ended(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(suspension, "GRACE", 0.01)  # as short in proportion as the time of this turn

        async def f(chat: Chat) -> None:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.Event().wait()

        talk = await self.around(f, budget=1.0)
        assert talk.text == "The service took too long. Try again."

    async def pay(self, key: str) -> str:
        self.ran.append("paid")
        return "ok"
