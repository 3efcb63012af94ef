"""7. The same message gets the same bytes, and happens once."""

from __future__ import annotations

import asyncio

import pytest

from kikao.conversation import Chat, Pin, Text
from tests.bank import PIN, Bank
from tests.conversation.hard_cases.talks import UNAVAILABLE, flow
from tests.talk import PlainGateway, start


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
