"""`KIKAO_RECORDS`: members, notices, audit and an app's own tables, in SQLite or PostgreSQL."""

from kikao.records.engine import Records
from kikao.records.errors import CommitUnknown, NotYet, RecordsAway, RecordsRefused
from kikao.records.upgrades import Migrated, upgrading

__all__ = ["CommitUnknown", "Migrated", "NotYet", "Records", "RecordsAway", "RecordsRefused", "upgrading"]
