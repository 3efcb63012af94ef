"""Erasing a member: the key and the look-up hashes are destroyed, the ids stay.

What was sealed with the key, here and in copies of other tables, is noise from then on.
"""

from __future__ import annotations

from sqlalchemy import Connection

from kikao.members import linking, people, reach_rows
from kikao.members.tables import ADDRESSES, KEYS, MEMBERS, WISHES
from kikao.members.vault import Vault


def shred(
    connection: Connection, vault: Vault, member_id: str, known: frozenset[bytes], *, now: float
) -> bool:
    """Erase a living member if these are still the hashes of all its addresses; else False, and nothing is changed.

    Raises `UnknownMember`.
    """
    others = linking.waiting_with(connection, people.ids_of(connection, member_id), known)
    wanted = {people.canonical(connection, member_id), *others}
    # Always in one order, so that two transactions never wait for each other.
    locked = {one: people.person(connection, vault, one, lock=True) for one in sorted(wanted)}
    person = people.person(connection, vault, member_id)
    hashes = frozenset(held.hash for held in people.addresses_of(connection, person))
    if hashes != known or person.id not in locked:
        return False
    ids = people.ids_of(connection, person.id)
    connection.execute(WISHES.delete().where(WISHES.c.member_id.in_(ids) | WISHES.c.hash.in_(hashes)))
    connection.execute(ADDRESSES.delete().where(ADDRESSES.c.member_id == person.id))
    reach_rows.forget(connection, hashes)
    connection.execute(KEYS.delete().where(KEYS.c.member_id.in_(ids)))
    connection.execute(MEMBERS.update().where(MEMBERS.c.id.in_(ids)).values(erased_at=now, preferences=None))
    for other in others:
        linking.restore(connection, vault, other, now=now)
    return True


def fold(connection: Connection) -> None:
    """Take what SQLite overwrote out of its write-ahead log too, if no other process is reading it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
