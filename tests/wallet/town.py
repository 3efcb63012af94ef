"""A town where everybody has a phone, and the wallet at work in it."""

from __future__ import annotations

from kikao.testing import Clock, Phone, Stage
from kikao_apps.wallet import app
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.ledger import Ledger
from tests.http.phones import register
from tests.wallet.ledgers import ASHA, services_of

PIN = "2580"
MENU = "1 Send money\n2 Balance"


class Town(Stage):
    """The wallet on its embedded bank, with PINs that are hashed cheaply, and a clock they share."""

    def __init__(self) -> None:
        clock = Clock()
        super().__init__(app, services=services_of(clock), clock=clock)

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
