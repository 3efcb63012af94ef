"""Requests that come late, and workers that are late: neither may change what the member is doing now."""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable

import pytest

from kikao.channels.inbound import Inbound
from kikao.conversation import Chat, Flows, Pin, Secret, Text
from kikao.testing import ProcessDied
from tests.bank import PIN, Bank, Receipt, fail
from tests.talk import Process, Talk, start

WORKING = "Your last request is still being processed. Dial again shortly."


def paying(release: int = 0) -> Flows:
    """Two questions and a payment."""
    flows = Flows(release=release)

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        bank = chat.service(Bank)
        to = await chat.ask("to", Text(), "Who?")
        await chat.ask("why", Text(), "What for?")
        await chat.secret(
            "pin", Pin(), "PIN?", use=lambda pin, key: bank.transfer(to, 700, pin, key), check=bank.find
        )
        await chat.end("Thanks.")

    return flows


async def killed_at_the_pin(release: int = 0) -> Talk:
    """The process died with the PIN taken and the effect about to begin."""
    talk = await start(paying(release), "pay", services={Bank: Bank()})
    await talk.dial()
    await talk.say("Ann", "rent")
    talk.process.store.die_after = ("intent", 1)
    try:
        await talk.say(PIN)
    except ProcessDied:
        return talk
    raise AssertionError("it should have died")


async def test_a_late_copy_from_an_old_dialogue_does_not_end_the_new_one() -> None:
    """The copy was consumed before, so it only shows the screen; the next answer belongs to the dialogue it is in."""
    talk = await killed_at_the_pin()
    copy = talk.inbound()
    await talk.restart()
    await talk.dial()
    assert "What for?" in talk.text, "nothing was paid: the last plain question again"
    shown = await talk.process.turns.handle(copy, talk.gateway)
    assert b"What for?" in shown.body
    assert await talk.say("food") == "PIN?\n0 Back\n00 Home"


async def test_an_older_worker_writes_nothing_while_an_effect_is_open() -> None:
    """ "Still being processed" is a turn too, and would write what newer code wrote with older code's eyes."""
    talk = await killed_at_the_pin(release=2)
    process = talk.process
    old = Process(paying(1), "pay", process.store.store, process.clock, services={Bank: Bank()})
    versions = [record.version async for record in process.store.store.scan()]
    await process.store.store.close()  # nobody waits for the dead process's turn
    talk.process = old
    assert await talk.dial() == "Service unavailable. Try again later."
    assert [record.version async for record in process.store.store.scan()] == versions


def payment(chat: Chat, bank: Bank) -> Awaitable[Receipt]:
    """Of 700, to Ann."""
    return chat.secret(
        "pin", Pin(), "PIN?", use=lambda pin, key: bank.transfer("Ann", 700, pin, key), check=bank.find
    )


async def paid_meanwhile(flows: Flows, bank: Bank) -> tuple[Talk, Inbound]:
    """Asked for the PIN again, in a new dialogue, when recovery finds that it was paid; and something late."""
    talk = await start(flows, "pay")
    await talk.dial()
    bank.after, bank.away = fail(TimeoutError()), True
    assert "We are checking" in await talk.say(PIN)
    late = talk.inbound(f"{PIN}*1")
    await talk.dial()
    assert "PIN?" in await talk.say("1"), "to make sure"
    await recovered(talk, bank)
    return talk, late


async def recovered(talk: Talk, bank: Bank) -> None:
    """The bank can tell again, and is asked."""
    bank.away = False
    talk.process.clock.advance(60.0)
    assert await talk.process.recovery.once() == 1


async def shown_for(talk: Talk, sent: Inbound) -> str:
    """What is shown for it."""
    return (await talk.process.turns.handle(sent, talk.gateway)).body.decode()


async def test_a_pin_is_no_answer_to_a_question_that_only_an_old_dialogue_could_have_been_shown() -> None:
    """What comes late does not go on with a conversation that has something to tell."""
    flows, bank = Flows(), Bank()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        await payment(chat, bank)
        comment = await chat.ask("comment", Text(), "Comment?")
        await chat.end(f"Thanks for {comment}.")

    talk, late = await paid_meanwhile(flows, bank)
    assert await shown_for(talk, late) == f"END {WORKING}"

    assert "Comment?" in await talk.say(PIN)
    assert not await talk.process.holds(PIN)
    assert await talk.say("nothing") == "Thanks for nothing."


async def test_a_receipt_is_not_told_to_an_old_dialogue() -> None:
    """The member would be at the menu, know nothing of the payment, and pay again."""
    flows, bank = Flows(), Bank()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        receipt = await payment(chat, bank)
        await chat.end(f"Paid. {receipt.ref}")

    talk, late = await paid_meanwhile(flows, bank)
    assert await shown_for(talk, late) == f"END {WORKING}"

    assert await talk.say(PIN) == "Paid. TX1"
    assert len(bank.moved) == 1


async def test_an_outcome_that_waits_for_the_next_dial_is_not_told_to_an_old_dialogue() -> None:
    """It was left behind, and what was begun instead is over: nothing runs."""
    flows, bank = Flows(), Bank()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        if await chat.ask("to", Text(), "Who?") == "nobody":
            await chat.end("Bye.")
        await payment(chat, bank)
        await chat.end("Paid.")

    talk = await start(flows, "pay")
    await talk.dial()
    await talk.say("Ann")
    bank.after, bank.away = fail(TimeoutError()), True
    assert "We are checking" in await talk.say(PIN)
    late = talk.inbound(f"Ann*{PIN}*1")
    await talk.dial()
    assert await talk.say("2", "nobody") == "Bye."
    await recovered(talk, bank)

    assert await shown_for(talk, late) == f"END {WORKING}"
    told = await talk.dial()
    assert told == "Done. Ref TX1\nWho?"


async def test_a_copy_of_a_dial_that_was_consumed_is_late_in_the_dialogue_after_it() -> None:
    """Its turn died. The copy is no dial, and does not go on with what somebody else is looking at."""
    flows, bank = Flows(), Bank()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        await chat.step("open", lambda key: bank.transfer("Ann", 1, Secret(PIN), key), retry="key")
        await payment(chat, bank)
        comment = await chat.ask("comment", Text(), "Comment?")
        await chat.end(f"Thanks for {comment}.")

    talk = await start(flows, "pay")
    talk.accumulates = False

    async def sends(dialogue: str, text: str = "") -> str:
        sent = dataclasses.replace(talk.inbound(text), dialogue=dialogue, message_id=Secret(dialogue + text))
        return await shown_for(talk, sent)

    talk.process.store.die_after = ("intent", 1)
    with pytest.raises(ProcessDied):
        await sends("first")
    await talk.restart()
    assert "PIN?" in await sends("second")
    bank.after, bank.away = fail(TimeoutError()), True
    assert "We are checking" in await sends("second", PIN)
    assert "We are checking" in await sends("third")
    assert "PIN?" in await sends("third", "1"), "to make sure"
    await recovered(talk, bank)

    assert await sends("first") == f"END {WORKING}"
    assert "Comment?" in await sends("third", PIN)
    assert not await talk.process.holds(PIN)
