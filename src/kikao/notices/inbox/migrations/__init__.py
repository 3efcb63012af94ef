"""Revisions of the inbox (Alembic)."""
