"""What a transcript of the wallet may say besides kikao's own steps: accounts, and what the operator does."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.testing import NAME, Play, step
from kikao_apps.wallet import operations
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.service import LOCALES
from tests.wallet.ledgers import a_key, cheap_pins
from tests.wallet.staging import ledger_of

PIN: Final = "2580"
WRONG_PIN: Final = "1379"
WHO: Final = rf"(?P<who>{NAME})"

NONSENSE: Final[Mapping[str, Any]] = {
    "nothing": None,
    "a text": "OK",
    "done with nothing": Done(None),
    "done with a text": Done("OK"),
}


@step(rf"{WHO} has an account(?: in (?P<currency>[A-Z]{{3}}))?(?: as (?P<name>.+))?\.")
async def has_account(play: Play, who: str, currency: str | None, name: str | None) -> None:
    """An account, and a language that was chosen at an earlier dial."""
    await open_account(play, who, currency or "UGX", name or who)
    phone = play.phone(who)
    await phone.dial()
    await phone.reply(str(list(LOCALES).index(play.language or "en") + 1))
    await phone.hang_up()
    play.clock.advance(600)


@step(rf"{WHO} opens an account elsewhere\.")
async def open_account(play: Play, who: str, currency: str = "UGX", name: str = "") -> None:
    """Not on this phone."""
    ledger, number, pin = ledger_of(play.stage), play.number(who), Secret(PIN)
    await ledger.propose_pin(number, pin, key=a_key())
    opened = await ledger.open_account(number, name or who, currency, pin, key=a_key())
    assert isinstance(opened, Done)


@step(rf"{WHO}'s account is locked\.")
async def locked(play: Play, who: str) -> None:
    """By three wrong PINs, elsewhere."""
    for _ in range(3):
        await ledger_of(play.stage).balance(play.number(who), Secret(WRONG_PIN), key=a_key())


@step(rf"{WHO} sent (?P<currency>[A-Z]{{3}}) (?P<amount>[\d,]+) to (?P<to>{NAME})\.")
async def sent(play: Play, who: str, currency: str, amount: str, to: str) -> None:
    """An earlier transfer; the amount is in minor units."""
    money = Amount(currency, int(amount.replace(",", "")))
    paid = await ledger_of(play.stage).transfer(
        play.number(who), play.number(to), money, pin=Secret(PIN), key=a_key()
    )
    assert isinstance(paid, Done)


@step(rf"{WHO} is forgotten\.")
async def forgotten(play: Play, who: str) -> None:
    """The bank keeps nothing of who they were."""
    await ledger_of(play.stage).forget(play.number(who))


@step(r"The bank answers (?P<call>\w+) with (?P<nonsense>.+)\.")
async def talks_nonsense(play: Play, call: str, nonsense: str) -> None:
    """The effect happens, and something else comes back than what was agreed."""
    play.stage.service(Bank).answers(call, NONSENSE[nonsense])


@step(rf"The operator unlocks {WHO}'s account\.")
async def unlocked(play: Play, who: str) -> None:
    """With the wallet's own command."""
    async with _operator(play) as records:
        assert await operations.unlock(records, play.number(who), play.clock.now)


@step(rf"The operator gives {WHO} a start PIN\.")
async def given_start_pin(play: Play, who: str) -> None:
    """From then on it is `the start PIN`."""
    async with _operator(play) as records:
        pin = await operations.give_start_pin(records, cheap_pins(), play.number(who), play.clock.now)
        play.know("the", "start PIN", pin.reveal())


@step(rf"{WHO} reads the code that came by SMS\.")
def reads_code(play: Play, who: str) -> None:
    """From then on it is `the code`."""
    (*_, newest) = play.stage.chats.texts["africastalking"].inbox(play.number(who))
    play.know("the", "code", next(word.strip(".") for word in newest.split() if word.strip(".").isdigit()))


@step(r"A member may send (?P<count>\d+) requests a minute\.")
@step(r"Accounts begin with nothing\.")
def was_so_before(play: Play, count: str = "") -> None:
    """What `a_wallet` is built with."""


@asynccontextmanager
async def _operator(play: Play) -> AsyncIterator[Records]:
    records = Records(play.stage.settings.records)
    try:
        yield records
    finally:
        await records.close()
