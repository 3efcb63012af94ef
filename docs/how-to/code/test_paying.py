"""What must hold of a payment, whatever goes wrong. Run it: `pytest test_paying.py`."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import IsolatedAsyncioTestCase

from paying import flows
from service import Payments

from kikao import App
from kikao.testing import DROPPED, Phone, Stage

ANN = "+256772000001"


class Paying(IsolatedAsyncioTestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(TemporaryDirectory()))

    def stage(self, name: str = "story") -> Stage:
        path = self.folder / f"{name}.db"
        self.payments = Payments(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("INSERT INTO balances VALUES (?, 100000)", (ANN,))
        return Stage(App(flows, entry="pay", services={Payments: self.payments}))

    def balance(self) -> int:
        with closing(sqlite3.connect(self.payments.path)) as connection:
            (minor,) = connection.execute("SELECT minor FROM balances").fetchone()
        return int(minor)

    async def finish(self, phone: Phone) -> None:
        """A member who wants to pay: they dial, and answer what they are asked."""
        for _ in range(6):
            if phone.screen == "Paid UGX 400.":
                return
            if phone.ended:
                await phone.dial()
            else:
                await phone.reply("400" if "Amount" in phone.screen else "1")
        raise AssertionError(phone.screen)

    async def test_it_is_paid_once_wherever_the_process_dies(self) -> None:
        for call in ("claim", "intent", "commit"):
            for before in (True, False):
                with self.subTest(call=call, before=before):
                    async with self.stage(f"{call}-{before}") as stage:
                        ann = stage.phone(ANN)
                        await ann.dial()
                        await ann.reply("400")
                        stage.crash_at(call, before=before)
                        assert await ann.reply("1") == DROPPED
                        await stage.restart()
                        await ann.again()  # the gateway got no reply, so it sends the request once more
                        await self.finish(ann)
                        assert self.balance() == 99_600

    async def test_a_request_that_is_held_up_never_pays_after_the_member_was_told_otherwise(self) -> None:
        async with self.stage() as stage:
            ann = stage.phone(ANN)
            await ann.dial()
            await ann.reply("400")
            held_up = stage.service(Payments).stalls("pay")
            await ann.reply("1")
            await stage.crash()
            await stage.restart()
            held_up.release()
            await stage.settle()
            assert (await ann.dial()).startswith("Your last request was not carried out.")
            assert self.balance() == 100_000

    async def test_a_payment_service_that_is_away_is_not_called_a_failure(self) -> None:
        async with self.stage() as stage:
            ann = stage.phone(ANN)
            await ann.dial()
            await ann.reply("400")
            with stage.service(Payments).away():
                assert (await ann.reply("1")).startswith("We are checking your request.")
                assert (await ann.dial()).startswith(
                    "We are checking your last request: it may still go through."
                )
            await ann.dial()
            await self.finish(ann)
            assert self.balance() == 99_600

    async def test_a_deploy_meets_a_member_in_the_middle(self) -> None:
        async with self.stage() as stage:
            ann = stage.phone(ANN)
            await ann.dial()
            await ann.reply("400")
            await stage.restart(App(flows, entry="pay"))
            assert await ann.reply("1") == "Paid UGX 400."

    async def test_a_member_who_comes_back_too_late_begins_anew(self) -> None:
        async with self.stage() as stage:
            ann = stage.phone(ANN)
            await ann.dial()
            await ann.reply("400")
            await ann.hang_up()
            stage.clock.advance(301)
            assert await ann.dial() == "Amount"

    async def test_it_is_paid_on_every_gateway(self) -> None:
        for gateway in ("africastalking", "nalo"):
            with self.subTest(gateway=gateway):
                async with self.stage(gateway) as stage:
                    ann = stage.phone(ANN, gateway=gateway)
                    await self.finish(ann)
                    assert await ann.again() == "Paid UGX 400."
                    assert self.balance() == 99_600

    async def test_two_phones_on_one_account(self) -> None:
        async with self.stage() as stage:
            phones = [stage.phone(ANN, code=code) for code in ("*284#", "*285#")]
            for phone in phones:
                await phone.dial()
                await phone.reply("60000")
            screens = await asyncio.gather(*(phone.reply("1") for phone in phones))
            assert sum(screen == "Paid UGX 60,000." for screen in screens) == 1
            assert self.balance() == 40_000
