"""What a store holds, opened: what an attacker with the keys would see."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from kikao.events import Event
from kikao.sessions.keeper import Sessions
from kikao.sessions.session import Session


async def stored(sessions: Sessions) -> list[Session]:
    """Every stored session."""
    return [sessions.session_of(record) async for record in sessions.store.scan()]


async def holds(text: str, sessions: Sessions, events: Iterable[Event]) -> bool:
    """Whether a stored session or an event has it in a text of its own.

    Random ids, which are hexadecimal, are left out: they hold any four digits by chance.
    """
    kept = [msgspec.to_builtins(item) for item in (*await stored(sessions), *events)]
    return any(text in found for item in kept for found in texts(item) if not _HEX(found))


def texts(data: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(data, str):
        yield data
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(data, list | tuple):
        for item in data:
            yield from texts(item)


_HEX = re.compile(r"[0-9a-f]{12,32}").fullmatch
