"""Critical effects kept in SQL, in front of a store that a failover may make forget: see `LedgeredStore`."""

from __future__ import annotations

from kikao.records import Records
from kikao.sessions.ledger.ledger import Ledger
from kikao.sessions.ledger.ledgered import LedgeredStore
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore

__all__ = ["Ledger", "LedgeredStore", "ledgered"]


def ledgered(fast: SessionStore, records: str, ring: KeyRing, *, strict: bool = False) -> LedgeredStore:
    """The store with its critical effects kept in the records database at `records`. Raises `RecordsRefused`.

    With `strict` that database must lose nothing either: see `Records`.
    """
    return LedgeredStore(fast, Ledger(Records(records, connections=4, strict=strict)), ring)
