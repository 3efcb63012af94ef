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
TAKEN_INTENT: Final = "an intent of this id is open in another session"


async def claim_leased(
    leases: Leases, look: Look, key: bytes, dedupe: bytes | None, *, now: float, lease: float, wait: float
) -> Claim | Duplicate | Busy:
    """`SessionStore.claim` over a lease table and a way to look."""
    record, seen, intents = look(key, dedupe, now)
    if seen is not None and seen.reply is not None:
        return Duplicate(seen.reply)
    arrival = 0 if record is None else record.version
    held = leases.take(key, now=now, lease=lease)
    if held is None:
        held = await leases.wait(key, now=now, lease=lease, wait=wait) if wait > 0 else None
        try:
            # The turn that was waited for may have answered this very inbound.
            record, seen, intents = look(key, dedupe, now)
        except BaseException:
            if held is not None:
                leases.release(key, held.fence)
            raise
        if seen is not None and seen.reply is not None:
            if held is not None:
                leases.release(key, held.fence)
            return Duplicate(seen.reply)
        if held is None:
            return Busy(record)
    return Claim(key, held.fence, held.until, record, seen, arrival, intents)


def conflict(write: Write, version: int, fence: int) -> Conflict:
    """What a write is told that expected something else than is stored."""
    return Conflict(
        f"expected version {write.version} and a fence up to {write.fence}, found {version} and {fence}"
    )
