"""A receiver of webhooks: a real socket, and answers written out by hand, so that they can be wrong in any way."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

import msgspec


class Request(msgspec.Struct, frozen=True):
    line: str
    headers: dict[str, str]
    body: bytes


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Receiver:
    """`answer` makes the octets of a response; None closes the connection instead, after the request was read."""

    def __init__(self, answer: Callable[[Request], bytes | None] = lambda _: OK) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.connections = 0
        self.hold: asyncio.Event | None = None
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Receiver:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/hook?token=t0ken"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                request = Request(head[0], headers, body)
                self.requests.append(request)
                if self.hold is not None:
                    await self.hold.wait()
                answer = self.answer(request)
                if answer is None:
                    break
                writer.write(answer)
                await writer.drain()
        self._open.discard(writer)
        writer.close()
