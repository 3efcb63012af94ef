"""A few connections to PostgreSQL, and the questions that wait for one of them.

What is asked in one tick of the event loop travels together: a statement that can do many at once is sent with all that
wait for it, up to `BATCH`, and those are one transaction. Each connection has a task that takes the next batch when it
has its answer, so batches grow by themselves when the server is slow, and a single question goes out alone.

Everything is bounded: how many questions wait, and for how long; how long an answer takes, and a connection. A server
that is away is not asked by everybody: who asks is told at once, until a try to connect succeeds; those are made again
and again in the background.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec

from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.sessions.stores.postgresql.troubles import Trouble, trouble_of, why

BATCH: Final = 64

_LOOKS: Final = 5.0
"""How often within the patience it is looked whether somebody waits too long."""

_FIRST_PAUSE: Final = 0.05
"""Seconds from a failed try to connect to the next; then longer and longer."""

_LONGEST_PAUSE: Final = 1.0

Connect = Callable[[], Awaitable[Any]]
"""Makes a connection of asyncpg that is ready to be used."""


class Statement(msgspec.Struct, frozen=True, eq=False):
    """What the server can be asked."""

    one: str
    many: str | None = None
    """The same for many at once: each parameter is an array, and there is one row for each, in their order."""
    writes: bool = False
    """Whether it matters if it was done: who is not answered is told that it may have been. Others are asked again."""


class Question:
    """One question, and who waits for the answer: the rows of `one`, or the one row of `many`."""

    __slots__ = ("again", "args", "asked_at", "future", "orphaned", "statement")

    def __init__(
        self,
        statement: Statement,
        args: tuple[Any, ...],
        future: asyncio.Future[Any],
        asked_at: float,
        orphaned: Callable[[Any], None] | None,
    ) -> None:
        self.statement = statement
        self.args = args
        self.future = future
        self.asked_at = asked_at
        self.orphaned = orphaned
        """Gets the answer if nobody waits for it any more."""
        self.again = False

    def answer(self, rows: list[Any]) -> None:
        if not self.future.done():
            self.future.set_result(rows)
        elif self.orphaned is not None:
            self.orphaned(rows)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class Wire:
    """`name` is how the server is called in errors; `connections` at most, `limit` questions waiting at most, none for
    longer than `patience` seconds, and as long for an answer; `connecting`, in seconds, is for a connection.
    """

    def __init__(
        self, connect: Connect, *, name: str, connections: int, limit: int, patience: float, connecting: float
    ) -> None:
        self.waiting = 0
        """Questions without an answer: those that wait, and those at work."""
        self._connect = connect
        self._name = name
        self._connections = connections
        self._limit = limit
        self._patience = patience
        self._connecting = connecting
        self._loop = asyncio.get_running_loop()
        self._questions: dict[Statement, deque[Question]] = {}
        self._turns: deque[Statement] = deque()  # those with questions, whose turn is next first
        self._links: set[_Link] = set()
        self._idle: list[asyncio.Future[None]] = []
        self._woken = False
        self._growing: asyncio.Task[None] | None = None
        self._away: str | None = None
        self._failures = 0
        self._retry: asyncio.TimerHandle | None = None
        self._closing = False
        self._watch = self._loop.call_later(patience / _LOOKS, self._look)

    @property
    def away(self) -> str | None:
        """Why nobody can be asked at present."""
        return self._away

    async def close(self) -> None:
        """Finish what was asked, as far as the patience goes, and let go of all connections."""
        self._closing = True
        if self._retry is not None:
            self._retry.cancel()
        if self._growing is not None:
            self._growing.cancel()
        tasks = [link.task for link in self._links]
        self._wake_everybody()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._patience)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._watch.cancel()
        self._fail_all(f"{self._name} was closed.")

    def ask(
        self, statement: Statement, args: tuple[Any, ...], orphaned: Callable[[Any], None] | None = None
    ) -> asyncio.Future[Any]:
        """Put a question. Raises `StoreUnavailable` at once when the server is away or too many wait.

        Where the answer comes in the form of an exception it is that of `CommitUnknown`, `StoreUnavailable`, or of
        asyncpg for a question that the server refuses.
        """
        if self._closing:
            raise StoreUnavailable(f"{self._name} was closed.")
        if self._away is not None:
            raise StoreUnavailable(self._away)
        if self.waiting >= self._limit:
            raise StoreUnavailable(f"{self._name}: {self.waiting} questions wait, no more are taken.")
        question = Question(statement, args, self._loop.create_future(), self._loop.time(), orphaned)
        self.waiting += 1
        self._put(question)
        if not self._woken:
            self._serve()
        return question.future

    def _put(self, question: Question) -> None:
        line = self._questions.get(question.statement)
        if line is None:
            self._questions[question.statement] = deque((question,))
            self._turns.append(question.statement)
        else:
            if not line:
                self._turns.append(question.statement)
            line.append(question)

    def _serve(self) -> None:
        """Have somebody take the next batch: who is idle, or a new connection."""
        if self._idle:
            self._woken = True
            self._idle.pop().set_result(None)
        elif len(self._links) < self._connections:
            self._grow()

    def _next(self) -> list[Question]:
        """The next batch, of one statement."""
        statement = self._turns.popleft()
        line = self._questions[statement]
        if len(line) == 1:
            batch = [line.popleft()]
        else:
            many = BATCH if statement.many is not None else 1
            batch = [line.popleft() for _ in range(min(many, len(line)))]
        if line:
            self._turns.append(statement)
        if not statement.writes:
            batch = [question for question in batch if not self._is_gone(question)]
        return batch

    def _is_gone(self, question: Question) -> bool:
        """Whether nobody waits for the answer of a question that was not put yet."""
        if not question.future.done():
            return False
        self.waiting -= 1
        return True

    # --- connections ---

    def _grow(self) -> None:
        if self._growing is None and self._retry is None and not self._closing:
            self._growing = self._loop.create_task(self._add())

    async def _add(self) -> None:
        try:
            async with asyncio.timeout(self._connecting):
                connection = await self._connect()
        except Exception as error:  # noqa: BLE001 - whatever it is, the server cannot be reached
            self._growing = None
            self._failures += 1
            pause = min(_FIRST_PAUSE * 2 ** min(self._failures, 10), _LONGEST_PAUSE) * random.uniform(  # noqa: S311
                0.7, 1.3
            )
            self._retry = self._loop.call_later(pause, self._try_again)
            if not self._links:
                self._away = f"{self._name} cannot be reached ({why(error)})."
                self._fail_all(self._away)
        else:
            self._growing = None
            self.begin(connection)

    def _try_again(self) -> None:
        self._retry = None
        if not self._links or self._turns:
            self._grow()

    def begin(self, connection: Any) -> None:
        """Use a connection."""
        self._failures = 0
        self._away = None
        link = _Link(connection)
        link.task = self._loop.create_task(self._work(link))
        self._links.add(link)
        self._woken = True

    async def _work(self, link: _Link) -> None:
        """Take batch after batch, as long as the connection lasts."""
        try:
            while not link.connection.is_closed():
                if self._turns:
                    self._woken = False
                    batch = self._next()
                    if self._turns and not self._woken:
                        self._serve()
                    if batch:
                        await self._put_to(link, batch)
                    continue
                self._woken = False
                if self._closing:
                    break
                idle = link.idle = self._loop.create_future()
                self._idle.append(idle)
                await idle
        finally:
            self._woken = False
            self._links.discard(link)
            if self._turns and not self._closing:
                self._serve()
            await self._end(link)

    async def _end(self, link: _Link) -> None:
        connection = link.connection
        if self._closing and not connection.is_closed():
            try:
                await connection.close(timeout=self._patience)
            except Exception:  # noqa: BLE001 - it is closed one way or another
                connection.terminate()
        else:
            connection.terminate()
        if not self._closing and not self._links:
            self._grow()

    async def _put_to(self, link: _Link, batch: list[Question]) -> None:
        """Put a batch to the server, and answer everybody."""
        link.busy_since = self._loop.time()
        try:
            if len(batch) == 1:
                rows = await link.run(batch[0].statement.one, batch[0].args)
                self.waiting -= 1
                batch[0].answer(rows)
                return
            statement = batch[0].statement
            assert statement.many is not None
            # In the order of their keys, so that no two transactions wait for each other.
            batch.sort(key=_key)
            rows = await link.run(statement.many, tuple(zip(*(each.args for each in batch), strict=True)))
            self.waiting -= len(batch)
            for question, row in zip(batch, rows, strict=True):
                question.answer([row])
        except Exception as error:  # noqa: BLE001 - whatever it is, everybody waiting is told
            await self._judge(link, batch, error)
        except BaseException:
            self._lost(batch, "the store was closed", sent=link.sent)
            raise
        finally:
            link.busy_since = None

    async def _judge(self, link: _Link, batch: list[Question], error: Exception) -> None:
        trouble = trouble_of(error)
        if trouble is Trouble.LOST:
            link.connection.terminate()
            self._lost(batch, "it takes too long" if link.is_late else why(error), sent=link.sent)
        elif len(batch) > 1:
            # Nothing of the transaction is stored: each by itself, so that only those fail that have to.
            for question in batch:
                if link.connection.is_closed():
                    self._never_sent([question], "the connection was lost")
                else:
                    await self._put_to(link, [question])
        else:
            self.waiting -= 1
            if trouble is Trouble.READ_ONLY:  # of a standby: the next connection may lead elsewhere
                link.connection.terminate()
            if trouble is Trouble.REFUSED:
                batch[0].fail(error)
            else:
                batch[0].fail(StoreUnavailable(f"{self._name} did not take it ({why(error)})."))

    def _lost(self, batch: list[Question], reason: str, *, sent: bool) -> None:
        """The connection broke while a batch was at work, or on its way there."""
        for question in batch:
            if sent and question.statement.writes:
                self.waiting -= 1
                question.fail(CommitUnknown(f"{self._name} did not answer ({reason})."))
            elif question.again or self._closing:
                self._never_sent([question], reason)
            else:
                question.again = True
                self._put(question)

    def _never_sent(self, batch: Sequence[Question], reason: str) -> None:
        for question in batch:
            self.waiting -= 1
            question.fail(StoreUnavailable(f"{self._name} did not answer ({reason})."))

    # --- what takes too long ---

    def _look(self) -> None:
        """End connections that do not answer, and questions that wait for too long."""
        late = self._loop.time() - self._patience
        found = [link for link in self._links if link.busy_since is not None and link.busy_since <= late]
        for link in found:
            link.is_late = True
            link.connection.terminate()
        if found:
            # The others lead to the same server: better to connect anew than to have them found out one by one.
            for link in self._links:
                if link.busy_since is None:
                    link.connection.terminate()
            self._wake_everybody()
        for line in self._questions.values():
            while line and line[0].asked_at <= late:
                question = line.popleft()
                self._never_sent([question], f"it is busy for longer than {self._patience:g} s")
        self._turns = deque(statement for statement in self._turns if self._questions[statement])
        self._watch = self._loop.call_later(self._patience / _LOOKS, self._look)

    def _fail_all(self, reason: str) -> None:
        for line in self._questions.values():
            while line:
                self.waiting -= 1
                line.popleft().fail(StoreUnavailable(reason))
        self._turns.clear()

    def _wake_everybody(self) -> None:
        while self._idle:
            idle = self._idle.pop()
            if not idle.done():
                idle.set_result(None)


class _Link:
    """A connection, its prepared statements, and since when it is at work."""

    task: asyncio.Task[None]
    idle: asyncio.Future[None]

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.busy_since: float | None = None
        self.is_late = False
        self.sent = False
        """Whether the server may have got what was asked last."""
        self._prepared: dict[str, Any] = {}

    async def run(self, sql: str, args: tuple[Any, ...]) -> list[Any]:
        self.sent = False
        prepared = self._prepared.get(sql)
        if prepared is None:
            # asyncpg parses a prepared statement anew each time where its own cache is off.
            prepared = self._prepared[sql] = await self.connection.prepare(sql)
        self.sent = not self.connection.is_closed()
        rows: list[Any] = await prepared.fetch(*args)
        return rows


def _key(question: Question) -> Any:
    return question.args[0]
