"""A dialogue that is over, as the provider told, where nothing but ids tells a dial.

What comes next under the same id, or without any, is a dial then. Else it would be taken for an answer: the code that
was dialled, for an amount.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Final

from kikao.channels.accumulated import let_go
from kikao.channels.inbound import Inbound
from kikao.members import Members
from kikao.members.claiming import claim
from kikao.records import RecordsAway
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.policy import Address, MissingIdentifier, address_kind, session_key
from kikao.sessions.store import CommitUnknown, Conflict, StoreUnavailable

SHARE: Final = 0.5
"""Of the time that there is, to wait until nobody else is at work on the session."""

AWAY: Final = (StoreUnavailable, CommitUnknown, RecordsAway, TimeoutError)


async def end(
    inbound: Inbound,
    address: Callable[[], Address],
    sessions: Sessions,
    members: Members,
    *,
    within: float,
) -> bool:
    """Have the session of an address forget its dialogue if that is the one that is over, within so many seconds.

    No turn: the member is not met, nothing is shown or answered, and the session expires when it would have. Told
    again, nothing is written. Returns False where the store or the records did not take it: nothing is changed then.
    """
    with contextlib.suppress(Conflict, MissingIdentifier):  # somebody was faster, or is nobody
        try:
            async with asyncio.timeout(within):
                held = await _held(address(), sessions, members, within * SHARE)
                if held is not None:
                    await _end(inbound, held, sessions)
        except AWAY:
            return False
    return True


async def _held(address: Address, sessions: Sessions, members: Members, wait: float) -> Held | None:
    """The session, if there is one and nobody is at work on it for all of the time."""
    key = session_key(sessions.ring, address.parts)
    found = await sessions.claim(key, wait=wait)
    if isinstance(found, Held) and found.session.anchor:
        await sessions.release_quietly(found)
        found = (
            await claim(sessions, members, address, (), named=address_kind(address), key=key, wait=wait)
        ).found
    return found if isinstance(found, Held) else None


async def _end(inbound: Inbound, held: Held, sessions: Sessions) -> None:
    try:
        session = held.session
        dialogue = None if held.fresh else let_go(inbound, session.dialogue, session.hashed)
        if dialogue is not None:
            session.dialogue = dialogue
            await held.supersede()
    finally:
        await sessions.release_quietly(held)
