"""Which live store the settings name."""

from __future__ import annotations

import base64
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, t
from kikao.bus import Message
from kikao.config import Settings, load
from kikao.live import Live, LiveAway, anyone
from kikao.live.news import Broadcast
from kikao.live.stores.making import FILE, make_live_store
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.sealed import Sealed, scope_of
from kikao.live.stores.sqlite import SQLiteLive
from kikao.server import Server
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.memory import MemoryStore
from tests.engines.valkey import Valkey
from tests.waiting import until

KEYS = {"k1": bytes(range(32))}
RING = KeyRing(KEYS)


def settings_of(tmp_path: Path, **environment: str) -> Settings:
    return load({"KIKAO_DATA": str(tmp_path / "data"), **environment}, tmp_path)


def test_beside_sessions_in_memory_everything_is_in_memory(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, KIKAO_STORE="memory:")
    assert type(make_live_store(settings, RING)) is MemoryLive


async def test_beside_sessions_in_a_file_streams_are_in_one_too(tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    store = make_live_store(settings, RING)
    assert isinstance(store, SQLiteLive)
    assert not (settings.data / FILE).exists()
    await store.open()
    await store.close()
    assert (settings.data / FILE).exists()


@pytest.mark.parametrize(
    "bus", ["redis://127.0.0.1:1", "redis+cluster://127.0.0.1:1", "postgresql://127.0.0.1:1/x"]
)
def test_what_processes_share_is_sealed(tmp_path: Path, bus: str) -> None:
    assert isinstance(make_live_store(settings_of(tmp_path, KIKAO_BUS=bus), RING), Sealed)


WITHOUT_CLIENTS = """
import subprocess
import sys
from pathlib import Path
sys.modules["redis"] = sys.modules["asyncpg"] = None
from kikao.bus import BusRefused
from kikao.config import load
from kikao.live.news import Broadcast
from kikao.live.stores.making import make_live_store
from kikao.server import Server
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.memory import MemoryStore
from tests.engines.valkey import Valkey
from tests.waiting import until
for bus in ("redis://127.0.0.1:1", "postgresql://127.0.0.1:1/x"):
    try:
        make_live_store(load({"KIKAO_BUS": bus}, Path("/nowhere")), KeyRing({"k1": bytes(32)}))
    except BusRefused as refused:
        print(refused)
"""


def test_a_client_that_is_not_installed_is_named() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT_CLIENTS], capture_output=True, text=True, check=True)
    of_redis, of_postgresql = done.stdout.splitlines()
    assert "KIKAO_BUS: redis needs redis, which is not installed" in of_redis
    assert "pip install './kikao[redis]'" in of_redis
    assert "KIKAO_BUS: postgresql needs asyncpg, which is not installed" in of_postgresql


def test_tenants_and_deployments_on_one_server_are_apart() -> None:
    scopes = {scope_of(RING), scope_of(KeyRing(KEYS, tenant="other")), scope_of(KeyRing({"k1": bytes(32)}))}
    assert len(scopes) == 3


def an_app() -> App:
    flows = Flows()

    @flows.flow("menu", title=t("Menu"))
    async def menu(chat: Chat) -> None:
        await chat.end(t("Bye."))

    return App(flows, entry="menu", live=Live(users=anyone), members=False)


@asynccontextmanager
async def serving(tmp_path: Path, bus: str) -> AsyncIterator[Server]:
    jwt = f"k1:HS256:{base64.b64encode(bytes(range(32, 64))).decode()}"
    secret = f"k1:{base64.b64encode(bytes(range(32))).decode()}"
    settings = settings_of(tmp_path, KIKAO_BUS=bus, KIKAO_JWT_KEYS=jwt, KIKAO_SECRET_KEYS=secret)
    async with an_app().serving(settings, store=MemoryStore(), subscribers=[lambda event: None]) as server:
        yield server


async def test_an_app_shares_its_live_channels_where_its_bus_is(tmp_path: Path, valkey: Valkey) -> None:
    async with serving(tmp_path, valkey.url) as server:
        assert server.hub is not None
        assert isinstance(server.hub.store, Sealed)
        assert server.hub.wire.seals
        assert ("live", "ok") in (await server.readiness.state()).words


async def test_what_two_processes_say_of_live_channels_cannot_be_read_on_the_bus(
    tmp_path: Path, valkey: Valkey
) -> None:
    async with (
        serving(tmp_path / "one", valkey.url) as one,
        serving(tmp_path / "other", valkey.url) as other,
        one.bus.subscribe("live") as listening,
    ):
        assert one.hub is not None
        assert other.hub is not None
        heard: list[Broadcast] = []
        other.hub.wire.on(Broadcast, heard.append)
        await one.hub.broadcast("room:TOPICWORD", "EVENTWORD", {"said": "BODYWORD"})
        await until(lambda: heard, "the other process to hear it")
        assert (heard[0].topic, heard[0].event) == ("room:TOPICWORD", "EVENTWORD")
        async for each in listening:
            assert isinstance(each, Message)
            assert b"WORD" not in each.payload
            if each.payload.startswith(one.hub.node.encode()):
                break
        assert (one.hub.wire.unopened, other.hub.wire.unopened) == (0, 0)


async def test_a_server_that_evicts_is_not_used_and_readiness_tells(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    evicts = Valkey(tmp_path / "valkey", options=["maxmemory-policy allkeys-lru"])
    evicts.start()
    try:
        async with serving(tmp_path, evicts.url) as server:
            assert server.hub is not None
            assert "maxmemory-policy is allkeys-lru" in caplog.text
            state = await server.readiness.state()
            assert state.ready
            assert ("live", "away") in state.words
            with pytest.raises(LiveAway, match="must be noeviction"):
                await server.hub.store.answers()
    finally:
        evicts.remove()
