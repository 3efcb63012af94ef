"""Revisions of the tables of members (Alembic)."""
