"""Two servers over one store, one of which is killed in the middle of a payment: the other goes on, and settles it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Final

from kikao.sessions.stores.postgresql.migrations import migrate
from kikao.testing import Phone
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey
from tests.http.forked import fork
from tests.http.wire import get, over_wire
from tests.waiting import until

PAID: Final = "Paid 500."


async def test_the_other_one_goes_on_with_the_dialogue_and_settles_the_payment(
    tmp_path: Path, valkey: Valkey, postgresql: PostgreSQL
) -> None:
    database = postgresql.database()
    await migrate(database)
    stores = {
        "valkey": f"{valkey.url}/0?prefix=several{os.urandom(4).hex()}",
        "postgresql": database,
    }
    for name in stores:
        (tmp_path / name).mkdir()
    # At the same time, since each waits for a lease to lapse.
    await asyncio.gather(*(killed_while_paying(tmp_path / name, store) for name, store in stores.items()))


async def killed_while_paying(folder: Path, store: str) -> None:
    (folder / "several_app.py").write_text(APP)
    env = {
        "KIKAO_STORE": store,
        "KIKAO_SECRET_KEYS": "k1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVoxMjM0NTY=",
        "BOOKS": str(folder / "books"),
    }
    (folder / "books").mkdir()
    # Two machines: each has a folder of its own, and nothing in common but the store and the bank.
    servers = [fork(folder / name, "several_app:app", env=env) for name in ("one", "two")]
    try:
        one, two = (server.wait_until_up() for server in servers)
        asha = Phone(over_wire(one.port))
        assert await asha.dial() == "Amount?"
        paying = asyncio.create_task(asha.reply("500"))
        await until((folder / "books" / "begun").exists, "the payment to begin")
        os.kill(one.process.pid, signal.SIGKILL)
        await paying
        assert asha.raw is None, "nobody answered"

        beside = Phone(over_wire(two.port), "+256772000002")
        assert await beside.dial() == "Amount?"

        there = Phone(over_wire(two.port))

        async def settled() -> bool:
            found = await there.dial()
            assert found in (WORKING, CHECKING, AWAY, PAID), found
            return found == PAID

        await until(settled, "the payment to be settled")
        assert len(list((folder / "books").glob("key-*"))) == 1, "once"
        _, numbers = await get(two.port, "/metrics")
        assert b"\nkikao_shards 64.0" in numbers
        assert b"\nkikao_open_intents 0.0" in numbers
    finally:
        for server in servers:
            if server.process.poll() is None:
                server.stop()
            elif server.process.stdout is not None:
                server.process.stdout.close()


WORKING: Final = "Your last request is still being processed. Dial again shortly."
CHECKING: Final = "We are checking your request. Do not repeat it. Dial again to see the result."

AWAY: Final = "Service unavailable. Try again later."
"""While the one that is left takes over."""

APP: Final = """
import asyncio, hashlib, os
from pathlib import Path
from kikao import App, Chat, Flows, Number, t

flows = Flows()
BOOKS = Path(os.environ["BOOKS"])


async def pay(amount, key):
    book = BOOKS / f"key-{hashlib.sha256(key.encode()).hexdigest()}"
    if not book.exists():
        book.write_text(str(amount))
        (BOOKS / "begun").touch()
        await asyncio.sleep(3600)  # paid, and nobody hears of it
    return int(book.read_text())


@flows.flow("pay")
async def send(chat: Chat) -> None:
    amount = await chat.ask("amount", Number(1, 999), t("Amount?"))
    paid = await chat.step("pay", lambda key: pay(amount, key), retry="key")
    await chat.end(t("Paid {paid}.", paid=paid))


app = App(flows, entry="pay", members=False, budget=14.0)  # on a busy machine
"""
