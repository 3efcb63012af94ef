"""A store that may forget, with a ledger that does not: no critical effect is lost, or performed twice, by a failover.

Redis and Valkey acknowledge a write before a replica has it, so a failover may take back the last ones. For a menu that
is a screen shown again. For a payment it is not enough; so three things hold of critical effects:

1. An effect begins, and its outcome counts, only once the ledger has the session as it is then written.
2. Whoever claims a session that the ledger knows to be further gets it as the ledger has it, put together with what
   happened since. A writer that does not know what the ledger knows changes nothing (`Conflict`), and claims again.
3. Recovery is told of effects that are open in the ledger, also of those that the store forgot.

A turn without a critical effect never asks the ledger: that a session had one lately is remembered in the process, and
learnt from the other processes every few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Collection
from typing import Final

from msgspec.structs import replace

from kikao.sessions.ledger.book import Behind, Kept, Latest, Put
from kikao.sessions.ledger.ledger import Ledger
from kikao.sessions.ledger.restoring import put_together
from kikao.sessions.outgoing import EVERY_SHARD, shard
from kikao.sessions.passing import PassingStore
from kikao.sessions.sealing import ADDRESS, STATE, KeyRing, reply_to
from kikao.sessions.session import decode, encode
from kikao.sessions.store import (
    Busy,
    Claim,
    CommitUnknown,
    Conflict,
    Duplicate,
    IntentRow,
    Record,
    Replacement,
    Seen,
    SessionStore,
    StoreUnavailable,
    Write,
)

KEPT: Final = 900.0
"""Seconds that an effect is kept after it was settled: a store that forgets does so within seconds."""

OVERLAP: Final = 30.0
"""Seconds by which looks at what is new overlap: clocks of machines differ, and a commit takes its time."""

PRUNED: Final = 1000
"""Sessions that leave the ledger in one sweep."""

RESTORED: Final = 0
"""The fence of an effect that was put back: nobody performs it under this one, so recovery asks what became of it."""


class LedgeredStore(PassingStore):
    """A `SessionStore` in front of a fast one. `ring` opens and seals sessions that have to be put together.

    Messages are the fast store's alone: what an effect has to send, the ledger keeps with the effect's write.
    """

    def __init__(
        self, fast: SessionStore, ledger: Ledger, ring: KeyRing, *, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__(fast)
        self._ledger = ledger
        self._ring = ring
        self._clock = clock
        self._latest: dict[bytes, Latest] = {}
        """Sessions with a critical effect, open or settled lately."""
        self._behind: dict[bytes, bool] = {}
        """Sessions that the store may have forgotten something of; True where it certainly has."""
        self._known: dict[bytes, frozenset[bytes]] = {}
        """Open intents of sessions that are claimed here, as the store has them."""
        self._looked_at = 0.0

    # --- beginning and end ---

    async def open(self) -> None:
        await self._ledger.open()
        await self.store.open()
        await self._look()

    async def close(self) -> None:
        try:
            await self.store.close()
        finally:
            await self._ledger.close()

    # --- turns ---

    async def claim(
        self, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
    ) -> Claim | Duplicate | Busy:
        claim = await self.store.claim(key, dedupe, now=now, lease=lease, wait=wait)
        if not isinstance(claim, Claim):
            return claim
        if claim.intents or self._known:
            self._knows(claim)
        latest = self._latest.get(key)
        if latest is None or not (key in self._behind or _is_behind(claim, latest.version, latest.open)):
            return claim
        found: Claim | Duplicate | None = None
        try:
            found = await self._caught_up(claim, dedupe, now)
        finally:
            if not isinstance(found, Claim):
                await self.store.release(claim)
        return found

    async def intent(self, write: Write) -> None:
        if not write.critical:
            await self.store.intent(write)
            return
        put = await self._put(write)
        try:
            await self.store.intent(write)
        except (Conflict, StoreUnavailable):  # certainly not stored, and nothing was begun
            try:
                await self._ledger.withdraw(write, put, self._clock())
            except (StoreUnavailable, CommitUnknown) as error:  # recovery may find it
                raise CommitUnknown("the ledger has it, and not the store") from error
            raise
        known = self._known.get(write.key, frozenset())
        self._known[write.key] = (known | {row.id for row in write.open}) - set(write.close)

    async def commit(self, write: Write) -> None:
        if write.critical:
            try:
                await self._put(write)
            except BaseException:
                await self.store.release(Claim(write.key, write.fence, 0.0, None))
                raise
        try:
            await self.store.commit(write)
        except StoreUnavailable as error:
            if write.critical:  # whoever claims the session next gets it
                raise CommitUnknown("the ledger has it, and not the store") from error
            raise
        self._known.pop(write.key, None)
        latest = self._latest.get(write.key)
        if latest is not None and write.expires_at < latest.expires_at:
            await self._shortened(latest, write.expires_at)

    async def release(self, claim: Claim) -> None:
        self._known.pop(claim.key, None)
        await self.store.release(claim)

    async def renew(self, key: bytes, ids: tuple[bytes, ...], fence: int, lease_until: float) -> int:
        renewed = await self.store.renew(key, ids, fence, lease_until)  # first: while it lasts recovery waits
        latest = self._latest.get(key)
        if latest is not None and latest.open.intersection(ids):
            await self._ledger.renew(key, ids, fence, lease_until)
        return renewed

    # --- beside turns ---

    async def end(self, key: bytes) -> bool:
        if not await self._ledger.forget(key):
            return False
        self._forget(key)
        return await self.store.end(key)

    async def sweep(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> int:
        with contextlib.suppress(StoreUnavailable, CommitUnknown):
            await self._ledger.prune(now - KEPT, PRUNED)
        return await self.store.sweep(now=now, limit=limit, shards=shards)

    async def due(self, *, now: float, limit: int, shards: Collection[int] = EVERY_SHARD) -> list[IntentRow]:
        """Those of the store and those of the ledger: whoever claims a session finds it as it was."""
        rows = await self.store.due(now=now, limit=limit, shards=shards)
        with contextlib.suppress(StoreUnavailable):  # then those of the ledger come later
            await self._look()
            known = {(row.session, row.id) for row in rows}
            more = await self._ledger.due(now, limit)
            rows = rows + [
                row for row in more if (row.session, row.id) not in known and shard(row.session) in shards
            ]
        return sorted(rows, key=lambda row: (row.due_at, row.id))[:limit]

    async def replace(self, replacement: Replacement) -> bool:
        """The ledger's own copy moves first: should this end here, doing it again finds it moved."""
        kept = await self._ledger.kept(replacement.key) if replacement.key in self._latest else None
        if kept is not None:
            await self._ledger.moved(
                replacement.key, self._resealed(kept, replacement), dict(replacement.intents)
            )
            self._latest.pop(replacement.key, None)
        return await self.store.replace(replacement)

    async def reconcile(self, now: float) -> int:
        """Put back what the store forgot of effects that are open; how many sessions that were looked at.

        For whoever goes through the whole store next: what it forgot, it does not list.
        """
        await self._look()
        opened = [latest.session for latest in self._latest.values() if latest.open]
        for key in opened:
            claim = await self.claim(key, None, now=now, lease=60.0, wait=0.0)
            if isinstance(claim, Claim):
                await self.release(claim)
        return len(opened)

    # --- how ---

    async def _put(self, write: Write) -> Put:
        """Write to the ledger. Raises `Conflict` when the writer does not know what the ledger knows."""
        try:
            put = await self._ledger.put(write, self._known.get(write.key, ()), self._clock())
        except Behind as behind:
            self._behind[write.key] = behind.again
            if behind.kept is not None:
                self._remember(write.key, behind.kept)
            raise Conflict("the ledger knows more of this session than its writer does") from None
        except (CommitUnknown, asyncio.CancelledError):
            # Whatever the ledger has by now: whoever claims the session next looks.
            self._behind.setdefault(write.key, False)
            self._latest[write.key] = _latest(write, frozenset(row.id for row in write.open), self._clock())
            raise
        before = put.before.open if put.before is not None else ()
        opened = {row.id for row in before} | {row.id for row in write.open if row.id in write.critical}
        self._latest[write.key] = _latest(write, frozenset(opened.difference(write.close)), self._clock())
        return put

    async def _caught_up(self, claim: Claim, dedupe: bytes | None, now: float) -> Claim | Duplicate:
        """The session as the ledger has it, if the store is behind it; put back into the store, under this claim."""
        key, record = claim.key, claim.record
        kept = await self._ledger.kept(key)
        if kept is None:
            self._forget(key)
            return claim
        self._remember(key, kept)
        certainly = self._behind.get(key, False)
        if not certainly and not _is_behind(claim, kept.version, frozenset(row.id for row in kept.open)):
            self._behind.pop(key, None)
            return claim
        if record is None and not kept.open and kept.expires_at <= now:  # it ended, and was swept
            await self._ledger.forget(key)
            self._forget(key)
            return claim
        found = await self._put_back(claim, kept, now)
        self._behind.pop(key, None)
        again = kept.write.dedupe
        if again is None or again.key != dedupe or again.expires_at <= now:
            return found
        return replace(found, seen=Seen(None)) if again.reply is None else Duplicate(again.reply)

    async def _put_back(self, claim: Claim, kept: Kept, now: float) -> Claim:
        ring, key, record = self._ring, claim.key, claim.record
        session = decode(ring.unseal(kept.write.state, key, STATE, kept.version))
        base, expires_at = 0, kept.expires_at
        if record is not None:
            base, expires_at = record.version, max(expires_at, record.expires_at)
            present = decode(ring.unseal(record.state, key, STATE, base))
            session = put_together(present, session, again=self._behind.get(key, False))
        intents = [each for each in session.conversation.intents() if each.entry is None]
        rings = [ring.with_lookup(kid) for kid in ring.kids]  # whichever of them the store looks up with
        ids = {one.lookup("intent", each.token) for one in rings for each in intents}
        rows = tuple(replace(row, fence=RESTORED, due_at=min(row.due_at, now)) for row in kept.open)
        dedupe = kept.write.dedupe
        write = Write(
            key,
            claim.fence,
            base,
            expires_at,
            ring.seal(encode(session), key, STATE, base + 1),
            kept.write.address if record is None else record.address,
            dedupe if dedupe is not None and dedupe.expires_at > now else None,
            rows,
            tuple(row.id for row in claim.intents if row.id not in ids),
        )
        if not await self._ledger.restored(kept.version, write, self._clock()):
            raise Conflict("somebody else puts this session back")
        self._latest[key] = _latest(write, frozenset(row.id for row in rows), self._clock())
        await self.store.intent(write)
        if kept.write.outbox:
            await self.store.post(kept.write.outbox)
        others = [row for row in claim.intents if row.id in ids and row.id not in {each.id for each in rows}]
        record = Record(key, base + 1, claim.fence, expires_at, write.state, write.address)
        found = replace(claim, record=record, intents=(*rows, *others))
        self._knows(found)
        return found

    def _resealed(self, kept: Kept, replacement: Replacement) -> Write:
        ring, write, key, to = self._ring, kept.write, replacement.key, replacement.to
        dedupe = write.dedupe
        if dedupe is not None and dedupe.reply is not None:
            sealed = ring.reseal(dedupe.reply, key, reply_to(dedupe.key), to=to)
            dedupe = replace(dedupe, reply=sealed)
        return replace(
            write,
            key=to,
            state=ring.reseal(write.state, key, STATE, kept.version, to=to),
            address=ring.reseal(write.address, key, ADDRESS, to=to),
            dedupe=dedupe,
            outbox=tuple(replace(message, session=to) for message in write.outbox),
        )

    async def _shortened(self, latest: Latest, expires_at: float) -> None:
        """A session that ends early must not come back: what fails here only keeps it a little longer."""
        self._latest[latest.session] = replace(latest, expires_at=expires_at)
        with contextlib.suppress(StoreUnavailable, CommitUnknown):
            await self._ledger.shorten(latest.session, expires_at)

    async def _look(self) -> None:
        """Learn which sessions had critical effects in other processes, and forget those of long ago."""
        now = self._clock()
        since = max(self._looked_at - OVERLAP, now - KEPT)
        found = await self._ledger.latest(since)
        for latest in found:
            known = self._latest.get(latest.session)
            if known is None or known.at <= latest.at:
                self._latest[latest.session] = latest
        self._looked_at = now
        there = {latest.session for latest in found}  # with all that have an open effect
        for key in [
            key for key, latest in self._latest.items() if latest.at < now - KEPT and key not in there
        ]:
            del self._latest[key]
        self._behind = {key: certainly for key, certainly in self._behind.items() if key in self._latest}

    def _remember(self, key: bytes, kept: Kept) -> None:
        opened = frozenset(row.id for row in kept.open)
        self._latest[key] = Latest(key, kept.version, kept.expires_at, self._clock(), opened)

    def _forget(self, key: bytes) -> None:
        self._latest.pop(key, None)
        self._behind.pop(key, None)

    def _knows(self, claim: Claim) -> None:
        if claim.intents:
            self._known[claim.key] = frozenset(row.id for row in claim.intents)
        else:
            self._known.pop(claim.key, None)


def _is_behind(claim: Claim, version: int, opened: frozenset[bytes]) -> bool:
    if claim.record is None or claim.record.version < version:
        return True
    return not opened <= {row.id for row in claim.intents} if opened else False


def _latest(write: Write, opened: frozenset[bytes], at: float) -> Latest:
    return Latest(write.key, write.version + 1, write.expires_at, at, opened)
