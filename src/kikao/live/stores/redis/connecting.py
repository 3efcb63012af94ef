"""The servers of a live store: they may come later and go at any time, and whoever asks hears of it in time."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, Final, TypeVar
from zlib import crc32

from kikao.config.redis_urls import parse
from kikao.live.stores.opening import PATIENCE, Opening
from kikao.live.stores.redis.scripts import EVERY
from kikao.live.stores.store import LiveAway
from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.redis.scripts import Script
from kikao.sessions.stores.redis.servers import servers
from kikao.sessions.stores.redis.wire import Word, pack

PARTITIONS: Final = 32

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
        self._opening = Opening(str(self._url), self._servers.open, patience=patience)

    async def open(self) -> None:
        """Connect, or else go on trying in the background."""
        await self._opening.begin()

    async def close(self) -> None:
        await self._opening.end()
        await self._servers.close()

    async def run(self, script: Script, partition: int, *words: Word) -> Any:
        """What a script answers. Raises `LiveAway`."""
        return await self._ask(partition, (b"EVALSHA", script.sha, b"2", *self._guarded[partition], *words))

    async def plain(self, command: bytes, partition: int, key: str) -> Any:
        """What a command on one key answers. Raises `LiveAway`."""
        return await self._ask(partition, (command, self._guarded[partition][0] + key.encode()))

    async def _ask(self, partition: int, words: tuple[Word, ...]) -> Any:
        self._opening.expect()
        try:
            async with asyncio.timeout(self._patience):
                return await self._servers.ask(partition, pack(words))
        except TimeoutError:
            raise LiveAway(f"{self._url} did not answer within {self._patience:g} s") from None
        except (StoreUnavailable, StoreRefused) as error:
            raise LiveAway(str(error)) from error


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
