"""A town where everybody has a phone, and the wallet at work in it."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Self

from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.members import directory
from kikao.testing import Clock, Phone, Stage
from kikao.testing.stage import EMPTY
from kikao_apps.wallet import app
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE, Ledger
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, IN_MEMORY, services_of, write_migrated

PIN = "2580"
MENU = "1 Send money\n2 Balance"


class Town(Stage):
    """The wallet on its embedded bank, with PINs that are hashed cheaply, and a clock they share."""

    def __init__(self) -> None:
        clock = Clock()
        self._folder = tempfile.TemporaryDirectory(dir=IN_MEMORY)
        self._given = load(EMPTY, Path(self._folder.name), gateways=SLUGS)
        super().__init__(app, self._given, services=services_of(clock), clock=clock)

    async def __aenter__(self) -> Self:
        members = (directory.MIGRATIONS, directory.VERSION_TABLE)
        await write_migrated(Path(self._given.records), (MIGRATIONS, VERSION_TABLE), members)
        return await super().__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await super().__aexit__(kind, error, trace)
        self._folder.cleanup()

    async def member(self, number: str = ASHA, name: str = "Asha") -> Phone:
        """A phone whose owner has registered before, and whose dialogue is at the menu."""
        phone = self.phone(number)
        await register(phone, name, PIN)
        await phone.dial()
        assert (await phone.reply("2")).startswith(f"Hello {name}. Choose an option.\n{MENU}")
        return phone

    async def payments(self) -> int:
        """How many payments there are in the books, which are right."""
        ledger = self.service(Bank).real
        assert isinstance(ledger, Ledger)
        books = await ledger.audit()
        assert books.right, books
        return books.payments
