"""Settings of a PostgreSQL server that must not be off where something is kept that may not be lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

_CARELESS: Final = {
    "synchronous_commit": "a crash of the server forgets what was acknowledged",
    "fsync": "a loss of power ruins the database",
    "full_page_writes": "a loss of power ruins the database",
}
"""Settings, and what happens where they are off."""

ASKING: Final = "SELECT " + ", ".join(f"current_setting('{name}')" for name in _CARELESS)
"""Asks a server for its values."""


def risks(values: Sequence[str]) -> list[str]:
    """What the answer to `ASKING` puts at risk, each in a sentence."""
    return [
        f"{name} is off: {risk}."
        for (name, risk), value in zip(_CARELESS.items(), values, strict=True)
        if value == "off"
    ]
