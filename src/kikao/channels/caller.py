"""Makes calls over HTTP: on connections that are kept, to where it is allowed, within time and size.

Redirections are never followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from typing import Final

import httpcore

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.connections import Connections
from kikao.channels.network import Forbidden, Guarded
from kikao.config import Hidden
from kikao.config.called import is_loopback

READ: Final = 64 * 1024
"""Octets of an answer that are read."""

READING: Final = 1.0
"""Seconds that this may take: the status has said most."""

CONNECTIONS: Final = 16


class Caller:
    """Makes calls to one host. `timeout`, in seconds, is for each part of an exchange."""

    def __init__(self, url: Hidden, *, timeout: float, connections: int = CONNECTIONS) -> None:
        host = httpcore.URL(url.reveal())
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        backend = Guarded(loopback=is_loopback(host.host.decode("ascii")))
        self._connections = Connections(most=connections, backend=backend)

    async def close(self) -> None:
        """Let connections go."""
        await self._connections.close()

    async def __call__(self, call: Call) -> Answer:
        """Make a call. Raises `Unanswered`."""
        url = httpcore.URL(call.url.reveal())
        timeouts = _longer(self._timeouts, call.timeout)
        request = httpcore.Request(
            call.method.encode(),
            url,
            headers=_with_host(url, call),
            content=call.body,
            extensions={"timeout": timeouts},
        )
        try:
            async with self._connections.one(url.origin, timeouts["pool"]) as connection:
                response = await connection.handle_async_request(request)
                try:
                    body = await _read(response, call.most or READ)
                finally:
                    await response.aclose()
            headers = tuple(
                (name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in response.headers
            )
            return Answer(response.status, headers, body)
        except Forbidden as error:
            raise Unanswered(str(error)) from None
        except httpcore.TimeoutException:
            raise Unanswered("no answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise Unanswered(type(error).__name__) from None


def _longer(timeouts: dict[str, float], reading: float) -> dict[str, float]:
    return timeouts | {"read": reading} if reading else timeouts


async def _read(response: httpcore.Response, most: int) -> bytes:
    """A body, to its end, so that the connection can be used again. However it ends: the status was there."""
    read = bytearray()
    with contextlib.suppress(
        TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError
    ):
        async with asyncio.timeout(READING * max(1.0, most / READ / 8)):
            async for part in response.aiter_stream():
                read += part[: most - len(read)]
                if len(read) >= most:
                    break
    return bytes(read)


def _with_host(url: httpcore.URL, call: Call) -> list[tuple[bytes, bytes]]:
    """The headers of a call, with whom it is for and how long it is (RFC 9112, 3.2 and 6.2)."""
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = url.host if url.port in (None, default) else b"%b:%d" % (url.host, url.port)
    headers = [(b"Host", host), *((name.encode(), value.encode()) for name, value in call.headers)]
    if call.body or call.method not in ("GET", "HEAD"):
        headers.append((b"Content-Length", b"%d" % len(call.body)))
    return headers
