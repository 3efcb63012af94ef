"""The wallet as members hold it: what they type, and what they read."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kikao.app import App, Server
from kikao.channels.ussd.clients import Exchange
from kikao.config import Settings, load
from kikao.conversation.errors import BackendError
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import in_process
from kikao_apps.wallet.bank import Account, Bank, Receipt, Result
from kikao_apps.wallet.flows import flows
from kikao_apps.wallet.ledger import Ledger
from tests.http.phones import Phone
from tests.http.servers import until
from tests.http.wire import PATH
from tests.wallet.ledgers import ASHA, BINTA, GIFT, STRANGER, Clock, cheap_pins

PIN, WRONG = "2580", "1111"
MENU = "1 Send money\n2 Balance"


class BankWithMoods(Ledger):
    """The embedded bank, which can be slow, break after it paid, or be away."""

    slow: asyncio.Event | None = None
    """A transfer is done, but answers only when this is set."""
    breaks = False
    away = False

    async def account(self, msisdn: str) -> Account | None:
        if self.away:
            raise BackendError
        return await super().account(msisdn)

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        if self.away:
            raise ConnectionError
        answer = await super().transfer(sender, to, amount, pin=pin, key=key)
        if self.slow is not None:
            await self.slow.wait()
        if self.breaks:
            raise ConnectionResetError
        return answer

    async def find(self, key: str) -> Done[Result] | Voided | Unknown:
        return Unknown("away") if self.away else await super().find(key)


class Town:
    """A wallet at work, its bank and its clock, and the phones in town."""

    def __init__(self, server: Server, bank: BankWithMoods, clock: Clock) -> None:
        self.server = server
        self.bank = bank
        self.clock = clock

    def phone(self, number: str = ASHA) -> Phone:
        send = in_process(self.server)

        async def to_gateway(exchange: Exchange) -> tuple[int, bytes]:
            return await send(Exchange(PATH, exchange.headers, exchange.body))

        return Phone(to_gateway, number)

    async def member(self, number: str = ASHA, name: str = "Asha") -> Phone:
        """A phone whose owner has registered before, and whose dialogue is at the menu."""
        phone = self.phone(number)
        await phone.register(name, PIN)
        await phone.dial()
        assert (await phone.say("2")).startswith(f"Hello {name}. Choose an option.\n{MENU}")
        return phone

    async def payments(self) -> int:
        books = await self.bank.audit()
        assert books.right, books
        return books.payments


@asynccontextmanager
async def a_town(folder: Path, *, budget: float = 4.0) -> AsyncIterator[Town]:
    clock = Clock()
    settings = load({"KIKAO_DATA": str(folder)}, folder)
    records = Records(settings.records)
    bank = BankWithMoods(records, opening_gift=GIFT, pins=cheap_pins(), clock=clock)

    @asynccontextmanager
    async def services(_: Settings) -> AsyncIterator[Mapping[Any, Any]]:
        await bank.start()
        yield {Bank: bank}

    app = App(flows, entry="wallet", services=services, budget=budget, subscribers=[lambda event: None])
    try:
        async with app.serving(settings, store=MemoryStore(), clock=clock) as server:
            yield Town(server, bank, clock)
    finally:
        await bank.close()
        await records.close()


@pytest.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    async with a_town(tmp_path) as place:
        yield place


# --- registering ---


async def test_registering(town: Town) -> None:
    asha = town.phone()

    assert await asha.dial() == "Welcome to kikao wallet.\nEnter your name to register"
    assert await asha.say("Asha") == "Choose your currency\n1 UGX\n2 KES\n3 TZS\n4 RWF\n0 Back\n00 Home"
    assert (await asha.say("1")).startswith("Choose a 4-digit PIN")
    assert (await asha.say(PIN)).startswith("Enter the PIN again")
    assert (await asha.say(PIN)).startswith(f"Your account is open.\nHello Asha. Choose an option.\n{MENU}")


async def test_two_pins_that_differ_are_asked_for_again(town: Town) -> None:
    asha = town.phone()
    await asha.dial()
    await asha.say("Asha", "1", PIN)

    assert (await asha.say(WRONG)).startswith("PINs do not match.\nChoose a 4-digit PIN")
    assert MENU in await asha.say(PIN, PIN)


async def test_a_pin_has_four_digits(town: Town) -> None:
    asha = town.phone()
    await asha.dial()
    await asha.say("Asha", "1")

    for typed in ("258", "25800", "abcd", ""):
        screen = await asha.say(typed)
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
    mary = town.phone()
    await mary.dial()

    assert (await mary.say(name)).startswith("Enter a name of letters.\n")


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
    await binta.register(name, PIN)
    asha = await town.member()

    screen = await asha.say("1", BINTA, "5000")

    assert screen.startswith(f"Send UGX 5,000 to {shown}{BINTA}? Fee UGX 100\n1 Confirm\n2 Cancel")
    assert (await asha.say("1", PIN)).startswith(f"You sent UGX 5,000 to {BINTA}.")


async def test_sending_money_to_a_member(town: Town) -> None:
    binta = await town.member(BINTA, "Binta")
    asha = await town.member()

    assert (await asha.say("1")).startswith("Recipient's phone number")
    assert (await asha.say("0700 000 002")).startswith("Amount")
    assert (await asha.say("5,000")).startswith(
        f"Send UGX 5,000 to Binta, {BINTA}? Fee UGX 100\n1 Confirm\n2 Cancel"
    )
    assert (await asha.say("1")).startswith("Enter PIN")
    receipt = await asha.say(PIN)
    assert receipt.startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
    assert receipt.endswith("Your balance is UGX 94,900.")
    assert not asha.alive

    await binta.dial()
    await binta.say("1", "2")
    assert await binta.say(PIN) == "Your balance is UGX 105,000."


async def test_sending_money_to_a_stranger(town: Town) -> None:
    asha = await town.member()

    assert (await asha.say("1", STRANGER, "5000")).startswith(f"Send UGX 5,000 to {STRANGER}? Fee UGX 100")
    assert (await asha.say("1", PIN)).startswith(f"You sent UGX 5,000 to {STRANGER}.")

    stranger = await town.member(STRANGER, "Chidi")
    await stranger.say("2")
    assert await stranger.say(PIN) == "Your balance is UGX 105,000."


async def test_not_confirming(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000")

    assert await asha.say("2") == "Cancelled."
    assert await town.payments() == 0


async def test_ones_own_number_is_refused(town: Town) -> None:
    asha = await town.member()

    refused = "This is your own number. Enter the recipient's number.\nRecipient's phone number"
    assert (await asha.say("1", ASHA)).startswith(refused)
    assert (await asha.say(BINTA)).startswith("Amount")


async def test_a_recipient_of_another_currency_is_refused_at_once(town: Town) -> None:
    kamau = town.phone(BINTA)
    await kamau.register("Kamau", PIN, currency="2")  # KES
    asha = await town.member()

    refused = "This number receives KES only. Enter another.\nRecipient's phone number"
    assert (await asha.say("1", BINTA)).startswith(refused)
    assert (await asha.say(STRANGER)).startswith("Amount")


async def test_too_little_money_asks_for_the_amount_again(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, str(GIFT), "1")

    assert (await asha.say(PIN)).startswith("Insufficient balance.\nAmount")
    assert (await asha.say("5000")).startswith("Send UGX 5,000")
    assert (await asha.say("1", PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_an_amount_outside_the_limits(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA)

    for typed in ("499", "5000001", "-5", "0.5", "many"):
        screen = await asha.say(typed)
        assert "\nAmount\n" in screen, (typed, screen)


# --- PINs ---


async def test_a_wrong_pin_then_the_right_one_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")

    assert (await asha.say(WRONG)).startswith("Wrong PIN. 2 tries left.\nEnter PIN")
    assert await town.payments() == 0
    assert (await asha.say(PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_three_wrong_pins_lock_the_account(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")

    assert (await asha.say(WRONG)).startswith("Wrong PIN. 2 tries left.")
    assert (await asha.say(WRONG)).startswith("Wrong PIN. 1 try left.")
    assert await asha.say(WRONG) == "Account locked. Please contact us."
    assert await asha.dial() == "Your account is locked. Please contact us."
    assert await town.payments() == 0


async def test_hanging_up_does_not_give_new_tries(town: Town) -> None:
    asha = await town.member()
    await asha.say("2", WRONG)
    await asha.dial()
    await asha.say("2", "2", WRONG)
    await asha.dial()
    await asha.say("2", "2")

    assert await asha.say(WRONG) == "Account locked. Please contact us."


async def test_the_balance(town: Town) -> None:
    asha = await town.member()

    assert (await asha.say("2")).startswith("Enter PIN")
    assert await asha.say(PIN) == "Your balance is UGX 100,000."


# --- hanging up and dialling ---


async def test_hanging_up_and_going_on(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA)

    town.clock.now += 60
    assert await asha.dial() == "Continue where you stopped?\n1 Continue\n2 Start again"
    assert (await asha.say("1")).startswith("Amount")
    assert (await asha.say("5000")).startswith("Send UGX 5,000")


async def test_hanging_up_at_the_pin_goes_on_before_the_confirmation(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")

    await asha.dial()
    assert (await asha.say("1")).startswith("Amount")


async def test_after_too_long_a_dial_starts_again(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA)

    town.clock.now += 301
    assert (await asha.dial()).startswith("Hello Asha.")


async def test_a_long_dial_stops_before_the_confirmation(town: Town) -> None:
    asha = await town.member()

    screen = await asha.dial(f"1*{BINTA}*5000*1*{PIN}")

    assert screen.startswith(f"Send UGX 5,000 to {BINTA}? Fee UGX 100")
    assert await town.payments() == 0
    assert (await asha.say("1")).startswith("Enter PIN")


async def test_the_same_pin_delivered_twice_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1", PIN)
    receipt = asha.reply

    assert await asha.again() == receipt
    assert await town.payments() == 1


# --- a bank in trouble ---


async def test_a_slow_bank_is_told_of_at_the_next_dial(tmp_path: Path) -> None:
    async with a_town(tmp_path, budget=0.5) as town:
        asha = await town.member()
        await asha.say("1", BINTA, "5000", "1")
        town.bank.slow = asyncio.Event()

        assert await asha.say(PIN) == "Request received. Do not repeat it. Dial again to see the result."
        assert await asha.again() == b"END Request received. Do not repeat it. Dial again to see the result."
        assert await asha.dial() == "Your last request is still being processed. Dial again shortly."

        town.bank.slow.set()
        await until(lambda: len(town.server.late) == 0, "the transfer does not end")
        assert (await asha.dial()).startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
        assert (await asha.dial()).startswith("Hello Asha.")
        assert await town.payments() == 1


async def test_a_bank_that_breaks_after_paying_is_asked_what_became_of_it(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")
    town.bank.breaks = True

    assert (
        await asha.say(PIN) == "We are checking your request. Do not repeat it. Dial again to see the result."
    )
    assert (await asha.dial()).startswith(f"You sent UGX 5,000 to {BINTA}. Ref ")
    assert await town.payments() == 1


async def test_a_pin_again_for_a_bank_that_was_away_pays_once(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")
    town.bank.away = True

    assert (
        await asha.say(PIN) == "We are checking your request. Do not repeat it. Dial again to see the result."
    )
    assert (await asha.dial()).startswith("We are checking your last request: it may still go through.")
    assert (await asha.say("1")).startswith("We could not confirm your last request. Enter your PIN again")

    town.bank.away = False
    assert (await asha.say(PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_a_bank_that_was_away_says_that_it_did_nothing(town: Town) -> None:
    asha = await town.member()
    await asha.say("1", BINTA, "5000", "1")
    town.bank.away = True
    await asha.say(PIN)
    town.bank.away = False

    assert (await asha.dial()).startswith("Your last request was not carried out.\nAmount")
    assert await town.payments() == 0
    assert (await asha.say("5000", "1", PIN)).startswith("You sent UGX 5,000")
    assert await town.payments() == 1


async def test_a_dial_while_the_bank_is_away_says_so(town: Town) -> None:
    await town.member()
    town.clock.now += 301
    town.bank.away = True
    asha = town.phone()

    assert await asha.dial() == "Service unavailable. Try again later."

    town.bank.away = False
    assert (await asha.dial()).startswith("Hello Asha.")
