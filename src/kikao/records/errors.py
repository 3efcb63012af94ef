"""What can be wrong with a database of records."""

from __future__ import annotations


class RecordsRefused(Exception):
    """The records cannot be used as they are. The text says which, why and what to do; nothing was changed."""


class NotYet(RecordsRefused):
    """Tables are to be upgraded, and somebody only looks: whatever would use them has to wait."""


class RecordsAway(Exception):
    """The database does not answer, or not in time. Nothing was changed; a later attempt may succeed."""


class CommitUnknown(Exception):
    """The database failed while it committed: either all changes of the transaction are kept, or none."""
