"""Sends messages by HTTP: one `POST` each, signed, with what came of it in its status.

2xx: taken. 408, 425, 429, 5xx, no answer: again later, after `Retry-After` where it is said. Everything else, and a
redirection, which is never followed: dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import email.utils
import ssl
import time
from collections.abc import Callable, Sequence
from typing import Final

import httpcore

from kikao.channels.outbox.sender import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.channels.webhook.network import Forbidden, Guarded, is_loopback
from kikao.channels.webhook.signing import MESSAGE, SIGNATURE, TRY, signature
from kikao.config import Hidden

AGAIN: Final = frozenset({408, 425, 429})
"""Statuses of 4xx that say nothing against the message."""

READ: Final = 64 * 1024
"""Octets of an answer that are read, to keep the connection; nothing in them is looked at."""

READING: Final = 1.0
"""Seconds that this may take: its status has said everything."""

IDLE: Final = 60.0
"""Seconds that a connection is kept that nothing is sent on."""

CONNECTIONS: Final = 16


class Webhook:
    """A `Sender` to one URL. `timeout`, in seconds, is for each part of an exchange."""

    def __init__(
        self,
        url: Hidden,
        secrets: Sequence[Hidden],
        *,
        timeout: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._url = httpcore.URL(url.reveal())
        self._secrets = tuple(secrets)
        self._clock = clock
        self._timeouts = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context() if self._url.scheme == b"https" else None,
            max_connections=CONNECTIONS,
            max_keepalive_connections=CONNECTIONS,
            keepalive_expiry=IDLE,
            network_backend=Guarded(loopback=is_loopback(self._url.host.decode("ascii"))),
        )

    async def close(self) -> None:
        """Let connections go."""
        await self._pool.aclose()

    async def send(self, letter: Letter) -> Outcome:
        """One request."""
        headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", "kikao"),
            ("Accept-Encoding", "identity"),
            (MESSAGE, letter.id.hex()),
            (TRY, str(letter.tries)),
        ]
        if self._secrets:
            secrets = [secret.reveal() for secret in self._secrets]
            made = signature(secrets, letter.id.hex(), letter.body, self._clock())
            headers.append((SIGNATURE, made))
        try:
            async with self._pool.stream(
                b"POST",
                self._url,
                headers=_with_host(self._url, headers),
                content=letter.body,
                extensions={"timeout": self._timeouts},
            ) as response:
                await _read(response)
                return judged(response.status, _header(response, b"retry-after"), self._clock())
        except Forbidden as error:
            return TryLater(str(error))
        except httpcore.TimeoutException:
            return TryLater("no answer in time")
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            return TryLater(type(error).__name__)


async def _read(response: httpcore.Response) -> None:
    """Read a body to its end, so that the connection can be used again. However it ends: the status was there."""
    read = 0
    with contextlib.suppress(
        TimeoutError, httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError
    ):
        async with asyncio.timeout(READING):
            async for part in response.aiter_stream():
                read += len(part)
                if read > READ:
                    return


def judged(status: int, retry_after: str, now: float) -> Outcome:
    """What a status says of a message."""
    if 200 <= status < 300:
        return Delivered()
    reason = f"HTTP {status}"
    if status >= 500 or status in AGAIN:
        return TryLater(reason, seconds_of(retry_after, now))
    return Rejected(f"{reason}, not followed" if 300 <= status < 400 else reason)


def seconds_of(retry_after: str, now: float) -> float | None:
    """What `Retry-After` says, in seconds from now (RFC 9110, 10.2.3); None for nothing, or what cannot be read."""
    value = retry_after.strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    try:
        at = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=dt.UTC)
    return max(0.0, at.timestamp() - now)


def _with_host(url: httpcore.URL, headers: list[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    default = {b"http": 80, b"https": 443}.get(url.scheme)
    host = url.host if url.port in (None, default) else b"%b:%d" % (url.host, url.port)
    return [(b"Host", host), *((name.encode(), value.encode()) for name, value in headers)]


def _header(response: httpcore.Response, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in response.headers if key.lower() == name), "")
