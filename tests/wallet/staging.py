"""The wallet on the stage of its transcripts: with a bank whose PINs are cheap, on a clock that stands still."""

from __future__ import annotations

import random
import re
import tempfile
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kikao.app import App
from kikao.config import load
from kikao.live import Live, anyone
from kikao.members import directory
from kikao.sessions.limits import Limits, Rate
from kikao.sessions.policy import SessionPolicy
from kikao.testing import Clock, Stage
from kikao.testing.chats import emulated
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.flows import flows
from kikao_apps.wallet.ledger import MIGRATIONS, REF_ALPHABET, REF_LENGTH, VERSION_TABLE, Ledger
from kikao_apps.wallet.service import CATALOGS, LOCALES
from tests.wallet.ledgers import GIFT, IN_MEMORY, services_of, write_migrated

TRANSCRIPTS: Final = Path(__file__).parent / "transcripts"
NUMBERS: Final = {
    "Asha": "+256700000001",
    "Binta": "+256700000002",
    "Chidi": "+256700000003",
    "Dayo": "+256700000004",
    "Wanjiku": "+254712000005",
}
GATEWAYS: Final = ("africastalking", "nalo")
CHATS: Final = ("Telegram", "WhatsApp")
"""Where members of a transcript may be on, and where a number is proven by SMS."""
NALO: Final = {"KIKAO_USSD_NALO_CODE": "*284#", "KIKAO_USSD_NALO_SEPTETS": "156"}
"""Its code, for long dials, and pages as long as those of Africa's Talking, which puts four characters before each."""

MEMBERS: Final = (directory.MIGRATIONS, directory.VERSION_TABLE)


@asynccontextmanager
async def a_wallet(steps: Iterable[str] = ()) -> AsyncIterator[Stage]:
    """The wallet, and its bank, whose books have to be right in the end. Some steps say how it was all along."""
    clock, refs, told = Clock(), random.Random(1), list(steps)
    services = services_of(
        clock,
        gift=None if "Accounts begin with nothing." in told else GIFT,
        new_ref=lambda: "".join(refs.choices(REF_ALPHABET, k=REF_LENGTH)),
    )
    permits = [int(match[1]) for step in told if (match := re.match(r"A member may send (\d+)", step))]
    limits = Limits(address=Rate(permits[0], burst=permits[0])) if permits else Limits()
    live = Live(users=anyone) if any(" on the web chat" in step for step in told) else None
    app = App(
        flows,
        entry="wallet",
        services=services,
        locales=LOCALES,
        catalogs=[CATALOGS],
        policy=SessionPolicy(limits=limits),
        live=live,
    )
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        chats = emulated([name.lower() for name in CHATS if any(f" on {name}" in step for step in told)])
        texts = emulated(["sms"]) if chats or live else {}
        environ = {"KIKAO_DATA": folder, **NALO, **chats, **texts}
        settings = load(environ, Path(folder), gateways=GATEWAYS, makes_keys=True)
        await write_migrated(Path(settings.records), (MIGRATIONS, VERSION_TABLE), MEMBERS)
        async with Stage(app, settings, clock=clock) as stage:
            yield stage
            books = await ledger_of(stage).audit()
            assert books.right, books


def ledger_of(stage: Stage) -> Ledger:
    """The bank itself, in no mood."""
    real = stage.service(Bank).real
    assert isinstance(real, Ledger)
    return real
