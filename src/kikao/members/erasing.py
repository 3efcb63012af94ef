"""Erasing a member: the key and the look-up hashes are destroyed, the ids stay.

What was sealed with the key, here and in copies of other tables, is noise from then on.
"""

from __future__ import annotations

from sqlalchemy import Connection

from kikao.members import people
from kikao.members.tables import ADDRESSES, KEYS, MEMBERS, WISHES
from kikao.members.vault import Vault


def shred(
    connection: Connection, vault: Vault, member_id: str, known: frozenset[bytes], *, now: float
) -> bool:
    """Erase a living member if these are still the hashes of all its addresses; else False, and nothing is changed.

    Raises `UnknownMember`.
    """
    person = people.person(connection, vault, member_id, lock=True)
    hashes = frozenset(held.hash for held in people.addresses_of(connection, person))
    if hashes != known:
        return False
    ids = people.ids_of(connection, person.id)
    connection.execute(WISHES.delete().where(WISHES.c.member_id.in_(ids) | WISHES.c.hash.in_(hashes)))
    connection.execute(ADDRESSES.delete().where(ADDRESSES.c.member_id == person.id))
    connection.execute(KEYS.delete().where(KEYS.c.member_id.in_(ids)))
    connection.execute(MEMBERS.update().where(MEMBERS.c.id.in_(ids)).values(erased_at=now, preferences=None))
    return True


def fold(connection: Connection) -> None:
    """Take what SQLite overwrote out of its write-ahead log too, if no other process is reading it."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
