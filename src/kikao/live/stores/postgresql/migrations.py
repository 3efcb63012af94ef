"""The tables and functions of live sessions: which version a database has, and how it gets the one of this code.

Servers make them when they start, if their user may: nothing in them outlives a day or so, and none of it is worth a
step of its own before the first start. Where the user may not, `kikao migrate` does it with one who may.
"""

from __future__ import annotations

from typing import Final

from kikao.sessions.stores.postgresql.schema import Schema

_SCHEMA: Final = Schema(
    "kikao_live",
    "live sessions",
    package=__package__,
    scripts=("schema.sql", "begun.sql"),
    lock=0x6B696B616F4C,
)

VERSION: Final = _SCHEMA.latest
"""Of the tables and functions that this code works with."""

migrate: Final = _SCHEMA.migrate
"""Brings the live sessions of a database up to date."""

upgrade: Final = _SCHEMA.upgrade
"""The same on a connection that stands."""

version: Final = _SCHEMA.version
"""That of a database; 0 where there is none yet."""
