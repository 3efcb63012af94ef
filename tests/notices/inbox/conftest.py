"""Inboxes are kept in a file or on a server."""

from __future__ import annotations

from tests.databases import database

__all__ = ["database"]
