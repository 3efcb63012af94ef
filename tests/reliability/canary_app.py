"""The wallet with PINs of 4 to 8 digits, on a bank that fails in every way a PIN could escape by.

An amount says what the bank does with a transfer: see `Mood`. Eight digits are long enough that finding them in a
file means something; the wallet's own four are not.
"""

from __future__ import annotations

import asyncio
import os
import threading
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from kikao.app import App
from kikao.config import Settings
from kikao.conversation import Pin
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao_apps.wallet.bank import Bank, Receipt
from kikao_apps.wallet.flows import flows, pin
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import Pins
from tests.reliability.moods import Mood

BUDGET: Final = float(os.environ.get("TURN_BUDGET", "1"))
"""Seconds a reply may take here."""

GIFT: Final = 1_000_000

vars(pin)["PIN"] = Pin((4, 8))  # this process only


class LeakyLedger(Ledger):
    """A bank that does its best to let PINs out."""

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        bare = pin.reveal()
        if amount.minor == Mood.STALLS:
            await asyncio.Event().wait()
        answer = await super().transfer(sender, to, amount, pin=pin, key=key)
        if amount.minor == Mood.RAISES:
            try:
                raise ValueError(bare)
            except ValueError as error:
                raise RuntimeError(f"the core refused {bare}", {"pin": bare}) from error
        if amount.minor == Mood.GROUPS:
            raise ExceptionGroup(f"all of {bare}", [ValueError(bare), KeyError(bare)])
        if amount.minor == Mood.FORGETS:
            forget(bare)
        if amount.minor == Mood.LATE:
            await asyncio.sleep(BUDGET)
        if amount.minor == Mood.TELLS and isinstance(answer, Done):
            receipt = answer.result
            told = Receipt(bare, receipt.amount, receipt.fee, receipt.to, receipt.balance)
            return Done(told)
        return answer


def forget(bare: str) -> None:
    """Fail with the PIN wherever nobody catches it."""

    async def fail() -> None:
        raise RuntimeError(f"the core refused {bare}")

    class Broken:
        def __del__(self) -> None:
            raise RuntimeError(f"the core refused {bare}")

    forgotten = asyncio.get_running_loop().create_task(fail())
    del forgotten
    threading.Thread(target=int, args=(f"{bare}?",)).start()
    Broken()
    warnings.warn(f"the core refused {bare}", stacklevel=1)


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    records = Records(settings.records)
    ledger = LeakyLedger(records, opening_gift=GIFT, pins=Pins(memory_kib=8, passes=1))
    try:
        await ledger.start()
        yield {Bank: ledger}
    finally:
        await ledger.close()
        await records.close()


app = App(flows, entry="wallet", services=services, budget=BUDGET)
