"""What comes back from whoever carries out a command: one item of it, and items as JSON."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from kikao.control import Ask, Call

A = TypeVar("A", bound=msgspec.Struct)
I = TypeVar("I", bound=msgspec.Struct)  # noqa: E741 - an item


async def only(ask: Ask, call: Call[A, I], args: A) -> I:
    """The one item that a command gives."""
    (item,) = [item async for item in ask.ask(call, args)]
    return item


def in_json(item: msgspec.Struct) -> str:
    """One line of JSON."""
    return msgspec.json.encode(item).decode()
