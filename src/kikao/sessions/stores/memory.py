"""Sessions in the memory of one process: for tests, benchmarks and trying things out.

Each session is one `bytes` object, and so is each dedupe record: the garbage collector has nothing to walk,
and nothing a caller holds can change what is stored.
"""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator, Collection, Iterator
from struct import Struct
from typing import Final

from msgspec.structs import replace

from kikao.sessions.outgoing import EVERY_SHARD, shard
from kikao.sessions.store import (
    Busy,
    Claim,
    Dedupe,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    Write,
)
from kikao.sessions.stores.claims import (
    FOREIGN_INTENT,
    FOREIGN_MESSAGE,
    NAMELESS_INTENT,
    TAKEN_INTENT,
    Sight,
    claim_in_line,
    claim_now,
    conflict,
)
from kikao.sessions.stores.expiry import NEVER, REMOVED, STALE, ExpiryIndex, slot_of
from kikao.sessions.stores.leases import Leases
from kikao.sessions.stores.memory_outbox import MemoryOutbox

_SESSION: Final = Struct("<qqdqI")
"""version, fence, expires_at, slot in the expiry index, length of the address; then address,
state.
"""

_SEEN: Final = Struct("<dq?")
"""expires_at, slot in the expiry index, has a reply; then the reply."""

_EVERYTHING: Final = 2**62


class MemoryStore(MemoryOutbox):
    """A `SessionStore` that promises nothing past the process. It belongs to one event loop."""

    def __init__(self) -> None:
        super().__init__()
        self._leases = Leases()
        self._sessions: dict[bytes, bytes] = {}
        self._session_expiries = ExpiryIndex()
        self._seen: dict[bytes, bytes] = {}
        self._seen_expiries = ExpiryIndex()
        self._seen_of: dict[bytes, bytearray] = {}  # the dedupe keys of a session, for `end`
        self._intents: dict[bytes, dict[bytes, IntentRow]] = {}  # open ones, by session and id
        self._session_of: dict[bytes, bytes] = {}  # by intent
        self._bound: dict[str, bytes] = {}

    def __len__(self) -> int:
        """How many sessions are stored."""
        return len(self._sessions)

    async def open(self) -> None:
        """Leases of a process that died over the same memory (a restart, in tests) are void."""
        self._leases = Leases(self._leases.fence)
        for key, rows in self._intents.items():
            self._intents[key] = {id_: replace(row, lease_until=0.0) for id_, row in rows.items()}
        self._reopen()

    async def close(self) -> None:
        self._leases.close()

    async def bind(self, name: str, value: bytes) -> bytes:
        return self._bound.setdefault(name, value)

    async def rebind(self, name: str, old: bytes, new: bytes) -> bool:
        if self._bound.get(name) != old:
            return False
        self._bound[name] = new
        return True

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        claim = claim_now(self._leases, self._look, key, dedupe, now, lease)
        if not isinstance(claim, int):
            return claim
        return await claim_in_line(
            self._leases, self._look, key, dedupe, now=now, lease=lease, wait=wait, arrival=claim
        )

    async def intent(self, write: Write) -> None:
        self._apply(write)

    async def commit(self, write: Write) -> None:
        try:
            self._apply(write)
        finally:
            self._leases.release(write.key, write.fence)

    async def release(self, claim: Claim) -> None:
        self._leases.release(claim.key, claim.fence)

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        rows = self._intents.get(key, {})
        renewed = 0
        for id_ in ids:
            if id_ in rows and rows[id_].fence == fence:
                rows[id_] = replace(rows[id_], lease_until=lease_until)
                renewed += 1
        return renewed

    async def end(self, key: bytes) -> bool:
        if key not in self._sessions or key in self._intents:
            return False
        del self._sessions[key]
        for dedupe in _unpack_keys(self._seen_of.pop(key, b"")):
            del self._seen[_pair(key, dedupe)]
        return True

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        def visit_session(key: bytes, slot: int) -> int:
            blob = self._sessions.get(key)
            if blob is None:
                return STALE
            _, _, expires_at, filed, _ = _SESSION.unpack_from(blob)
            if filed != slot:
                return STALE
            if expires_at <= now:
                if key in self._intents or self._leases.is_held(key, now) or shard(key) not in shards:
                    return slot
                del self._sessions[key]
                return REMOVED
            if (later := slot_of(expires_at)) != slot:
                self._sessions[key] = blob[:24] + later.to_bytes(8, "little") + blob[32:]
            return later

        def visit_seen(pair: bytes, slot: int) -> int:
            blob = self._seen.get(pair)
            if blob is None:
                return STALE
            expires_at, filed, _ = _SEEN.unpack_from(blob)
            if filed != slot:
                return STALE
            if expires_at <= now:
                self._forget(pair)
                return REMOVED
            if (later := slot_of(expires_at)) != slot:
                self._seen[pair] = blob[:8] + later.to_bytes(8, "little") + blob[16:]
            return later

        removed = await self._session_expiries.sweep(visit_session, now=now, limit=limit)
        await self._seen_expiries.sweep(visit_seen, now=now, limit=_EVERYTHING)
        self._sweep_messages(now, shards)
        return removed

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        every = (row for key, rows in self._intents.items() if shard(key) in shards for row in rows.values())
        ready = (row for row in every if row.lease_until <= now and row.due_at <= now)
        return heapq.nsmallest(limit, ready, key=_by_due)

    async def scan(self) -> AsyncIterator[Record]:
        for key in list(self._sessions):
            blob = self._sessions.get(key)
            if blob is not None:
                yield _record(key, blob)

    async def seen(self, key: bytes, dedupe: bytes | None = None) -> tuple[Dedupe, ...]:
        names = _unpack_keys(self._seen_of.get(key, b"")) if dedupe is None else (dedupe,)
        found = ((name, self._seen.get(_pair(key, name))) for name in names)
        return tuple(_dedupe(name, blob) for name, blob in found if blob is not None)

    async def replace(self, replacement: Replacement) -> bool:
        key, to = replacement.key, replacement.to
        blob = self._sessions.get(key)
        if blob is None:
            return False
        version, fence, expires_at, slot, _ = _SESSION.unpack_from(blob)
        if (version, fence) != (replacement.version, replacement.fence):
            return False
        ids = dict(replacement.intents)
        if to != key:
            if self._intents.get(key, {}).keys() - ids.keys():
                raise ValueError(NAMELESS_INTENT)
            self._move(key, to, ids)
            slot = slot_of(expires_at)
            self._session_expiries.file(to, slot)
        self._sessions[to] = (
            _SESSION.pack(version, fence, expires_at, slot, len(replacement.address))
            + replacement.address
            + replacement.state
        )
        for name, reply in replacement.replies:
            before = self._seen.get(_pair(to, name))
            if before is not None and _SEEN.unpack_from(before)[2]:
                self._seen[_pair(to, name)] = before[: _SEEN.size] + reply
        return True

    def _move(self, key: bytes, to: bytes, ids: dict[bytes, bytes]) -> None:
        """Take what belongs to a session to another key, in place of what is there."""
        for id_ in self._intents.pop(to, {}):
            del self._session_of[id_]
        for name in list(_unpack_keys(self._seen_of.get(to, b""))):
            self._forget(_pair(to, name))
        del self._sessions[key]
        self._move_messages(key, to)
        rows = self._intents.pop(key, None)
        if rows is not None:
            for id_ in rows:
                del self._session_of[id_]
            moved = [replace(row, id=ids[row.id], session=to) for row in rows.values()]
            self._intents[to] = {row.id: row for row in moved}
            self._session_of.update((row.id, to) for row in moved)
        names = self._seen_of.pop(key, None)
        if names is not None:
            self._seen_of[to] = names
            for name in _unpack_keys(names):
                found = self._seen.pop(_pair(key, name))
                self._seen[_pair(to, name)] = found
                self._seen_expiries.file(_pair(to, name), _SEEN.unpack_from(found)[1])

    def _look(self, key: bytes, dedupe: bytes | None, now: float) -> Sight:
        seen = None
        if dedupe is not None and (found := self._seen.get(_pair(key, dedupe))) is not None:
            expires_at, _, replied = _SEEN.unpack_from(found)
            if expires_at > now:
                seen = Seen(found[_SEEN.size :] if replied else None)
        blob = self._sessions.get(key)
        if blob is None:
            return None, seen, ()
        rows = self._intents.get(key)
        return _record(key, blob), seen, () if rows is None else tuple(sorted(rows.values(), key=_by_due))

    def _apply(self, write: Write) -> None:
        """Everything that can fail comes first; then everything is stored."""
        key = write.key
        before = self._sessions.get(key)
        version = fence = 0
        slot = NEVER + 1
        if before is not None:
            version, fence, _, slot, _ = _SESSION.unpack_from(before)
        if write.version != version or write.fence < fence:
            raise conflict(write, version, fence)
        if write.open or write.close:
            self._check_intents(write)
        if write.outbox and any(message.session != key for message in write.outbox):
            raise ValueError(FOREIGN_MESSAGE)
        if file := (sooner := slot_of(write.expires_at)) < slot:
            slot = sooner
        blob = (
            _SESSION.pack(version + 1, write.fence, write.expires_at, slot, len(write.address))
            + write.address
            + write.state
        )
        if write.dedupe is not None:
            self._remember(key, write.dedupe)
        self._sessions[key] = blob
        if file:
            self._session_expiries.file(key, slot)
        if write.open or write.close:
            self._move_intents(write)
        for message in write.outbox:
            self._post(message)

    def _check_intents(self, write: Write) -> None:
        if any(row.session != write.key for row in write.open):
            raise ValueError(FOREIGN_INTENT)
        for id_ in (*write.close, *(row.id for row in write.open)):
            if self._session_of.get(id_, write.key) != write.key:
                raise ValueError(TAKEN_INTENT)

    def _move_intents(self, write: Write) -> None:
        rows = self._intents.setdefault(write.key, {})
        for id_ in write.close:
            if rows.pop(id_, None) is not None:
                del self._session_of[id_]
        for row in write.open:
            rows[row.id] = row
            self._session_of[row.id] = write.key
        if not rows:
            del self._intents[write.key]

    def _remember(self, key: bytes, dedupe: Dedupe) -> None:
        pair = _pair(key, dedupe.key)
        before = self._seen.get(pair)
        slot = slot_of(dedupe.expires_at)
        file = True
        if before is not None:
            filed = _SEEN.unpack_from(before)[1]
            if filed <= slot:
                slot, file = filed, False
        reply = dedupe.reply
        self._seen[pair] = _SEEN.pack(dedupe.expires_at, slot, reply is not None) + (reply or b"")
        if file:
            self._seen_expiries.file(pair, slot)
        if before is None:
            packed = len(dedupe.key).to_bytes(2, "big") + dedupe.key
            keys = self._seen_of.get(key)
            if keys is None:
                self._seen_of[key] = bytearray(packed)
            else:
                keys += packed

    def _forget(self, pair: bytes) -> None:
        del self._seen[pair]
        key, dedupe = _unpair(pair)
        keys = self._seen_of[key]
        at = 0
        for candidate in _unpack_keys(keys):
            end = at + 2 + len(candidate)
            if candidate == dedupe:
                del keys[at:end]
                break
            at = end
        if not keys:
            del self._seen_of[key]


def _record(key: bytes, blob: bytes) -> Record:
    version, fence, expires_at, _, address = _SESSION.unpack_from(blob)
    state_at = _SESSION.size + address
    return Record(key, version, fence, expires_at, blob[state_at:], blob[_SESSION.size : state_at])


def _dedupe(name: bytes, blob: bytes) -> Dedupe:
    expires_at, _, replied = _SEEN.unpack_from(blob)
    return Dedupe(name, blob[_SEEN.size :] if replied else None, expires_at)


def _by_due(row: IntentRow) -> tuple[float, bytes]:
    return row.due_at, row.id


def _pair(key: bytes, dedupe: bytes) -> bytes:
    return len(key).to_bytes(2, "big") + key + dedupe


def _unpair(pair: bytes) -> tuple[bytes, bytes]:
    end = 2 + int.from_bytes(pair[:2], "big")
    return pair[2:end], pair[end:]


def _unpack_keys(packed: bytes | bytearray) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        end = at + 2 + int.from_bytes(packed[at : at + 2], "big")
        yield bytes(packed[at + 2 : end])
        at = end
