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
from urllib.parse import urlsplit

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
    open_now: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now[writer] = asyncio.current_task()
        with contextlib.suppress(*_LEFT):
            while await _exchange(make, reader, writer, f"http://{host}"):
                pass
        await _closed(writer)
        del open_now[writer]

    server = await asyncio.start_server(serve, host, port, limit=HEAD)
    try:
        yield f"http://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        tasks = [task for task in open_now.values() if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()


@contextlib.asynccontextmanager
async def over_http(url: str, *, timeout: float = 30.0, connections: int = 64) -> AsyncIterator[Send]:
    """The way to a server at `http://host:port`, over at most so many connections, which are kept.

    What it gives raises `OSError` where no reply came in `timeout` seconds.
    """
    where = urlsplit(url)
    line = _Line(where.hostname or "127.0.0.1", where.port or 80, connections)

    async def send(exchange: Exchange) -> Response:
        async with asyncio.timeout(timeout):  # a TimeoutError is an OSError
            return await line.exchange(exchange)

    try:
        yield send
    finally:
        await line.close()


class _Line:
    """Connections to one server."""

    def __init__(self, host: str, port: int, most: int) -> None:
        self._where = host, port
        self._room = asyncio.Semaphore(most)
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def exchange(self, exchange: Exchange) -> Response:
        """One request and its reply. Raises `OSError`."""
        async with self._room:
            reader, writer = await self._connection()
            try:
                writer.write(self._written(exchange))
                await writer.drain()
                response = await _response(reader)
            except (asyncio.IncompleteReadError, ValueError):
                await _closed(writer)
                raise ConnectionResetError("no complete reply came") from None
            except BaseException:
                await _closed(writer)
                raise
        if dict(response.headers).get("connection", "").lower() == "close":
            await _closed(writer)
        else:
            self._idle.append((reader, writer))
        return response

    async def close(self) -> None:
        """Let connections go."""
        for _, writer in self._idle:
            await _closed(writer)

    async def _connection(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        while self._idle:
            reader, writer = self._idle.pop()
            if not reader.at_eof() and not writer.is_closing():
                return reader, writer
            await _closed(writer)
        return await asyncio.open_connection(*self._where, limit=HEAD)

    def _written(self, exchange: Exchange) -> bytes:
        host, port = self._where
        lines = [f"{exchange.method} {exchange.target} HTTP/1.1", f"host: {host}:{port}"]
        lines += [f"{name}: {value}" for name, value in exchange.headers]
        head = "\r\n".join([*lines, f"content-length: {len(exchange.body)}", "", ""])
        return head.encode("latin-1") + exchange.body


async def _response(reader: asyncio.StreamReader) -> Response:
    first, headers = await _head(reader)
    return Response(int(first.split(" ", 2)[1]), headers, await _body(reader, dict(headers)))


async def _head(reader: asyncio.StreamReader) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The first line, and the headers, their names in lower case."""
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
    parts = (line.partition(":") for line in lines)
    return first, tuple((name.lower(), value.strip()) for name, _, value in parts)


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader)
    return await reader.readexactly(int(headers.get("content-length", "0")))


async def _exchange(
    make: Make, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str
) -> bool:
    """One request and its answer (RFC 9112); whether another may come on this connection."""
    first, headers = await _head(reader)
    method, target, _ = first.split(" ", 2)
    known = dict(headers)
    body = await _body(reader, known)
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


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


_LEFT: Final = (
    ConnectionError,
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    asyncio.CancelledError,  # the end of serving: streams of Python 3.11 complain of a task that was cancelled
)
"""How an exchange ends that does not come to its end."""
