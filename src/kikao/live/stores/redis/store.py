"""Live sessions in Redis 7 and later, or Valkey: on one server, behind Sentinels, or in a Cluster.

Each change is one script, and so atomic, by the server's own clock. What belongs to a topic, to a stream or to a user
lies in one partition, whose name is the hash tag of its keys (`{kikao:live:07}`). The lease of a node lies in one of
them, too; an entry only says whose it is and under which lease. A node whose lease lapsed gets a new one, and what it
had under the one before is a ghost from then on, whoever comes first: so no ghost stays, and nothing alive is reaped,
although no script looks into two partitions.

A primary that fails may forget what it knew last: epochs, and nodes that are told, make up for that, but a log-out that
it forgot is none.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from secrets import token_hex
from typing import Any, Final

from kikao.live.stores import epochs
from kikao.live.stores.opening import PATIENCE
from kikao.live.stores.redis import scripts
from kikao.live.stores.redis.connecting import PARTITIONS, Connecting, gathered, partition_of
from kikao.live.stores.store import LEASE, REMEMBERED, Change, Entry, Listing, LiveAway, Position, Recovery

_HEAD: Final = 8
"""Octets that say when: before the owner in an entry's value, and before a message in a stream."""

_MARK: Final = 32
"""Characters of a topic, and of a key."""

_EPOCH: Final = 8
"""Random octets of an epoch, and of a lease."""

_SPREAD: Final = 8
"""What is reaped at once is shared out to the partitions as if so many had any."""


class RedisLive:
    """A `LiveStore` at `url`: `redis://`, `rediss://`, `unix://`, `redis+sentinel://`, `redis+cluster://`.

    Raises `ValueError` for a URL that is none. It keeps what `Sealed` hands it: topics and keys are hashes of 32
    characters, and of an entry only the key is compared. `scope` keeps apart what shares a server.
    """

    def __init__(
        self, url: str, *, scope: str = "", lease: float = LEASE, patience: float = PATIENCE
    ) -> None:
        self._at = Connecting(url, scope, patience=patience)
        self._lease = lease
        self._leases: dict[str, str] = {}
        """What the lease is called under which each node of this process puts things."""
        self._tended: dict[str, int] = {}
        """The partition in which each node was last seen to."""

    async def open(self) -> None:
        await self._at.open()

    async def close(self) -> None:
        await self._at.close()

    async def answers(self) -> None:
        await self._at.run(scripts.VERSIONS, 0)

    # --- nodes ---

    async def beat(self, node: str) -> bool:
        known = self._leases.get(node)
        if known is not None:
            self._tended[node] = at = (self._tended.get(node, -1) + 1) % PARTITIONS
            await self._at.run(scripts.TEND, at, f"{node} {known}")
        # What is told once only comes last: whoever does not hear it asks again.
        lease = self._leases[node] = await self._renewed(node)
        return known in (None, lease)

    async def retire(self, node: str, seconds: float) -> None:
        owner = await self._owner(node)
        await asyncio.gather(*(self._at.run(scripts.LEAVE, at, owner, seconds) for at in range(PARTITIONS)))
        self._leases.pop(node, None)
        self._tended.pop(node, None)
        await self._at.plain(b"DEL", partition_of(node), f":l:{node}")

    async def _renewed(self, node: str, *, longer: bool = True) -> str:
        """What the node's lease is called, which begins where there is none."""
        milliseconds = max(1, int(self._lease * 1000))
        words = (node, token_hex(_EPOCH), milliseconds, int(longer))
        return bytes(await self._at.run(scripts.LEASE, partition_of(node), *words)).decode()

    async def _owner(self, node: str) -> str:
        lease = self._leases.get(node)
        if lease is None:
            lease = self._leases.setdefault(node, await self._renewed(node, longer=False))
        return f"{node} {lease}"

    # --- presence ---

    async def put(self, entry: Entry, *, replaces: str = "") -> Change:
        owner = await self._owner(entry.node)
        words = (entry.topic, entry.ref, owner, entry.key, entry.meta, replaces, token_hex(_EPOCH))
        epoch, version, added, replaced = await self._at.run(scripts.PUT, partition_of(entry.topic), *words)
        leaves = (_entry(entry.topic, replaces, replaced),) if replaced else ()
        return Change(entry.topic, epoch.decode(), version, (entry,) if added else (), leaves)

    async def hold(self, topic: str, ref: str, seconds: float) -> bool:
        return bool(await self._at.run(scripts.HOLD, partition_of(topic), topic, ref, seconds))

    async def adopt(self, topic: str, key: str, meta: bytes, node: str) -> Entry | None:
        owner = await self._owner(node)
        found = await self._at.run(scripts.ADOPT, partition_of(topic), topic, key, owner)
        if found is None:
            return None
        ref, value = found
        was = _entry(topic, ref.decode(), value)
        return Entry(topic, key, was.ref, node, was.meta)

    async def remove(self, topic: str, refs: Collection[str]) -> Change | None:
        if not refs:
            return None
        found = await self._at.run(scripts.REMOVE, partition_of(topic), topic, *refs)
        if found is None:
            return None
        epoch, version, leaves = found
        return Change(topic, epoch.decode(), version, (), _entries(topic, leaves))

    async def listing(self, topic: str) -> Listing:
        fields = await self._at.run(scripts.LIST, partition_of(topic), topic, token_hex(_EPOCH))
        found: dict[bytes, bytes] = dict(zip(fields[::2], fields[1::2], strict=True))
        epoch, version = found.pop(b"e"), found.pop(b"v")
        entries = tuple(_entry(topic, field[1:].decode(), value) for field, value in found.items())
        return Listing(epoch.decode(), int(version), entries)

    async def versions(self, topics: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        by_partition: dict[int, list[str]] = defaultdict(list)
        for topic in topics:
            by_partition[partition_of(topic)].append(topic)
        answers = await asyncio.gather(
            *(self._at.run(scripts.VERSIONS, at, *some) for at, some in by_partition.items())
        )
        found: dict[str, tuple[str, int]] = {}
        for some, answer in zip(by_partition.values(), answers, strict=True):
            for topic, epoch, version in zip(some, answer[::2], answer[1::2], strict=True):
                found[topic] = (epoch.decode(), int(version or 0))
        return found

    async def reap(self, *, most: int = 1000) -> list[Change]:
        each = max(1, most // _SPREAD)
        found = await gathered(self._due(at, each) for at in range(PARTITIONS))
        changes = [change for _, some, _ in found for change in some]
        try:
            dead = await self._dead({owner for *_, owners in found for owner in owners})
            buried = await gathered(
                self._at.run(scripts.BURY, at, owner, each)
                for at, _, owners in found
                for owner in owners & dead
            )
        except LiveAway:
            if not changes:
                raise
            return changes  # what is done has to be told, and the rest is done next time
        return [*changes, *(change for some in buried for change in _changes(some))]

    async def _due(self, partition: int, most: int) -> tuple[int, list[Change], set[str]]:
        changes, owners = await self._at.run(scripts.DUE, partition, most)
        return partition, _changes(changes), {owner.decode() for owner in owners}

    async def _dead(self, owners: Collection[str]) -> set[str]:
        """Those whose lease is over."""
        nodes = sorted({owner.rpartition(" ")[0] for owner in owners})
        leases = await asyncio.gather(
            *(self._at.plain(b"GET", partition_of(node), f":l:{node}") for node in nodes)
        )
        alive = {
            f"{node} {lease.decode()}" for node, lease in zip(nodes, leases, strict=True) if lease is not None
        }
        return set(owners) - alive

    # --- streams ---

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        words = (stream, epochs.new_store(), epochs.fresh(), message, keep, seconds, REMEMBERED)
        epoch, seq = await self._at.run(scripts.APPEND, partition_of(stream), *words)
        return Position(epoch.decode(), seq)

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        asked = ("", "", most) if after is None else (after.epoch, after.seq, most)
        words = (stream, epochs.new_store(), REMEMBERED, epochs.HOURS, *asked)
        epoch, top, whole, messages = await self._at.run(scripts.SINCE, partition_of(stream), *words)
        at = Position(epoch.decode(), top)
        if not whole:
            return Recovery(at, None)
        first = top - len(messages) + 1
        return Recovery(
            at, tuple((seq, bytes(each[_HEAD:])) for seq, each in enumerate(messages, start=first))
        )

    # --- who was logged out ---

    async def log_out(self, user: str, *, seconds: float) -> float:
        return float(await self._at.run(scripts.LOG_OUT, partition_of(user), user, seconds))

    async def logged_out(self, user: str) -> float:
        return float(await self._at.plain(b"GET", partition_of(user), f":u:{user}") or 0)


def _changes(found: Iterable[Any]) -> list[Change]:
    return [
        Change(topic.decode(), epoch.decode(), version, (), _entries(topic.decode(), leaves))
        for topic, epoch, version, leaves in found
    ]


def _entries(topic: str, flat: Sequence[bytes]) -> tuple[Entry, ...]:
    """Of ref and value in turn."""
    return tuple(_entry(topic, ref.decode(), value) for ref, value in zip(flat[::2], flat[1::2], strict=True))


def _entry(topic: str, ref: str, value: bytes) -> Entry:
    stop = value.index(b"\n", _HEAD)
    node = value[_HEAD:stop].decode().rpartition(" ")[0]
    body = stop + 1 + _MARK
    return Entry(topic, value[stop + 1 : body].decode(), ref, node, value[body:])
