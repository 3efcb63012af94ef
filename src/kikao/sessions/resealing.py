"""Sealing anew: what a retired key has sealed is put under the active one, so that the retired key can really go.

Every write of a turn seals under the active key. What nobody writes again (a conversation that waits, a reply that may
be asked for, an anchor, a message to send) is met here, a few at a time: in a running server after its start, or by
`kikao migrate --reseal`. Versions stay, no lease is taken, and a turn at work never notices. What was done is done:
after a stop the next pass only finds the rest.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final, Protocol

import msgspec

from kikao.events import KeysResealed, Publish, described
from kikao.sessions.keeper import Sessions
from kikao.sessions.keys import is_needed, open_intents, opened_until
from kikao.sessions.sealing import ADDRESS, STATE, KeyRing, SealError, message_to, reply_to
from kikao.sessions.store import Record, Replacement, SessionStore

BATCH: Final = 20
"""Sessions in one go: about a millisecond of the event loop."""

LEAVE: Final = 2.0
"""A running server leaves so many times as long to its turns as a batch took."""

RETRY: Final = 60.0
"""Seconds until a pass that was broken off, or was overtaken by turns, is done again."""

ResealMembers = Callable[[Callable[[int, int], None]], Awaitable[None]]
"""Seals the keys of members anew; tells how many are done, and of how many."""


class Pass(msgspec.Struct):
    """What a pass over a store has done."""

    sealed: int = 0
    """Sessions of which something was sealed anew."""
    messages: int = 0
    """Messages to send that were sealed anew."""
    overtaken: int = 0
    """Sessions that turns changed meanwhile: the next pass looks again."""
    unreadable: int = 0
    """Sessions of which something, and messages that, do not open with their own key. They stay, until they expire."""


async def reseal(
    store: SessionStore,
    ring: KeyRing,
    now: float,
    *,
    leave: float = 0.0,
    progress: Callable[[int], None] | None = None,
) -> Pass:
    """One pass over a store. `leave` says how much time turns get between batches, as a multiple of a batch's.

    `progress` hears how many sessions were looked at.
    """
    intents = await open_intents(store)
    done, looked = Pass(), 0
    batch: list[Record] = []
    clock = time.perf_counter

    async def settle() -> None:
        began = clock()
        await asyncio.gather(
            *(
                _reseal(store, ring, record, now, needed=is_needed(record, intents, now), done=done)
                for record in batch
            )
        )
        await asyncio.sleep(leave * (clock() - began))
        batch.clear()
        if progress is not None:
            progress(looked)

    async for record in store.scan():
        looked += 1
        batch.append(record)
        if len(batch) == BATCH:
            await settle()
    await settle()
    await _reseal_messages(store, ring, now, leave=leave, done=done)
    return done


async def _reseal(
    store: SessionStore, ring: KeyRing, record: Record, now: float, *, needed: bool, done: Pass
) -> None:
    key = record.key
    seen = [
        dedupe for dedupe in await store.seen(key) if dedupe.reply is not None and dedupe.expires_at > now
    ]
    blobs = [
        (record.state, STATE, record.version),
        (record.address, ADDRESS, 0),
        *((dedupe.reply or b"", reply_to(dedupe.key), 0) for dedupe in seen),
    ]
    if all(ring.is_fresh(blob) for blob, _, _ in blobs):
        return
    anew = [_anew(ring, blob, key, purpose, version) for blob, purpose, version in blobs]
    state, address, *replies = anew
    replaced = await store.replace(
        Replacement(
            key,
            record.version,
            record.fence,
            key,
            state or record.state,
            address or record.address,
            tuple((dedupe.key, reply) for dedupe, reply in zip(seen, replies, strict=True) if reply),
        )
    )
    if not replaced:
        done.overtaken += 1
    elif None not in anew:
        done.sealed += 1
    elif needed:
        done.unreadable += 1


async def _reseal_messages(
    store: SessionStore, ring: KeyRing, now: float, *, leave: float, done: Pass
) -> None:
    began = time.perf_counter()
    async for message in store.messages():
        if ring.is_fresh(message.payload) or opened_until(message) <= now:
            continue
        anew = _anew(ring, message.payload, message.id, message_to(message.to), 0)
        if anew is None:
            done.unreadable += 1
        else:
            done.messages += await store.reseal(message, anew)
        await asyncio.sleep(leave * (time.perf_counter() - began))
        began = time.perf_counter()


def _anew(ring: KeyRing, blob: bytes, key: bytes, purpose: bytes, version: int) -> bytes | None:
    """The same under the active key; None for what does not open."""
    if ring.is_fresh(blob):
        return blob
    try:
        return ring.reseal(blob, key, purpose, version)
    except SealError:
        return None


class Counted(Protocol):
    """What was done to things that are not in the store."""

    sealed: int
    unreadable: int


class Resealer:
    """Seals anew what retired keys have sealed, beside the turns of a running server.

    `members` does the same for the keys of members, where there is a directory, and `files` for files.
    """

    def __init__(
        self,
        sessions: Sessions,
        publish: Publish,
        *,
        members: ResealMembers | None = None,
        files: Callable[[], Awaitable[Counted]] | None = None,
        retry: float = RETRY,
    ) -> None:
        self._sessions = sessions
        self._publish = publish
        self._members = members
        self._files = files
        self._retry = retry

    async def run(self) -> None:
        """Until nothing is left to do; at once with a single key. Cancel it to stop."""
        while len(self._sessions.ring.kids) > 1:
            if await self.once():
                return
            await asyncio.sleep(self._retry)

    async def once(self) -> bool:
        """One pass; False when another one is worth it. What fails is told in the event."""
        sessions, began = self._sessions, time.perf_counter()
        done = Pass()
        left: int | None = None
        error: Exception | None = None
        try:
            if sessions.retired:
                done = await reseal(sessions.store, sessions.ring, sessions.clock(), leave=LEAVE)
            if self._members is not None:
                await self._members(_unheard)
            if self._files is not None:
                files = await self._files()
                done.sealed, done.unreadable = done.sealed + files.sealed, done.unreadable + files.unreadable
            left = done.overtaken + done.unreadable
        except Exception as problem:  # noqa: BLE001 - the next pass goes on where this one ended
            error = problem
        seconds = round(time.perf_counter() - began, 3)
        self._publish(
            KeysResealed(
                count=done.sealed + done.messages, left=left, seconds=seconds, error=described(error)
            )
        )
        return error is None and not done.overtaken


def _unheard(*_: int) -> None:
    """Nobody waits for this."""
