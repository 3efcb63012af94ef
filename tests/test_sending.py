"""Sending: what one process stores, another one hears of at once, and what waits for a link goes when it is there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import structs

from kikao import App, Chat, Flows, t
from kikao.bus.memory import MemoryFanout
from kikao.channels.outbox import Destination
from kikao.config import Where, load
from kikao.sending import Sending
from kikao.server import Server
from kikao.sessions.sharing import Shares
from tests.channels.outbox.office import CRM, Office, Post
from tests.engines.valkey import Valkey
from tests.waiting import until

PATIENCE = 20.0


@asynccontextmanager
async def process(folder: Path, url: str) -> AsyncIterator[Server]:
    flows = Flows()

    @flows.flow("greet")
    async def greet(chat: Chat) -> None:
        await chat.end(t("Hello."))

    app = App(flows, entry="greet", members=False)
    settings = load({"KIKAO_SIMULATOR": "off"}, folder, makes_keys=True)
    settings = structs.replace(settings, store=Where(url), bus=Where(url), data=folder)
    async with app.serving(settings, subscribers=[lambda _: None], door=False) as server:
        yield server


async def divided(*servers: Server) -> None:
    """Wait until each has as many shards as the others: soon, as those who come and go say so."""
    each = {64 // len(servers)}
    await until(
        lambda: {len(server.shares.shards) for server in servers} == each, "equal shares", patience=PATIENCE
    )


def made() -> tuple[Sending, Office]:
    """What sends for the one process of a store."""
    office = Office()
    shares = Shares(office.store, office.events.append, clock=office.clock)
    return Sending(office.sessions, office.events.append, MemoryFanout(), shares), office


async def test_who_looks_after_a_shard_is_woken_by_whoever_stores_a_message_there(
    tmp_path: Path, valkey: Valkey
) -> None:
    url = f"{valkey.url}/0?prefix=waking{os.urandom(4).hex()}"
    async with process(tmp_path, url) as one:
        began = asyncio.get_running_loop().time()
        async with process(tmp_path, url) as other:
            await divided(one, other)
            assert asyncio.get_running_loop().time() - began < PATIENCE / 2
            theirs = min(other.shares.shards)
            for server in (one, other):
                server.dispatcher._woken.clear()
            one.sending.posted(bytes([theirs << 2]) + bytes(31))
            async with asyncio.timeout(PATIENCE):
                await other.dispatcher._woken.wait()
            assert not one.dispatcher._woken.is_set(), "it is none of its business"

            one.sending.posted(bytes([min(one.shares.shards) << 2]) + bytes(31))
            assert one.dispatcher._woken.is_set()
            one.dispatcher._woken.clear()
            one.sending._rung(None)
            assert one.dispatcher._woken.is_set(), "something may have been missed"
        await divided(one)
        words = dict((await one.readiness.state()).words)
        assert (words["sessions"], words["bus"]) == ("ok", "ok")


async def test_what_waits_for_a_link_is_looked_at_when_it_is_bound() -> None:
    sending, _ = made()
    sending.bound()
    woken = [each._woken.is_set() for each in (sending.dispatcher, sending.screens, sending.kept)]
    assert woken == [True, True, False]


async def test_who_stops_takes_no_more() -> None:
    sending, office = made()
    posts = Post()
    sending.dispatcher.add({CRM: Destination(sender=posts)})
    sending.start()
    await office.post(b"1")
    office.sessions.posted(b"session".ljust(32, b"-"))
    await until(lambda: posts.bodies == [b"1"], "it left")
    await sending.stop(1.0)
    await office.post(b"2")
    await sending.dispatcher.once()
    assert posts.bodies == [b"1"]
