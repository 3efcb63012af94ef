"""New keys: member keys sealed anew under the active one, and addresses hashed anew with another look-up key.

Both work in batches that commit by themselves and look for what is left: done again, they go on where they stopped.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.members import lookup, people, reach_rows
from kikao.members.tables import ADDRESSES, KEYS, LOOKUP, WISHES
from kikao.members.vault import Vault
from kikao.records import RecordsRefused
from kikao.sessions.sealing import KeyRing

BATCH: Final = 200
"""Rows in one transaction: some 20 ms in which others wait to write."""


# --- the key that member keys are sealed under ---


def resealable(connection: Connection, vault: Vault) -> tuple[list[str], int]:
    """The key ids, other than the active one, that member keys are sealed under, and how many those are."""
    query = sa.select(KEYS.c.kid, sa.func.count().label("keys")).where(KEYS.c.kid != vault.kid)
    rows = connection.execute(query.group_by(KEYS.c.kid)).all()
    return [row.kid for row in rows], sum(row.keys for row in rows)


def reseal(connection: Connection, vault: Vault, kids: list[str]) -> int:
    """Seal some member keys under the active key that are sealed under these; how many. Raises `SealError`."""
    rows = connection.execute(KEYS.select().where(KEYS.c.kid.in_(kids)).limit(BATCH)).all()
    for row in rows:
        # A key that was shredded meanwhile has no row any more, and gets none.
        same = (KEYS.c.member_id == row.member_id) & (KEYS.c.kid == row.kid)
        sealed = vault.reseal(row.member_id, row.sealed)
        connection.execute(KEYS.update().where(same).values(kid=vault.kid, sealed=sealed))
    return len(rows)


# --- the key that addresses are looked up with ---


def begin_rekey(connection: Connection, vault: Vault, new: KeyRing) -> int | None:
    """Record that hashes move to the look-up key of another ring; from here on nobody stores hashes of the old one.

    Returns how many have to move, None when the move was ended before. Raises `RecordsRefused` when a move to
    another key was begun, or the new key has the id of the present one; `SealError` when member keys do not open.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(lookup.IN_STEP)))
    row = lookup.settled(connection, vault.ring)
    wanted = (new.lookup_kid, new.lookup_check)
    if row.next_kid is None and (row.kid, row.proof) == wanted:
        return None
    if new.lookup_kid == row.kid:
        raise RecordsRefused(
            f"records: {row.kid!r} is the id of the present look-up key. Give the new key another."
        )
    if row.next_kid is not None and (row.next_kid, row.next_proof) != wanted:
        raise RecordsRefused(
            f"records: addresses of members are half-way to the look-up key {row.next_kid!r}. Finish that first."
        )
    _try(connection, vault)
    connection.execute(LOOKUP.update().values(next_kid=wanted[0], next_proof=wanted[1]))
    return sum(_count(connection, table, row.kid) for table in (ADDRESSES, WISHES))


def rekey(connection: Connection, vault: Vault, new: KeyRing) -> int:
    """Hash some addresses anew that are hashed with the old key; how many. Raises `SealError`."""
    old = connection.execute(sa.select(LOOKUP.c.kid)).scalar_one()
    return sum(_rehash(connection, vault, Vault(new), table, old) for table in (ADDRESSES, WISHES))


def end_rekey(connection: Connection, new: KeyRing) -> None:
    """Look up with the new key from now on. What is known of addresses that nobody has is forgotten."""
    reach_rows.drop_left(connection, new.lookup_kid)
    values = {"kid": new.lookup_kid, "proof": new.lookup_check, "next_kid": None, "next_proof": None}
    connection.execute(LOOKUP.update().values(values))


def _try(connection: Connection, vault: Vault) -> None:
    """Open a member key of each kind. Raises `SealError`."""
    samples = sa.select(sa.func.min(KEYS.c.member_id)).group_by(KEYS.c.kid)
    for row in connection.execute(KEYS.select().where(KEYS.c.member_id.in_(samples))):
        vault.open(row.member_id, row.sealed)


def _rehash(connection: Connection, vault: Vault, new: Vault, table: sa.Table, old_kid: str) -> int:
    rows = connection.execute(people.with_key(table).where(table.c.lookup_kid == old_kid).limit(BATCH)).all()
    for row in rows:
        key = vault.open(row.member_id, row.sealed_key)
        address = people.opened_address(key, row.kind, row.sealed)
        same = (table.c.hash == row.hash) & (table.c.member_id == row.member_id)
        hashed, kid = new.hash(address), new.ring.lookup_kid
        connection.execute(table.update().where(same).values(hash=hashed, lookup_kid=kid))
        reach_rows.move(connection, row.hash, hashed, kid)
    return len(rows)


def _count(connection: Connection, table: sa.Table, kid: str) -> int:
    counted = sa.select(sa.func.count()).select_from(table).where(table.c.lookup_kid == kid)
    return connection.execute(counted).scalar_one()
