"""Which conversations are replayed: those of a store that somebody could go on with, opened in this process."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Final

import msgspec

from kikao.checking.replaying import in_flight
from kikao.conversation.journal import Conversation
from kikao.conversation.member import Member
from kikao.sessions.policy import Address, Policies
from kikao.sessions.sealing import ADDRESS, STATE, KeyRing, SealError
from kikao.sessions.session import Session, decode
from kikao.sessions.store import Record, SessionStore
from kikao.sessions.stores.sqlite.reader import snapshot
from kikao.sessions.viewing import shown_key


class Case(msgspec.Struct, frozen=True):
    """One conversation in flight. `name` tells it from the others and nobody's name."""

    name: str
    conversation: Conversation
    member: Member
    unsure: bool = False
    """What was left out of a recording may have decided its way."""


class Idle(msgspec.Struct, frozen=True):
    """A session in which nothing is open."""


class Sealed(msgspec.Struct, frozen=True):
    """A session that cannot be opened here, and why."""

    name: str
    problem: str


Found = Case | Idle | Sealed

FAR: Final = 1e12
"""A moment by which everything is due."""

MOST_INTENTS: Final = 1_000_000
"""Open intents that are looked at."""


def stored(path: Path, ring: KeyRing, policies: Policies, *, now: float) -> Generator[Found]:
    """What a SQLite store holds, one session after the other, in the order of their keys: a random one.

    Raises `StoreRefused`.
    """
    with snapshot(path) as found:
        for record in found.records():
            yield _opened(record, ring, policies, found.with_intents, now)


async def served(
    store: SessionStore, ring: KeyRing, policies: Policies, *, now: float, limit: int | None
) -> list[Found]:
    """What a store of several processes holds, in no order; at most `limit`, if there is one.

    Raises `StoreRefused`, `StoreUnavailable`.
    """
    await store.open()
    try:
        with_intents = frozenset([row.session for row in await store.due(now=FAR, limit=MOST_INTENTS)])
        found: list[Found] = []
        async for record in store.scan():
            if limit is not None and len(found) >= limit:
                break
            found.append(_opened(record, ring, policies, with_intents, now))
        return found
    finally:
        await store.close()


def _opened(
    record: Record, ring: KeyRing, policies: Policies, with_intents: frozenset[bytes], now: float
) -> Found:
    name = shown_key(record.key)
    try:
        session = decode(ring.unseal(record.state, record.key, STATE, record.version))
        address = _ADDRESS.decode(ring.unseal(record.address, record.key, ADDRESS))
    except SealError as problem:
        return Sealed(name, str(problem))
    except ValueError:  # msgspec's errors are
        return Sealed(name, "it is not in the form of this kikao")
    return _case(name, session, address, policies, record, open_=record.key in with_intents, now=now)


def _case(
    name: str,
    session: Session,
    address: Address,
    policies: Policies,
    record: Record,
    *,
    open_: bool,
    now: float,
) -> Found:
    if session.anchor:
        return Idle()
    policy = policies[address.channel]
    conversation = in_flight(session, policy, expires_at=record.expires_at, open_=open_, now=now)
    if not conversation.runs():
        return Idle()
    member = Member(session.member, address.channel, address.msisdn, conversation.chosen)
    return Case(name, conversation, member)


_ADDRESS = msgspec.msgpack.Decoder(Address)
