"""The bus over Redis and Valkey: `SUBSCRIBE` and `PUBLISH`.

In a Cluster every node passes on what is published at any; so one of them is enough, whichever answers first. Behind
Sentinels it is the primary that they name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from kikao.bus.networked import Dial, Link
from kikao.config.redis_urls import RedisUrl, parse

CONNECT_SECONDS: Final = 1.0


def dialer(url: str) -> Dial:
    """Connects to the server of a URL, or to one of its servers. Raises `ValueError` for a URL that is none."""
    parsed = parse(url)
    prefix = f"{parsed.options.prefix}:{parsed.options.db}:bus:"

    async def dial() -> Link:
        error: Exception = ConnectionError("no server")
        for client in _clients(parsed):
            link = _Connection(client, prefix)
            try:
                await link.greet()
            except Exception as problem:  # noqa: BLE001 - another one may answer
                error = problem
                with contextlib.suppress(Exception):
                    await link.close()
            else:
                return link
        raise error

    return dial


class _Connection:
    """Two connections: one hears, the other one sends."""

    def __init__(self, client: Redis, prefix: str) -> None:
        self._client = client
        self._prefix = prefix
        self._pubsub: PubSub = client.pubsub()
        self._confirmed: dict[str, asyncio.Event] = {}
        self._hears = asyncio.Event()
        self._turn = asyncio.Lock()

    async def greet(self) -> None:
        await self._client.ping()

    async def listen(self, topics: Collection[str]) -> None:
        waiting = {topic: self._confirmed.setdefault(topic, asyncio.Event()) for topic in topics}
        await self._pubsub.subscribe(*(f"{self._prefix}{topic}" for topic in topics))
        if not self._hears.is_set():  # nobody reads yet: the confirmations are read here
            while not all(event.is_set() for event in waiting.values()):
                await self._next()
        for event in waiting.values():
            await event.wait()

    async def send(self, topic: str, octets: bytes) -> None:
        async with self._turn:  # in order, and on one connection
            await self._client.publish(f"{self._prefix}{topic}", octets)

    async def receive(self) -> tuple[str, bytes] | None:
        self._hears.set()
        while True:
            if (found := await self._next()) is not None:
                return found

    async def close(self) -> None:
        await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        await self._client.aclose()

    async def _next(self) -> tuple[str, bytes] | None:
        message = await self._pubsub.get_message(timeout=None)
        if message is None:
            return None
        topic = _text(message["channel"]).removeprefix(self._prefix)
        if message["type"] == "subscribe":
            self._confirmed.setdefault(topic, asyncio.Event()).set()
            return None
        return (topic, bytes(message["data"])) if message["type"] == "message" else None


def _clients(url: RedisUrl) -> list[Redis]:
    """One for each server that may be asked."""
    options = url.options
    tls = {"ssl": True} | url.certificates if url.tls else {}
    common: dict[str, Any] = {
        "username": options.username or None,
        "password": options.password or None,
        "db": options.db,
        "socket_connect_timeout": CONNECT_SECONDS,
        # A client that connected again by itself would not say that something was missed meanwhile.
        "retry": Retry(NoBackoff(), 0),
        "client_name": "kikao-bus",
    }
    if url.socket:
        return [Redis(unix_socket_path=url.socket, **common)]
    if url.kind == "sentinel":
        asks = {
            "username": options.sentinel_username or None,
            "password": options.sentinel_password or None,
            "socket_timeout": CONNECT_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            **tls,
        }
        sentinel = Sentinel(list(url.hosts), sentinel_kwargs=asks, **common, **tls)  # type: ignore[no-untyped-call]
        return [sentinel.master_for(url.service)]
    return [Redis(host=host, port=port, **common, **tls) for host, port in url.hosts]


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
