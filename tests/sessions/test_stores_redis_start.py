"""Servers that the Redis store refuses when it is opened, and says why."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao.sessions.store import Dedupe, StoreRefused, StoreUnavailable
from kikao.sessions.stores.redis import RedisStore
from tests.engines.valkey import Valkey
from tests.sessions.redis_stores import opened
from tests.sessions.store_contract import HOUR, LEASE, NOW, everything, make


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl"])
async def test_a_server_that_evicts_is_refused(empty: Valkey, policy: str) -> None:
    empty.ask("CONFIG", "SET", "maxmemory-policy", policy)
    with pytest.raises(
        StoreRefused, match=rf"maxmemory-policy is {policy}.*CONFIG SET maxmemory-policy noeviction"
    ):
        await RedisStore(empty.url).open()


async def test_the_policy_is_known_where_config_is_closed(tmp_path: Path) -> None:
    options = ['rename-command CONFIG ""', "maxmemory-policy allkeys-lru"]
    server = Valkey(tmp_path / "server", options=options)
    server.start()
    try:
        with pytest.raises(StoreRefused, match="maxmemory-policy is allkeys-lru"):
            await RedisStore(server.url).open()
    finally:
        server.remove()


@pytest.mark.parametrize(
    ("append", "save", "said", "refused"),
    [
        ("no", "", "keeps nothing on disk", True),
        ("no", "3600 1", "saves only now and then", False),
        ("yes", "", "", False),
    ],
)
async def test_a_server_that_keeps_nothing_is_refused_where_it_matters(
    empty: Valkey, append: str, save: str, said: str, refused: bool, caplog: pytest.LogCaptureFixture
) -> None:
    empty.ask("CONFIG", "SET", "appendonly", append, "save", save)
    try:
        strict = RedisStore(empty.url, strict=True)
        if refused:
            with pytest.raises(StoreRefused, match="appendonly yes"):
                await strict.open()
        else:
            await strict.open()
            await strict.close()
        caplog.clear()
        async with opened(empty.url):
            assert len(caplog.records) == (1 if said else 0)
            assert said in caplog.text
    finally:
        empty.ask("CONFIG", "SET", "appendonly", "no", "save", "")


async def test_what_a_server_keeps_is_not_held_against_it_where_nobody_can_ask(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Valkey(tmp_path / "server", options=['rename-command CONFIG ""', "maxmemory-policy noeviction"])
    server.start()
    try:
        store = RedisStore(server.url, strict=True)
        await store.open()
        await store.close()
        assert "may not ask (CONFIG GET)" in caplog.text
    finally:
        server.remove()


async def test_one_may_use_it_who_may_do_what_is_listed_and_nothing_less(empty: Valkey) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "run-on-redis.md"
    (listed,) = [line for line in page.read_text().splitlines() if line.startswith("ACL SETUSER kikao ")]
    words = listed.removeprefix("ACL SETUSER kikao ").replace(">…", ">p%C3%A4ss").split()
    url = empty.url.replace("redis://", "redis://kikao:p%25C3%25A4ss@")
    granted = [word for word in words if word.startswith("+")]
    try:
        empty.ask("ACL", "SETUSER", "kikao", "reset", *words)
        async with opened(url) as store:
            await make(store, dedupe=Dedupe(b"m", b"reply", NOW + HOUR))
            assert len(await everything(store)) == 1
            assert await store.sweep(now=NOW + 2 * HOUR, limit=9) == 1
        for word in granted:
            empty.ask("ACL", "SETUSER", "kikao", "reset", *(each for each in words if each != word))
            empty.ask("SCRIPT", "FLUSH")
            with pytest.raises(StoreRefused, match=r"run-on-redis|may we use it"):
                await RedisStore(url).open()
    finally:
        empty.ask("ACL", "DELUSER", "kikao")


async def test_wrong_credentials_are_refused_and_not_shown(empty: Valkey) -> None:
    with pytest.raises(StoreRefused, match="credentials") as refused:
        await RedisStore(empty.url.replace("redis://", "redis://somebody:s3cret@")).open()
    assert "s3cret" not in str(refused.value)


async def test_nobody_there_is_refused_at_the_start(tmp_path: Path) -> None:
    server = Valkey(tmp_path / "server")
    with pytest.raises(StoreRefused, match="cannot be reached"):
        await RedisStore(server.url).open()
    server.remove()


@pytest.mark.parametrize(("version", "refused"), [("6.2.14", True), ("7.0.0", False)])
async def test_releases_before_7_are_refused(version: str, refused: bool) -> None:
    """No wheel has so old a server: this one says so, and then hangs up."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = f"redis_version:{version}\r\nrole:master\r\nmaxmemory_policy:noeviction\r\n".encode()
        while request := await reader.read(4096):
            if b"INFO\r\n" in request and b"SETINFO" not in request:
                writer.write(b"$%d\r\n%s\r\n" % (len(info), info))
                await writer.drain()
                break
            writer.write(b"+OK\r\n" * request.count(b"*4\r\n"))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(StoreRefused, match="must be Redis 7" if refused else "cannot be reached"):
        await RedisStore(f"redis://127.0.0.1:{port}").open()
    server.close()


async def test_a_store_that_is_not_open_is_unavailable(empty: Valkey) -> None:
    store = RedisStore(empty.url)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0)
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.due(now=NOW, limit=1)
    await store.close()
