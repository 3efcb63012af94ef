"""What sockets cost a server: memory at rest, the way in, echoes and broadcasts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from itertools import count
from typing import Final, NamedTuple

from benchmarks.live import wire
from benchmarks.live.inside import payload
from benchmarks.live.kernel import Kept
from benchmarks.live.server import Server
from benchmarks.live.sockets import Member, beating, come, leave, until

OCTETS: Final = 62
"""Of a payload, where nothing else is said."""

SETTLING: Final = 3.0
"""Seconds between the last join and a look at memory."""

WARM: Final = 20
"""Sockets that came and went before memory is looked at: what is made once is there."""

_turn = count(1)


class Idle(NamedTuple):
    """So many sockets that are joined and silent."""

    sockets: int
    resident: float
    """KiB of each: what the server has more than before the first."""
    kernel: Kept
    """KiB that the kernel has more, for each end of a connection: they are both in this machine."""


async def idle(server: Server, counts: Sequence[int], *, settling: float = SETTLING) -> list[Idle]:
    """The memory of sockets at rest, each with a user and a topic of its own, at each of these (rising) counts."""
    warm = members(server, WARM, own=True)
    await come(warm)
    await leave(warm)
    before, kernel, found = await server.resident(), Kept.now(), []
    async with contextlib.AsyncExitStack() as stack:
        everybody: list[Member] = []
        for sockets in counts:
            more = members(server, sockets - len(everybody), own=True)
            everybody += more
            await stack.enter_async_context(_alive(more))
            await asyncio.sleep(settling)
            resident = (await server.resident() - before) / sockets
            found.append(Idle(sockets, resident, Kept.now().each(kernel, 2 * sockets)))
    return found


class Arrivals(NamedTuple):
    """Sockets that came one after the other."""

    cpu: float
    """Seconds of the server for each: accepted, authenticated, session begun, joined, presence tracked."""
    waits: list[float]
    """Seconds from each dial to the reply to the join, sorted."""


async def arrivals(server: Server, sockets: int, rate: float) -> Arrivals:
    """So many a second; they stay until all have come."""
    coming = members(server, sockets, own=True)
    before = server.cpu()
    waits = await come(coming, rate=rate)
    cpu = (server.cpu() - before) / sockets
    await leave(coming)
    return Arrivals(cpu, waits)


async def echoes(server: Server, sockets: int, seconds: float) -> float:
    """Echoes per CPU-second of the server: each socket sends the next when the last came back."""
    talking = [Echoing(server.port, f"echo{next(_turn)}", "crowd:echo") for _ in range(sockets)]
    await come(talking)
    before = server.cpu()
    for each in talking:
        each.start()
    await asyncio.sleep(seconds)
    said, cpu = sum(each.messages for each in talking), server.cpu() - before
    await leave(talking)
    return said / cpu


class Echoing(Member):
    """Says the same again as soon as it was answered."""

    _said = wire.said("1", "2", "crowd:echo", "echo", payload(OCTETS))

    def start(self) -> None:
        """The first."""
        self.write(self._said)

    def heard(self, text: bytes) -> None:
        before = self.messages
        super().heard(text)
        if self.messages > before:
            self.write(self._said)


async def deliveries(server: Server, crowd: Sequence[Member], times: int, octets: int) -> float:
    """Messages delivered per CPU-second of the server: so many broadcasts to a crowd that joined one topic."""
    wanted = [each.messages + times for each in crowd]
    cpu, asked = server.cpu(), {"topic": crowd[0].topic, "times": times, "octets": octets}
    await server.ask("flood", asked)
    await until(lambda: all(map(_came, crowd, wanted)))
    return times * len(crowd) / (server.cpu() - cpu)


def _came(member: Member, wanted: int) -> bool:
    return member.messages >= wanted


def members(server: Server, count: int, *, own: bool = False) -> list[Member]:
    """Users who were not here before, for a topic of one crowd, or each for a topic of its `own` with presence."""
    topic, found = f"crowd:{next(_turn)}", []
    for _ in range(count):
        user = f"user{next(_turn)}"
        found.append(Member(server.port, user, f"room:{user}" if own else topic))
    return found


@contextlib.asynccontextmanager
async def crowd(server: Server, count: int) -> AsyncIterator[list[Member]]:
    """Members of one topic, for as long as they are needed."""
    found = members(server, count)
    async with _alive(found):
        yield found


@contextlib.asynccontextmanager
async def _alive(found: list[Member]) -> AsyncIterator[None]:
    heart = asyncio.create_task(beating(found))
    try:
        await come(found)
        yield
    finally:
        heart.cancel()
        await leave(found)
