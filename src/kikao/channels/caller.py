"""Makes calls over HTTP: from a pool of connections, to where it is allowed, within time and size.

Redirections are never followed.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import ssl
import sys
from typing import Final

import httpcore

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.network import Forbidden, Guarded
from kikao.config import Hidden
from kikao.config.called import is_loopback

if importlib.util.find_spec("sniffio") is None:
    # httpcore tries to import it several times in each call, and looks for it on the whole path each time: a quarter of
    # what a call costs. This makes the same ImportError at once.
    sys.modules.setdefault("sniffio", None)  # type: ignore[arg-type]

READ: Final = 64 * 1024
"""Octets of an answer that are read."""

READING: Final = 1.0
"""Seconds that this may take: the status has said most."""

IDLE: Final = 60.0
"""Seconds that a connection is kept that nothing is sent on."""

CONNECTIONS: Final = 16


class Caller:
    """Makes calls to one host. `timeout`, in seconds, is for each part of an exchange."""

    def __init__(self, url: Hidden, *, timeout: float, connections: int = CONNECTIONS) -> None:
        host = httpcore.URL(url.reveal())
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context() if host.scheme == b"https" else None,
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=IDLE,
            network_backend=Guarded(loopback=is_loopback(host.host.decode("ascii"))),
        )

    async def close(self) -> None:
        """Let connections go."""
        await self._pool.aclose()

    async def __call__(self, call: Call) -> Answer:
        """Make a call. Raises `Unanswered`."""
        url = httpcore.URL(call.url.reveal())
        try:
            async with self._pool.stream(
                call.method.encode(),
                url,
                headers=_with_host(url, call.headers),
                content=call.body,
                extensions={"timeout": _longer(self._timeouts, call.timeout)},
            ) as response:
                body = await _read(response, call.most or READ)
                headers = tuple(
                    (name.decode("latin-1").lower(), value.decode("latin-1"))
                    for name, value in response.headers
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


def _with_host(url: httpcore.URL, headers: tuple[tuple[str, str], ...]) -> list[tuple[bytes, bytes]]:
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = url.host if url.port in (None, default) else b"%b:%d" % (url.host, url.port)
    return [(b"Host", host), *((name.encode(), value.encode()) for name, value in headers)]
