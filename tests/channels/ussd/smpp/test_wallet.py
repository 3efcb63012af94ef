"""The wallet over SMPP: an app at work, bound to a message centre that ends connections, sends again and is full."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from kikao.channels import smpp
from kikao.channels.line import through
from kikao.channels.smpp.statuses import Status
from kikao.channels.ussd.registry import OPTIONS, client
from kikao.channels.ussd.smpp.linking import binders
from kikao.config import SettingsError, load
from kikao.events import LogLines
from kikao.server import Server
from kikao.sessions.outgoing import EVERY_SHARD
from kikao.sessions.stores.memory import MemoryStore
from kikao_apps.wallet import app
from kikao_apps.wallet.bank import Bank
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE, Ledger
from tests.channels.ussd.smpp.handset import Clock, Handset
from tests.channels.ussd.smpp.smsc import NEW, Shown, Smsc
from tests.console.table import Table
from tests.waiting import until
from tests.wallet.ledgers import ASHA, BINTA, services_of, write_migrated
from tests.wallet.staging import MEMBERS

PIN = "8531"
TO_BINTA = BINTA.replace("+256", "0")


@contextlib.asynccontextmanager
async def serving(
    smsc: Smsc, folder: Path, clock: Clock, store: MemoryStore | None = None, simulator: str = "off"
) -> AsyncIterator[Server]:
    """The wallet, bound to a message centre."""
    given = {"HOST": "127.0.0.1", "PORT": str(smsc.port), "SYSTEM_ID": "kikao", "PASSWORD": smsc.password}
    given |= {"CODE": "*284#", "RESPONSE": "2"}
    environment = {f"KIKAO_USSD_SMPP_{name}": value for name, value in given.items()}
    environment["KIKAO_SIMULATOR"] = simulator
    environment["KIKAO_SECRET_KEYS"] = "k1:" + base64.b64encode(b"k" * 32).decode()
    settings = load(environment, folder, gateways=OPTIONS)
    if not Path(settings.records).exists():
        await write_migrated(Path(settings.records), (MIGRATIONS, VERSION_TABLE), MEMBERS)
    bound = smsc.attempts.count(0)
    async with (
        services_of(clock)(settings) as services,
        app.serving(
            settings,
            store=MemoryStore() if store is None else store,
            services=services,
            clock=clock,
            subscribers=[LogLines(events=("*",))],
        ) as server,
    ):
        await smsc.bound(bound + 1)
        await until(lambda: server.link and server.link.bound, "the link to learn of its bind")
        yield server


async def registered(smsc: Smsc, clock: Clock, number: str, name: str) -> Handset:
    phone = Handset(smsc, number, clock)
    await phone.dial()
    for answer in ("1", name, "1", PIN, PIN):
        await phone.reply(answer)
    return phone


async def books_right(server: Server, payments: int) -> None:
    ledger = server.services[Bank]
    assert isinstance(ledger, Ledger)
    books = await ledger.audit()
    assert (books.right, books.payments) == (True, payments)


async def test_money_is_sent_over_a_line_that_breaks(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, clock) as server:
        asha, binta = [await registered(smsc, clock, *who) for who in ((ASHA, "Asha"), (BINTA, "Binta"))]
        await binta.hang_up()
        await asha.reply("1")
        await asha.reply(TO_BINTA)
        confirm = await asha.reply("5000")
        assert "Binta" in confirm
        # Between two screens the connection is gone, and another one is there.
        smsc.cut()
        await smsc.bound(2)
        ask_pin = await asha.reply("1")
        assert "PIN" in ask_pin
        # It breaks before the screen that tells of the payment is taken: the screen comes by the next one.
        smsc.judge = lambda _: None
        assert await asha.deliver(PIN) == Status.OK
        await smsc.until(lambda: "You sent" in smsc.submitted[-1].text)
        smsc.judge = lambda _: Status.OK
        smsc.cut()
        assert "You sent" in await asha.shown()
        await books_right(server, 1)
        # A message centre that is full is asked again.
        full = iter([Status.ESME_RTHROTTLED])
        smsc.judge = lambda _: next(full, Status.OK)
        assert "Send money" in await asha.dial()
        assert len(smsc.submitted) == len(smsc.shown) + 2
    said = caplog.text + "".join(capfd.readouterr())
    assert PIN not in said
    assert "Binta" not in said
    assert TO_BINTA not in said


async def test_an_answer_that_is_not_acknowledged_comes_again_and_pays_once(tmp_path: Path) -> None:
    clock = Clock()
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, clock) as server:
        asha, binta = [await registered(smsc, clock, *who) for who in ((ASHA, "Asha"), (BINTA, "Binta"))]
        assert binta.ended is False
        for answer in ("1", TO_BINTA, "5000", "1"):
            await asha.reply(answer)
        before = len(smsc.shown)

        def cut(shown: Shown) -> int | None:
            smsc.cut()
            return None

        smsc.judge = cut  # the moment the screen arrives, nothing more does, in either direction
        smsc.hears_answers = False
        answered = asyncio.create_task(asha.deliver(PIN))
        await smsc.until(lambda: len(smsc.submitted) > before)
        smsc.judge, smsc.hears_answers = (lambda _: Status.OK), True
        assert await answered == Status.OK
        assert "You sent" in await asha.shown()
        await books_right(server, 1)
        assert [shown.text for shown in smsc.shown[before:]] == [asha.screen]
        assert smsc.waiting(asha.number) == 0


async def test_what_a_process_that_died_left_unacknowledged_is_no_second_answer(tmp_path: Path) -> None:
    clock, store = Clock(), MemoryStore()
    async with Smsc().serving() as smsc:
        async with serving(smsc, tmp_path, clock, store):
            asha = Handset(smsc, ASHA, clock)
            await asha.dial()
            smsc.hears_answers = False
            answered = asyncio.create_task(asha.deliver("1"))
            name = await asha.shown()
            assert "name" in name.lower()
        smsc.hears_answers = True
        clock.ahead += 5
        async with serving(smsc, tmp_path, clock, store):
            assert await answered == Status.OK
            assert await asha.shown() == name  # once more, since it could have been an answer as well
            assert asha.screen != await asha.reply("1")  # and now it is one


async def test_a_server_that_stops_lets_screens_go_and_unbinds(tmp_path: Path) -> None:
    clock = Clock()
    async with Smsc().serving() as smsc:
        async with serving(smsc, tmp_path, clock) as server:
            state = await server.readiness.state()
            assert ("smpp", "ok") in state.words
            asha = Handset(smsc, ASHA, clock)
            assert await asha.deliver("*284#", NEW) == Status.OK
        assert smsc.waiting(asha.number) == 1
        assert smsc.commands[-1] == 0x06


async def test_by_http_nobody_is_the_message_centre(tmp_path: Path) -> None:
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, Clock()) as server:
        exchange = client("smpp", ASHA, "*284#").dial("d1")
        response = await through(server)(replace(exchange, path="/ussd/smpp").posted("127.0.0.1"))
        assert response.status == 404


async def test_simulated_phones_are_served_beside_the_connection(tmp_path: Path) -> None:
    clock = Clock()
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, clock, simulator="loopback") as server:
        phone = await Table(server).phone("smpp", number=BINTA)
        assert "English" in await phone.dial()
        assert smsc.submitted == []
        assert "English" in await Handset(smsc, ASHA, clock).dial()


async def test_who_has_no_extra_is_told_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "kikao.channels.ussd.smpp.link", raising=False)
    for name in ("binding", "writing", "connection"):
        monkeypatch.delitem(sys.modules, f"kikao.channels.smpp.{name}", raising=False)
    monkeypatch.delattr(smpp, "writing", raising=False)
    monkeypatch.setitem(sys.modules, "aiosmpplib", None)
    async with Smsc().serving() as smsc:
        with pytest.raises(SettingsError, match=r"aiosmpplib, which is not installed.*kikao\[smpp\]"):
            async with serving(smsc, tmp_path, Clock()):
                pass


def test_the_shards_that_binds_belong_to_are_far_apart() -> None:
    assert binders(1) == {0}
    assert binders(4) == {0, 16, 32, 48}
    assert binders(64) == EVERY_SHARD
