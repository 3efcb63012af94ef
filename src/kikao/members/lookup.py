"""Which key addresses are looked up with: settled when the tables are first used, changed only by `rekey`."""

from __future__ import annotations

from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from kikao.members.tables import KEYS, LOOKUP
from kikao.records import RecordsAway, RecordsRefused
from kikao.sessions.sealing import KeyRing

SETTLE: Final = sa.text(
    "INSERT INTO kikao_lookup (id, kid, proof) VALUES (1, :kid, :proof) ON CONFLICT (id) DO NOTHING"
)

IN_STEP: Final = 0x6B696B616F
"""A lock of PostgreSQL: shared by those who store hashes, exclusive to who begins to move them."""


def bound(connection: Connection, ring: KeyRing) -> KeyRing:
    """The ring, looking up with the key these tables were made with; new tables take the ring's own.

    Raises `RecordsRefused` when the ring cannot read these tables.
    """
    row = settled(connection, ring)
    if row.next_kid is not None:
        raise RecordsRefused(
            f"records: addresses of members are half-way from look-up key {row.kid!r} to {row.next_kid!r}. "
            "Finish with: kikao migrate --rekey"
        )
    ring = with_lookup(ring, row.kid, row.proof)
    missing = connection.execute(
        sa.select(KEYS.c.kid).distinct().where(KEYS.c.kid.not_in(ring.kids))
    ).scalars()
    for kid in missing:
        raise RecordsRefused(
            f"records: there are members whose keys are sealed under {kid!r}, which is not among the secret keys "
            f"({', '.join(ring.kids)}). Put it back into KIKAO_SECRET_KEYS, behind the others."
        )
    return ring


def settled(connection: Connection, ring: KeyRing) -> sa.Row[Any]:
    """Which key these tables look up with; new tables take the ring's own."""
    connection.execute(SETTLE, {"kid": ring.lookup_kid, "proof": ring.lookup_check})
    return connection.execute(LOOKUP.select()).one()


def unmoved(connection: Connection, ring: KeyRing, *, creating: bool = False) -> None:
    """Make sure that addresses are still hashed with the ring's key. Raises `RecordsAway` otherwise.

    Without this a process that goes on while `rekey` runs would take known addresses for new ones. With `creating`
    it stays so until the transaction ends (in SQLite it does anyhow: there is one writer).
    """
    if creating and connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock_shared(IN_STEP)))
    row = connection.execute(sa.select(LOOKUP.c.kid, LOOKUP.c.next_kid)).one()
    if row.kid != ring.lookup_kid or row.next_kid is not None:
        raise RecordsAway(
            "records: addresses of members are moving to another look-up key. Restart this process afterwards."
        )


def with_lookup(ring: KeyRing, kid: str, proof: bytes) -> KeyRing:
    """The ring, looking up with this key. Raises `RecordsRefused` when it has none of that id, or another one."""
    try:
        ring = ring.with_lookup(kid)
    except ValueError:
        raise RecordsRefused(
            f"records: addresses of members are looked up with key {kid!r}, which is not among the secret keys "
            f"({', '.join(ring.kids)}). Put it back into KIKAO_SECRET_KEYS, behind the others."
        ) from None
    if ring.lookup_check != proof:
        raise RecordsRefused(
            f"records: the secret key {kid!r} is not the one that addresses of members are looked up with. "
            "Put the right one back into KIKAO_SECRET_KEYS."
        )
    return ring
