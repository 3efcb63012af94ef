"""What sockets that behave badly do to others: handlers that crash, and frames that are none."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Final, NamedTuple

from benchmarks.live import wire
from benchmarks.live.server import Server
from benchmarks.live.sockets import Socket, leave, until
from benchmarks.live.steady import Waits

TROUBLE: Final = 50
"""Sockets that make it."""

_REFUSED_JOIN: Final = 1.0
"""Seconds before a join that was refused is tried again: the client's first delay."""

_GARBAGE: Final = (
    b"",
    b"not json at all",
    b"{}",
    b"[]",
    b"[1,2,3,4,5]",
    b'["1","1","room:x"]',
    b"[null,null,null,null,null]",
    b'["1","1","room:x","phx_join",[]]',
    b"[" * 2000,
    b'"' + b"x" * 60_000,
    b"\xff\xfe",
)


class Harm(NamedTuple):
    """Echoes of others in a while of trouble."""

    waits: list[float]
    """Seconds, sorted."""
    troubles: int
    """Crashes, or frames of garbage."""
    cpu: float
    """Share of a core that the server took."""


async def alone(server: Server, others: Waits, seconds: float) -> Harm:
    """No trouble."""
    return await _while(server, others, [], seconds)


async def crashing(server: Server, others: Waits, seconds: float) -> Harm:
    """Handlers raise, as fast as those who sent the event may join again."""
    found = [_Crashing(server.port, f"crash{at}", f"room:crash{at}") for at in range(TROUBLE)]
    return await _while(server, others, found, seconds)


async def garbage(server: Server, others: Waits, seconds: float) -> Harm:
    """Frames that are none of the protocol; whoever was closed for it comes again after 0.25 s."""
    found = [_Garbling(server.port, f"garble{at}") for at in range(TROUBLE)]
    return await _while(server, others, found, seconds)


class _Trouble(Socket):
    """What counts what it did."""

    done = 0
    stopped = False


async def _while(server: Server, others: Waits, found: Sequence[_Trouble], seconds: float) -> Harm:
    await asyncio.gather(*(each.dial() for each in found))
    await until(lambda: all(each.done for each in found))
    await others.waits()
    cpu, before = server.cpu(), sum(each.done for each in found)
    await asyncio.sleep(seconds)
    waits, spent = await others.waits(), server.cpu() - cpu
    done = sum(each.done for each in found) - before
    for each in found:
        each.stopped = True
    await leave(found)
    return Harm(waits, done, spent / seconds)


class _Crashing(_Trouble):
    def __init__(self, port: int, user: str, topic: str) -> None:
        super().__init__(port, user)
        self._join = wire.said("1", "1", topic, "phx_join", {})
        self._crash = wire.said("1", "2", topic, "crash", {})

    def opened(self) -> None:
        self.write(self._join)

    def heard(self, text: bytes) -> None:
        if b'"phx_error"' in text:
            self.done += 1
            self.write(self._join)
        elif text.startswith(b'["1","1",'):
            if b'"status":"ok"' in text:
                self.write(self._crash)
            else:
                asyncio.get_running_loop().call_later(_REFUSED_JOIN, self.write, self._join)


class _Garbling(_Trouble):
    _random = random.Random(8)

    def opened(self) -> None:
        self.write(self._garbage())

    def heard(self, text: bytes) -> None:
        """It was answered, and may go on."""
        self.write(self._garbage())

    def lost(self) -> None:
        if not self.stopped:
            asyncio.get_running_loop().call_later(0.25, self._again)

    def refused(self, status: int) -> None:
        self.lost()

    def _again(self) -> None:
        self._dialling = asyncio.create_task(self.dial())

    def _garbage(self) -> bytes:
        self.done += 1
        kind = self._random.choice((wire.TEXT, wire.BINARY))
        return wire.frame(self._random.choice((*_GARBAGE, self._random.randbytes(200))), kind)
