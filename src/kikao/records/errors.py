"""What a database of records may refuse."""

from __future__ import annotations


class RecordsRefused(Exception):
    """The records cannot be used as they are. The text says which, why and what to do; nothing was
    changed."""
