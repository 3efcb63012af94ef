"""What must hold of every service with keys. Run it: `python laws.py`."""

import asyncio
import sqlite3
import tempfile
from pathlib import Path

from service import Payments

from kikao import Amount, Done, Refused, Voided


async def laws(path: Path) -> None:
    payments = Payments(path)
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO balances VALUES ('Ann', 1000)")
    some, more = Amount("UGX", 400), Amount("UGX", 5000)

    first = await payments.pay("Ann", some, key="k1")
    assert isinstance(first, Done)
    assert await payments.pay("Ann", some, key="k1") == first, "a key gives its first result again"
    assert isinstance(await payments.pay("Ann", more, key="k1"), Refused), "a key is for one request"
    assert await payments.find("k1") == first

    assert isinstance(await payments.pay("Ann", more, key="k2"), Refused)
    assert isinstance(await payments.pay("Ann", some, key="k2"), Done), "a refusal is not stored"

    assert await payments.find("k3") == Voided(), "nobody used it"
    assert isinstance(await payments.pay("Ann", some, key="k3"), Refused), "and nobody ever will"

    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT minor FROM balances").fetchone() == (200,), "two payments, no more"


with tempfile.TemporaryDirectory() as folder:
    asyncio.run(laws(Path(folder) / "payments.db"))
