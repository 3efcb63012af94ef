"""A storm: all sockets are cut at once, and come back as the official client does."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Final, NamedTuple

from benchmarks.live.callers import callers
from benchmarks.live.server import Server
from benchmarks.live.sockets import Member, beating, come, leave
from benchmarks.live.steady import Waits
from benchmarks.live.witness import witnesses

DELAYS: Final = (0.01, 0.05, 0.1, 0.15, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0)
"""Seconds before each further try; the last for ever. The client's, without any jitter."""

STORM: Final = 180.0
"""Seconds that one may take."""


class Storm(NamedTuple):
    """What it was like."""

    wall: float
    """Seconds from the cut until all are joined again."""
    refused: int
    cpu: float
    """Seconds of the server."""
    lag: float
    """Seconds that its event loop was late at worst."""
    calm: list[float]
    """Seconds of echoes of others before, sorted."""
    waits: list[float]
    """And meanwhile."""
    before: float
    """KiB of the server with all joined."""
    after: float
    calm_turns: list[float]
    """Seconds of turns over USSD on the same server before, sorted; none where it has no conversations."""
    turns: list[float]
    """And meanwhile."""


async def storm(server: Server, sockets: int, *, calm: float = 5.0) -> Storm:
    """So many, each with a user and a topic of its own. `calm` are seconds before and after, for memory, echoes, turns.

    Of them only the bare server has no conversations.
    """
    crowd = [_Returning(server.port, f"storm{at}", f"room:storm{at}") for at in range(sockets)]
    async with contextlib.AsyncExitStack() as stack:
        heart = asyncio.create_task(beating(crowd))
        stack.callback(heart.cancel)
        await come(crowd)
        others = await stack.enter_async_context(witnesses(server.port))
        talking = server.name != "bare"
        members = await stack.enter_async_context(callers(server.port)) if talking else None
        await asyncio.sleep(calm)
        before = await server.resident()
        await _waits(others, members)
        await asyncio.sleep(calm)
        at_rest = await _waits(others, members)
        await server.ask("watch")
        cpu, begun = server.cpu(), time.perf_counter()
        for each in crowd:
            each.cut_for_a_while()
        async with asyncio.timeout(STORM):
            await asyncio.gather(*(each.back for each in crowd))
        wall, spent = time.perf_counter() - begun, server.cpu() - cpu
        meanwhile, lag = await _waits(others, members), await server.ask("lag")
        await asyncio.sleep(calm)
        after = await server.resident()
        refused = sum(each.refusals for each in crowd)
        for each in crowd:
            each.stay_away()
        await leave(crowd)
    (calm_echoes, calm_turns), (echoes, turns) = at_rest, meanwhile
    return Storm(wall, refused, spent, lag["seconds"], calm_echoes, echoes, before, after, calm_turns, turns)


async def _waits(others: Waits, members: Waits | None) -> tuple[list[float], list[float]]:
    return await others.waits(), [] if members is None else await members.waits()


class _Returning(Member):
    """Comes back, again and again, once it was cut."""

    def __init__(self, port: int, user: str, topic: str) -> None:
        super().__init__(port, user, topic)
        self.back: asyncio.Future[float] = self.joined.get_loop().create_future()
        self.refusals = 0
        self._tries = 0
        self._returns = False
        self._dialling: asyncio.Task[None] | None = None

    def cut_for_a_while(self) -> None:
        """The connection breaks; from now on it tries to come back."""
        self._returns = True
        self.joined = self.back
        self.cut()

    def stay_away(self) -> None:
        """The next time it is cut it does not come back."""
        self._returns = False

    def opened(self) -> None:
        self._tries = 0
        super().opened()

    def refused(self, status: int) -> None:
        if status != 503:
            super().refused(status)
        self.refusals += 1
        self._again()

    def lost(self) -> None:
        if self._returns:
            self._again()

    def _again(self) -> None:
        delay = DELAYS[min(self._tries, len(DELAYS) - 1)]
        self._tries += 1
        asyncio.get_running_loop().call_later(delay, self._dial)

    def _dial(self) -> None:
        self._dialling = asyncio.create_task(self._try())

    async def _try(self) -> None:
        try:
            await self.dial()
        except OSError:
            self._again()
