"""What leaves the process is sealed: a store that processes share, and a file, hold nothing that can be read.

Topics, streams and users are keyed hashes (HMAC-SHA-256, 128 bits of it). What an entry says, and a message, is sealed
with AES-256-GCM for its place: an entry for its topic and ref, a message for its stream. An entry's key is a keyed
hash, too, of all by which it is adopted. Nodes and refs are random and stand as they are, and so do times, numbers and
sizes.

Sealing keys rotate freely. With another look-up key everything has another name: presence is put again, streams begin
anew, in a store of another name, and log-outs are looked for under every key of the ring, so that none is forgotten.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from kikao.live.stores import epochs
from kikao.live.stores.store import Change, Entry, Listing, LiveStore, Position, Recovery
from kikao.sessions.sealing import KeyRing, SealError

_NAME: Final = 16
"""Octets of a hash, 32 characters as a name."""

_ENTRY: Final = b"live entry "
_MESSAGE: Final = b"live message"

_SCOPE: Final = 6

_EPOCH = re.compile("[0-9a-f]{1,32}").fullmatch
"""What an epoch may look like: that of a position is what a client said."""

_HIGHEST: Final = 2**62

_AT_ONCE: Final = 256
"""Entries of a listing that are opened before others get their turn: about a millisecond."""

logger = logging.getLogger(__name__)


class Streams(Protocol):
    """What `LiveStore` says of streams and log-outs."""

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position: ...

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery: ...

    async def log_out(self, user: str, *, seconds: float) -> float: ...

    async def logged_out(self, user: str) -> float: ...


class _Said(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What is sealed of an entry."""

    topic: str
    key: str
    meta: bytes
    before: str


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(_Said)


def scope_of(ring: KeyRing) -> str:
    """Keeps apart what shares a server: another tenant, another deployment."""
    return ring.lookup("live scope")[:_SCOPE].hex()


class SealedStreams:
    """See the module."""

    def __init__(self, inner: Streams, ring: KeyRing) -> None:
        self._inner = inner
        self._ring = ring
        others = [kid for kid in ring.kids if kid != ring.lookup_kid]
        self._others = [ring.with_lookup(kid) for kid in others]
        self._veil = int.from_bytes(ring.lookup("live store")[: epochs.STORE // 2])
        """What the name of the store is shown with: under another look-up key no stream can be found that was there,
        so that nobody's place may be taken for one in the next."""

    async def append(self, stream: str, message: bytes, *, keep: int, seconds: float) -> Position:
        name = _name(self._ring, "stream", stream)
        sealed = self._ring.seal(message, name, _MESSAGE)
        at = await self._inner.append(name.hex(), sealed, keep=keep, seconds=seconds)
        return self._veiled(at)

    async def since(self, stream: str, after: Position | None, *, most: int = 300) -> Recovery:
        name = _name(self._ring, "stream", stream)
        if after is not None and not (_EPOCH(after.epoch) and 0 <= after.seq < _HIGHEST):
            after = Position("0", 0)
        found = await self._inner.since(name.hex(), None if after is None else self._veiled(after), most=most)
        top = self._veiled(found.top)
        if not found.messages:
            return Recovery(top, found.messages)
        try:
            opened = tuple((seq, self._ring.unseal(each, name, _MESSAGE)) for seq, each in found.messages)
        except SealError as error:
            logger.warning("live sessions: a stream is not replayed: %s", error)
            return Recovery(top, None)
        return Recovery(top, opened)

    async def log_out(self, user: str, *, seconds: float) -> float:
        return await self._inner.log_out(_name(self._ring, "user", user).hex(), seconds=seconds)

    async def logged_out(self, user: str) -> float:
        at = await self._inner.logged_out(_name(self._ring, "user", user).hex())
        if self._others:
            names = [_name(ring, "user", user).hex() for ring in self._others]
            at = max(at, *await asyncio.gather(*map(self._inner.logged_out, names)))
        return at

    def _veiled(self, at: Position) -> Position:
        """A place as it is shown, and from that as it is in the store."""
        return Position(epochs.veiled(at.epoch, self._veil), at.seq)


class Sealed(SealedStreams):
    """A `LiveStore` over one that processes share."""

    def __init__(self, inner: LiveStore, ring: KeyRing) -> None:
        super().__init__(inner, ring)
        self._shared = inner

    async def open(self) -> None:
        await self._shared.open()

    async def close(self) -> None:
        await self._shared.close()

    async def answers(self) -> None:
        await self._shared.answers()

    async def beat(self, node: str) -> bool:
        return await self._shared.beat(node)

    async def retire(self, node: str, seconds: float) -> None:
        await self._shared.retire(node, seconds)

    async def put(self, entry: Entry, *, replaces: str = "") -> Change:
        name = self._topic(entry.topic)
        said = _ENCODER.encode(_Said(entry.topic, entry.key, entry.meta, entry.before))
        mark = self._mark(entry.topic, entry.key, entry.meta)
        sealed = self._ring.seal(said, name, _ENTRY + entry.ref.encode())
        done = await self._shared.put(
            Entry(name.hex(), mark, entry.ref, entry.node, sealed), replaces=replaces
        )
        return Change(
            entry.topic, done.epoch, done.version, (entry,) if done.joins else (), self._opened(done.leaves)
        )

    async def hold(self, topic: str, ref: str, seconds: float) -> bool:
        return await self._shared.hold(self._topic(topic).hex(), ref, seconds)

    async def adopt(self, topic: str, key: str, meta: bytes, node: str) -> Entry | None:
        found = await self._shared.adopt(self._topic(topic).hex(), self._mark(topic, key, meta), b"", node)
        return None if found is None else self._open_entry(found)

    async def remove(self, topic: str, refs: Collection[str]) -> Change | None:
        found = await self._shared.remove(self._topic(topic).hex(), refs)
        if found is None:
            return None
        return Change(topic, found.epoch, found.version, (), self._opened(found.leaves))

    async def listing(self, topic: str) -> Listing:
        found = await self._shared.listing(self._topic(topic).hex())
        entries: list[Entry] = []
        for at in range(0, len(found.entries), _AT_ONCE):
            if at:
                await asyncio.sleep(0)
            entries += self._opened(found.entries[at : at + _AT_ONCE])
        return Listing(found.epoch, found.version, tuple(entries))

    async def versions(self, topics: Sequence[str]) -> Mapping[str, tuple[str, int]]:
        names = {self._topic(topic).hex(): topic for topic in topics}
        found = await self._shared.versions(list(names))
        return {names[name]: place for name, place in found.items()}

    async def reap(self, *, most: int = 1000) -> list[Change]:
        changes: list[Change] = []
        for found in await self._shared.reap(most=most):
            leaves = self._opened(found.leaves)
            if (
                leaves
            ):  # else nobody can say of which topic; whoever hears it sees by its version that it changed
                changes.append(Change(leaves[0].topic, found.epoch, found.version, (), leaves))
        return changes

    def _topic(self, topic: str) -> bytes:
        return _name(self._ring, "topic", topic)

    def _mark(self, topic: str, key: str, meta: bytes) -> str:
        return self._ring.lookup("live entry", topic, key, meta)[:_NAME].hex()

    def _opened(self, entries: Sequence[Entry]) -> tuple[Entry, ...]:
        opened = map(self._open_entry, entries)
        return tuple(entry for entry in opened if entry is not None)

    def _open_entry(self, entry: Entry) -> Entry | None:
        place, purpose = bytes.fromhex(entry.topic), _ENTRY + entry.ref.encode()
        try:
            said = _DECODER.decode(self._ring.unseal(entry.meta, place, purpose))
        except (SealError, msgspec.DecodeError) as error:
            logger.warning("live sessions: somebody present is not shown: %s", error)
            return None
        return Entry(said.topic, said.key, entry.ref, entry.node, said.meta, said.before)


def _name(ring: KeyRing, of: str, what: str) -> bytes:
    return ring.lookup(f"live {of}", what)[:_NAME]
