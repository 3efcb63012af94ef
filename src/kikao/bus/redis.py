"""The bus over Redis and Valkey: `SUBSCRIBE` and `PUBLISH`.

In a Cluster every node passes on what is published at any; so one of them is enough, whichever answers first. Behind
Sentinels it is the primary that they name.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection
from typing import Any, Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff

from kikao.bus.networked import Dial, Link

PORT: Final = 6379
SENTINEL_PORT: Final = 26379


def dialer(url: str) -> Dial:
    """Connects to the server of a URL, or to one of its servers."""
    parts = urlsplit(url[:])
    options = dict(parse_qsl(parts.query))
    prefix = f"{options.get('prefix', 'kikao')}:{_database(parts, options)}:bus:"

    async def dial() -> Link:
        error: Exception = ConnectionError("no server")
        for client in _clients(parts, options):
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


def _clients(parts: SplitResult, options: dict[str, str]) -> list[Redis]:
    """One for each server that may be asked."""
    common = _common(parts, options)
    if parts.scheme == "unix":
        return [Redis(unix_socket_path=unquote(parts.path), **common)]
    hosts = parts.netloc.rpartition("@")[2].split(",")
    if parts.scheme.endswith("+sentinel"):
        asks = {
            "username": options.get("sentinel_username"),
            "password": options.get("sentinel_password"),
            "socket_timeout": 1.0,
            "socket_connect_timeout": 1.0,
            **_tls(parts, options),
        }
        sentinel = Sentinel(  # type: ignore[no-untyped-call]
            [_host(each, SENTINEL_PORT) for each in hosts], sentinel_kwargs=asks, **common
        )
        return [sentinel.master_for(unquote(parts.path.strip("/").partition("/")[0]))]
    clients = []
    for each in hosts:
        host, port = _host(each, PORT)
        clients.append(Redis(host=host, port=port, **common))
    return clients


def _common(parts: SplitResult, options: dict[str, str]) -> dict[str, Any]:
    common: dict[str, Any] = {
        "username": unquote(parts.username) if parts.username else options.get("username"),
        "password": unquote(parts.password) if parts.password else options.get("password"),
        "db": int(_database(parts, options)),
        "socket_connect_timeout": 1.0,
        # A client that connected again by itself would not say that something was missed meanwhile.
        "retry": Retry(NoBackoff(), 0),
        "client_name": "kikao-bus",
    }
    return common | _tls(parts, options)


def _tls(parts: SplitResult, options: dict[str, str]) -> dict[str, Any]:
    """How servers, and Sentinels, are spoken to, as the session store does."""
    if parts.scheme.partition("+")[0] not in ("rediss", "valkeys"):
        return {}
    return {
        "ssl": True,
        "ssl_ca_certs": options.get("ca"),
        "ssl_certfile": options.get("cert"),
        "ssl_keyfile": options.get("key"),
        "ssl_cert_reqs": "none" if options.get("verify", "").lower() in ("false", "0") else "required",
    }


def _database(parts: SplitResult, options: dict[str, str]) -> str:
    if parts.scheme == "unix":
        return options.get("db", "0")
    path = parts.path.strip("/")
    if parts.scheme.endswith("+sentinel"):
        path = path.partition("/")[2]
    return path or options.get("db", "0")


def _host(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    return (host.strip("[]"), int(number)) if colon else (text.strip("[]"), port)


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
