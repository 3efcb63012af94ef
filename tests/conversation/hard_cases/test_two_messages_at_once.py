"""10. Two messages of one member never interleave, and one never answers the other's question."""

from __future__ import annotations

import asyncio

from kikao.conversation import Chat, Flows, Text
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from tests.conversation.hard_cases.talks import flow
from tests.talk import Process, Talk, start


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
