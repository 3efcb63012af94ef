"""Which live store the settings name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from kikao.config import Settings, load
from kikao.live.stores.making import FILE, make_live_store
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.sealed import Sealed, scope_of
from kikao.live.stores.sqlite import SQLiteLive
from kikao.sessions.sealing import KeyRing

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
from kikao.live.stores.making import make_live_store
from kikao.sessions.sealing import KeyRing
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
