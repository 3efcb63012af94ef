"""A bus over a connection: it is made again whenever it breaks, and subscribers hear a `Gap` then.

Whether it works shows by its own beats: each process hears what it publishes to a topic of its own, through the server.
So a connection that only looks alive is given up after a few seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeVar

from kikao.bus.fanout import FanoutAway, Gap, Heard, Message, checked
from kikao.bus.frames import Numbering, Sequences, unpacked
from kikao.bus.subscribers import Subscribers

CONNECT: Final = 2.0
"""Seconds to connect, to subscribe, or to publish."""

BEAT: Final = 2.0
"""Seconds between two beats; the third that is not heard ends the connection."""

PAUSES: Final = (0.05, 2.0)
"""Seconds before the first and, at most, before a later try to connect again."""


_AWAY: Final = (
    "bus: %s does not answer (%s). Members are answered all the same; other processes hear of new messages and of each "
    "other later. It is tried again until it answers. Check KIKAO_BUS, and that its server runs."
)

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Link(Protocol):
    """One connection, until it breaks. Every method raises whatever its client does."""

    async def listen(self, topics: Collection[str]) -> None:
        """Hear these as well; returns when the server has said so."""
        ...

    async def send(self, topic: str, octets: bytes) -> None:
        """Publish."""
        ...

    async def receive(self) -> tuple[str, bytes] | None:
        """What comes next, and on which topic; None when something was lost before it."""
        ...

    async def close(self) -> None:
        """End it."""
        ...


Dial = Callable[[], Awaitable[Link]]
"""Makes a connection."""


class NetworkedFanout:
    """See `Fanout`. `where` is what may be shown of the server."""

    def __init__(
        self,
        dial: Dial,
        where: str,
        *,
        beat: float = BEAT,
        pauses: tuple[float, float] = PAUSES,
        patience: float = CONNECT,
    ) -> None:
        self._dial = dial
        self._where = where
        self._beat = beat
        self._pauses = pauses
        self._patience = patience
        self._subscribers = Subscribers()
        self._numbering = Numbering()
        self._sequences = Sequences()
        self._own = f"beat.{self._numbering.publisher.hex()}"
        self._link: Link | None = None
        self._heard_at = 0.0
        self._listened: set[str] = set()
        self._running: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        """Whether a first try was made, and did or did not succeed."""

    async def open(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run())
            await self._tried.wait()

    async def close(self) -> None:
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
        self._subscribers.close()

    async def publish(self, topic: str, payload: bytes) -> None:
        frame = self._numbering.frame(checked(topic, payload), payload)
        link = self._link
        if link is None:
            raise FanoutAway(f"bus: {self._where} does not answer")
        try:
            async with asyncio.timeout(self._patience):
                await heeded(link.send(topic, frame.packed()))
        except Exception as error:
            raise FanoutAway(f"bus: {self._where} does not answer ({type(error).__name__})") from error

    @asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Heard]]:
        async with self._subscribers.one(checked(topic)) as subscription:
            link = self._link
            if link is not None and topic not in self._listened:
                try:
                    async with asyncio.timeout(self._patience):
                        await heeded(link.listen([topic]))
                    self._listened.add(topic)
                except Exception:  # noqa: BLE001 - the connection is lost: the next one has this topic, and tells of a gap
                    subscription.put(Gap())
            yield subscription

    def reaches_others(self, topic: str) -> bool:
        return True

    async def answers(self) -> None:
        if self._link is None:
            raise FanoutAway(f"bus: {self._where} does not answer")

    # --- the connection ---

    async def _run(self) -> None:
        least, most = self._pauses
        pause = least
        is_away = False
        while True:
            link: Link | None = None
            before = cancelled()
            try:
                async with asyncio.timeout(self._patience):
                    link = await self._dial()
                    unless_cancelled_since(before)
                    topics = {self._own, *self._subscribers.topics}
                    await heeded(link.listen(topics))
                    await heeded(link.send(self._own, b""))
                self._listened, self._link = topics, link
                self._heard_at = asyncio.get_running_loop().time()
                self._sequences.forget()
                if late := self._subscribers.topics - topics:  # somebody came while it connected
                    await heeded(link.listen(late))
                    self._listened |= late
                self._subscribers.tell_all(Gap())  # whoever came before heard nothing until now
                pause = least
                self._tried.set()
                if is_away:
                    is_away = False
                    logger.warning("bus: %s answers again", self._where)
                await self._work(link)
            except Exception as error:  # noqa: BLE001 - whatever it is, the connection is of no use any more
                if not is_away:  # once, however long it takes
                    is_away = True
                    logger.warning(_AWAY, self._where, _name_of(error))
            finally:
                self._link = None
                self._tried.set()
                if link is not None:
                    with contextlib.suppress(Exception):
                        async with asyncio.timeout(self._patience):
                            await link.close()
            await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 - so that not all come at once
            pause = min(pause * 2, most)

    async def _work(self, link: Link) -> None:
        """Hear, and beat, until one of them fails."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._hear(link))
            tasks.create_task(self._keep_beating(link))

    async def _hear(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        while True:
            received = await heeded(link.receive())
            if received is None:
                self._subscribers.tell_all(Gap())
                continue
            topic, octets = received
            if topic == self._own:
                self._heard_at = loop.time()
                continue
            frame = unpacked(octets)
            if frame is None:  # of somebody else who uses this name
                continue
            is_new, misses = self._sequences.follows(topic, frame)
            if misses:
                self._subscribers.tell(topic, Gap())
            if is_new:
                self._subscribers.tell(topic, Message(frame.payload))

    async def _keep_beating(self, link: Link) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(self._beat)
            if loop.time() - self._heard_at > 3 * self._beat:
                raise FanoutAway("nothing is heard")
            async with asyncio.timeout(self._patience):
                await heeded(link.send(self._own, b""))


async def heeded(work: Awaitable[T]) -> T:
    """What `work` returns.

    Raises `CancelledError` if it was cancelled and returned all the same, as clients of Redis may: whoever closes the
    bus would wait for ever.
    """
    before = cancelled()
    found = await work
    unless_cancelled_since(before)
    return found


def unless_cancelled_since(before: int) -> None:
    if cancelled() > before:
        raise asyncio.CancelledError


def cancelled() -> int:
    """How often the running task was asked to end; a task group that failed in it may have been one who did."""
    task = asyncio.current_task()
    assert task is not None
    return task.cancelling()


def _name_of(error: BaseException) -> str:
    """What it is; its text may show more of the address than may be shown."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return type(error).__name__
