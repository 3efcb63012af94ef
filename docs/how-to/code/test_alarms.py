"""That the right people hear of the right things. Run it: `pytest test_alarms.py`."""

from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import IsolatedAsyncioTestCase

from alarms import app, duty, left
from service import Payments

from kikao.testing import Stage


class Alarms(IsolatedAsyncioTestCase):
    def stage(self) -> Stage:
        folder = Path(self.enterContext(TemporaryDirectory()))
        return Stage(app, services={Payments: Payments(folder / "payments.db")})

    async def test_where_members_leave_is_counted(self) -> None:
        async with self.stage() as stage:
            ann = stage.phone()
            await ann.dial()
            stage.clock.advance(600)
            await ann.dial()
        assert left == {"amount#1": 1}

    async def test_a_store_that_is_away_is_told_to_whoever_is_on_duty(self) -> None:
        async with self.stage() as stage:
            stage.faults.unavailable = True
            await stage.phone().dial()
            stage.faults.unavailable = False
            await stage.settle()
        assert "africastalking: unavailable in no flow" in duty.told[-1]
