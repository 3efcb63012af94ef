"""What happens before the turn of a member who sent a file: it is fetched, if the open question wants one.

A file that nobody asked for stays where it is: nobody fills the disk by sending videos. Which question is open is
looked up apart from the turn, so that no session is held while a provider is slow; where it was answered meanwhile, the
file that was fetched expires.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

from kikao.channels.inbound import Inbound
from kikao.channels.media.errors import FileError, NotFetched, TooLarge
from kikao.channels.media.receiving import Receiving
from kikao.records import CommitUnknown, RecordsAway
from kikao.sessions.anchors import FOLLOWED
from kikao.sessions.keeper import LEASE
from kikao.sessions.policy import address_kind, session_key
from kikao.sessions.sealing import SealError
from kikao.sessions.session import Session
from kikao.sessions.store import Busy, Claim, StoreUnavailable
from kikao.turn import Turns

WITHIN: Final = 20.0
"""Seconds that a file may take to come."""

PATIENCE: Final = 120.0
"""Seconds after which a member is told that their file did not come, where it may come yet."""

WAIT: Final = 2.0
"""Seconds that another turn of the same member gets to end."""


class Wanting:
    """Knows whether a file is wanted, before it is kept."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    async def owner(self, inbound: Inbound) -> str | None:
        """Whose the file of an inbound would be, by the id of the member, if the open question wants one; else None.

        Raises `StoreUnavailable`, `CommitUnknown`, `RecordsAway`, `MissingIdentifier`.
        """
        try:
            session = await self.asking(inbound)
        except SealError:
            return None  # the turn says what is to be said of a session that does not open
        if session is None:
            return None
        return (
            session.member or (await self._turns.members.meet(*address_kind(self._turns.address(inbound)))).id
        )

    async def asking(self, inbound: Inbound) -> Session | None:
        """The session of an inbound, if its open question wants a file. Raises as `owner`, and `SealError`."""
        address = self._turns.address(inbound)
        session = await self._session(session_key(self._turns.sessions.ring, address.parts))
        screen = None if session is None else self._turns.engine.asked(session.conversation)
        return session if screen is not None and screen.wants == "media" else None

    async def _session(self, key: bytes) -> Session | None:
        """What is stored there, or where that leads, once no turn is at work on it."""
        sessions = self._turns.sessions
        for _ in range(FOLLOWED + 1):
            found = await sessions.store.claim(key, None, now=sessions.clock(), lease=LEASE, wait=WAIT)
            if isinstance(found, Claim):
                await sessions.store.release(found)
            assert isinstance(found, Claim | Busy)  # nothing was asked about an inbound
            if found.record is None:
                return None
            session = sessions.session_of(found.record)
            if not session.anchor:
                return session
            key = session_key(sessions.ring, session.anchor)
        return None


class Fetching:
    """Fetches files before turns."""

    def __init__(self, turns: Turns, receiving: Receiving) -> None:
        self._turns = turns
        self._receiving = receiving
        self._asked = Wanting(turns)

    async def brought(self, inbound: Inbound, *, within: float = WITHIN) -> Inbound | None:
        """The inbound with its file, or as it is where none is wanted; None where it may come when tried again.

        Raises `MissingIdentifier`.
        """
        try:
            return await self._brought(inbound, within)
        except (StoreUnavailable, RecordsAway, CommitUnknown):
            return None
        except SealError:
            return inbound  # the turn says what is to be said of a session that does not open

    async def wants(self, inbound: Inbound) -> bool:
        """Whether the file of an inbound has to be fetched before its turn.

        Raises `StoreUnavailable`, `CommitUnknown`, `MissingIdentifier`.
        """
        try:
            return await self._wanting(inbound) is not None
        except SealError:
            return False  # the turn says what is to be said

    async def _wanting(self, inbound: Inbound) -> Session | None:
        """The session of an inbound, if it has a file, and the open question wants one."""
        chat, line = inbound.chat, f"{inbound.channel}/{inbound.gateway}"
        if chat is None or chat.remote is None or not self._receiving.knows(line):
            return None
        return await self._asked.asking(inbound)

    async def _brought(self, inbound: Inbound, within: float) -> Inbound | None:
        chat, line = inbound.chat, f"{inbound.channel}/{inbound.gateway}"
        session = await self._wanting(inbound)
        if session is None or chat is None or chat.remote is None:
            return inbound
        owner = (
            session.member or (await self._turns.members.meet(*address_kind(self._turns.address(inbound)))).id
        )
        try:
            file = await self._receiving.receive(line, chat.remote, owner, within=within)
        except FileError as problem:
            if isinstance(problem, NotFetched) and problem.again and self._is_recent(inbound):
                return None
            why: Literal["large", "lost"] = "large" if isinstance(problem, TooLarge) else "lost"
            return replace(inbound, chat=replace(chat, lost=why))
        return replace(inbound, attachment=file)

    def _is_recent(self, inbound: Inbound) -> bool:
        sent_at, now = inbound.sent_at, self._turns.sessions.clock()
        return sent_at is None or now - sent_at < PATIENCE
