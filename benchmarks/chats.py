"""A message of a member on Telegram or WhatsApp, whole: webhook in, turn committed, reply called out and settled.

The unit is one message of the conversation in `benchmarks.conversation`, on the memory store, from the body of a
webhook, whose secret or signature is checked, to what became of the call of its reply. Calls are answered at once.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Final

from msgspec import structs

from benchmarks.conversation import MEMBERS, TYPED
from benchmarks.peers.updates import SECRET, signed, whatsapp
from benchmarks.subjects import Prepare, Work
from benchmarks.turns import TIRELESS, Nowhere
from benchmarks.wallet import flows
from kikao.app import App
from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Request
from kikao.channels.chat.lines import entrances
from kikao.config import load
from kikao.events import LogLines
from kikao.sessions.stores.memory import MemoryStore

SETTINGS: Final = {
    "KIKAO_TELEGRAM_TOKEN": "1234567:benchmark-token-of-nobodys-bot-at-all",
    "KIKAO_TELEGRAM_SECRET": "benchmark-secret-of-nobodys-webhook",
    "KIKAO_WHATSAPP_TOKEN": "benchmark-token-of-nobodys-app",
    "KIKAO_WHATSAPP_PHONE_NUMBER_ID": "104520000000001",
    "KIKAO_WHATSAPP_APP_SECRET": SECRET,
    "KIKAO_WHATSAPP_VERIFY_TOKEN": "benchmark-verify-token",
}
TAKEN: Final = {
    "telegram": {
        "ok": True,
        "result": {"message_id": 1, "date": 1_767_225_600, "chat": {"id": 1, "type": "private"}},
    },
    "whatsapp": {"messaging_product": "whatsapp", "messages": [{"id": "wamid.sent"}]},
}
AT_ONCE: Final = 32
"""Webhooks that are under way at a time, as providers send them."""


@asynccontextmanager
async def messages(channel: str) -> AsyncIterator[Prepare]:
    """Of one channel."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = load({**SETTINGS, "KIKAO_DATA": str(folder)}, folder, makes_keys=True)
        app = App(flows, entry="wallet", members=False, policy=TIRELESS, channels=[channel])
        sent = 0

        async def make(call: Call) -> Answer:
            nonlocal sent
            sent += 1
            return Answer(200, (), json.dumps(TAKEN[channel]).encode())

        server = await stack.enter_async_context(
            app.serving(
                settings,
                store=MemoryStore(),
                subscribers=[LogLines(Nowhere())],
                destinations={},
                chat_network=lambda gateway: make,
            )
        )
        for name, destination in server.sending.screens.destinations.items():
            server.sending.screens.destinations[name] = structs.replace(destination, pace=None, paces=None)
        door = entrances(settings, server.lines)[f"/{channel}"]

        async def take(request: Request) -> None:
            door.verify(request)
            response = await server.arrivals.take(door.receive(request))
            assert response.status == 200, response

        def prepare(units: int) -> Work:
            waiting = [*REQUESTS[channel](units)]

            async def work() -> None:
                before = sent
                for at in range(0, len(waiting), AT_ONCE):
                    await asyncio.gather(*map(take, waiting[at : at + AT_ONCE]))
                while sent - before < len(waiting):  # noqa: ASYNC110 - it is the dispatcher that is waited for
                    await asyncio.sleep(0)

            return work

        yield prepare


def _telegram(units: int) -> Iterator[Request]:
    headers = {
        "x-telegram-bot-api-secret-token": SETTINGS["KIKAO_TELEGRAM_SECRET"],
        "content-type": "application/json",
    }
    for at in range(units):
        conversation, place = at % MEMBERS, at // MEMBERS % len(TYPED)
        update = next(_updates)
        who = {"id": 1000 + conversation, "is_bot": False, "first_name": "Amina", "language_code": "en"}
        message = {
            "message_id": update,
            "from": who,
            "chat": {"id": who["id"], "first_name": "Amina", "type": "private"},
            "date": int(time.time()),
            "text": TYPED[place] or "/start",
        }
        body = json.dumps({"update_id": update, "message": message}).encode()
        yield Request("POST", "/telegram", b"", headers, body)


def _whatsapp(units: int) -> Iterator[Request]:
    for body in whatsapp(units, abreast=True):
        headers = {"x-hub-signature-256": signed(body), "content-type": "application/json"}
        yield Request("POST", "/whatsapp", b"", headers, body)


_updates = count(1)
REQUESTS: Final[dict[str, Callable[[int], Iterator[Request]]]] = {
    "telegram": _telegram,
    "whatsapp": _whatsapp,
}
