"""Finding stored sessions: by key, address or id, over anchors, opened where that is possible. Nothing is changed."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Callable
from typing import Final, NamedTuple

from kikao.control import CommandRefused
from kikao.sessions.anchors import FOLLOWED
from kikao.sessions.keeper import LEASE, Sessions
from kikao.sessions.policy import Address, MissingIdentifier, address_kind, session_key
from kikao.sessions.sealing import SealError
from kikao.sessions.session import Session
from kikao.sessions.store import Busy, Claim, IntentRow, Record, SessionStore
from kikao.sessions.viewing import shown_key

AT_A_TIME: Final = 20
"""Sessions looked at before live turns get theirs: about a millisecond."""

SEVERAL: Final = 10
"""Sessions that are named where one was asked for and more were found."""


class Seen(NamedTuple):
    """A stored session, opened if it can be."""

    record: Record
    address: Address | None
    session: Session | None
    problem: str
    """Why it could not be opened."""
    intents: dict[bytes, IntentRow] | None = None
    """Its open intents in the store's index, by id; None while a turn holds it."""


class Finder:
    """Looks into the store of some sessions, or into another `store` with theirs."""

    def __init__(self, sessions: Sessions, store: SessionStore | None = None) -> None:
        self._sessions = sessions
        self._store = sessions.store if store is None else store

    async def scan(self) -> AsyncGenerator[Record, None]:
        """Every stored session, in no order, while turns go on beside."""
        count = 0
        async for record in self._store.scan():
            yield record
            count += 1
            if count % AT_A_TIME == 0:
                await asyncio.sleep(0)

    async def one(self, who: str) -> bytes:
        """The key of the one stored session that is meant (see `views.Named`). Raises `CommandRefused`."""
        matches = self._matcher(who)
        found: dict[bytes, Record] = {}
        async for record in self.scan():
            if matches(record):
                found[record.key] = record
                if len(found) > SEVERAL:
                    break
        if not found:
            raise CommandRefused("no stored session is meant by that")
        paths = [await self.path(key) for key in found]
        # An address and the session that it was linked to are one.
        if len({path[-1] for path in paths}) > 1:
            raise CommandRefused(f"that may be one of several: {self._named(found)}. Name it by its key.")
        return max(paths, key=len)[0]

    async def path(self, key: bytes) -> list[bytes]:
        """From a key over the anchors that lie there to where the session is kept. Raises `CommandRefused`."""
        path = [key]
        while len(path) <= FOLLOWED:
            seen = await self.look(path[-1])
            if seen is None or seen.session is None or not seen.session.anchor:
                return path
            path.append(session_key(self._sessions.ring, seen.session.anchor))
        raise CommandRefused(f"{shown_key(key)}: linked more than {FOLLOWED} times over")

    async def look(self, key: bytes) -> Seen | None:
        """A session as it is now, let go of at once; None when there is none."""
        store = self._store
        found = await store.claim(key, None, now=self._sessions.clock(), lease=LEASE, wait=0.0)
        if isinstance(found, Claim):
            await store.release(found)
            return None if found.record is None else self.opened(found.record, found.intents)
        assert isinstance(found, Busy)  # nothing was asked about an inbound
        return None if found.record is None else self.opened(found.record)

    def opened(self, record: Record, intents: tuple[IntentRow, ...] | None = None) -> Seen:
        """A record, opened if it can be."""
        index = None if intents is None else {row.id: row for row in intents}
        try:
            address, session = self._sessions.address_of(record), self._sessions.session_of(record)
        except SealError as problem:
            return Seen(record, None, None, str(problem), index)
        except ValueError:  # msgspec's errors are
            return Seen(record, None, None, "it is not in the form of this kikao", index)
        return Seen(record, address, session, "", index)

    def _matcher(self, who: str) -> Callable[[Record], bool]:
        if is_key(who):
            whole_id = len(who) == 32
            return lambda record: record.key.hex().startswith(who) or (whole_id and self._has_id(record, who))
        kind, _, identity = who.partition(":")
        if who.startswith("+"):
            kind, identity = "msisdn", re.sub("[ -]", "", who)
        if not identity:
            raise CommandRefused(
                "name a session by the first digits of its key (four or more), by a number like +256772000001, an "
                "address like telegram:4711, its id or the member's id"
            )
        return lambda record: self._is_at(record, kind, identity)

    def _is_at(self, record: Record, kind: str, identity: str) -> bool:
        try:
            return address_kind(self._sessions.address_of(record)) == (kind, identity)
        except (MissingIdentifier, SealError, ValueError):
            return False

    def _has_id(self, record: Record, id_: str) -> bool:
        session = self.opened(record).session
        return session is not None and id_ in (session.id, session.member)

    def _named(self, found: dict[bytes, Record]) -> str:
        names = []
        for record in list(found.values())[:SEVERAL]:
            address = self.opened(record).address
            where = (
                f" ({address.channel}/{address.gateway})" if address is not None and address.gateway else ""
            )
            names.append(shown_key(record.key) + where)
        return ", ".join(names) + (" and more" if len(found) > SEVERAL else "")


def is_key(who: str) -> bool:
    """Whether somebody named a session by its key, or by an id, and not by an address."""
    return _KEY(who) is not None


_KEY = re.compile("[0-9a-f]{4,64}").fullmatch
