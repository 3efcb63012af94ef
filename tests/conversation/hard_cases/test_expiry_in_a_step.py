"""9. Expiry closes the dialogue, never the step."""

from __future__ import annotations

from kikao.conversation import Chat, Pin, Text
from tests.bank import PIN, Bank, fail
from tests.conversation.hard_cases.talks import flow
from tests.talk import start


class TestASessionThatExpiresInsideAMoneyStep:
    """9. Expiry closes the dialogue, never the step."""

    async def test_the_outcome_is_found_and_told_at_the_next_dial(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        bank.after, bank.away = fail(TimeoutError()), True
        await talk.say(PIN)
        clock = talk.process.clock
        clock.advance(3600)
        assert await talk.process.sessions.store.sweep(now=clock.now, limit=100) == 0
        bank.away = False
        assert await talk.process.recovery.once() == 1
        clock.advance(3600)
        assert await talk.process.sessions.store.sweep(now=clock.now, limit=100) == 0
        assert await talk.dial() == "Sent"

    async def test_a_voided_payment_is_told_too(self) -> None:
        bank = Bank()

        async def f(chat: Chat) -> None:
            await chat.secret(
                "pin", Pin(), "PIN", use=lambda p, k: bank.transfer("A", 700, p, k), check=bank.find
            )
            await chat.end("Sent")

        talk = await start(flow(f), "f")
        await talk.dial()
        bank.before = fail(TimeoutError())
        await talk.say(PIN)
        talk.process.clock.advance(3600)
        await talk.process.recovery.once()
        assert (await talk.dial()).startswith("Your last request was not carried out.\nPIN")

    async def test_an_idle_question_expires_and_says_so_to_who_answers_it(self) -> None:
        async def f(chat: Chat) -> None:
            await chat.ask("q", Text(), "Q")
            await chat.ask("r", Text(), "R")

        talk = await start(flow(f), "f")
        await talk.dial()
        await talk.say("x")
        talk.process.clock.advance(301)
        assert await talk.say("y") == "Session expired. Please start again.\nQ"
        assert (await talk.say("x")).startswith("R")
        talk.process.clock.advance(301)
        assert await talk.dial() == "Q", "no offer to continue what is gone"
