"""Waiting in tests for what another task, thread or process brings about, and tells nobody of.

Where there is an event to wait for, wait for that.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Final

PATIENCE: Final = 60.0
"""Seconds for which a condition is waited for: many more than it takes on a slow machine."""

SHORTEST: Final = 0.001
LONGEST: Final = 0.02
"""Seconds between two looks, after the first few and at most."""

EAGER: Final = 20
"""Looks between which only the other tasks of the event loop get their turn."""


async def until(
    true: Callable[[], object | Awaitable[object]], what: str, *, patience: float = PATIENCE
) -> None:
    """Wait until a condition is true; it may be asynchronous.

    Raises `AssertionError` with `what` was waited for after `patience` seconds, and whatever the condition raises.
    """
    looks, pause, limit = 0, SHORTEST, asyncio.timeout(patience)
    try:
        async with limit:
            while not await _value(true):
                looks += 1
                if looks <= EAGER:
                    await asyncio.sleep(0)
                else:
                    await asyncio.sleep(pause)
                    pause = min(2 * pause, LONGEST)
    except TimeoutError:
        if not limit.expired():  # it was the condition's own
            raise
        raise AssertionError(f"waited {patience:g} s for {what}") from None


def blocked_until(true: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """The same for tests, and threads, without an event loop."""
    deadline, pause = time.monotonic() + patience, SHORTEST
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience:g} s for {what}")
        time.sleep(pause)
        pause = min(2 * pause, LONGEST)


async def _value(true: Callable[[], object | Awaitable[object]]) -> object:
    found = true()
    return await found if inspect.isawaitable(found) else found
