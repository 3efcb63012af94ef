"""The wallet as members hold it: what they type, and what they read."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.testing import DROPPED
from kikao_apps.wallet.bank import Bank
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, BINTA, GIFT, STRANGER
from tests.wallet.town import MENU, PIN, WRONG, Town

LOCKED = "Your account is locked. Call 0800 000 000 to unlock it."
UNREGISTERED = "who is not registered yet"


@pytest.fixture
async def town() -> AsyncIterator[Town]:
    async with Town() as place:
        yield place


# --- registering ---


async def test_registering(town: Town) -> None:
    asha = town.phone(ASHA)

    assert await asha.dial() == "Choose language\n1 English\n2 Luganda\n3 Kiswahili"
    assert (await asha.reply("1")).startswith("Welcome to kikao wallet.\nEnter your name to register")
    assert await asha.reply("Asha") == "Choose your currency\n1 UGX\n2 KES\n3 TZS\n4 RWF\n0 Back\n00 Home"
    assert (await asha.reply("1")).startswith("Choose a 4-digit PIN")
    assert (await asha.reply(PIN)).startswith("Enter the PIN again")
    assert (await asha.reply(PIN)).startswith(f"Your account is open.\nHello Asha. Choose an option.\n{MENU}")


async def test_two_pins_that_differ_are_asked_for_again(town: Town) -> None:
    asha = town.phone(ASHA)
    await asha.dial()
    await asha.reply("1", "Asha", "1", PIN)

    assert (await asha.reply(WRONG)).startswith("PINs do not match.\nChoose a 4-digit PIN")
    assert MENU in await asha.reply(PIN, PIN)


async def test_a_pin_has_four_digits(town: Town) -> None:
    asha = town.phone(ASHA)
    await asha.dial()
    await asha.reply("1", "Asha", "1")

    for typed in ("258", "25800", "abcd", ""):
        screen = await asha.reply(typed)
        assert screen.startswith("Enter the 4 digits of your PIN.\nChoose a 4-digit PIN"), typed


@pytest.mark.parametrize(
    "name",
    [
        "Mary, +256772999999? Fee UGX 0",
        "Mary 0772 999 999",
        "Mary: pay",
        "1 Confirm (Mary)",
        "😀😀",
        "-Mary",
        "__",
    ],
)
async def test_a_name_that_could_pass_for_a_part_of_a_confirmation_is_refused(town: Town, name: str) -> None:
    mary = town.phone(ASHA)
    await mary.dial()

    assert (await mary.reply("1", name)).startswith("Enter a name of letters.\n")


# --- sending money ---


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Wangũ wa Mũgo", "Wangu wa Mugo, "),
        ("N'Golo Kanté", "N'Golo Kanté, "),
        ("Ñandú Çelik", "Ñandu Çelik, "),
        ("ŋoma " * 7 + "ŋoma", ""),
        ("አበበ በቂላ", ""),
        ("Ab" * 20, "Ab" * 20 + ", "),
    ],
)
async def test_money_can_be_sent_to_any_name(town: Town, name: str, shown: str) -> None:
    binta = town.phone(BINTA)
    await register(binta, name, PIN)
    asha = await town.member()

    screen = await asha.reply("1", BINTA, "5000")

    assert screen.startswith(f"Send UGX 5,000 to {shown}{BINTA}? Fee UGX 100\n1 Confirm\n2 Cancel")
    assert (await asha.reply("1", PIN)).startswith(f"You sent UGX 5,000 to {BINTA}.")


async def test_sending_money_to_a_member(town: Town) -> None:
    binta = await town.member(BINTA, "Binta")
    asha = await town.member()

    assert (await asha.reply("1")).startswith("Enter the recipient's phone number")
    assert (await asha.reply("0700 000 002")).startswith("Enter the amount (UGX)")
    assert (await asha.reply("5,000")).startswith(
        f"Send UGX 5,000 to Binta, {BINTA}? Fee UGX 100\n1 Confirm\n2 Cancel"
    )
    assert (await asha.reply("1")).startswith("Enter your PIN")
    receipt = await asha.reply(PIN)
    assert receipt.startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
    assert receipt.endswith("Your balance is UGX 94,900.")
    assert asha.ended

    await binta.dial()
    await binta.reply("2")
    assert await binta.reply(PIN) == "Your balance is UGX 105,000."


async def test_sending_money_to_a_stranger(town: Town) -> None:
    asha = await town.member()

    assert (await asha.reply("1", STRANGER, "5000")).startswith(
        f"Send UGX 5,000 to {STRANGER}, {UNREGISTERED}? Fee UGX 100"
    )
    assert (await asha.reply("1", PIN)).startswith(f"You sent UGX 5,000 to {STRANGER}.")

    stranger = await town.member(STRANGER, "Chidi")
    await stranger.reply("2")
    assert await stranger.reply(PIN) == "Your balance is UGX 105,000."


async def test_not_confirming(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000")

    assert await asha.reply("2") == "Cancelled."
    assert await town.payments() == 0


async def test_ones_own_number_is_refused(town: Town) -> None:
    asha = await town.member()

    refused = "This is your own number.\nEnter the recipient's phone number"
    assert (await asha.reply("1", ASHA)).startswith(refused)
    assert (await asha.reply(BINTA)).startswith("Enter the amount (UGX)")


async def test_a_recipient_of_another_currency_is_refused_at_once(town: Town) -> None:
    kamau = town.phone(BINTA)
    await register(kamau, "Kamau", PIN, currency="2")  # KES
    asha = await town.member()

    refused = "This number receives KES only.\nEnter the recipient's phone number"
    assert (await asha.reply("1", BINTA)).startswith(refused)
    assert (await asha.reply(STRANGER)).startswith("Enter the amount (UGX)")


async def test_too_little_money_asks_for_the_amount_again(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, str(GIFT), "1")

    assert (await asha.reply(PIN)).startswith("Insufficient balance.\nEnter the amount (UGX)")
    assert (await asha.reply("5000")).startswith("Send UGX 5,000")
    assert (await asha.reply("1", PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_an_amount_outside_the_limits(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA)

    for typed in ("499", "5000001", "-5", "0.5", "many"):
        screen = await asha.reply(typed)
        assert "\nEnter the amount (UGX)\n" in screen, (typed, screen)


# --- PINs ---


async def test_a_wrong_pin_then_the_right_one_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")

    assert (await asha.reply(WRONG)).startswith("Wrong PIN. 2 tries left.\nEnter your PIN")
    assert await town.payments() == 0
    assert (await asha.reply(PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_three_wrong_pins_lock_the_account(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")

    assert (await asha.reply(WRONG)).startswith("Wrong PIN. 2 tries left.")
    assert (await asha.reply(WRONG)).startswith("Wrong PIN. 1 try left.")
    assert await asha.reply(WRONG) == LOCKED
    assert await asha.dial() == LOCKED
    assert await town.payments() == 0


async def test_hanging_up_does_not_give_new_tries(town: Town) -> None:
    asha = await town.member()
    await asha.reply("2", WRONG)
    await asha.dial()
    await asha.reply("2", "2", WRONG)
    await asha.dial()
    await asha.reply("2", "2")

    assert await asha.reply(WRONG) == LOCKED


async def test_the_balance(town: Town) -> None:
    asha = await town.member()

    assert (await asha.reply("2")).startswith("Enter your PIN")
    assert await asha.reply(PIN) == "Your balance is UGX 100,000."


# --- hanging up and dialling ---


async def test_hanging_up_and_going_on(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA)

    town.clock.advance(60)
    assert await asha.dial() == "Continue where you stopped?\n1 Continue\n2 Start again"
    assert (await asha.reply("1")).startswith("Enter the amount (UGX)")
    assert (await asha.reply("5000")).startswith("Send UGX 5,000")


async def test_hanging_up_at_the_pin_goes_on_before_the_confirmation(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")

    await asha.dial()
    assert (await asha.reply("1")).startswith("Enter the amount (UGX)")


async def test_after_too_long_a_dial_starts_again(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA)

    town.clock.advance(301)
    assert (await asha.dial()).startswith("Hello Asha.")


async def test_a_long_dial_stops_before_the_confirmation(town: Town) -> None:
    asha = await town.member()

    screen = await asha.dial(f"1*{BINTA}*5000*1*{PIN}")

    assert screen.startswith(f"Send UGX 5,000 to {BINTA}, {UNREGISTERED}? Fee UGX 100")
    assert await town.payments() == 0
    assert (await asha.reply("1")).startswith("Enter your PIN")


async def test_the_same_pin_delivered_twice_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1", PIN)
    receipt = asha.raw

    await asha.again()
    assert asha.raw == receipt
    assert await town.payments() == 1


# --- a bank in trouble ---


async def test_a_slow_bank_is_told_of_at_the_next_dial(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")
    slow = town.service(Bank).slow("transfer")

    assert await asha.reply(PIN) == "Request received. Do not repeat it. Dial again to see the result."
    assert await asha.again() == "Request received. Do not repeat it. Dial again to see the result."
    assert await asha.dial() == "Your last request is still being processed. Dial again shortly."

    slow.release()
    await town.settle()
    assert (await asha.dial()).startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
    assert "Hello Asha." in await asha.dial()
    assert await town.payments() == 1


async def test_a_bank_that_breaks_after_paying_is_asked_what_became_of_it(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")
    town.service(Bank).breaks("transfer")

    assert (
        await asha.reply(PIN)
        == "We are checking your request. Do not repeat it. Dial again to see the result."
    )
    assert (await asha.dial()).startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
    assert await town.payments() == 1


async def test_a_pin_again_for_a_bank_that_was_away_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")

    with town.service(Bank).away():
        assert (
            await asha.reply(PIN)
            == "We are checking your request. Do not repeat it. Dial again to see the result."
        )
        assert (await asha.dial()).startswith("We are checking your last request: it may still go through.")
        question = await asha.reply("1")
        assert question.startswith("We could not confirm your last request. Enter your PIN again")

    assert (await asha.reply(PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_a_bank_that_was_away_says_that_it_did_nothing(town: Town) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")
    with town.service(Bank).away():
        await asha.reply(PIN)

    assert (await asha.dial()).startswith("Your last request was not carried out.\nEnter the amount (UGX)")
    assert await town.payments() == 0
    assert (await asha.reply("5000", "1", PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_a_dial_while_the_bank_is_away_says_so(town: Town) -> None:
    asha = await town.member()
    town.clock.advance(301)

    with town.service(Bank).away():
        assert await asha.dial() == "Service unavailable. Try again later."

    assert (await asha.dial()).startswith("Hello Asha.")


# --- a process that dies ---


@pytest.mark.parametrize("call", ["claim", "intent", "commit"])
@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
async def test_a_payment_is_made_once_whenever_the_process_dies(
    town: Town, call: str, *, before: bool
) -> None:
    asha = await town.member()
    await asha.reply("1", BINTA, "5000", "1")
    town.crash_at(call, before=before)

    assert await asha.reply(PIN) == DROPPED
    await town.restart()

    screen = await asha.again()
    if not asha.ended:  # the process died before it took the PIN to the bank: enter it (again)
        screen = await asha.reply(*["5000", "1"][: 2 * ("amount" in screen)], PIN)
    assert "You sent UGX 5,000" in screen or "You sent UGX 5,000" in await asha.dial()
    assert await town.payments() == 1
