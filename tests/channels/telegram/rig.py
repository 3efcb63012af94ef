"""A server with a bot, and the Bot API that it calls, in one process."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from msgspec import structs

from kikao import App
from kikao.channels.telegram.emulator import BotApi
from kikao.config import Hidden, Settings, load
from kikao.config.settings import TelegramSettings
from kikao.events import Event, GatewayTold
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from kikao.testing.wire import in_process

TOKEN: Final = "7000000001:test"
SECRET: Final = "hook-secret_1"


class Rig:
    """What a test looks at."""

    def __init__(self, api: BotApi, server: Server, clock: Clock, events: list[Event]) -> None:
        self.api = api
        self.server = server
        self.clock = clock
        self.events = events

    def notes(self) -> list[str]:
        """What was told besides messages."""
        return [event.note for event in self.events if isinstance(event, GatewayTold)]


def settings_of(folder: Path, *, secret: str = SECRET, username: str = "kikao_bot", **more: Any) -> Settings:
    """With one bot."""
    of = TelegramSettings(
        token=Hidden(TOKEN.encode()),
        secret=Hidden(secret.encode()) if secret else None,
        username=username,
        api_url="https://api.telegram.example",
    )
    found = load({"KIKAO_SIMULATOR": "off"}, folder, gateways=None, makes_keys=True)
    return structs.replace(found, telegram={"bot-api": of}, **more)


@contextlib.asynccontextmanager
async def talking(
    app: App,
    folder: Path,
    *,
    secret: str = SECRET,
    username: str = "kikao_bot",
    background: bool = False,
    public_url: str = "",
    **api: Any,
) -> AsyncIterator[Rig]:
    """The server of an app, and a Bot API to which it sends what it says as soon as a webhook is answered."""
    clock = Clock()
    events: list[Event] = []
    bots = BotApi(TOKEN, secret, username or "kikao_bot", clock=clock, chance=random.Random(1), **api)
    async with app.serving(
        settings_of(folder, secret=secret, username=username, public_url=public_url),
        store=MemoryStore(),
        clock=clock,
        subscribers=[events.append],
        chat_network=lambda gateway: bots,
        background=background,
        door=False,
    ) as server:
        bots.deliveries.send = in_process(server)

        async def send() -> None:
            for _ in range(2):
                clock.advance(5.0)  # a chat gets one message a second, a group one in four
                await server.push()

        if not background:
            bots.after = send
        yield Rig(bots, server, clock, events)
