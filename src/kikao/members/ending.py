"""Ending the sessions of a member who is erased: wherever an address was met, and the anchors that tie addresses."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from kikao.members.addresses import MemberAddress
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import Address, MissingIdentifier, address_kind
from kikao.sessions.sealing import SealError
from kikao.sessions.store import Record


class EffectOpen(Exception):
    """A session cannot end now: what it asked a service to do is not settled. Nothing is erased before it is."""

    SAFE = True
    """The text names nobody."""


async def end_sessions(sessions: Sessions, addresses: Iterable[MemberAddress]) -> None:
    """End every session of these addresses, with its replies that could be redelivered; then each stands alone.

    It looks at every session there is: some 20 µs each. Raises `EffectOpen` and `StoreUnavailable`; those that have
    ended stay so, and ending them again does no harm.
    """
    wanted = frozenset(f"{one.kind}:{one.identity}" for one in addresses)
    ended = [await sessions.store.end(key) for key in await _keys(sessions, wanted)]
    if not all(ended) and await _keys(sessions, wanted):
        raise EffectOpen(
            "a request of this member is not settled yet: the service behind still has to say what became of it. "
            "Let the server find out, then erase again."
        )


async def _keys(sessions: Sessions, wanted: frozenset[str]) -> list[bytes]:
    return [record.key async for record in sessions.store.scan() if _is_of(sessions, record, wanted)]


def _is_of(sessions: Sessions, record: Record, wanted: frozenset[str]) -> bool:
    """Whether a session was met at one of these addresses, was named after it, or is an anchor that leads there."""
    try:
        address = sessions.address_of(record)
        if not wanted.isdisjoint(address.parts) or _name(address) in wanted:
            return True
        return not wanted.isdisjoint(sessions.session_of(record).anchor)
    except (SealError, msgspec.DecodeError):
        return False  # it opens for nobody, and is swept when its time comes


def _name(address: Address) -> str:
    try:
        return ":".join(address_kind(address))
    except MissingIdentifier:
        return ""
