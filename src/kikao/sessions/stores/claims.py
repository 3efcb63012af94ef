"""How an inbound gets its session where leases are held in the process: look, take or wait, look again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.sessions.store import Busy, Claim, Conflict, Duplicate, IntentRow, Record, Seen, Write
from kikao.sessions.stores.leases import Leases

Sight = tuple[Record | None, Seen | None, tuple[IntentRow, ...]]
"""The record of a session, what is known of an inbound, and the session's open intents."""

Look = Callable[[bytes, bytes | None, float], Sight]
"""Looks at a session and an inbound: `look(key, dedupe, now)`."""

FOREIGN_INTENT: Final = "an intent must belong to the session it is written with"
FOREIGN_MESSAGE: Final = "a message must belong to the session it is written with"
TAKEN_INTENT: Final = "an intent of this id is open in another session"
NAMELESS_INTENT: Final = "a session cannot move without a new id for each of its open intents"


def claim_now(
    leases: Leases, look: Look, key: bytes, dedupe: bytes | None, now: float, lease: float
) -> Claim | Duplicate | int:
    """The claim if the session is free, or the duplicate; else the version found, to `claim_in_line` with."""
    record, seen, intents = look(key, dedupe, now)
    if seen is not None and seen.reply is not None:
        return Duplicate(seen.reply)
    version = 0 if record is None else record.version
    held = leases.take(key, now, lease)
    if held is None:
        return version
    return Claim(key, held[0], held[1], record, seen, version, intents)


async def claim_in_line(
    leases: Leases,
    look: Look,
    key: bytes,
    dedupe: bytes | None,
    *,
    now: float,
    lease: float,
    wait: float,
    arrival: int,
) -> Claim | Duplicate | Busy:
    """Wait for the session, and look again: the turn waited for may have answered this very inbound."""
    held = await leases.wait(key, now=now, lease=lease, wait=wait) if wait > 0 else None
    try:
        record, seen, intents = look(key, dedupe, now)
        if held is not None and (seen is None or seen.reply is None):
            claim = Claim(key, held[0], held[1], record, seen, arrival, intents)
            held = None
            return claim
    finally:
        if held is not None:
            leases.release(key, held[0])
    if seen is not None and seen.reply is not None:
        return Duplicate(seen.reply)
    return Busy(record)


def conflict(write: Write, version: int, fence: int) -> Conflict:
    """What a write is told that expected something else than is stored."""
    return Conflict(
        f"expected version {write.version} and a fence up to {write.fence}, found {version} and {fence}"
    )
