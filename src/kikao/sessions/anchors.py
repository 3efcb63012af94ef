"""Anchors: addresses that were linked to one member share a session, and a redelivery never notices.

A session's key is a function of the address an inbound came from. Where a policy identifies by `member`, linking an
address leaves an *anchor* under that key: a record that says where its dealings are kept from now on. It is set only
when nothing is alive under the key (no session, no open effect, no dedupe record), so whatever was delivered before
the link can no longer be redelivered after it. A turn claims the address's own key first; the lease and the version of
that record decide between a turn and a link at the same moment.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Final

from kikao.conversation.journal import Conversation
from kikao.sessions.keeper import LEASE, Held, Sessions
from kikao.sessions.policy import DEFAULTS, Address, session_key

Named = tuple[str, str]
"""The kind and the identity of an address, as `policy.address_kind` gives them."""

WAIT: Final = LEASE
"""Seconds to wait for a turn at work."""


class Anchors:
    """Moves the anchors of one app's sessions. `flow` is its entry flow."""

    def __init__(self, sessions: Sessions, *, flow: str) -> None:
        self._sessions = sessions
        self._flow = flow

    async def link(self, address: Named, to: Named) -> bool:
        """Have the dealings of `address` kept with those of `to`; False while something is alive where they are kept.

        True at once where no policy identifies by member. May be done again after a crash at any point.
        """
        return all([await self._link(prefix, address, to) for prefix in self._prefixes()])

    async def unlink(self, address: Named) -> bool:
        """Have the dealings of `address` kept on their own; False while something is alive where they are kept."""
        return all([await self._unlink(prefix, address) for prefix in self._prefixes()])

    def _prefixes(self) -> set[tuple[str, ...]]:
        """How the keys begin of which an address is the rest: with the flow, or with nothing."""
        found: set[tuple[str, ...]] = set()
        for channel in DEFAULTS:
            policy = self._sessions.policies[channel]
            if policy.identifier == "member":
                found.add((f"flow:{self._flow}",) if "flow" in policy.boundaries else ())
        return found

    async def _link(self, prefix: tuple[str, ...], address: Named, to: Named) -> bool:
        own, target = _parts(prefix, address), _parts(prefix, to)
        while True:
            if own == target:
                return True
            # Both, so that two links that point at each other cannot be made at the same time. In the order in which
            # turns take them; two such links wait for each other until one gives up.
            async with self._held(own) as held, self._held(target) as other:
                if held is None or other is None:
                    return False
                if not other.session.anchor:
                    return await self._anchor(held, target)
                target = other.session.anchor

    async def _anchor(self, held: Held, target: tuple[str, ...]) -> bool:
        before = held.session.anchor
        if before == target:
            return True
        if before:
            async with self._held(before) as kept:
                quiet = kept is not None and self._quiet(kept)
        else:
            quiet = self._quiet(held)
        if quiet:
            held.session.anchor = target
            held.session.conversation, held.session.dialogue = Conversation(), None
            await held.commit()
        return quiet

    async def _unlink(self, prefix: tuple[str, ...], address: Named) -> bool:
        own = _parts(prefix, address)
        async with self._held(own) as held:
            if held is None:
                return False
            if not held.session.anchor:
                return True
            async with self._held(held.session.anchor) as kept:
                if kept is None or not self._quiet(kept):
                    return False
                return await self._sessions.store.end(held.claim.key)

    def _quiet(self, held: Held) -> bool:
        """Nothing alive: the record outlives every dedupe record and every outcome that waits to be told."""
        record = held.claim.record
        return not held.claim.intents and (record is None or record.expires_at <= self._sessions.clock())

    @contextlib.asynccontextmanager
    async def _held(self, parts: tuple[str, ...]) -> AsyncIterator[Held | None]:
        """The session of these parts, whether it exists or not; None while a turn does not let go of it."""
        kind, _, identity = parts[-1].partition(":")
        channel = next(name for name in DEFAULTS if self._sessions.policies[name].identifier == "member")
        address = Address(channel, "", identity, msisdn=identity if kind == "msisdn" else "", parts=parts)
        held = await self._sessions.claim(session_key(self._sessions.ring, parts), (), address, wait=WAIT)
        if not isinstance(held, Held):
            yield None
            return
        try:
            yield held
        finally:
            await self._sessions.release_quietly(held)


def _parts(prefix: tuple[str, ...], address: Named) -> tuple[str, ...]:
    return (*prefix, ":".join(address))
