"""Revisions of the audit trail (Alembic)."""
