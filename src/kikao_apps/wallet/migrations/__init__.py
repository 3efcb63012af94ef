"""Revisions of the wallet's tables (Alembic)."""
