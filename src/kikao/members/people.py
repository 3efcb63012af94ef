"""Members in their tables: statements and transactions, as plain functions of a connection."""

from __future__ import annotations

from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.members.addresses import MemberAddress
from kikao.members.addresses import address as checked_address
from kikao.members.errors import UnknownMember
from kikao.members.known import Known
from kikao.members.lookup import unmoved
from kikao.members.tables import ADDRESSES, KEYS, MEMBERS
from kikao.members.vault import MemberKey, Vault

KEEP_ADDRESS: Final = sa.text(
    "INSERT INTO kikao_addresses (hash, lookup_kid, member_id, kind, place, sealed, linked_at) "
    "VALUES (:hash, :lookup_kid, :member_id, :kind, :place, :sealed, :linked_at) ON CONFLICT (hash) DO NOTHING"
)


class Preferences(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a member chose, and the zone of the first number. Stored sealed."""

    locale: str = ""
    timezone: str = ""
    numbers_timezone: str = ""


class Person(msgspec.Struct, frozen=True):
    """A living member under the present id, opened."""

    id: str
    created_at: float
    preferences: Preferences
    key: MemberKey

    @property
    def known(self) -> Known:
        """What a turn needs to know."""
        chosen = self.preferences
        return Known(self.id, chosen.locale, chosen.timezone or chosen.numbers_timezone)


class Held(msgspec.Struct, frozen=True):
    """An address in its row, opened."""

    hash: bytes
    address: MemberAddress
    place: int
    linked_at: float


class Taken(Exception):
    """Another transaction was faster; roll back, and look again."""


# --- who is behind an address ---


def look(connection: Connection, vault: Vault, address: MemberAddress) -> Person | None:
    """Who is behind an address; None when it is new. Raises `RecordsAway` while hashes move to another key."""
    query = _people(ADDRESSES.c.hash == vault.hash(address)).join(
        ADDRESSES, ADDRESSES.c.member_id == MEMBERS.c.id
    )
    row = connection.execute(query).first()
    if row is None:
        unmoved(connection, vault.ring)
        return None
    return _opened(vault, row)


def create(
    connection: Connection,
    vault: Vault,
    address: MemberAddress,
    *,
    member_id: str,
    timezone: str,
    now: float,
) -> Person:
    """A new member behind a new address. Raises `Taken` when the address has a member already."""
    unmoved(connection, vault.ring, creating=True)
    key, sealed = vault.new_key(member_id)
    person = Person(member_id, now, Preferences(numbers_timezone=timezone), key)
    connection.execute(
        MEMBERS.insert().values(id=member_id, created_at=now, preferences=_sealed_preferences(person))
    )
    connection.execute(KEYS.insert().values(member_id=member_id, kid=vault.kid, sealed=sealed))
    attach(connection, vault, person, address, now=now)
    return person


def holder_of(connection: Connection, vault: Vault, address: MemberAddress) -> str | None:
    """The id of the member behind an address; None when it has none."""
    query = sa.select(ADDRESSES.c.member_id).where(ADDRESSES.c.hash == vault.hash(address))
    return connection.execute(query).scalar()


def holds(connection: Connection, vault: Vault, member_id: str, address: MemberAddress) -> bool:
    """Whether a member, by any id, is behind an address. Raises `RecordsAway` while hashes move to another key."""
    holder = holder_of(connection, vault, address)
    if holder is None:
        unmoved(connection, vault.ring)
        return False
    same = MEMBERS.c.id == member_id
    present = connection.execute(sa.select(MEMBERS.c.id, MEMBERS.c.merged_into).where(same)).first()
    return present is not None and (present.merged_into or present.id) == holder


# --- one member ---


def canonical(connection: Connection, member_id: str) -> str:
    """The present id of a member: what an alias stands for. Raises `UnknownMember`."""
    query = sa.select(MEMBERS.c.merged_into).where(MEMBERS.c.id == member_id)
    row = connection.execute(query).first()
    if row is None:
        raise UnknownMember(f"members: there is no member {member_id[:32]!r}")
    return member_id if row.merged_into is None else str(row.merged_into)


def ids_of(connection: Connection, member_id: str) -> tuple[str, ...]:
    """Every id of a member, the present one first. Raises `UnknownMember`."""
    present = canonical(connection, member_id)
    query = sa.select(MEMBERS.c.id).where(MEMBERS.c.merged_into == present)
    return (present, *connection.execute(query.order_by(MEMBERS.c.created_at, MEMBERS.c.id)).scalars())


def person(connection: Connection, vault: Vault, member_id: str, *, lock: bool = False) -> Person:
    """A living member, by any of its ids. Raises `UnknownMember`.

    With `lock` nobody else changes the member before this transaction ends.
    """
    while True:
        present = canonical(connection, member_id)
        query = _people(MEMBERS.c.id == present)
        row = connection.execute(query.with_for_update(of=MEMBERS) if lock else query).one()
        if row.merged_into is None:  # else it was merged while we waited for the lock
            break
    if row.erased_at is not None:
        raise UnknownMember(f"members: member {present} was erased")
    return _opened(vault, row)


def is_erased(connection: Connection, member_id: str) -> bool:
    """Whether a member was erased, by any of its ids. Raises `UnknownMember`."""
    query = sa.select(MEMBERS.c.erased_at).where(MEMBERS.c.id == canonical(connection, member_id))
    return connection.execute(query).scalar_one() is not None


def prefer(connection: Connection, person: Person, preferences: Preferences) -> Person:
    """Store what a member prefers from now on."""
    changed = msgspec.structs.replace(person, preferences=preferences)
    if preferences != person.preferences:
        where = MEMBERS.c.id == person.id
        connection.execute(MEMBERS.update().where(where).values(preferences=_sealed_preferences(changed)))
    return changed


# --- addresses of a member ---


def addresses_of(connection: Connection, person: Person) -> list[Held]:
    """The member's addresses, the first one first."""
    query = ADDRESSES.select().where(ADDRESSES.c.member_id == person.id).order_by(ADDRESSES.c.place)
    return [
        Held(row.hash, opened_address(person.key, row.kind, row.sealed), row.place, row.linked_at)
        for row in connection.execute(query)
    ]


def attach(
    connection: Connection, vault: Vault, person: Person, address: MemberAddress, *, now: float
) -> None:
    """Put a new address behind a member. Raises `Taken` when it has a member already."""
    last = sa.select(sa.func.coalesce(sa.func.max(ADDRESSES.c.place), 0))
    place = connection.execute(last.where(ADDRESSES.c.member_id == person.id)).scalar_one() + 1
    values = {
        "hash": vault.hash(address),
        "lookup_kid": vault.ring.lookup_kid,
        "member_id": person.id,
        "kind": address.kind,
        "place": place,
        "sealed": sealed_address(person.key, address),
        "linked_at": now,
    }
    if connection.execute(KEEP_ADDRESS, values).rowcount != 1:
        raise Taken


def with_key(table: sa.Table) -> sa.Select[Any]:
    """The rows of a table that is sealed with keys of members, with the key as `sealed_key` and `merged_into`."""
    joined = table.join(MEMBERS, MEMBERS.c.id == table.c.member_id).join(
        KEYS, KEYS.c.member_id == table.c.member_id
    )
    return sa.select(table, KEYS.c.sealed.label("sealed_key"), MEMBERS.c.merged_into).select_from(joined)


def sealed_address(key: MemberKey, address: MemberAddress) -> bytes:
    """An address, sealed with a member's key."""
    return key.seal(address.identity.encode(), f"address/{address.kind}")


def opened_address(key: MemberKey, kind: str, sealed: bytes) -> MemberAddress:
    """What `sealed_address` made. Raises `SealError`."""
    return checked_address(kind, key.unseal(sealed, f"address/{kind}").decode())


def _people(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    joined = MEMBERS.join(KEYS, KEYS.c.member_id == MEMBERS.c.id, isouter=True)
    return sa.select(MEMBERS, KEYS.c.sealed).select_from(joined).where(where)


def _opened(vault: Vault, row: sa.Row[Any]) -> Person:
    key = vault.open(row.id, row.sealed)
    preferences = Preferences()
    if row.preferences is not None:
        preferences = _PREFERENCES.decode(key.unseal(row.preferences, "preferences"))
    return Person(row.id, row.created_at, preferences, key)


def _sealed_preferences(person: Person) -> bytes:
    return person.key.seal(msgspec.msgpack.encode(person.preferences), "preferences")


_PREFERENCES = msgspec.msgpack.Decoder(Preferences)
