"""Notices: a page on a phone that nobody asked for, stored once, and sent over whatever bind there is."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao import App, Chat, Flows
from kikao.channels.chat.message import MessageRefused
from kikao.channels.chat.messages import GOOD_FOR, Messages
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import load
from kikao.events import Event, MessageDead, MessageSent
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Phone, Stage, in_process
from tests.channels.ussd.smpp.handset import Clock
from tests.channels.ussd.smpp.smsc import Smsc
from tests.waiting import until

BINTA = "+256772000002"
TEXT = "You received UGX 500 from Asha"


def shop() -> App:
    flows = Flows()

    @flows.flow("shop")
    async def sell(chat: Chat) -> None:
        notices = chat.service(Messages)
        await chat.step("tell", lambda key: notices.send(key, BINTA, TEXT, over="ussd"), retry="key")
        await chat.end("Sent")

    return App(flows, entry="shop", members=False)


@contextlib.asynccontextmanager
async def serving(
    smsc: Smsc, folder: Path, store: MemoryStore, clock: Clock, events: list[Event]
) -> AsyncIterator[Server]:
    options = {"HOST": "127.0.0.1", "PORT": str(smsc.port), "SYSTEM_ID": "kikao", "PASSWORD": smsc.password}
    environment = {f"KIKAO_USSD_SMPP_{name}": value for name, value in options.items()}
    environment |= {"KIKAO_USSD_SMPP_CODE": "*384#", "KIKAO_SIMULATOR": "off"}
    settings = load(environment, folder, gateways=OPTIONS, makes_keys=True)
    bound = smsc.attempts.count(0)
    async with shop().serving(settings, store=store, clock=clock, subscribers=[events.append]) as server:
        await smsc.bound(bound + 1)
        await until(lambda: server.link and server.link.bound, "the link to learn of its bind")
        yield server


async def test_whoever_is_told_of_a_payment_sees_it_once(tmp_path: Path) -> None:
    store, clock, events = MemoryStore(), Clock(), list[Event]()
    async with Smsc().serving() as smsc, serving(smsc, tmp_path, store, clock, events) as server:
        asha = Phone(in_process(server))
        assert await asha.dial() == "Sent"
        shown = await smsc.screen(BINTA.removeprefix("+"))
        assert (shown.text, shown.operation, shown.source) == (TEXT, 0x03, "384")
        notices = server.services[Messages]
        first = await notices.send("k1", BINTA, "Hello", over="ussd")
        assert await notices.send("k1", BINTA, "Hello", over="ussd") == first
        assert (await smsc.screen(BINTA.removeprefix("+"))).text == "Hello"
        await until(lambda: sent(events) == 2, "both to be sent")
    assert sent(events) == 2, "the same key once"
    assert not any(TEXT in repr(event) or BINTA in repr(event) for event in events)


def sent(events: list[Event]) -> int:
    return sum(isinstance(event, MessageSent) and event.to == "notices/smpp" for event in events)


async def test_it_waits_while_nobody_is_bound_and_not_for_ever(tmp_path: Path) -> None:
    store, clock, events = MemoryStore(), Clock(), list[Event]()
    async with Smsc().serving() as smsc:
        async with serving(smsc, tmp_path, store, clock, events) as server:
            notices = server.services[Messages]
            assert server.link is not None
            await server.link.stop(1.0)
            await notices.send("late", BINTA, "Too late", over="ussd/smpp")
            clock.ahead += GOOD_FOR + 1
            await notices.send("soon", BINTA, "In time", over="ussd")
        async with serving(smsc, tmp_path, store, clock, events):
            assert (await smsc.screen(BINTA.removeprefix("+"))).text == "In time"
            await until(lambda: sent(events) == 1, "it to be sent")
    assert [event.reason for event in events if isinstance(event, MessageDead)] == ["expired"]


@pytest.mark.parametrize(
    ("msisdn", "text", "options", "why"),
    [
        ("0772000002", TEXT, {}, "E.164"),
        (BINTA, "", {}, "one page"),
        (BINTA, "x" * 200, {}, "one page"),
        (BINTA, TEXT, {"over": "ussd/nalo"}, "no gateway 'nalo' that sends notices. There are: smpp"),
    ],
)
async def test_what_cannot_be_sent_is_refused_and_not_repeated(
    tmp_path: Path, msisdn: str, text: str, options: dict[str, str], why: str
) -> None:
    async with (
        Smsc().serving() as smsc,
        serving(smsc, tmp_path, MemoryStore(), Clock(), []) as server,
    ):
        with pytest.raises(MessageRefused, match=why) as refused:
            await server.services[Messages].send("k", msisdn, text, **({"over": "ussd"} | options))
    assert not text or text not in str(refused.value)


async def test_where_no_gateway_sends_any_that_is_said() -> None:
    async with Stage(shop()) as stage:
        with pytest.raises(MessageRefused, match="none in the settings"):
            await stage.server.services[Messages].send("k", BINTA, TEXT, over="ussd")
