"""The directory: who is behind an address, what they prefer, and how they are erased.

A member is a person behind one or more addresses. Addresses are looked up by a keyed hash and stored sealed with the
member's own key. Importing this loads SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from sqlalchemy import Connection

from kikao.members import lookup, people
from kikao.members.addresses import MemberAddress
from kikao.members.addresses import address as checked_address
from kikao.members.cache import Cache
from kikao.members.known import Known
from kikao.members.people import Person, Taken
from kikao.members.preferences import checked_locale, checked_timezone, timezone_of
from kikao.members.vault import Vault
from kikao.records import CommitUnknown, Records, RecordsAway
from kikao.sessions.sealing import KeyRing

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "kikao_members_version"

CACHE: Final = 50_000
"""Addresses whose member is remembered in the process."""

CACHE_SECONDS: Final = 30.0
"""So long another process may not see what changed about a member."""

ATTEMPTS: Final = 5
"""How often to look again when another process was faster."""


def new_member_id() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


class Directory:
    """Members and their addresses in the records database. Call `start` before the first use.

    Several processes may share the database. Every method raises `RecordsAway` while it does not answer, and one that
    changes something `CommitUnknown` when it fails while it commits: doing the same again is safe.
    """

    def __init__(
        self,
        records: Records,
        ring: KeyRing,
        *,
        clock: Callable[[], float] = time.time,
        cache: int = CACHE,
        cache_seconds: float = CACHE_SECONDS,
        new_id: Callable[[], str] = new_member_id,
    ) -> None:
        """`clock` gives seconds since the epoch; `cache` is how many addresses are remembered, for `cache_seconds`."""
        self._records = records
        self._vault = Vault(ring)
        self._clock = clock
        self._cache = Cache(cache, cache_seconds)
        self._new_id = new_id

    async def start(self) -> None:
        """Bring the tables up to date and check that the ring opens them. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)
        ring = self._vault.ring
        self._vault = Vault(await self._records.write(lambda connection: lookup.bound(connection, ring)))
        # The tables of libphonenumber take 20 ms to load: not in the first turn.
        await asyncio.to_thread(timezone_of, MemberAddress("msisdn", "+256772000001"))

    async def close(self) -> None:
        """Forget what was remembered. The records belong to who made them."""
        self._cache.clear()

    # --- who is behind an address ---

    async def meet(self, kind: str, identity: str) -> Known:
        """The member behind an address, made if the address is new. Raises `ValueError` for what is no address.

        However many processes meet a new address at once, it gets one member.
        """
        key, now = self._cache.key(kind, identity), self._clock()
        known = self._cache.get(key, now)
        return await self._meet(key, now, checked_address(kind, identity)) if known is None else known

    async def find(self, kind: str, identity: str) -> str | None:
        """The id of the member behind an address; None where there is none. Raises `ValueError`."""
        address = checked_address(kind, identity)
        person = await self._look(address)
        return None if person is None else person.id

    async def _meet(self, key: bytes, now: float, address: MemberAddress) -> Known:
        for _ in range(ATTEMPTS):
            changes = self._cache.changes
            person = await self._look(address) or await self._create(address, now)
            if person is not None:
                self._cache.put(key, person.known, now, changes=changes)
                return person.known
        raise RecordsAway(f"records: {self._records.where} does not say who is behind an address")

    async def _look(self, address: MemberAddress) -> Person | None:
        vault = self._vault
        return await self._records.read(lambda connection: people.look(connection, vault, address))

    async def _create(self, address: MemberAddress, now: float) -> Person | None:
        """A new member; None when it is worth looking again."""
        vault, member_id, timezone = self._vault, self._new_id(), timezone_of(address)

        def create(connection: Connection) -> Person:
            return people.create(connection, vault, address, member_id=member_id, timezone=timezone, now=now)

        try:
            return await self._records.write(create)
        except (Taken, CommitUnknown):
            return None

    # --- what a member prefers ---

    async def remember(
        self, member_id: str, *, locale: str | None = None, timezone: str | None = None
    ) -> None:
        """Keep what a member chose; None leaves it as it is, empty text takes it back.

        Raises `UnknownMember`, and `ValueError` for what is no locale (BCP 47) or no time zone (IANA).
        """
        chosen: dict[str, str] = {}
        if locale is not None:
            chosen["locale"] = checked_locale(locale)
        if timezone is not None:
            chosen["timezone"] = checked_timezone(timezone)
        vault = self._vault

        def change(connection: Connection) -> Person:
            person = people.person(connection, vault, member_id, lock=True)
            return people.prefer(connection, person, msgspec.structs.replace(person.preferences, **chosen))

        await self._changed(change, member_id)

    async def aliases(self, member_id: str) -> tuple[str, ...]:
        """Every id of a member, the present one first: what a service stored may stand under any of them.

        A member has several after two turned out to be one person. Raises `UnknownMember`.
        """
        return await self._records.read(lambda connection: people.ids_of(connection, member_id))

    async def _changed(self, change: Callable[[Connection], Person], member_id: str) -> Person:
        """Change a member, and forget what was remembered, also where nobody knows whether the change was made."""
        try:
            person = await self._records.write(change)
        except BaseException:
            self._cache.forget(member_id)
            raise
        self._cache.forget(person.id)
        return person
