"""What became of a request that was left open is told, once, whatever the member does meanwhile."""

from __future__ import annotations

from kikao.conversation import Chat, Flows, Number, Pin
from kikao.i18n.messages import t
from tests.bank import PIN, Bank, fail
from tests.talk import Talk, start

CHECKING = "We are checking your last request"


def paying() -> Flows:
    """A payment whose amount is asked, and a question after it."""
    flows = Flows()

    @flows.flow("pay")
    async def pay(chat: Chat) -> None:
        bank = chat.service(Bank)
        amount = await chat.ask("amount", Number(1), "How much?")
        await chat.secret(
            "pin",
            Pin(),
            "PIN?",
            use=lambda pin, key: bank.transfer("Ann", amount, pin, key),
            check=bank.find,
            done=lambda receipt: t("Paid. Ref {ref}", ref=receipt.ref),
        )
        await chat.ask("rating", Number(1, 5), "How was it?")
        await chat.end("Thanks.")

    return flows


async def left_open(*, paid: bool) -> tuple[Talk, Bank]:
    """A member who dials while nobody can say what became of 700: that is being checked."""
    bank = Bank()
    talk = await start(paying(), "pay", services={Bank: bank})
    await talk.dial()
    await talk.say("700")
    if paid:
        bank.after = fail(TimeoutError())
    else:
        bank.before = fail(TimeoutError())
    bank.away = True
    await talk.say(PIN)
    await talk.dial()
    assert CHECKING in talk.text
    return talk, bank


async def settled(talk: Talk, bank: Bank) -> None:
    """The bank can tell again, and recovery asks it."""
    bank.away = False
    talk.process.clock.advance(60)
    await talk.process.recovery.once()


async def test_it_is_told_before_a_pin_and_after_it() -> None:
    """Recovery finds out while the member is about to pay something else: the next screen says both."""
    talk, bank = await left_open(paid=True)
    await talk.say("2", "300")
    assert talk.text.startswith("PIN?")
    await settled(talk, bank)
    await talk.say(PIN)
    assert "Paid. Ref TX1" in talk.text
    assert "How was it?" in talk.text


async def test_it_is_told_to_who_starts_again_in_that_moment() -> None:
    """Recovery finds out while the member looks at "Start again"."""
    talk, bank = await left_open(paid=True)
    await settled(talk, bank)
    assert (await talk.say("2")).startswith("Paid. Ref TX1\nHow much?")


async def test_that_nothing_happened_is_told_to_who_starts_again_in_that_moment() -> None:
    talk, bank = await left_open(paid=False)
    await settled(talk, bank)
    assert (await talk.say("2")).startswith("Your last request was not carried out.\nHow much?")


async def test_who_leaves_nothing_open_may_always_start_again() -> None:
    """Three requests are being checked, which is as many as a member may leave behind; this run adds none."""
    talk, bank = await left_open(paid=True)
    for _ in range(3):
        await talk.say("2", "300")
        bank.after = fail(TimeoutError())
        await talk.say(PIN)
        await talk.dial()
        assert CHECKING in talk.text
    assert CHECKING in await talk.say("2"), "a fourth would be left behind"
    bank.away = False
    await talk.say("1")  # this one is found out
    bank.away = True
    await talk.say("4")
    await talk.dial()
    assert (await talk.say("300")).startswith("PIN?")
    await talk.dial()
    assert (await talk.say("2")).startswith("How much?")


async def test_it_is_told_after_another_one_that_is_still_checked() -> None:
    """What waits to be told does not get lost behind the screen that says that something is being checked."""
    talk, bank = await left_open(paid=True)
    await talk.say("2", "300")
    bank.after = fail(TimeoutError())
    await talk.say(PIN)  # the second one is open too
    find, first = bank.find, bank.keys[0]

    async def only_the_first(key: str) -> object:
        if key != first:
            raise TimeoutError
        return await find(key)

    bank.away = False
    bank.find = only_the_first  # type: ignore[method-assign]
    talk.process.clock.advance(60)
    await talk.process.recovery.once()
    await talk.dial()
    assert CHECKING in talk.text
    assert "Paid. Ref TX1" in talk.text or "Paid. Ref TX1" in await talk.say("1")
