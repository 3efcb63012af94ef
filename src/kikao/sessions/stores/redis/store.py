"""Sessions in Redis 7 and later, or Valkey: several processes and machines, on one server, behind Sentinels, or in a
Cluster.

Each phase of a turn is one script, and so atomic: a claim looks and takes, a commit compares version and fence and
writes all or nothing. What belongs to a session lies in one partition, whose name is the hash tag of its keys
(`{kikao:0123}`). No key has a time to live: what has expired is removed by a sweep, which never meets a session with an
open intent, nor a message that waits.

It promises what one primary can: while it lives, nothing that was acknowledged is lost or done twice. A failover, or
power loss with `appendfsync everysec`, may forget acknowledged turns, with their dedupe records and intents.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import os
from collections.abc import AsyncIterator, Collection
from typing import Final

from redis.exceptions import RedisError

from kikao.config.redis_urls import RedisUrl, parse
from kikao.sessions.outgoing import EVERY_SHARD
from kikao.sessions.store import (
    Busy,
    Claim,
    CommitUnknown,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    StoreFull,
    StoreRefused,
    StoreUnavailable,
    Write,
)
from kikao.sessions.stores.claims import (
    FOREIGN_INTENT,
    FOREIGN_MESSAGE,
    NAMELESS_INTENT,
    TAKEN_INTENT,
    conflict,
)
from kikao.sessions.stores.jitter import jittered
from kikao.sessions.stores.lines import Lines
from kikao.sessions.stores.redis import rows, scripts
from kikao.sessions.stores.redis.keeping import NOTHING, forgets
from kikao.sessions.stores.redis.moving import Parcel
from kikao.sessions.stores.redis.outbox import RedisOutbox, partition_of, posted
from kikao.sessions.stores.redis.partitions import Partitions
from kikao.sessions.stores.redis.wire import AnswerLost

_SWEEP_CHUNK: Final = 50
"""Sessions removed by one script, which holds up others for about as long as ten turns."""

_COURTESY: Final = 2.0
"""For so many times as long as a chunk of a sweep took, the server is left to others."""

_GIVING_BACK: Final = 20
"""Seconds, or a little less, for which a lease is given back again and again while the server is away: a claim or a
commit that nobody heard of again may be in its buffers, and come to pass when it goes on."""

_SCAN_PAGE: Final = 200

_AT_ONCE: Final = 16
"""Partitions that a scan reads at the same time."""

logger = logging.getLogger(__name__)


class RedisStore(RedisOutbox):
    """A `SessionStore` at `url`: `redis://`, `rediss://`, `unix://`, `redis+sentinel://`, `redis+cluster://`.

    Many processes may have it open. Raises `StoreRefused` for a URL that is none.
    """

    def __init__(self, url: str, *, strict: bool = False) -> None:
        """With `strict` it does not open on a server that keeps nothing on disk; without it only the log says so."""
        super().__init__(Partitions(_parsed(url)))
        self._strict = strict
        self._lines = Lines()
        self._tokens = (os.urandom(8) + n.to_bytes(6, "big") for n in itertools.count())
        """One for each claim, so that one whose answer was lost can be asked again, and is the same claim."""
        self._giving_back: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """Commands that are not answered yet."""
        return self._partitions.servers.waiting

    async def open(self) -> None:
        servers = self._partitions.servers
        try:
            await servers.open()
            for sample in servers.samples():
                await self._probe(sample)
            if risk := await forgets(servers):
                if self._strict and risk == NOTHING:
                    raise StoreRefused(f"{self._partitions.url}: {risk}")
                logger.warning("%s: %s", self._partitions.url, risk)
        except StoreRefused:
            await servers.close()
            raise
        except (StoreUnavailable, RedisError) as error:
            await servers.close()
            raise StoreRefused(
                f"{self._partitions.url}: {error}. Is it running, and may we use it?"
            ) from error

    async def _probe(self, sample: int) -> None:
        """Whether we may do all that is needed. A full server is opened none the less: sweeping makes room."""
        try:
            await self._partitions.run(scripts.PROBE, sample)
        except StoreFull as full:
            logger.warning("%s", full)

    async def close(self) -> None:
        self._lines.close()
        if self._giving_back:
            _, held_up = await asyncio.wait(self._giving_back, timeout=self._partitions.url.options.timeout)
            for task in held_up:
                task.cancel()
        await self._partitions.servers.close()

    async def bind(self, name: str, value: bytes) -> bytes:
        try:
            await self._partitions.ask(0, b"HSETNX", b":b", name, value)
        except StoreFull:
            if await self._partitions.ask(0, b"HGET", b":b", name) is None:
                raise
        except AnswerLost as error:
            raise CommitUnknown(str(error)) from error
        bound: bytes = await self._partitions.ask(0, b"HGET", b":b", name)
        return bound

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        return bool(await self._partitions.change(scripts.REBIND, 0, name, old, new))

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        inbound = b"" if dedupe is None else b"+" + dedupe

        async def ask(elapsed: float, take: bool) -> Claim | Duplicate | Busy:
            return await self._claim(key, inbound, now + elapsed, lease, take=take)

        return await self._lines.claim(key, ask, wait=wait)

    async def _claim(
        self,
        key: bytes,
        inbound: bytes,
        now: float,
        lease: float,
        *,
        take: bool,
    ) -> Claim | Duplicate | Busy:
        token = next(self._tokens)
        times = rows.double(now), rows.double(now + lease)
        words = key, inbound, *times, token, b"1" if take else b"0"
        run, at = self._partitions.run, partition_of(key)
        try:
            what, found, *more = await run(scripts.CLAIM, at, *words)
        except StoreFull:
            if inbound:
                raise
            what, found, *more = await run(scripts.CLAIM_ANYWAY, at, *words)
        except AnswerLost:
            try:
                what, found, *more = await run(scripts.CLAIM, at, *words)
            except BaseException:
                self._give_back(key, b"", token)
                raise
        except asyncio.CancelledError:
            self._give_back(key, b"", token)
            raise
        if what == b"seen":
            return Duplicate(rows.reply(found))
        record = None if found is None else rows.record(key, found)
        if what != b"taken":
            return Busy(record)
        fence, consumed, *intents = more
        opened: tuple[IntentRow, ...] = ()
        if intents:
            pairs = zip(intents[::2], intents[1::2], strict=True)
            opened = tuple(sorted((rows.intent_row(key, *pair) for pair in pairs), key=rows.by_due))
        version = 0 if record is None else record.version
        seen = Seen(None) if consumed == b"1" else None
        return Claim(key, fence, now + lease, record, seen, version, opened)

    async def intent(self, write: Write) -> None:
        await self._write(write, b"0")

    async def commit(self, write: Write) -> None:
        try:
            await self._write(write, b"1")
        finally:
            self._lines.wake(write.key)

    async def _write(self, write: Write, last: bytes) -> None:
        try:
            words = _words(write, last)
            answer = await self._partitions.run(scripts.WRITE, partition_of(write.key), *words)
        except AnswerLost as error:
            if last == b"1":
                self._give_back(write.key, rows.double(write.fence), b"")
            raise CommitUnknown(str(error)) from error
        except BaseException:
            if last == b"1":
                self._give_back(write.key, rows.double(write.fence), b"")
            raise
        if answer[0] == b"conflict":
            raise conflict(write, int(answer[1]), int(answer[2]))
        if answer[0] == b"taken":
            raise ValueError(TAKEN_INTENT)

    async def release(self, claim: Claim) -> None:
        await self._release(claim.key, rows.double(claim.fence), b"")

    async def _release(self, key: bytes, fence: bytes, token: bytes) -> None:
        await self._partitions.run(scripts.RELEASE, partition_of(key), key, fence, token)
        self._lines.wake(key)

    def _give_back(self, key: bytes, fence: bytes, token: bytes) -> None:
        """Give a lease back as soon as the server can be asked, for about as long as a lease lasts."""

        async def give_back() -> None:
            for _ in range(_GIVING_BACK):
                with contextlib.suppress(StoreUnavailable):
                    await self._release(key, fence, token)
                    return
                await asyncio.sleep(jittered(1.0))

        task = asyncio.create_task(give_back())
        self._giving_back.add(task)
        task.add_done_callback(self._giving_back.discard)

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        words = key, rows.double(fence), rows.double(lease_until), *ids
        return int(await self._partitions.change(scripts.RENEW, partition_of(key), *words))

    async def end(self, key: bytes) -> bool:
        return bool(await self._partitions.change(scripts.END, partition_of(key), key))

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        removed = 0
        found = await self._partitions.look(scripts.EXPIRED, shards, rows.score(now))
        for at in sorted(group[place - 1] for group, places in found for place in places):
            removed += await self._sweep(at, now, limit - removed)
        return removed

    async def _sweep(self, at: int, now: float, limit: int) -> int:
        """Sweep a partition, and leave the server to others in between."""
        clock = asyncio.get_running_loop().time
        removed, over, more = 0, 0, b"1"
        while more == b"1":
            began = clock()
            chunk = min(_SWEEP_CHUNK, limit - removed)
            words = rows.score(now), rows.double(now), chunk, over
            gone, over, more = await self._partitions.change(scripts.SWEEP, at, *words)
            removed += gone
            await asyncio.sleep((clock() - began) * _COURTESY)
        return removed

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        words = rows.score(now), rows.double(now), limit
        found: list[IntentRow] = []
        for _, answer in await self._partitions.look(scripts.DUE, shards, *words):
            each = iter(answer)
            found += [
                rows.intent_row(session, id_, row) for session, id_, row in zip(each, each, each, strict=True)
            ]
        return sorted(found, key=rows.by_due)[:limit]

    async def scan(self) -> AsyncIterator[Record]:
        filled = await self._partitions.filled(b":s")
        for start in range(0, len(filled), _AT_ONCE):
            partitions = filled[start : start + _AT_ONCE]
            pages = await asyncio.gather(*(self._page(at, b"0") for at in partitions))
            for at, (cursor, found) in zip(partitions, pages, strict=True):
                told: set[bytes] = set()
                while True:
                    new = [(key, value) for key, value in found if key not in told]
                    told.update(key for key, _ in new)
                    for key, value in new:
                        yield rows.record(key, value)
                    if cursor == b"0":
                        break
                    cursor, found = await self._page(at, cursor)

    async def _page(self, at: int, cursor: bytes) -> tuple[bytes, list[tuple[bytes, bytes]]]:
        cursor, flat = await self._partitions.ask(at, b"HSCAN", b":s", cursor, b"COUNT", _SCAN_PAGE)
        return cursor, list(zip(flat[::2], flat[1::2], strict=True))

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        at, name = partition_of(key), b":d:" + key
        if dedupe is not None:
            found = await self._partitions.ask(at, b"HGET", name, dedupe)
            return () if found is None else (rows.dedupe(dedupe, found),)
        flat = await self._partitions.ask(at, b"HGETALL", name)
        return tuple(rows.dedupe(*pair) for pair in zip(flat[::2], flat[1::2], strict=True))

    async def replace(self, replacement: Replacement) -> bool:
        key, to = replacement.key, replacement.to
        version, fence = rows.double(replacement.version), rows.double(replacement.fence)
        if to == key:
            sealed = rows.sealed(replacement.address, replacement.state)
            replies = [word for pair in replacement.replies for word in pair]
            words = key, version, fence, sealed, *replies
            return bool(await self._partitions.change(scripts.RESEAL, partition_of(key), *words))
        parcel = Parcel(await self._partitions.run(scripts.FETCH, partition_of(key), key))
        if not parcel.is_of(replacement):
            return False
        if parcel.nameless(replacement):
            raise ValueError(NAMELESS_INTENT)
        # Two partitions may lie on two servers: first it is put where it goes, then taken from where it was.
        put = parcel.addressed(replacement)
        await self._partitions.change(scripts.PUT, partition_of(to), *put)
        for reference, id_, until in parcel.references():
            await self._refer(reference, partition_of(to), id_, until)
        dropped = await self._partitions.change(scripts.DROP, partition_of(key), key, version, fence)
        return bool(dropped)


def _parsed(url: str) -> RedisUrl:
    try:
        return parse(url)
    except ValueError as error:
        raise StoreRefused(
            f"the address of the session store: {error}. See docs/reference/settings.md."
        ) from None


def _words(write: Write, last: bytes) -> list[bytes | int]:
    """A write as its script takes it. Raises `ValueError`, or what a value that is none raises."""
    if any(row.session != write.key for row in write.open):
        raise ValueError(FOREIGN_INTENT)
    if any(message.session != write.key for message in write.outbox):
        raise ValueError(FOREIGN_MESSAGE)
    dedupe = write.dedupe
    seen: tuple[bytes, bytes, bytes] = (b"", b"", b"")
    if dedupe is not None:
        seen = (b"+" + dedupe.key, rows.seen(dedupe), rows.score(dedupe.expires_at))
    words: list[bytes | int] = [
        write.key,
        rows.double(write.fence),
        rows.double(write.version),
        last,
        rows.written(write),
        rows.score(write.expires_at),
        *seen,
        len(write.open),
    ]
    for row in write.open:
        words += row.id, rows.intent(row), rows.score(row.due_at)
    words += len(write.close), *write.close, len(write.outbox)
    for message in write.outbox:
        words += posted(message)
    return words
