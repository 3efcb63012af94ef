"""Partitions by name, and scripts run in one of them or in many."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import Any, Final

from kikao.sessions.outgoing import EVERY_SHARD, SHARDS
from kikao.sessions.store import PARTITIONS
from kikao.sessions.stores.redis_scripts import FILLED, Script
from kikao.sessions.stores.redis_servers import Servers, servers
from kikao.sessions.stores.redis_url import RedisUrl
from kikao.sessions.stores.redis_wire import Word, pack

_EACH: Final = PARTITIONS // SHARDS
"""Partitions in a shard."""

_AT_ONCE: Final = 128
"""Commands made ready in one go, for about a third of a millisecond."""


class Partitions:
    """What scripts run in. Each partition is a hash tag, `{kikao:0123}`, with which the names of its keys begin.

    Beside it a script names one key of it, its guard: two keys are never half here and half there (see
    `redis_servers.Cluster`).
    """

    def __init__(self, url: RedisUrl) -> None:
        self.url = url
        self.tags = tuple(b"{%s:%04d}" % (url.options.prefix.encode(), n) for n in range(PARTITIONS))
        self._guarded = tuple((tag, tag + b":l") for tag in self.tags)
        self.servers: Servers = servers(url, self.tags)

    async def run(self, script: Script, partition: int, *words: Word) -> Any:
        """Run a script. Raises `AnswerLost` where it may have changed something, else `StoreUnavailable`."""
        command = pack((b"EVALSHA", script.sha, b"2", *self._guarded[partition], *words))
        return await self.servers.ask(partition, command)

    async def ask(self, partition: int, command: bytes, key: bytes, *words: Word) -> Any:
        """One plain command on a key of a partition."""
        return await self.servers.ask(partition, pack((command, self.tags[partition] + key, *words)))

    async def look(self, script: Script, shards: Collection[int], *words: Word) -> list[tuple[int, Any]]:
        """Run a script that only looks in all partitions of these shards, a few of them at a time.

        Gives each of its answers with the first of the partitions that it is about.
        """
        firsts = list(self._firsts(shards))
        found: list[tuple[int, Any]] = []
        for start in range(0, len(firsts), _AT_ONCE):
            some = firsts[start : start + _AT_ONCE]
            answers = await self.servers.look(
                [(first, self._looking(script, first, words)) for first in some]
            )
            found += zip(some, answers, strict=True)
        return found

    def _looking(self, script: Script, first: int, words: Sequence[Word]) -> bytes:
        keys = tuple(chain.from_iterable(self._guarded[first : first + self.servers.together]))
        return pack((b"EVALSHA", script.sha, len(keys), *keys, *words))

    async def filled(self, name: bytes) -> list[int]:
        """The partitions that have a key of this name."""
        found = await self.look(FILLED, EVERY_SHARD, name)
        return [place(first, index) for first, places in found for index in places]

    def _firsts(self, shards: Collection[int]) -> Iterator[int]:
        for shard in sorted(set(shards)):
            yield from range(shard * _EACH, (shard + 1) * _EACH, self.servers.together)


def place(first: int, index: int) -> int:
    """The partition that a script of `Partitions.look` tells by its place in KEYS, which has two for each."""
    return first + (index - 1) // 2
