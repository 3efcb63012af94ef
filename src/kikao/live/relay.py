"""Requests of clients that poll, from the process that they reached to the one that has their socket, and back.

So no load balancer has to know which process that is. What travels is sealed: a post may hold what a
member keeps secret. The bus loses what it cannot carry: then the request is answered as if its socket were gone, and
the client begins anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final, Protocol

from kikao.live.news import Relayed
from kikao.live.wire import Wire

PIECE: Final = 32 * 1024
"""Octets of a message that travel at once."""

HEARD_OF: Final = 2.0
"""Seconds in which the other process says that it has a request; where it does not it is dead, or was never there."""

HALF: Final = 64
"""Messages of which pieces are here, and others are missing; the oldest are forgotten."""

ASK, ACK, ANSWER = 0, 1, 2


class Seal(Protocol):
    """Keeps what travels secret."""

    def seal(self, data: bytes, key: bytes, purpose: bytes, version: int = 0) -> bytes:
        """As it travels."""
        ...

    def unseal(self, blob: bytes, key: bytes, purpose: bytes, version: int = 0) -> bytes:
        """Raises for what was sealed for somebody else."""
        ...


class Relay:
    """Of one process. `answers` deals with what the others ask."""

    def __init__(
        self,
        wire: Wire,
        seal: Callable[[], Seal],
        answers: Callable[[bytes], Awaitable[bytes]],
        spawn: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._wire = wire
        self._seal = seal
        self._answers = answers
        self._spawn = spawn
        self._numbers = itertools.count(1)
        self._asked: dict[int, _Asked] = {}
        self._pieces: dict[tuple[str, int, int], list[bytes]] = {}
        wire.on(Relayed, self._heard)

    async def ask(self, node: str, request: bytes, patience: float) -> bytes | None:
        """What another process answers within `patience` seconds; None where it does not, or is not there."""
        number = next(self._numbers)
        asked = self._asked[number] = _Asked()
        self._tell(node, ASK, number, request)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(HEARD_OF):
                    await asked.heard.wait()
                async with asyncio.timeout(patience):
                    return await asked.answer
            return None
        finally:
            del self._asked[number]

    def _tell(self, node: str, kind: int, number: int, said: bytes = b"") -> None:
        me = self._wire.node
        sealed = self._seal().seal(said, _key(me, node, number), PURPOSE, kind)
        count = -(-len(sealed) // PIECE)
        for at in range(count):
            piece = sealed[at * PIECE : (at + 1) * PIECE]
            self._wire.tell(Relayed(node, me, kind, number, at, count, piece))

    def _heard(self, news: Relayed) -> None:
        if news.to != self._wire.node:
            return
        which = news.by, news.kind, news.number
        pieces = self._pieces.setdefault(which, [])
        if news.at == len(pieces):  # they come in order; where one is lost the rest is worth nothing
            pieces.append(news.piece)
        if len(pieces) < news.count:
            while len(self._pieces) > HALF:
                del self._pieces[next(iter(self._pieces))]
            return
        del self._pieces[which]
        try:
            said = self._seal().unseal(
                b"".join(pieces), _key(news.by, news.to, news.number), PURPOSE, news.kind
            )
        except Exception:  # noqa: BLE001 - of another deployment, or damaged: whoever asked gives up waiting
            return
        if news.kind == ASK:
            self._tell(news.by, ACK, news.number)
            self._spawn(self._deal(news.by, news.number, said))
        elif (asked := self._asked.get(news.number)) is not None:
            asked.heard.set()
            if news.kind == ANSWER and not asked.answer.done():
                asked.answer.set_result(said)

    async def _deal(self, node: str, number: int, request: bytes) -> None:
        self._tell(node, ANSWER, number, await self._answers(request))


class _Asked:
    """A request under way."""

    def __init__(self) -> None:
        self.heard = asyncio.Event()
        self.answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()


PURPOSE: Final = b"live relay"


def _key(by: str, to: str, number: int) -> bytes:
    """Binds what is sealed to its way."""
    return f"{by}>{to}#{number}".encode()
