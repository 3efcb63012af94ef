"""One connection to one server, on which many ask at the same time.

What is asked in one tick of the event loop leaves in one write, and answers come back in the order of the questions: so
a turn costs a tenth of what it would with a connection of its own for each command. The connection is that of redis-py
(TLS, AUTH, the protocol); asking and answering go past its retries and time-outs, which would send a write twice or
cost more than the command itself.

A server that is away costs nobody time: the first to find out wait for the connection to be tried once more, and until
it stands everybody else is refused at once. It is tried again and again, with growing pauses, for as long as the wire
is open.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

import hiredis
from redis.exceptions import AuthenticationError, BusyLoadingError, RedisError, ResponseError

from kikao.sessions.store import StoreRefused, StoreUnavailable
from kikao.sessions.stores.jitter import jittered

FIRST_PAUSE: Final = 0.05
"""Seconds before a server that is away is tried again; the pause doubles each time."""

LONGEST_PAUSE: Final = 1.0

_ANSWERED: Final = (ResponseError, BusyLoadingError, AuthenticationError)
"""What a server says, although redis-py takes some of it for a broken connection."""


class AnswerLost(StoreUnavailable):
    """A command was sent, and its answer did not come: it may have been carried out."""


Word = bytes | str | int | float

pack: Final[Callable[[tuple[Word, ...]], bytes]] = cast(Any, hiredis).pack_command
"""One command as it goes over the wire."""


class Wire:
    """A connection that `connect` makes, and makes anew when it breaks; `name` says of what.

    `timeout` is how many seconds a command waits for its answer, `limit` how many may be under way.
    """

    def __init__(
        self, name: str, connect: Callable[[], Awaitable[Any]], *, timeout: float, limit: int
    ) -> None:
        self.name = name
        self.away: str | None = None
        """Why the server cannot be asked, since it could last not be reached."""
        self._connect = connect
        self._timeout = timeout
        self._limit = limit
        self._queue: list[tuple[bytes, asyncio.Future[Any]]] = []
        """Not sent yet."""
        self._sent: deque[asyncio.Future[Any]] = deque()
        """Not answered yet, in the order in which the answers come."""
        self._writes: deque[tuple[float, int]] = deque()
        """Until when a write is to be answered, and how many commands were sent with it and before."""
        self._asked = 0
        self._answered = 0
        self._wake: asyncio.Future[None] | None = None
        self._broken: asyncio.Future[str] | None = None
        """Of the connection that stands: why it does not any more."""
        self._timer: asyncio.TimerHandle | None = None
        self._leaving = False
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiting(self) -> int:
        """Commands under way: those not sent yet, and those not answered."""
        return len(self._queue) + len(self._sent)

    async def open(self) -> None:
        """Connect. Raises `StoreRefused` for a server that will not do, `StoreUnavailable` for one that is away."""
        self._begin(await self._connect())

    def begin(self) -> None:
        """Connect as soon as may be, without waiting for it."""
        self._begin(None)

    def _begin(self, connection: Any) -> None:
        self._task = asyncio.create_task(self._run(connection), name=f"wire to {self.name}")

    async def close(self) -> None:
        """Wait for the answers to what was asked, and let go."""
        task, self._task = self._task, None
        if task is None:
            return
        under_way = [*self._sent, *(answer for _, answer in self._queue)]
        if under_way and self.away is None:
            await asyncio.wait(under_way, timeout=self._timeout)
        task.cancel()
        await asyncio.wait([task])
        self._refuse_waiting("it was closed")

    def ask(self, command: bytes) -> asyncio.Future[Any]:
        """Send a packed command with whatever else is asked in this tick; the future has the server's answer.

        It raises redis-py's exceptions for what the server refuses, `AnswerLost`, and `StoreUnavailable` for what was
        not sent. Raises `StoreUnavailable` at once when the server is away or too much is under way.
        """
        if self.away is not None or self._task is None:
            raise StoreUnavailable(f"{self.name} is away: {self.away or 'it is not open'}")
        if len(self._queue) + len(self._sent) >= self._limit:
            raise StoreUnavailable(f"{self.name} is slow: {self._limit} commands wait for it already")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._queue.append((command, answer))
        if (wake := self._wake) is not None:
            self._wake = None
            if not wake.done():
                wake.set_result(None)
        return answer

    def renew(self) -> None:
        """Connect anew once what was sent is answered: the server is not the right one any more."""
        self._leaving = True
        if not self._sent:
            self._break("it is left for another one")

    async def _run(self, connection: Any) -> None:
        pause, barren = FIRST_PAUSE, 0
        while True:
            answered = self._answered
            try:
                if connection is None:
                    connection = await self._connect()
                self.away = None
                why = await self._serve(connection)
                barren = barren + 1 if self._answered == answered else 0
                if barren > 1:  # it takes connections and drops them
                    self._give_up(why)
            except (StoreUnavailable, StoreRefused) as problem:
                self._give_up(str(problem))
            finally:
                if connection is not None:
                    with contextlib.suppress(RedisError, OSError):
                        await connection.disconnect(nowait=True)
                connection = None
            if self.away is None:
                pause = FIRST_PAUSE
            else:
                await asyncio.sleep(jittered(pause))
                pause = min(2 * pause, LONGEST_PAUSE)

    async def _serve(self, connection: Any) -> str:
        """Ask and answer until the connection breaks; return why it did."""
        self._leaving = False
        broken: asyncio.Future[str] = self._loop.create_future()
        self._broken = broken
        tasks = [asyncio.create_task(self._write(connection)), asyncio.create_task(self._read(connection))]
        for task in tasks:
            task.add_done_callback(self._ended)
        try:
            return await broken
        finally:
            self._broken = self._wake = None
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            self._lose(broken.result() if broken.done() and not broken.cancelled() else "it was closed")

    async def _write(self, connection: Any) -> None:
        send = connection.send_packed_command
        while True:
            if not self._queue or self._leaving:
                self._wake = self._loop.create_future()
                await self._wake
                continue
            # Nobody waits any more for what was cancelled, and it is better not done late.
            queue, self._queue = [each for each in self._queue if not each[1].done()], []
            if not queue:
                continue
            self._sent.extend([answer for _, answer in queue])
            self._asked += len(queue)
            deadline = self._loop.time() + self._timeout
            self._writes.append((deadline, self._asked))
            if self._timer is None:
                self._timer = self._loop.call_at(deadline, self._check)
            await send([b"".join([command for command, _ in queue])], check_health=False)

    async def _read(self, connection: Any) -> None:
        read, sent = connection.read_response, self._sent
        while True:
            try:
                answer = await read(disconnect_on_error=False)
            except _ANSWERED as refusal:
                if not sent:
                    raise
                self._answered += 1
                if not (asked := sent.popleft()).done():
                    asked.set_exception(refusal)
            else:
                self._answered += 1
                if not (asked := sent.popleft()).done():
                    asked.set_result(answer)
            if self._leaving and not sent:
                return

    def _check(self) -> None:
        """Break the connection when the oldest command waits for too long."""
        while self._writes and self._writes[0][1] <= self._answered:
            self._writes.popleft()
        self._timer = None
        if self._writes:
            if (deadline := self._writes[0][0]) <= self._loop.time():
                self._break(f"it did not answer within {self._timeout:g} s")
            else:
                self._timer = self._loop.call_at(deadline, self._check)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            problem = task.exception()
            self._break(
                "it is left for another one" if problem is None else f"the connection broke ({problem})"
            )

    def _break(self, why: str) -> None:
        if self._broken is not None and not self._broken.done():
            self._broken.set_result(why)

    def _lose(self, why: str) -> None:
        """Tell those whose commands were sent that nobody will answer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._writes.clear()
        self._asked = self._answered
        while self._sent:
            if not (asked := self._sent.popleft()).done():
                asked.set_exception(AnswerLost(f"{self.name}: {why}"))

    def _give_up(self, why: str) -> None:
        self.away = why
        self._refuse_waiting(why)

    def _refuse_waiting(self, why: str) -> None:
        """Tell those whose commands were not sent that they will not be."""
        queue, self._queue = self._queue, []
        for _, asked in queue:
            if not asked.done():
                asked.set_exception(StoreUnavailable(f"{self.name} is away: {why}"))
