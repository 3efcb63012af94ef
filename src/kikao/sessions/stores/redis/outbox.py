"""Messages to send, their pace, and who looks after which shards, on Redis and Valkey."""

from __future__ import annotations

import asyncio
import zlib
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Coroutine, Iterator, Sequence
from typing import Any, Final

from msgspec.structs import replace

from kikao.sessions.outgoing import (
    EVERY_SHARD,
    SHARDS,
    Again,
    Backlog,
    Dead,
    Outgoing,
    Reported,
    Sent,
    Share,
    State,
    Status,
)
from kikao.sessions.store import PARTITIONS, CommitUnknown, StoreUnavailable, partition
from kikao.sessions.stores.redis import rows, scripts
from kikao.sessions.stores.redis.partitions import Partitions
from kikao.sessions.stores.redis.wire import Word

_WORKERS: Final = 0
"""The partition that knows who is at work."""

_PAGE: Final = 200


class RedisOutbox:
    """An `OutboxStore` on the servers of `partitions`."""

    def __init__(self, partitions: Partitions) -> None:
        self._partitions = partitions

    async def post(self, messages: Sequence[Outgoing]) -> int:
        by_partition: dict[int, list[bytes]] = defaultdict(list)
        for message in messages:
            by_partition[partition_of(message.session)] += posted(message)
        change = self._partitions.change
        return await _counted(change(scripts.POST, at, *words) for at, words in by_partition.items())

    async def take(
        self,
        *,
        now: float,
        lease: float,
        limit: int,
        shards: Collection[int] = EVERY_SHARD,
        destinations: Collection[str],
    ) -> list[Outgoing]:
        taken: list[Outgoing] = []
        while destinations and len(taken) < limit:
            found = await self._peek(now, limit - len(taken), shards, destinations)
            if not found:
                break
            # Others may have been faster: then there may be more to find.
            taken += await self._take(found[: limit - len(taken)], now, lease)
        return sorted(taken, key=lambda message: (message.urgency, message.due_at))

    async def _peek(
        self, now: float, limit: int, shards: Collection[int], destinations: Collection[str]
    ) -> list[tuple[int, float, int, bytes]]:
        """What may be taken now, in the order in which it should be: urgency, when due, partition, id."""
        found = []
        words: list[Word] = [rows.score(now), limit, *(to.encode() for to in set(destinations))]
        for group, answer in await self._partitions.look(scripts.PEEK, shards, *words):
            for place, id_, urgency, due_at in _grouped(answer, 4):
                found.append((urgency, rows.undouble(due_at), group[place - 1], id_))
        return sorted(found)

    async def _take(
        self, found: Sequence[tuple[int, float, int, bytes]], now: float, lease: float
    ) -> list[Outgoing]:
        by_partition: dict[int, list[bytes]] = defaultdict(list)
        for *_, at, id_ in found:
            by_partition[at].append(id_)
        times = rows.double(now), rows.double(now + lease)
        run = self._partitions.run
        answers = await asyncio.gather(
            *(run(scripts.TAKE, at, *times, *ids) for at, ids in by_partition.items())
        )
        return [rows.outgoing(*message) for answer in answers for message in _grouped(answer, 3)]

    async def settle(self, message: Outgoing, outcome: Sent | Again | Dead) -> bool:
        at = partition_of(message.session)
        if isinstance(outcome, Sent):
            words = [b"sent", rows.double(outcome.keep_until), outcome.reference or b""]
            if outcome.reference:
                await self._refer(outcome.reference, at, message.id, outcome.keep_until)
        elif isinstance(outcome, Again):
            counts = b"1" if outcome.counts else b"0"
            words = [b"again", rows.double(outcome.due_at), outcome.reason.encode(), counts]
        else:
            words = [b"dead", rows.double(outcome.keep_until), outcome.reason.encode()]
        fence = rows.double(message.fence)
        return bool(await self._partitions.change(scripts.SETTLE, at, message.id, fence, *words))

    async def _refer(self, reference: bytes, at: int, id_: bytes, until: float) -> None:
        """Note where a message of this reference is: in the reference's own partition, all that a report has."""
        where = at.to_bytes(2, "big") + id_
        at_reference = partition_of(reference)
        await self._partitions.change(scripts.REFER, at_reference, reference, where, rows.score(until))

    async def report(self, reference: bytes, status: Status) -> Reported:
        where = await self._partitions.ask(partition_of(reference), b"HGET", b":r", reference)
        if where is None:
            return "unknown"
        at, id_ = int.from_bytes(where[:2], "big"), where[2:]
        said: Reported = (
            await self._partitions.run(scripts.REPORT, at, id_, reference, int(status))
        ).decode()
        return said

    async def messages(
        self, *, state: State | None = None, session: bytes | None = None
    ) -> AsyncIterator[Outgoing]:
        found = self._of_all() if session is None else self._of(session)
        async for message in found:
            if state is None or message.state == state:
                yield message

    async def _of_all(self) -> AsyncIterator[Outgoing]:
        for at in await self._partitions.filled(b":m"):
            cursor, told = b"0", set[bytes]()
            while True:
                cursor, found = await self._partitions.ask(at, b"HSCAN", b":m", cursor, b"COUNT", _PAGE)
                new = [pair for pair in _grouped(found, 2) if pair[0] not in told]
                told.update(id_ for id_, _ in new)
                for message in await self._with_payloads(at, new):
                    yield message
                if cursor == b"0":
                    break

    async def _of(self, session: bytes) -> AsyncIterator[Outgoing]:
        at = partition_of(session)
        ids = await self._partitions.ask(at, b"SMEMBERS", b":o:" + session)
        for start in range(0, len(ids), _PAGE):
            page = ids[start : start + _PAGE]
            values = await self._partitions.ask(at, b"HMGET", b":m", *page)
            there = [(id_, value) for id_, value in zip(page, values, strict=True) if value is not None]
            for message in await self._with_payloads(at, there):
                yield message

    async def _with_payloads(self, at: int, found: Sequence[tuple[bytes, bytes]]) -> list[Outgoing]:
        if not found:
            return []
        payloads = await self._partitions.ask(at, b"HMGET", b":y", *(id_ for id_, _ in found))
        return [
            rows.outgoing(id_, value, payload)
            for (id_, value), payload in zip(found, payloads, strict=True)
            if payload is not None
        ]

    async def replay(self, messages: Sequence[Outgoing], *, now: float, expires_at: float) -> int:
        times = rows.double(now), rows.double(expires_at)
        change = self._partitions.change
        return await _counted(change(scripts.REPLAY, at, *times, *ids) for at, ids in _ids(messages))

    async def discard(self, messages: Sequence[Outgoing]) -> int:
        change = self._partitions.change
        return await _counted(change(scripts.DISCARD, at, *ids) for at, ids in _ids(messages))

    async def reseal(self, message: Outgoing, payload: bytes) -> bool:
        at = partition_of(message.session)
        return bool(await self._partitions.change(scripts.REPACK, at, message.id, payload))

    async def backlog(self, *, shards: Collection[int] = EVERY_SHARD) -> list[Backlog]:
        found: dict[bytes, Backlog] = {}
        for _, answer in await self._partitions.look(scripts.BACKLOG, shards):
            for to, waiting, dead, since in _grouped(answer, 4):
                so_far = found.get(to) or Backlog(to.decode(), 0, 0, None)
                oldest = so_far.oldest
                if since:
                    oldest = rows.undouble(since) if oldest is None else min(oldest, rows.undouble(since))
                found[to] = replace(
                    so_far, waiting=so_far.waiting + waiting, dead=so_far.dead + dead, oldest=oldest
                )
        return sorted(found.values(), key=lambda backlog: backlog.to)

    async def pace(self, name: str, *, now: float, interval: float, burst: int) -> float:
        at, named = _partition_of_name(name)
        wait = await self._partitions.run(
            scripts.PACE, at, named, rows.double(now), rows.double(interval), burst
        )
        return rows.undouble(wait)

    async def pause(self, name: str, until: float) -> None:
        at, named = _partition_of_name(name)
        await self._partitions.run(scripts.PAUSE, at, named, rows.double(until))

    async def share(self, worker: str, *, now: float, lease: float) -> Share:
        words = worker.encode(), rows.double(now), rows.double(now + lease), SHARDS
        workers, *shards = await self._partitions.run(scripts.SHARE, _WORKERS, *words)
        return Share(frozenset(shards), workers)

    async def leave(self, worker: str) -> None:
        await self._partitions.run(scripts.LEAVE, _WORKERS, worker.encode())


def partition_of(key: bytes) -> int:
    """The partition of a session key, however short it is."""
    return partition(key.ljust(2, b"\0"))


def posted(message: Outgoing) -> tuple[bytes, bytes, bytes]:
    """A message as scripts take one."""
    return message.id, rows.message(message), message.payload


def _partition_of_name(name: str) -> tuple[int, bytes]:
    named = name.encode()
    return zlib.crc32(named) % PARTITIONS, named


def _ids(messages: Sequence[Outgoing]) -> Iterator[tuple[int, list[bytes]]]:
    """The ids of messages, each once, by their partitions."""
    by_partition: dict[int, dict[bytes, None]] = defaultdict(dict)
    for message in messages:
        by_partition[partition_of(message.session)][message.id] = None
    return ((at, list(ids)) for at, ids in by_partition.items())


def _grouped(flat: Sequence[Any], size: int) -> Iterator[tuple[Any, ...]]:
    return zip(*(iter(flat),) * size, strict=True)


async def _counted(changes: Iterator[Coroutine[Any, Any, int]]) -> int:
    """How much was changed, each in its partition. Raises `CommitUnknown` also where some are made and some are not."""
    answers = await asyncio.gather(*changes, return_exceptions=True)
    problems = [answer for answer in answers if isinstance(answer, BaseException)]
    for problem in problems:
        if len(problems) < len(answers) and isinstance(problem, StoreUnavailable):
            raise CommitUnknown(str(problem)) from problem
        if not isinstance(problem, StoreUnavailable):
            raise problem
    if problems:
        raise problems[0]
    return sum(answer for answer in answers if isinstance(answer, int))
