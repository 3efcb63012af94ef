"""Fetches files from where providers say they lie. What they say is an answer from outside, so it is not believed:

- only from hosts that are named here or in the settings, by https, on their own port;
- only from public addresses: a name is looked up here, and connected to is what was looked at;
- never after a redirection, never longer than said, never more than said, and what was announced must be what comes.

A host of the provider's API is the operator's own choice: it may have a private address, as a Bot API server of one's
own has. Where that is this machine (an emulator), `http` is allowed, too. Nothing of an address is ever in an error.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable
from typing import Final

import httpcore

from kikao.channels.calling import seconds_of
from kikao.channels.media.checking import Checked, Take
from kikao.channels.media.errors import (
    Answered,
    NotAllowed,
    NotAnswered,
    NotAsAnnounced,
    TookTooLong,
    TooLarge,
)
from kikao.channels.media.remote import Located
from kikao.channels.network import Forbidden, Guarded
from kikao.config import Hidden
from kikao.config.called import is_loopback
from kikao.config.media import is_host

HOSTS: Final = {"whatsapp": ("lookaside.fbsbx.com",), "telegram": ()}
"""Where files of a channel lie, besides its API. Meta documents `lookaside.fbsbx.com`; that files of WhatsApp
come from `*.fbcdn.net`, too, only third parties say. Those of Telegram are below its API ("getFile")."""

CONNECTING: Final = 5.0


class Fetcher:
    """Fetches over the network: from `hosts` (patterns, lower case), and from where `api` is."""

    def __init__(self, api: str, hosts: Iterable[str] = ()) -> None:
        self._api = _origin(httpcore.URL(api))
        self._hosts = tuple(hosts)
        self._here = is_loopback(self._api[1])
        self._pools: dict[bool, httpcore.AsyncConnectionPool] = {}

    async def close(self) -> None:
        """Let connections go."""
        for pool in self._pools.values():
            await pool.aclose()

    async def __call__(self, located: Located, take: Take, *, most: int, within: float) -> None:
        """See `Fetch`."""
        url, own = self._allowed(located.url)
        if located.size > most:
            raise TooLarge(most)
        limit = asyncio.timeout(within)
        try:
            async with limit:
                await self._fetch(url, own, located, take, most, within)
        except TimeoutError:
            if not limit.expired():
                raise  # of who takes it
            raise TookTooLong(within) from None
        except Forbidden:
            raise NotAllowed("its host leads to an address that nothing is fetched from") from None
        except httpcore.TimeoutException:
            raise NotAnswered("no connection in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, ssl.SSLError) as error:
            raise NotAnswered(type(error).__name__) from None

    def _allowed(self, secret: Hidden) -> tuple[httpcore.URL, bool]:
        """The address, and whether it is the API's own. Raises `NotAllowed`."""
        text = secret.reveal()
        if not _plain(text):
            raise NotAllowed("its address is none")
        try:
            url = httpcore.URL(text)
            scheme, host, port = _origin(url)
        except (ValueError, UnicodeError):
            raise NotAllowed("its address is none") from None
        if (scheme, host, port) == self._api and (scheme == "https" or self._here):
            return url, True
        if self._here and is_loopback(host) and scheme in ("http", "https"):
            return url, True
        if scheme != "https" or port != 443:
            raise NotAllowed("its address is not https, on the usual port")
        if host != self._api[1] and not any(_fits(host, pattern) for pattern in self._hosts):
            shown = f": {host}" if is_host(host) else ""
            raise NotAllowed(f"its host is not one of those that files are fetched from{shown}")
        return url, False

    def _pool(self, own: bool) -> httpcore.AsyncConnectionPool:
        pool = self._pools.get(own)
        if pool is None:
            backend = Guarded(loopback=self._here) if own else Guarded(loopback=False, only_public=True)
            pool = self._pools[own] = httpcore.AsyncConnectionPool(
                ssl_context=ssl.create_default_context(),
                max_connections=8,
                max_keepalive_connections=2,
                keepalive_expiry=30.0,
                network_backend=backend,
            )
        return pool

    async def _fetch(
        self, url: httpcore.URL, own: bool, located: Located, take: Take, most: int, within: float
    ) -> None:
        headers = [
            ("Host", _host(url)),
            ("User-Agent", "kikao"),
            ("Accept", "*/*"),
            ("Accept-Encoding", "identity"),
            *located.headers,
        ]
        timeouts = {"connect": min(CONNECTING, within), "read": within, "write": within, "pool": within}
        async with self._pool(own).stream(
            "GET",
            url,
            headers=[(name.encode(), value.encode()) for name, value in headers],
            extensions={"timeout": timeouts},
        ) as response:
            said = {name.lower(): value.decode("latin-1") for name, value in response.headers}
            if response.status != 200:
                raise Answered(response.status, after=seconds_of(said.get(b"retry-after", ""), time.time()))
            if said.get(b"content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise NotAsAnnounced("it comes packed, which was not asked for")
            length = said.get(b"content-length", "")
            if length.isascii() and length.isdigit() and int(length[:20]) > most:
                raise TooLarge(most)
            checked = Checked(located, take, most)
            async for part in response.aiter_stream():
                await checked(part)
            checked.end()


def _origin(url: httpcore.URL) -> tuple[str, str, int]:
    """Scheme, host and port. Raises `ValueError`."""
    scheme, host = url.scheme.decode("ascii").lower(), url.host.decode("ascii").lower()
    return scheme, host, url.port or {"https": 443, "http": 80}.get(scheme, 0)


def _host(url: httpcore.URL) -> str:
    """As the header has it."""
    scheme, host, port = _origin(url)
    return host if port == {"https": 443, "http": 80}.get(scheme) else f"{host}:{port}"


def _fits(host: str, pattern: str) -> bool:
    return host.endswith(pattern[1:]) if pattern.startswith("*.") else host == pattern


def _plain(url: bytes) -> bool:
    """Whether an address is one that every reader understands alike: no name before the host, no control characters."""
    head, slashes, rest = url.partition(b"://")
    host = rest.partition(b"/")[0].partition(b"?")[0].partition(b"#")[0]
    odd = set(url) - _PRINTABLE or b"\\" in url or b"#" in url or b"@" in host
    return bool(slashes and head and host) and not odd


_PRINTABLE: Final = frozenset(range(0x21, 0x7F))
