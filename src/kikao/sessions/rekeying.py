"""Another look-up key for a store: every session gets the key, and every open intent the id, that the new one gives.

A session key is made of parts that stand sealed beside it, and an intent's id of a token in the sealed state, so both
can be made anew. A dedupe record's name cannot: the provider's message id is not kept. Those records move with their
session under the name they have, the store remembers the former look-up key until the last of them has expired, and
until then a turn looks for its inbound under that name too (`Sessions.names`).

Nobody else may use the store meanwhile. The move is recorded before it begins: from then on no server starts until it
has been ended, and doing it again goes on where it stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import msgspec
from msgspec import structs

from kikao.sessions.keeper import Sessions
from kikao.sessions.keys import PROPERTY, FormerKey, Key, StoreKeys, is_needed, open_intents, settle
from kikao.sessions.policy import session_key
from kikao.sessions.sealing import ADDRESS, STATE, KeyRing, SealError, reply_to
from kikao.sessions.store import Dedupe, IntentRow, Record, Replacement, SessionStore, StoreRefused

BATCH: Final = 100
"""Sessions in one go."""

Progress = Callable[[int, int], None]
"""Hears how many sessions have moved, and of how many."""


async def rekey(store: SessionStore, ring: KeyRing, now: float, progress: Progress) -> StoreKeys:
    """Look up with the ring's first key from now on. The store is open, and used by nobody else.

    Returns what the store remembers of keys then. Raises `StoreRefused`, with no session changed, when a key is
    missing, when a move to yet another key was begun, or when a session would not be found any more.
    """
    keys = await settle(store, ring, now, moving=True)
    if keys.moving_to is None and keys.lookup.kid == ring.active:
        return keys
    _refuse_another(keys, ring)
    move = _Move(store, ring.with_lookup(keys.lookup.kid), ring.with_lookup(ring.active), now)
    await move.survey()
    if keys.moving_to is None:
        check = move.new.lookup_check.hex()
        keys = await _change(store, keys, moving_to=FormerKey(ring.active, check, move.names_until))
    progress(0, move.total)
    # The last pass moves nothing: what could not be found under the new key must not be left behind.
    while await move.once(progress):
        continue
    return await _end(store, keys, now)


class _Move:
    """The sessions of a store on their way from one look-up key to another."""

    def __init__(self, store: SessionStore, old: KeyRing, new: KeyRing, now: float) -> None:
        self.store = store
        self._sessions = Sessions(store, old)
        self.old = old
        self.new = new
        self.now = now
        self.total = 0
        """Sessions that had to move when this was begun."""
        self.done = 0
        self.names_until = 0.0
        """When the last dedupe record expires."""

    async def survey(self) -> None:
        """Look at everything before anything is changed. Raises `StoreRefused` when a session would be lost."""
        intents = await open_intents(self.store)
        lost = []
        async for record in self.store.scan():
            move = self._move(record, intents.get(record.key, []))
            if move is not None:
                self.total += move.to != record.key
            elif is_needed(record, intents, self.now):
                lost.append(record.key.hex()[:12])
            seen = await self.store.seen(record.key)
            self.names_until = max(self.names_until, *(dedupe.expires_at for dedupe in seen), 0.0)
        if lost:
            raise StoreRefused(_lost(lost))

    async def once(self, progress: Progress) -> int:
        """Move what has not moved; how many that were. Raises `StoreRefused` when somebody else uses the store."""
        before = self.done
        intents = await open_intents(self.store)
        batch: list[Record] = []
        async for record in self.store.scan():
            batch.append(record)
            if len(batch) == BATCH:
                await self._batch(batch, intents, progress)
                batch = []
        await self._batch(batch, intents, progress)
        return self.done - before

    async def _batch(
        self, batch: Sequence[Record], intents: dict[bytes, list[IntentRow]], progress: Progress
    ) -> None:
        moves = [
            move
            for record in batch
            if (move := self._move(record, intents.get(record.key, []))) is not None and move.to != record.key
        ]
        replacements = [move.replacement(self.new, await self.store.seen(move.record.key)) for move in moves]
        if not all(await asyncio.gather(*map(self.store.replace, replacements))):
            raise StoreRefused("sessions change while they move. Stop every server that uses this store.")
        if moves:
            self.done += len(moves)
            progress(self.done, max(self.total, self.done))

    def _move(self, record: Record, rows: Sequence[IntentRow]) -> _Session | None:
        """Where a session belongs; None when nothing tells."""
        try:
            parts = self._sessions.address_of(record).parts
            session = self._sessions.session_of(record)
        except (SealError, msgspec.DecodeError):
            return None
        to = session_key(self.new, parts)
        if to == record.key:
            return _Session(record, to, {})
        if session_key(self.old, parts) != record.key:
            return None
        tokens = [intent.token for intent in session.conversation.intents()]
        ids = {self.old.lookup("intent", token): self.new.lookup("intent", token) for token in tokens}
        return _Session(record, to, ids) if all(row.id in ids for row in rows) else None


class _Session(msgspec.Struct, frozen=True):
    """A session and where it belongs."""

    record: Record
    to: bytes
    intents: dict[bytes, bytes]

    def replacement(self, ring: KeyRing, seen: Sequence[Dedupe]) -> Replacement:
        """The session at its new place, under the active key. Raises `SealError`."""
        record, to = self.record, self.to
        replies = []
        for dedupe in seen:
            if dedupe.reply is not None:
                try:
                    reply = ring.reseal(dedupe.reply, record.key, reply_to(dedupe.key), to=to)
                except SealError:
                    continue  # nobody can be told it, here or there; it expires
                replies.append((dedupe.key, reply))
        return Replacement(
            record.key,
            record.version,
            record.fence,
            to,
            ring.reseal(record.state, record.key, STATE, record.version, to=to),
            ring.reseal(record.address, record.key, ADDRESS, to=to),
            tuple(replies),
            tuple(self.intents.items()),
        )


def _lost(names: Sequence[str]) -> str:
    some = ", ".join(names[:10]) + (", ..." if len(names) > 10 else "")
    if len(names) == 1:
        what = "1 session does not open, or does not tell what its key was made of"
    else:
        what = f"{len(names):,} sessions do not open, or do not tell what their keys were made of"
    return (
        f"{what}: under another look-up key nobody would find it ({some}). No session was changed. One without an open "
        "intent goes by itself once it has expired."
    )


def _refuse_another(keys: StoreKeys, ring: KeyRing) -> None:
    """Refuse a move to another key than the one that a move was begun to."""
    moving = keys.moving_to
    if moving is None:
        return
    if moving.kid != ring.active:
        raise StoreRefused(
            f"this store is half-way from the look-up key {keys.lookup.kid!r} to {moving.kid!r}. Put {moving.kid!r} "
            "first in KIKAO_SECRET_KEYS, and end that move before another."
        )
    if Key.of(ring, moving.kid) != Key(moving.kid, moving.check):
        raise StoreRefused(
            f"the secret key {moving.kid!r} is not the one that this store is moving to. Set KIKAO_SECRET_KEYS to the "
            "keys that belong to this store."
        )


async def _end(store: SessionStore, keys: StoreKeys, now: float) -> StoreKeys:
    assert keys.moving_to is not None
    lookup = Key(keys.moving_to.kid, keys.moving_to.check)
    left = FormerKey(keys.lookup.kid, keys.lookup.check, keys.moving_to.until)
    former = {key.kid: key for key in (*keys.former, left) if key.until > now and key.kid != lookup.kid}
    return await _change(store, keys, lookup=lookup, moving_to=None, former=tuple(former.values()))


async def _change(store: SessionStore, keys: StoreKeys, **changes: object) -> StoreKeys:
    changed = structs.replace(keys, **changes)
    if not await store.rebind(PROPERTY, keys.encoded, changed.encoded):
        raise StoreRefused("somebody else changed what this store remembers of keys. Do it again.")
    return changed
