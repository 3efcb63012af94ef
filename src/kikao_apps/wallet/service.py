"""The wallet as a service: its conversations, on the embedded bank in the records database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from kikao.app import App
from kikao.config import Settings
from kikao.records import Records
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.flows import Support, flows
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.pins import Pins, peppers

OPENING_GIFT: Final = 100_000
"""Minor units each new account starts with where the wallet runs for a demonstration."""

LOCALES: Final = {"en": "English", "lg": "Luganda", "sw": "Kiswahili"}
CATALOGS: Final = Path(__file__).parent / "locales"


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    """The embedded bank. In development a new account gets money to try the wallet with."""
    records = Records(settings.records)
    ledger = Ledger(
        records,
        opening_gift=None if settings.env == "production" else OPENING_GIFT,
        pins=Pins(peppers=peppers(settings.secret_keys)),
    )
    try:
        await ledger.start()
        yield {Bank: ledger, Support: Support()}
    finally:
        await ledger.close()
        await records.close()


async def erase(services: Mapping[Any, Any], addresses: Sequence[str]) -> None:
    """Forget a member, known by these MSISDNs, in the embedded bank.

    Raises `RefusedError` while they have money, with what a member may be told.
    """
    await services[Bank].forget(*addresses)


app = App(
    flows,
    entry="wallet",
    services=services,
    locales=LOCALES,
    catalogs=[CATALOGS],
    erase=erase,
    channels=("ussd", "telegram", "whatsapp"),
)
