"""HTTP on a bare socket: tests decide about every octet, and a reply is exactly what came back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.testing import Send

PATH: Final = "/ussd/africastalking"
PATIENCE: Final = 60.0
"""Seconds to wait for a reply; far beyond what a server may take."""


def over_wire(port: Callable[[], int] | int, path: str = PATH) -> Send:
    """Send to the server on a port of this machine."""

    async def send(exchange: Exchange) -> Response:
        status, body = await post(port if isinstance(port, int) else port(), exchange, path)
        return Response(status, (), body)

    return send


async def post(port: int, exchange: Exchange, path: str = PATH) -> tuple[int, bytes]:
    """One request on a connection of its own."""
    return parsed(await raw(port, request(path, exchange.body, headers=exchange.headers)))


async def get(port: int, path: str) -> tuple[int, bytes]:
    return parsed(await raw(port, request(path, method="GET")))


def request(
    path: str, body: bytes = b"", *, method: str = "POST", headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    """The octets of a request that asks to close the connection."""
    lines = [f"{method} {path} HTTP/1.1", "host: 127.0.0.1", "connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    if body or method == "POST":
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


async def raw(port: int, octets: bytes, *, shut: bool = False) -> bytes:
    """Send octets, and return everything that comes back. `shut` ends our side of the connection first."""
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(octets)
            if shut:
                writer.write_eof()
            return await reader.read()
        finally:
            writer.close()


def parsed(octets: bytes) -> tuple[int, bytes]:
    """Status and body. Raises `ConnectionError` for a reply that is not all there."""
    head, found, body = octets.partition(b"\r\n\r\n")
    if not found:
        raise ConnectionError("no reply")
    status, *fields = head.decode("latin-1").split("\r\n")
    for field in fields:
        name, _, value = field.partition(":")
        if name.lower() == "content-length" and len(body) != int(value):
            raise ConnectionError("half a reply")
    return int(status.split(" ")[1]), body
