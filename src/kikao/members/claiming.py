"""Claiming the session of whoever sent an inbound: who that is, and where their dealings are kept.

The key is the address's own; an anchor that lies there leads to the session that a linked address shares. Whatever
became of links and members on the way (a crash between the two databases, a member who was erased, a number that was
handed on), nobody goes on with what is another member's:

- an anchor is void unless the address that it leads to is behind the member it was made for;
- a session is emptied when its member is not behind its address any more.

Both are a comparison of ids. Where they differ the directory is asked: while a link comes into force, after one was cut
short, and for members who turned out to be one.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from typing import NamedTuple

from kikao.members.known import Known
from kikao.members.unlisted import Members
from kikao.sessions.anchors import FOLLOWED
from kikao.sessions.keeper import Answered, Held, Sessions
from kikao.sessions.policy import Address, address_of, session_key
from kikao.sessions.store import Busy, Conflict, StoreUnavailable

Found = Held | Answered | Busy | None


class Claimed(NamedTuple):
    """What became of a claim."""

    found: Found
    key: bytes
    """Of where the dealings are kept."""
    known: Known
    """Whose they are."""


async def claim(
    sessions: Sessions,
    members: Members,
    address: Address,
    names: tuple[bytes, ...],
    *,
    named: tuple[str, str],
    key: bytes,
    wait: float,
) -> Claimed:
    """Take the session of an address for the inbound of these names, or answer it; wait for it so many seconds.

    `named` is the kind and the identity of the address, `key` that of its session.

    Raises `RecordsAway`, `StoreUnavailable`, and `Conflict` when it took so long that others may have been faster.
    """
    until = time.monotonic() + wait
    # Before the claim, since records are another database: whoever is met twice is one member.
    known = await members.meet(*named)
    found: Found = await sessions.claim(key, names, address, wait=wait)
    for _ in range(FOLLOWED):
        if not isinstance(found, Held) or not found.session.anchor:
            return Claimed(await _rightful(sessions, members, found, known, address, named), key, known)
        anchor, target = found, address_of(found.session.anchor, address)
        async with _let_go_on_error(sessions, anchor):
            # The anchor is held meanwhile, so that it cannot be taken away.
            left = max(until - time.monotonic(), 0.0)
            target_key = session_key(sessions.ring, target.parts)
            found = await sessions.claim(target_key, names, target, wait=left)
            if isinstance(found, Held):
                async with _let_go_on_error(sessions, found):
                    owner = await _owner(members, anchor, known, target)
                    if owner is None:
                        await sessions.release_quietly(found)
                        anchor.begin_anew(address)
                        return Claimed(anchor, key, known)
                    known = owner
        await sessions.release_quietly(anchor)
        address, key, named = target, target_key, _named(target)
    if isinstance(found, Held):
        await sessions.release_quietly(found)
    raise StoreUnavailable(f"an address is anchored more than {FOLLOWED} times over")


async def _owner(members: Members, anchor: Held, known: Known, target: Address) -> Known | None:
    """Whose dealings are kept where an anchor leads, if the anchor holds. Raises `Conflict` when its lease is over."""
    if anchor.lapsed:
        raise Conflict("the anchor of an address may have moved meanwhile")
    member = anchor.session.member
    if known.id == member:
        return known
    named = _named(target)
    return await members.meet(*named) if await members.holds(member, *named) else None


async def _rightful(
    sessions: Sessions,
    members: Members,
    found: Found,
    known: Known,
    address: Address,
    named: tuple[str, str],
) -> Found:
    """A session, emptied if it is of somebody who is not behind its address any more; busy while that cannot be."""
    if not isinstance(found, Held) or not found.policy.names_one(address):
        return found
    member = found.session.member
    if member in ("", known.id):
        return found
    async with _let_go_on_error(sessions, found):
        if await members.holds(member, *named):
            return found
        if not found.claim.intents:
            found.begin_anew(found.address)
            return found
    await sessions.release_quietly(found)
    return Busy(found.claim.record)


def _named(place: Address) -> tuple[str, str]:
    """The kind and the identity that an anchor names."""
    kind, _, identity = place.parts[-1].partition(":")
    return kind, identity


@contextlib.asynccontextmanager
async def _let_go_on_error(sessions: Sessions, held: Held) -> AsyncIterator[None]:
    try:
        yield
    except BaseException:
        await sessions.release_quietly(held)
        raise
