"""A shop at work, with a bot and a number that are played."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.clock import Clock
from tests.console.chat_app import app
from tests.console.chats.table import ChatTable


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(tmp_path: Path, clock: Clock) -> AsyncIterator[Server]:
    settings = load({"KIKAO_PUBLIC_URL": "http://localhost:8000"}, tmp_path, gateways=SLUGS, makes_keys=True)
    async with app.serving(
        settings, store=MemoryStore(), clock=clock, subscribers=[lambda _: None]
    ) as server:
        yield server


@pytest.fixture
async def table(server: Server, clock: Clock) -> ChatTable:
    return ChatTable(server, clock)
