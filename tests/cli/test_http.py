"""Connections that would hold memory or a place for ever, and those that only look like it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
import uvicorn

from kikao.cli.http import MAX_HEAD, BoundedHead
from tests.http.wire import PATIENCE, raw, request

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CHUNKED = b"POST /%s HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"


class Hasty(BoundedHead):
    patience = 0.05


async def app(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """`/deaf` answers at once; any other path when the whole body is there, with the names of the headers."""
    more = scope["path"] != "/deaf"
    while more:
        message = await receive()
        if message["type"] != "http.request":
            return
        more = message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"%02d" % len(scope["headers"])})


@asynccontextmanager
async def listening(http: type[BoundedHead]) -> AsyncIterator[int]:
    config = uvicorn.Config(app, port=0, http=http, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        await server.shutdown()


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        b"POST / HTTP/1.1\r\nhost: x\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nho",
        b"POST /deaf HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf",
    ],
    ids=["nothing", "half a head", "half a second head", "an answered request without its body"],
)
async def test_a_connection_that_brings_no_whole_request_is_closed(octets: bytes) -> None:
    async with listening(Hasty) as port:
        with suppress(ConnectionError):  # it may do so before all is there
            await raw(port, octets)  # until the server closes


async def test_a_trickle_is_no_reason_to_wait() -> None:
    async with listening(Hasty) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        with suppress(ConnectionError):
            writer.write(b"GET / HTTP/1.1\r\n")
            while not reader.at_eof():
                writer.write(b"x: y\r\n")
                await writer.drain()
                await asyncio.sleep(0.01)
        writer.close()


async def test_a_body_may_take_longer_than_a_head() -> None:
    async with listening(Hasty) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 4\r\n\r\n")
        for octet in b"body":
            await asyncio.sleep(2 * Hasty.patience)
            writer.write(bytes([octet]))
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.parametrize("path", [b"", b"deaf"])
@pytest.mark.parametrize(
    "endless", [b"x: y\r\n", b"x" * 1000, b"x: " + b"y" * 1000], ids=["fields", "a name", "values"]
)
async def test_trailers_do_not_grow_without_end(path: bytes, endless: bytes) -> None:
    sent = 0
    async with listening(BoundedHead) as port, asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(CHUNKED % path + b"1\r\na\r\n0\r\n")
        with suppress(ConnectionError):
            while sent < 400 * MAX_HEAD and not reader.at_eof():
                writer.write(endless * 20)
                sent += len(endless) * 20
                await writer.drain()
        writer.close()
    assert sent < 400 * MAX_HEAD


async def test_a_trailer_is_no_header() -> None:
    async with listening(BoundedHead) as port:
        ending = b"1\r\na\r\n0\r\nx-forwarded-for: 10.0.0.1\r\n\r\n"
        answer = await raw(port, (CHUNKED % b"").replace(b"host: x", b"connection: close") + ending)
    assert answer.endswith(b"\r\n\r\n02")


async def test_many_requests_on_one_connection() -> None:
    one = request("/", b"b" * 60_000).replace(b"connection: close", b"x: y")
    async with listening(Hasty) as port:
        answer = await raw(port, one * 20 + request("/", b"b"))
    assert answer.count(b"HTTP/1.1 200 ") == 21
