"""The same over a real network: an emulator behind a port, and requests to a server in another process.

async with served(api) as url:                       # http://127.0.0.1:40123
    environment = api.environment(url)               # for the server that is started now
    async with over_http("http://127.0.0.1:8080") as send:
        api.deliveries.send = send
        ...
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Final

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden
from kikao.testing.wire import Send

HEAD: Final = 64 * 1024
"""Octets of the lines before a body."""


@contextlib.asynccontextmanager
async def served(make: Make, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
    """Whoever takes calls, behind a port (a free one for 0), in this event loop; its URL.

    A call that gets no answer there finds its connection closed, as at a provider that dies in the middle.
    """
    writers: set[asyncio.StreamWriter] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while await _exchange(make, reader, writer, f"http://{host}"):
                pass
        writers.discard(writer)
        writer.close()

    server = await asyncio.start_server(serve, host, port, limit=HEAD)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer in list(writers):
            writer.transport.abort()
        await server.wait_closed()


@contextlib.asynccontextmanager
async def over_http(url: str, *, timeout: float = 30.0, connections: int = 64) -> AsyncIterator[Send]:
    """The way to a server at `http://host:port`: an `OSError` where no reply came in `timeout` seconds.

    It needs what `kikao[webhooks]` brings.
    """
    from kikao.channels.caller import Caller

    caller = Caller(Hidden(url.encode()), timeout=timeout, connections=connections)

    async def send(exchange: Exchange) -> Response:
        target = Hidden(f"{url.rstrip('/')}{exchange.target}".encode())
        try:
            answer = await caller(Call(target, exchange.headers, exchange.body, exchange.method))
        except Unanswered as problem:
            raise ConnectionError(str(problem)) from None
        return Response(answer.status, answer.headers, answer.body)

    try:
        yield send
    finally:
        await caller.close()


async def _exchange(
    make: Make, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str
) -> bool:
    """One request and its answer (RFC 9112); whether another may come on this connection."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = tuple((name, value.strip()) for name, _, value in (line.partition(":") for line in lines))
    known = {name.lower(): value for name, value in headers}
    if known.get("transfer-encoding", "").lower() == "chunked":
        body = await _chunks(reader)
    else:
        body = await reader.readexactly(int(known.get("content-length", "0")))
    where = f"http://{known['host']}" if "host" in known else base
    try:
        answer = await make(Call(Hidden(f"{where}{target}".encode()), headers, body, method))
    except Unanswered:
        return False
    writer.write(_written(answer))
    await writer.drain()
    return known.get("connection", "").lower() != "close"


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).partition(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _written(answer: Answer) -> bytes:
    phrase = HTTPStatus(answer.status).phrase
    lines = [f"HTTP/1.1 {answer.status} {phrase}", *(f"{name}: {value}" for name, value in answer.headers)]
    head = "\r\n".join([*lines, f"content-length: {len(answer.body)}", "", ""])
    return head.encode("latin-1") + answer.body
