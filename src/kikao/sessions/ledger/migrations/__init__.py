"""Revisions of the tables of the ledger (Alembic)."""
