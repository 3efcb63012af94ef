"""The servers of a live store: they may come later and go at any time, and whoever asks hears of it in time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeVar
from zlib import crc32

from kikao.config.redis_urls import parse
from kikao.live.stores.redis.scripts import EVERY
from kikao.live.stores.store import LiveAway
from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.jitter import jittered
from kikao.sessions.stores.redis.scripts import Script
from kikao.sessions.stores.redis.servers import servers
from kikao.sessions.stores.redis.wire import Word, pack

PARTITIONS: Final = 32

PATIENCE: Final = 2.0
"""Seconds that anything takes at most."""

_PAUSES: Final = (0.1, 2.0)
"""Seconds before the first and, at most, before a later try to connect for the first time."""

_AWAY: Final = (
    "live sessions: %s. Who is connected stays so, and channels go on without presence, replay and log-outs of other "
    "processes. It is tried again until it answers. Check KIKAO_BUS."
)

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Connecting:
    """Partitions of live sessions on the servers of `url`; `scope` keeps what shares a server apart.

    Raises `ValueError` for a URL that is none.
    """

    def __init__(self, url: str, scope: str = "", *, patience: float = PATIENCE) -> None:
        self._url = parse(url)
        self._patience = patience
        prefix = ":".join(filter(None, (self._url.options.prefix, "live", scope))).encode()
        tags = [b"{%b:%02d}" % (prefix, n) for n in range(PARTITIONS)]
        self._guarded = [(tag, tag + b":g") for tag in tags]
        self._servers = servers(self._url, tags, EVERY)
        self._opening: asyncio.Task[None] | None = None
        self._closed: str | None = f"{self._url} is not open"
        """Why nothing can be asked yet."""

    async def open(self) -> None:
        """Connect, or else go on trying in the background."""
        if self._opening is not None:
            return
        tried = asyncio.Event()
        self._opening = asyncio.create_task(self._open(tried), name=f"connect live sessions to {self._url}")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await tried.wait()

    async def close(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.cancel()
            await asyncio.wait([opening])
            await self._servers.close()

    async def run(self, script: Script, partition: int, *words: Word) -> Any:
        """What a script answers. Raises `LiveAway`."""
        return await self._ask(partition, (b"EVALSHA", script.sha, b"2", *self._guarded[partition], *words))

    async def plain(self, command: bytes, partition: int, key: str) -> Any:
        """What a command on one key answers. Raises `LiveAway`."""
        return await self._ask(partition, (command, self._guarded[partition][0] + key.encode()))

    async def _ask(self, partition: int, words: tuple[Word, ...]) -> Any:
        if self._closed is not None:
            raise LiveAway(self._closed)
        try:
            async with asyncio.timeout(self._patience):
                return await self._servers.ask(partition, pack(words))
        except TimeoutError:
            raise LiveAway(f"{self._url} did not answer within {self._patience:g} s") from None
        except (StoreUnavailable, StoreRefused) as error:
            raise LiveAway(str(error)) from error

    async def _open(self, tried: asyncio.Event) -> None:
        pause, most = _PAUSES
        told = False
        while True:
            try:
                await self._servers.open()
            except (StoreUnavailable, StoreRefused) as error:
                self._closed = str(error)
                if not told:
                    told = True
                    logger.warning(_AWAY, error)
            else:
                self._closed = None
                if told:
                    logger.warning("live sessions: %s answers now", self._url)
                return tried.set()
            tried.set()
            await asyncio.sleep(jittered(pause))
            pause = min(2 * pause, most)


def partition_of(name: str) -> int:
    """Where what belongs to a topic, a stream, a user or a node is."""
    return crc32(name.encode()) % PARTITIONS


async def gathered(asked: Iterable[Coroutine[Any, Any, T]]) -> Sequence[T]:
    """All at once; what some of them answered where others failed. Raises `LiveAway` where none answered."""
    found = await asyncio.gather(*asked, return_exceptions=True)
    answers = [each for each in found if not isinstance(each, BaseException)]
    for each in found:
        if isinstance(each, BaseException) and not (answers and isinstance(each, LiveAway)):
            raise each
    return answers
