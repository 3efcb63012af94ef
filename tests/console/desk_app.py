"""The wallet in all its languages, on a bank whose PINs are hashed cheaply and which can be made to hesitate.

While there is a file `hold` in the data folder, a transfer waits before it happens.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from kikao.app import App
from kikao.config import Settings
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao_apps.wallet.bank import Bank, Receipt
from kikao_apps.wallet.flows import Support, flows
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import Pins
from kikao_apps.wallet.service import CATALOGS, LOCALES, OPENING_GIFT
from tests.waiting import until

BUDGET: Final = 4.0
"""Seconds a reply may take: few enough to wait for, and enough for a machine that has other things to do."""

HOLD: Final = "hold"


class HesitantLedger(Ledger):
    """A bank that waits while it is told to. `hold` is set before it is used."""

    hold: Path

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        await until(lambda: not self.hold.exists(), "another process to take it away")
        return await super().transfer(sender, to, amount, pin=pin, key=key)


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    records = Records(settings.records)
    ledger = HesitantLedger(records, opening_gift=OPENING_GIFT, pins=Pins(memory_kib=8, passes=1))
    ledger.hold = settings.data / HOLD
    try:
        await ledger.start()
        yield {Bank: ledger, Support: Support()}
    finally:
        await ledger.close()
        await records.close()


app = App(flows, entry="wallet", services=services, locales=LOCALES, catalogs=[CATALOGS], budget=BUDGET)
