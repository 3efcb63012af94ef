"""The directory: who is behind an address, what they prefer, and how they are erased.

A member is a person behind one or more addresses. Addresses are looked up by a keyed hash and stored sealed with the
member's own key. Importing this loads SQLAlchemy.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec
from sqlalchemy import Connection

from kikao.members import linking, lookup, people, rotation
from kikao.members.addresses import MemberAddress, parse_who
from kikao.members.addresses import address as checked_address
from kikao.members.cache import Cache
from kikao.members.erasing import fold, shred
from kikao.members.errors import UnknownMember
from kikao.members.known import Known, Move, PendingLink, Profile, Wish
from kikao.members.linking import Settlement
from kikao.members.people import Held, Person, Taken
from kikao.members.preferences import checked_locale, checked_timezone, timezone_of
from kikao.members.profiles import exported, profile
from kikao.members.reach import KINDS, Told, checked_line
from kikao.members.reach_kept import KeptReaches
from kikao.members.vault import Vault
from kikao.records import CommitUnknown, Records, RecordsAway
from kikao.sessions.sealing import KeyRing

MIGRATIONS: Final = Path(__file__).parent / "migrations"
VERSION_TABLE: Final = "kikao_members_version"

CACHE: Final = 50_000
"""Addresses whose member is remembered in the process."""

CACHE_SECONDS: Final = 30.0
"""So long another process may not see what changed about a member."""

PATIENCE: Final = 2.0
"""Seconds that a turn waits to learn whom it is with: less than the time for its reply."""

ATTEMPTS: Final = 5
"""How often to look again when another process was faster."""

Anchor = Callable[[Move], Awaitable[bool]]
"""Has the sessions of an address kept with those of another (`Move.to`), wherever they were kept before.

False while a session, intent or dedupe record is alive where they are kept now; True when they have moved already.
"""

Forget = Callable[[tuple[str, ...]], Awaitable[None]]
"""Erases what an app keeps about these numbers; may raise `RefusedError`."""

EndSessions = Callable[[tuple[MemberAddress, ...]], Awaitable[None]]
"""Ends every session of these addresses and has each stand alone again; raises when that cannot be done now."""

Progress = Callable[[int, int], None]
"""Told how many are done, of how many."""


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
        patience: float = PATIENCE,
        new_id: Callable[[], str] = new_member_id,
    ) -> None:
        """`clock` gives seconds since the epoch; `cache` is how many addresses are remembered, for `cache_seconds`.

        `patience` is how many seconds `meet` may take.
        """
        self._records = records
        self._vault = Vault(ring)
        self._clock = clock
        self._cache = Cache(cache, cache_seconds)
        self._patience = patience
        self._new_id = new_id
        self.reach = KeptReaches(
            records, lambda: self._vault, self.meet, clock=clock, size=cache, patience=patience
        )
        """What may be written to which address."""

    async def start(self) -> None:
        """Bring the tables up to date and check that the ring opens them. Raises `RecordsRefused`."""
        await self.tables()
        ring = self._vault.ring
        self._vault = Vault(await self._records.write(lambda connection: lookup.bound(connection, ring)))
        # The tables of libphonenumber take 20 ms to load: not in the first turn.
        await asyncio.to_thread(timezone_of, MemberAddress("msisdn", "+256772000001"))

    async def tables(self) -> None:
        """Bring the tables up to date, and no more. Raises `RecordsRefused`."""
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)

    @property
    def lookup_kid(self) -> str:
        """The id of the key that addresses are looked up with, once this was started."""
        return self._vault.ring.lookup_kid

    async def close(self) -> None:
        """Forget what was remembered. The records belong to who made them."""
        self._cache.clear()
        await self.reach.close()

    # --- who is behind an address ---

    async def meet(self, kind: str, identity: str) -> Known:
        """The member behind an address, made if the address is new. Raises `ValueError` for what is no address.

        However many processes meet a new address at once, it gets one member.
        """
        key, now = self._cache.key(kind, identity), self._clock()
        known = self._cache.get(key, now)
        return await self._meet(key, now, checked_address(kind, identity)) if known is None else known

    def recall(self, kind: str, identity: str) -> Known | None:
        """The member behind an address, if it was met here a moment ago; nobody is asked."""
        return self._cache.get(self._cache.key(kind, identity), self._clock())

    async def answers(self) -> None:
        """Ask the records for nothing. Raises `RecordsAway`."""
        from sqlalchemy import text

        await self._records.read(lambda connection: connection.execute(text("SELECT 1")).close())

    async def find(self, kind: str, identity: str) -> str | None:
        """The id of the member behind an address; None where there is none. Raises `ValueError`."""
        address = checked_address(kind, identity)
        person = await self._look(address)
        return None if person is None else person.id

    async def holds(self, member_id: str, kind: str, identity: str) -> bool:
        """Whether an address is a member's, by any id of the member. Raises `ValueError` for what is no address."""
        one, vault = checked_address(kind, identity), self._vault
        return await self._records.read(lambda connection: people.holds(connection, vault, member_id, one))

    async def _meet(self, key: bytes, now: float, address: MemberAddress) -> Known:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                for _ in range(ATTEMPTS):
                    changes = self._cache.changes
                    known = await self._known(address)
                    if known is None and (person := await self._create(address, now)) is not None:
                        known = person.known
                    if known is not None:
                        self._cache.put(key, known, now, changes=changes)
                        return known
        raise RecordsAway(f"records: {self._records.where} does not say who is behind an address")

    async def _known(self, address: MemberAddress) -> Known | None:
        """Who is behind an address; with their number where the address itself is none."""
        vault = self._vault

        def look(connection: Connection) -> Known | None:
            person = people.look(connection, vault, address)
            if person is None or address.kind in ("msisdn", "token"):
                return None if person is None else person.known
            held = (one.address for one in people.addresses_of(connection, person))
            numbers = (one.identity for one in held if one.kind == "msisdn")
            return msgspec.structs.replace(person.known, msisdn=next(numbers, ""))

        return await self._records.read(look)

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

    async def opt_in(self, member_id: str, line: str) -> int:
        """A member wants marketing over a line (`whatsapp/cloud-api`); how many of their addresses that is about.

        **It is the member's own word**: a question of yours that they answered. Raises `UnknownMember`.
        """
        return await self._offers(member_id, line, "allows_marketing")

    async def opt_out(self, member_id: str, line: str) -> int:
        """A member wants no marketing over a line any more; as `opt_in`."""
        return await self._offers(member_id, line, "refuses_marketing")

    async def _offers(self, member_id: str, line: str, what: Told) -> int:
        kind = KINDS.get(checked_line(line).partition("/")[0])
        held, _ = await self._addresses(member_id)
        found = [one.address for one in held if one.address.kind == kind]
        for one in found:
            await self.reach.tell(one.kind, one.identity, line, what, reason="member", at=self._clock())
        return len(found)

    # --- linking addresses ---

    async def link(self, member_id: str, kind: str, identity: str, *, anchor: Anchor) -> bool:
        """Put another address behind a member; True once it is in force, False while it is pending.

        **Who calls this has made sure that the address is the member's own** (a code sent to it, typed here). If the
        address has a member already, the two become one: the younger's addresses come to the elder, and the younger's
        id becomes an alias.

        `anchor` moves the session anchor of an address and returns whether it did; it is asked again after a crash.
        While it says False the link is pending: settle it later, see `links_due`.

        Raises `UnknownMember`, and `ValueError` for what is no address.
        """
        return await self._wish(member_id, checked_address(kind, identity), "link", anchor)

    async def unlink(self, member_id: str, kind: str, identity: str, *, anchor: Anchor) -> bool:
        """Take an address from a member, or take back a pending link; True once it is in force.

        Whoever is met there next is a new member. Raises `LastAddress`, `UnknownMember`, and `ValueError` for what is
        no address.
        """
        return await self._wish(member_id, checked_address(kind, identity), "unlink", anchor)

    async def links_due(self) -> list[PendingLink]:
        """Links and unlinks that are not in force yet, the oldest first."""
        vault = self._vault
        return await self._records.read(lambda connection: linking.pending(connection, vault))

    async def settle(self, link: PendingLink, *, anchor: Anchor) -> bool:
        """Try to bring a pending link into force; False when it has to wait on, or was taken back.

        Raises `UnknownMember` when the member was erased meanwhile.
        """
        done: set[Move] = set()
        try:
            for _ in range(ATTEMPTS):
                settlement = await self._settle(link, frozenset(done))
                if settlement is None:
                    continue
                if settlement.in_force:
                    return True
                if not settlement.moves:
                    break
                for move in settlement.moves:
                    if move not in done and not await anchor(move):
                        return False
                    done.add(move)
            if done:
                await self._withdraw(link, anchor)
        except UnknownMember:
            if done:
                await self._put_back(link.address, anchor)
            raise
        return False

    async def _withdraw(self, link: PendingLink, anchor: Anchor) -> None:
        """Anchors moved for a wish that was taken back meanwhile."""
        vault, now = self._vault, self._clock()
        back = await self._records.write(
            lambda connection: linking.withdraw(
                connection, vault, link.member_id, link.address, link.wish, now=now
            )
        )
        if back is not None:
            await self.settle(msgspec.structs.replace(link, wish=back), anchor=anchor)

    async def _put_back(self, address: MemberAddress, anchor: Anchor) -> None:
        """Anchors moved to a member who was erased meanwhile."""
        vault = self._vault
        for move in await self._records.read(lambda connection: linking.proper(connection, vault, address)):
            await anchor(move)

    async def _wish(self, member_id: str, address: MemberAddress, wish: Wish, anchor: Anchor) -> bool:
        vault, now = self._vault, self._clock()
        await self._records.write(
            lambda connection: linking.wish(connection, vault, member_id, address, wish, now=now)
        )
        return await self.settle(PendingLink(member_id, address, wish, now), anchor=anchor)

    async def _settle(self, link: PendingLink, moved: frozenset[Move]) -> Settlement | None:
        """How far a link is; None when it is worth looking again."""
        vault, now = self._vault, self._clock()

        def settle(connection: Connection) -> Settlement:
            return linking.settle(
                connection, vault, link.member_id, link.address, link.wish, moved=moved, now=now
            )

        try:
            settlement = await self._records.write(settle)
        except Taken:
            return None
        except BaseException:
            self._cache.clear()  # nobody knows who changed
            raise
        if settlement.changed:
            self._cache.forget(*settlement.changed)
        return settlement

    # --- what a member may ask for ---

    async def show(self, who: str) -> Profile:
        """All that is known of a member, named by id, by number (`+256772000001`) or by `telegram:12345`.

        Raises `UnknownMember`, and `ValueError` for what names no member.
        """
        named = parse_who(who)
        member_id = await self.find(named.kind, named.identity) if isinstance(named, MemberAddress) else named
        if member_id is None:
            raise UnknownMember("members: there is no member behind this address")
        vault = self._vault
        return await self._records.read(lambda connection: profile(connection, vault, member_id))

    async def export(self, member_id: str) -> dict[str, Any]:
        """All that is stored about a member, as plain data for JSON. Raises `UnknownMember`."""
        vault = self._vault
        return exported(await self._records.read(lambda connection: profile(connection, vault, member_id)))

    async def erase(self, member_id: str, *, forget: Forget, end_sessions: EndSessions) -> bool:
        """Erase a member for good: the app's data, the sessions, then the key and the addresses. The ids stay.

        `forget` is the app's hook, called with the member's numbers; what it raises means that nothing is erased.
        `end_sessions` is called next, with all addresses. Both have to do no harm when they are called again: after a
        failure or a crash erasing again goes on. Returns False when the member was erased before.

        Raises `UnknownMember` for one who never was.
        """
        for _ in range(ATTEMPTS):
            known, erased = await self._addresses(member_id)
            if erased:
                return False
            addresses = tuple(held.address for held in known)
            await forget(tuple(address.identity for address in addresses if address.kind == "msisdn"))
            await end_sessions(addresses)
            with contextlib.suppress(UnknownMember):  # another process was faster
                if await self._shred(member_id, frozenset(held.hash for held in known)):
                    return True
        raise RecordsAway(f"records: the addresses of member {member_id} do not stop changing; try again")

    async def _addresses(self, member_id: str) -> tuple[list[Held], bool]:
        """A member's addresses, and whether the member was erased."""
        vault = self._vault

        def read(connection: Connection) -> tuple[list[Held], bool]:
            if people.is_erased(connection, member_id):
                return [], True
            return people.addresses_of(connection, people.person(connection, vault, member_id)), False

        return await self._records.read(read)

    async def _shred(self, member_id: str, known: frozenset[bytes]) -> bool:
        vault, now = self._vault, self._clock()
        try:
            erased = await self._records.write(
                lambda connection: shred(connection, vault, member_id, known, now=now)
            )
        finally:
            self._cache.clear()
            self.reach.clear()
        if erased:
            await self._records.read(fold)
        return erased

    # --- new keys ---

    async def reseal(self, progress: Progress) -> None:
        """Seal every member's key under the active key of the ring. Others may go on meanwhile.

        After a stop, doing it again goes on. Raises `SealError` for a member key that the ring does not open.
        """
        vault = self._vault
        kids, total = await self._records.read(lambda connection: rotation.resealable(connection, vault))
        done = 0
        progress(done, total)
        while batch := await self._records.write(lambda connection: rotation.reseal(connection, vault, kids)):
            done += batch
            progress(done, total)

    async def rekey(self, new_ring: KeyRing, progress: Progress) -> None:
        """Look addresses up with the look-up key of another ring. Call it instead of `start`, and close afterwards.

        This directory's ring has to open the members' keys. Other processes that use the database refuse to meet new
        addresses from the first batch on (`RecordsAway`): stop them before. After a crash no directory starts until
        this was done again, which goes on where it stopped.

        Raises `RecordsRefused` when the tables are not up to date, when a move to yet another key was begun, or when
        the new key has the id of the present one; `SealError` for a member key that the ring does not open.
        """
        await self._records.migrate(MIGRATIONS, VERSION_TABLE)
        vault = self._vault
        total = await self._records.write(
            lambda connection: rotation.begin_rekey(connection, vault, new_ring)
        )
        if total is None:
            progress(0, 0)
            return
        done = 0
        progress(done, total)
        while batch := await self._records.write(
            lambda connection: rotation.rekey(connection, vault, new_ring)
        ):
            done += batch
            progress(done, total)
        await self._records.write(lambda connection: rotation.end_rekey(connection, new_ring))
        self._cache.clear()

    async def _changed(self, change: Callable[[Connection], Person], member_id: str) -> Person:
        """Change a member, and forget what was remembered, also where nobody knows whether the change was made."""
        try:
            person = await self._records.write(change)
        except BaseException:
            self._cache.forget(member_id)
            raise
        self._cache.forget(person.id)
        return person
