"""Anchors: addresses that were linked to one member share a session, and a redelivery never notices.

A session's key is a function of the address an inbound came from. Where a policy identifies by `member`, linking an
address leaves an *anchor* under that key: a record that says where its dealings are kept from now on, and whose they
are. It is set, moved and taken away only when nothing is alive where the dealings are kept (no session, no open effect,
no dedupe record), so whatever was delivered before cannot be redelivered after. A turn claims the address's own key
first; the lease and the version of that record decide between a turn and a link at the same moment.

Nobody waits long while holding something: a link that finds a turn at work gives up, and is tried again. So turns and
links, or two links that cross, never stand in each other's way until a lease is over.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from kikao.conversation.journal import Conversation
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.policy import DEFAULTS, Address, address_of, session_key
from kikao.sessions.store import Conflict

Named = tuple[str, str]
"""The kind and the identity of an address, as `policy.address_kind` gives them."""

Parts = tuple[str, ...]
"""The parts of a session key."""

PATIENCE: Final = 0.25
"""Seconds to wait for a turn at work. Most take milliseconds; where one takes longer nothing is at rest."""

FOLLOWED: Final = 5
"""Anchors that a turn follows; each points to the member's own session, so one is the rule."""

LONGEST_CHAIN: Final = 2 * FOLLOWED
"""Anchors that are followed to put a chain right: links end chains that turns no longer reach the end of."""


class Anchors:
    """Moves the anchors of one app's sessions. `flow` is its entry flow."""

    def __init__(self, sessions: Sessions, *, flow: str) -> None:
        self._sessions = sessions
        self._flow = flow

    async def link(self, address: Named, to: Named, member: str) -> bool:
        """Have the dealings of `address` kept with those of `to`; False while something is alive where they are kept.

        `member` is the id of whom both belong to from then on. True at once where no policy identifies by member. May
        be done again after a crash at any point.
        """
        return all([await self._link(prefix, address, to, member) for prefix in self._prefixes()])

    async def unlink(self, address: Named) -> bool:
        """Have the dealings of `address` kept on their own; False while something is alive where they are kept."""
        return all([await self._unlink(prefix, address) for prefix in self._prefixes()])

    def _prefixes(self) -> set[Parts]:
        """How the keys begin of which an address is the rest: with the flow, or with nothing."""
        found: set[Parts] = set()
        for channel in DEFAULTS:
            policy = self._sessions.policies[channel]
            if policy.identifier == "member":
                found.add((f"flow:{self._flow}",) if "flow" in policy.boundaries else ())
        return found

    async def _link(self, prefix: Parts, address: Named, to: Named, member: str) -> bool:
        async with self._grip() as grip:
            own = await grip.take(_parts(prefix, address))
            if own is None:
                return False
            end = await grip.end(_parts(prefix, to), own)
            if end is None:
                return False
            if end is own:
                return True  # the other way round
            target, before = end.address.parts, own.session.anchor
            if before == target and own.session.member == member:
                return True
            kept = await grip.end(before, own) if before else own
            if kept is None or not (kept is end or await grip.quieten(kept, own)):
                return False
            own.session.anchor, own.session.member = target, member
            own.session.conversation, own.session.dialogue = Conversation(), None
            return await grip.commit(own)

    async def _unlink(self, prefix: Parts, address: Named) -> bool:
        async with self._grip() as grip:
            own = await grip.take(_parts(prefix, address))
            if own is None or not own.session.anchor:
                return own is not None
            kept = await grip.end(own.session.anchor, own)
            if kept is None or not await grip.quieten(kept, own):
                return False
            return not grip.lapsed and await self._sessions.store.end(own.claim.key)

    @contextlib.asynccontextmanager
    async def _grip(self) -> AsyncIterator[_Grip]:
        grip = _Grip(self._sessions)
        try:
            yield grip
        finally:
            await grip.let_go()


class _Grip:
    """The sessions that one link holds, whether they exist or not."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._held: dict[Parts, Held] = {}

    async def take(self, parts: Parts) -> Held | None:
        """The session of these parts; None while a turn does not let go of it."""
        if parts in self._held:
            return self._held[parts]
        channel = next(name for name in DEFAULTS if self._sessions.policies[name].identifier == "member")
        address = address_of(parts, Address(channel, "", ""))
        held = await self._sessions.claim(session_key(self._sessions.ring, parts), (), address, wait=PATIENCE)
        if not isinstance(held, Held):
            return None
        self._held[parts] = held
        return held

    async def end(self, parts: Parts, own: Held) -> Held | None:
        """Where the dealings of an address are kept: over anchors to a session, or back to `own`. None: see `take`."""
        for _ in range(LONGEST_CHAIN):
            held = await self.take(parts)
            if held is None or held is own or not held.session.anchor:
                return held
            parts = held.session.anchor
        return None

    async def quieten(self, kept: Held, own: Held) -> bool:
        """Whether nothing is alive where dealings are kept; then a turn of before that still works can write nothing.

        The record outlives every dedupe record, and every outcome that waits to be told.
        """
        record = kept.claim.record
        if kept.claim.intents or self.lapsed:
            return False
        if kept is own:  # that changes itself; an anchor that leads back to itself keeps nothing
            return record is None or bool(own.session.anchor) or record.expires_at <= self._sessions.clock()
        if record is None:
            return True  # a turn whose lease is over does not make a session
        if record.expires_at > self._sessions.clock():
            return False
        try:
            await kept.supersede()
        except Conflict:
            return False
        return True

    @property
    def lapsed(self) -> bool:
        """Whether this took so long that others may have been here."""
        return any(held.lapsed for held in self._held.values())

    async def commit(self, own: Held) -> bool:
        """Write what was changed; False when somebody was faster, or may have been."""
        if self.lapsed:
            return False
        try:
            await own.commit()
        except Conflict:
            return False
        return True

    async def let_go(self) -> None:
        for held in self._held.values():
            await self._sessions.release_quietly(held)


def _parts(prefix: Parts, address: Named) -> Parts:
    return (*prefix, ":".join(address))
