"""The wallet as a service: its conversations, on the embedded bank in the records database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from kikao.app import App
from kikao.config import Settings
from kikao.records import Records
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.flows import flows
from kikao_apps.wallet.ledger import Ledger

OPENING_GIFT = 100_000
"""Minor units each new account starts with where the wallet runs for a demonstration."""


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    """The embedded bank. In development a new account gets money to try the wallet with."""
    records = Records(settings.records)
    ledger = Ledger(records, opening_gift=None if settings.env == "production" else OPENING_GIFT)
    try:
        await ledger.start()
        yield {Bank: ledger}
    finally:
        await ledger.close()
        await records.close()


app = App(flows, entry="wallet", services=services)
