"""Alembic starts every upgrade here."""

from kikao.records.migrations import run

run()
