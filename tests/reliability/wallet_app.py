"""The wallet as it is, on a bank whose PINs are hashed cheaply and whose answers take a while.

A transfer waits a little before and after it happens, so that a kill often strikes between an effect and its
record; a few wait until the turn is over. In the environment `BANK_PAUSE` is the longest of the usual waits, and
`TURN_BUDGET` what a turn may take, both in seconds. `LEASE` is how long a session stays with a process that was killed,
where other processes share its store: the usual 15 s would let members wait for most of a run.
"""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from kikao import turn
from kikao.app import App
from kikao.config import Settings
from kikao.conversation.outcomes import Done, Refused
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.sessions import keeper, working
from kikao_apps.wallet.bank import Bank, Receipt
from kikao_apps.wallet.flows import flows
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import Pins

BUDGET: Final = float(os.environ.get("TURN_BUDGET", "4"))
"""Seconds a reply may take: a transfer that waits longer is told at the next dial."""

GIFT: Final = 1_000_000_000
"""What an account starts with (minor units): more than a run of the suite can spend."""

if lease := os.environ.get("LEASE"):
    for module in (keeper, working, turn):  # this process only
        assert "LEASE" in vars(module), f"{module.__name__} has no LEASE any more"
        vars(module)["LEASE"] = float(lease)

PAUSE: Final = float(os.environ.get("BANK_PAUSE", "0"))
OVERDUE: Final = 0.04
"""The share of transfers that take longer than a turn, if transfers take time at all."""


class SlowLedger(Ledger):
    """A bank that lets time pass around each transfer."""

    async def transfer(
        self, sender: str, to: str, amount: Amount, *, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        await pause()
        answer = await super().transfer(sender, to, amount, pin=pin, key=key)
        await pause()
        return answer


async def pause() -> None:
    if PAUSE:
        await asyncio.sleep(BUDGET if random.random() < OVERDUE / 2 else random.uniform(0, PAUSE))


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    records = Records(settings.records)
    ledger = SlowLedger(records, opening_gift=GIFT, pins=Pins(memory_kib=8, passes=1))
    try:
        await ledger.start()
        yield {Bank: ledger}
    finally:
        await ledger.close()
        await records.close()


app = App(flows, entry="wallet", services=services, budget=BUDGET)
