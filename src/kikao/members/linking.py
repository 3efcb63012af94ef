"""Linking addresses: a wish is recorded, anchors of sessions move, and then the link comes into force at once.

Between records and sessions there is no common transaction. So the wish stays until the link is in force; a crash at
any point leaves the old state and a wish, and settling it again asks for the same moves, which do no harm twice.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.members import people
from kikao.members.addresses import MemberAddress
from kikao.members.errors import LastAddress
from kikao.members.known import Move, PendingLink, Wish
from kikao.members.lookup import unmoved
from kikao.members.people import Person
from kikao.members.preferences import timezone_of
from kikao.members.tables import ADDRESSES, MEMBERS, WISHES
from kikao.members.vault import Vault


class Settlement(msgspec.Struct, frozen=True):
    """How far a wish is: in force, or what has to move before."""

    in_force: bool
    moves: tuple[Move, ...] = ()
    changed: tuple[str, ...] = ()
    """Members who are not what they were."""


# --- wishes ---


def wish(
    connection: Connection, vault: Vault, member_id: str, address: MemberAddress, wish: Wish, *, now: float
) -> None:
    """Record what a member wishes for an address, in the place of an older wish for it.

    Raises `UnknownMember`, and `LastAddress` for an unlink that would leave the member without any.
    """
    unmoved(connection, vault.ring, creating=True)
    person = people.person(connection, vault, member_id, lock=True)
    held = [one.address for one in people.addresses_of(connection, person)]
    if wish == "unlink" and held == [address]:
        raise LastAddress(
            f"members: this is the only address of member {person.id}. Erase the member instead."
        )
    connection.execute(WISHES.delete().where(_wish_of(connection, vault, person, address)))
    row = WISHES.insert().values(
        hash=vault.hash(address),
        member_id=person.id,
        lookup_kid=vault.ring.lookup_kid,
        wish=wish,
        kind=address.kind,
        sealed=people.sealed_address(person.key, address),
        wished_at=now,
    )
    connection.execute(row)


def pending(connection: Connection, vault: Vault, *member_ids: str) -> list[PendingLink]:
    """Wishes that are not in force yet, the oldest first: of these ids, or of everybody."""
    query = people.with_key(WISHES).order_by(WISHES.c.wished_at, WISHES.c.hash)
    if member_ids:
        query = query.where(WISHES.c.member_id.in_(member_ids))
    found = []
    for row in connection.execute(query).all():
        key = vault.open(row.member_id, row.sealed_key)
        address = people.opened_address(key, row.kind, row.sealed)
        found.append(PendingLink(row.merged_into or row.member_id, address, row.wish, row.wished_at))
    return found


# --- settling a wish ---


def settle(
    connection: Connection,
    vault: Vault,
    member_id: str,
    address: MemberAddress,
    wish: Wish,
    *,
    moved: frozenset[Move],
    now: float,
) -> Settlement:
    """Put a wish into force if all it takes has `moved`, else say what has to move. It is decided anew each time.

    Raises `UnknownMember`, and `Taken` when somebody was faster.
    """
    unmoved(connection, vault.ring, creating=True)
    owner, holder = _locked(connection, vault, member_id, address)
    linked = holder is not None and holder.id == owner.id
    stands = _wishes(connection, vault, owner, address, wish)
    if wish == "unlink":
        if not stands:
            return Settlement(not linked)
        unlink = _unlink if linked else _withdraw
        return unlink(connection, vault, owner, holder, address, moved)
    if linked:  # but anchors may have moved for an unlink that was taken back
        if missing := _missing(moved, *proper(connection, vault, address, owner)):
            return missing
        _drop(connection, vault, owner, address, "link")
        return Settlement(True)
    if not stands:
        return Settlement(False)
    if holder is None:
        return _attach(connection, vault, owner, address, moved, now)
    if _wishes(connection, vault, holder, address, "unlink"):
        return Settlement(False)  # its holder leaves it first, or two people would become one
    return _merge(connection, vault, owner, holder, address, moved)


def withdraw(
    connection: Connection, vault: Vault, member_id: str, address: MemberAddress, was: Wish, *, now: float
) -> Wish | None:
    """After anchors moved for a wish that was taken back meanwhile: wish that they move back, and return that wish.

    None if the wish stands after all, or is in force. Raises `UnknownMember`.
    """
    owner, holder = _locked(connection, vault, member_id, address)
    linked = holder is not None and holder.id == owner.id
    if linked == (was == "link") or _wishes(connection, vault, owner, address, was):
        return None
    back: Wish = "link" if linked else "unlink"
    wish(connection, vault, member_id, address, back, now=now)
    return back


def waiting_with(connection: Connection, ids: Collection[str], hashes: Collection[bytes]) -> set[str]:
    """Other members whose anchors may have moved for a link with a member of these ids and addresses."""
    theirs = WISHES.c.member_id.in_(ids)
    wishers = sa.select(WISHES.c.member_id).where(WISHES.c.hash.in_(hashes) & ~theirs)
    holders = (
        sa.select(ADDRESSES.c.member_id)
        .join(WISHES, WISHES.c.hash == ADDRESSES.c.hash)
        .where(theirs & ADDRESSES.c.member_id.not_in(ids))
    )
    found = connection.execute(sa.union(wishers, holders)).scalars().all()
    return {people.canonical(connection, one) for one in found}


def restore(connection: Connection, vault: Vault, member_id: str, *, now: float) -> None:
    """Wish that anchors between the addresses of a member are where they should be: that one is linked, as it is."""
    person = people.person(connection, vault, member_id, lock=True)
    held = [one.address for one in people.addresses_of(connection, person)]
    stay = [one for one in held if not _wishes(connection, vault, person, one, "unlink")]
    if len(held) > 1 and stay:
        wish(connection, vault, member_id, stay[0], "link", now=now)


def proper(
    connection: Connection, vault: Vault, address: MemberAddress, holder: Person | None = None
) -> tuple[Move, ...]:
    """The moves that put an address, and all that belong to its member, where they belong as things stand."""
    holder = holder or people.look(connection, vault, address)
    if holder is None:
        return (Move(address, address, ""),)
    first, *others = (held.address for held in people.addresses_of(connection, holder))
    # The first one first: until it stands alone, whoever is sent to it is sent on.
    return (Move(first, first, holder.id), *(Move(other, first, holder.id) for other in others))


def _attach(
    connection: Connection,
    vault: Vault,
    owner: Person,
    address: MemberAddress,
    moved: frozenset[Move],
    now: float,
) -> Settlement:
    """A new address comes to a member."""
    first = people.addresses_of(connection, owner)[0].address
    if missing := _missing(moved, Move(address, first, owner.id)):
        return missing
    _drop(connection, vault, owner, address, "link")
    people.attach(connection, vault, owner, address, now=now)
    _keep_timezone(connection, owner)
    return Settlement(True, changed=(owner.id,))


def _merge(
    connection: Connection,
    vault: Vault,
    owner: Person,
    holder: Person,
    address: MemberAddress,
    moved: frozenset[Move],
) -> Settlement:
    """Two members become one: the addresses of the younger come to the elder, whose id stays."""
    elder, younger = sorted((owner, holder), key=lambda person: (person.created_at, person.id))
    elders, coming = (people.addresses_of(connection, one) for one in (elder, younger))
    first = elders[0].address
    # The younger's first one last: until then it is where the sessions of the others are.
    moves = [Move(held.address, first, elder.id) for held in reversed(coming)]
    if missing := _missing(moved, *moves):
        return missing
    _drop(connection, vault, owner, address, "link")
    for place, held in enumerate(coming, elders[-1].place + 1):
        sealed = people.sealed_address(elder.key, held.address)
        row = ADDRESSES.update().where(ADDRESSES.c.hash == held.hash)
        connection.execute(row.values(member_id=elder.id, place=place, sealed=sealed))
    aliases = (MEMBERS.c.id == younger.id) | (MEMBERS.c.merged_into == younger.id)
    connection.execute(MEMBERS.update().where(aliases).values(merged_into=elder.id, preferences=None))
    chosen, other = elder.preferences, younger.preferences
    both = msgspec.structs.replace(
        chosen, locale=chosen.locale or other.locale, timezone=chosen.timezone or other.timezone
    )
    _keep_timezone(connection, people.prefer(connection, elder, both))
    return Settlement(True, changed=(elder.id, younger.id))


def _unlink(
    connection: Connection,
    vault: Vault,
    owner: Person,
    holder: Person | None,
    address: MemberAddress,
    moved: frozenset[Move],
) -> Settlement:
    """An address leaves a member; when it was the first, the others share the sessions of the next one."""
    held = [one.address for one in people.addresses_of(connection, owner)]
    others = [one for one in held if one != address]
    if not others:
        _drop(connection, vault, owner, address, "unlink")  # the others left meanwhile
        return Settlement(False)
    moves = [Move(address, address, "")]
    if held[0] == address:
        moves.append(Move(others[0], others[0], owner.id))
        moves += [Move(other, others[0], owner.id) for other in others[1:]]
    if missing := _missing(moved, *moves):
        return missing
    _drop(connection, vault, owner, address, "unlink")
    connection.execute(ADDRESSES.delete().where(ADDRESSES.c.hash == vault.hash(address)))
    _keep_timezone(connection, owner)
    return Settlement(True, changed=(owner.id,))


def _withdraw(
    connection: Connection,
    vault: Vault,
    owner: Person,
    holder: Person | None,
    address: MemberAddress,
    moved: frozenset[Move],
) -> Settlement:
    """A link that was not in force is taken back: anchors that moved for it move back."""
    if missing := _missing(moved, *proper(connection, vault, address, holder)):
        return missing
    _drop(connection, vault, owner, address, "unlink")
    return Settlement(True)


# --- parts ---


def _locked(
    connection: Connection, vault: Vault, member_id: str, address: MemberAddress
) -> tuple[Person, Person | None]:
    """A member, and who holds an address, both held until the transaction ends. Raises `UnknownMember`."""
    while True:
        holder = people.holder_of(connection, vault, address)
        wanted = {people.canonical(connection, one) for one in (member_id, holder) if one is not None}
        # Always in one order, so that two transactions never wait for each other.
        locked = {one: people.person(connection, vault, one, lock=True) for one in sorted(wanted)}
        owner = locked.get(people.canonical(connection, member_id))
        if owner is not None and people.holder_of(connection, vault, address) == holder:
            if holder is None:
                return owner, None
            if holder in locked:
                return owner, locked[holder]


def _missing(moved: frozenset[Move], *moves: Move) -> Settlement | None:
    missing = tuple(move for move in moves if move not in moved)
    return Settlement(False, missing) if missing else None


def _keep_timezone(connection: Connection, person: Person) -> None:
    """The zone of a member's first number, now that the addresses are others."""
    held = (one.address for one in people.addresses_of(connection, person))
    number = next((address for address in held if address.kind == "msisdn"), None)
    zone = timezone_of(number) if number is not None else ""
    people.prefer(connection, person, msgspec.structs.replace(person.preferences, numbers_timezone=zone))


def _wishes(connection: Connection, vault: Vault, person: Person, address: MemberAddress, wish: Wish) -> bool:
    """Whether a member wishes that for an address."""
    where = _wish_of(connection, vault, person, address) & (WISHES.c.wish == wish)
    return connection.execute(sa.select(WISHES.c.wish).where(where)).first() is not None


def _drop(connection: Connection, vault: Vault, person: Person, address: MemberAddress, wish: Wish) -> None:
    where = _wish_of(connection, vault, person, address) & (WISHES.c.wish == wish)
    connection.execute(WISHES.delete().where(where))


def _wish_of(
    connection: Connection, vault: Vault, person: Person, address: MemberAddress
) -> sa.ColumnElement[bool]:
    ids = people.ids_of(connection, person.id)
    return (WISHES.c.hash == vault.hash(address)) & WISHES.c.member_id.in_(ids)
