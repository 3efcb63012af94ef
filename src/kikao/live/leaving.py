"""How a process leaves: its sockets are closed some at a time, and what runs gets a while to end."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Collection
from typing import Any, Final

from kikao.channels.socket.reasons import Reason
from kikao.live.limits import LiveLimits
from kikao.live.session import Connected

ENDING: Final = 5.0
"""Seconds that functions of channels get to finish when this process stops."""

CANCELLED: Final = 1.0
"""Seconds more for those that were cancelled."""


async def part(sockets: Collection[Connected], limits: LiveLimits) -> None:
    """Close all of them, in no order, within `limits.drain` seconds: clients are back within 10 ms, elsewhere."""
    waiting = list(sockets)
    secrets.SystemRandom().shuffle(waiting)
    most = max(1, int(limits.drain / limits.drain_pause))
    at_once = max(limits.drained, -(-len(waiting) // most))
    for at in range(0, len(waiting), at_once):
        if at:
            await asyncio.sleep(limits.drain_pause)
        for socket in waiting[at : at + at_once]:
            socket.close(Reason.DRAINED)


async def finish(tasks: Collection[asyncio.Task[Any]]) -> None:
    """Wait until there are none, also of those that they begin, or cancel them. `tasks` changes as they end."""
    clock = asyncio.get_running_loop().time
    until = clock() + ENDING
    while tasks and (left := until - clock()) > 0:
        await asyncio.wait(set(tasks), timeout=left)
    if late := set(tasks):
        for task in late:
            task.cancel()
        await asyncio.wait(late, timeout=CANCELLED)
