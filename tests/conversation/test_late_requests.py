"""Requests that come late, and workers that are late: neither may change what the member is doing now."""

from __future__ import annotations

from kikao.conversation import Chat, Flows, Pin, Text
from kikao.testing import ProcessDied
from tests.bank import PIN, Bank
from tests.talk import Process, Talk, start


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
