"""Partitions by name, and scripts run in one of them or in many."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

from redis.exceptions import RedisError

from kikao.config.redis_urls import RedisUrl
from kikao.sessions.outgoing import EVERY_SHARD, SHARDS
from kikao.sessions.store import PARTITIONS, CommitUnknown
from kikao.sessions.stores.redis.scripts import FILLED, Script, every_script
from kikao.sessions.stores.redis.servers import Servers, servers
from kikao.sessions.stores.redis.wire import AnswerLost, Word, pack

_EACH: Final = PARTITIONS // SHARDS
"""Partitions in a shard."""

_TOGETHER: Final = 16
"""Partitions that one command looks at."""


class Partitions:
    """What scripts run in. Each partition is a hash tag, `{kikao:0123}`, with which the names of its keys begin.

    Beside it a script names one key of it, its guard: two keys are never half here and half there (see
    `servers.Cluster`).
    """

    def __init__(self, url: RedisUrl) -> None:
        self.url = url
        self.tags = tuple(b"{%s:%04d}" % (url.options.prefix.encode(), n) for n in range(PARTITIONS))
        self._guarded = tuple((tag, tag + b":l") for tag in self.tags)
        self.servers: Servers = servers(url, self.tags, every_script())

    async def run(self, script: Script, partition: int, *words: Word) -> Any:
        """Run a script. Raises `AnswerLost` where it may have changed something, else `StoreUnavailable`."""
        command = pack((b"EVALSHA", script.sha, b"2", *self._guarded[partition], *words))
        return await self.servers.ask(partition, command)

    async def change(self, script: Script, partition: int, *words: Word) -> Any:
        """The same, for a change. Raises `CommitUnknown` where nobody knows whether it was made."""
        try:
            return await self.run(script, partition, *words)
        except AnswerLost as error:
            raise CommitUnknown(str(error)) from error

    async def ask(self, partition: int, command: bytes, key: bytes, *words: Word) -> Any:
        """One plain command on a key of a partition."""
        return await self.servers.ask(partition, pack((command, self.tags[partition] + key, *words)))

    async def look(
        self, script: Script, shards: Collection[int], *words: Word
    ) -> list[tuple[Sequence[int], Any]]:
        """Run a script that only looks in all partitions of these shards, some of them at a time.

        Gives each of its answers with the partitions that it is about.
        """
        partitions = [at for shard in sorted(set(shards)) for at in range(shard * _EACH, (shard + 1) * _EACH)]
        groups = [
            of_one[start : start + _TOGETHER]
            for of_one in self.servers.beside(partitions)
            for start in range(0, len(of_one), _TOGETHER)
        ]
        answers = await self.servers.look(
            [(group[0], self._looking(script, group, words)) for group in groups]
        )
        found: list[tuple[Sequence[int], Any]] = []
        for group, answer in zip(groups, answers, strict=True):
            if isinstance(answer, RedisError):  # some are elsewhere by now, or on their way
                found += [
                    ((at,), await self.servers.ask(at, self._looking(script, (at,), words))) for at in group
                ]
            else:
                found.append((group, answer))
        return found

    def _looking(self, script: Script, group: Sequence[int], words: Sequence[Word]) -> bytes:
        names = [self.tags[at] for at in group]
        return pack((b"EVALSHA", script.sha, b"2", *self._guarded[group[0]], len(names), *names, *words))

    async def filled(self, name: bytes) -> list[int]:
        """The partitions that have a key of this name."""
        found = await self.look(FILLED, EVERY_SHARD, name)
        return sorted(group[place - 1] for group, places in found for place in places)
