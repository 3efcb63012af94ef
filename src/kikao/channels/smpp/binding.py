"""Keeps one connection to an SMSC bound, for as long as this process is to have it, and hands messages over to it."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Final

from kikao.channels.calling import Unanswered
from kikao.channels.smpp.account import Account
from kikao.channels.smpp.connection import Answered, Connection, Lost, Refused
from kikao.channels.smpp.statuses import FULL, Status
from kikao.channels.smpp.submission import Submission
from kikao.events import ErrorUncaught, LinkBound, LinkLost, Publish, described

FIRST: Final = 0.5
LONGEST: Final = 30.0
"""Before it connects anew it waits up to 0.5 s, 1 s, 2 s ... at most 30 s, by chance, and half of that at least."""

REFUSED: Final = 5.0
"""Seconds that it waits at least where the SMSC refused the bind: some close an account for haste."""

HOLD: Final = 1.0
LONGEST_HOLD: Final = 8.0
"""Seconds that nothing leaves after an SMSC said that it is full; twice as long each time."""

COPIES: Final = 4
"""What may wait at a time, copies included, for each request that may be at work."""

BIND: Final = 1.0
"""Seconds that a message waits here for a bind; then it goes back to the outbox for a moment."""


class Binding(ABC):
    """The way to one SMSC. `run` keeps it bound for as long as `wanted` says so; `submit` sends.

    `named` are its channel and gateway, for the log; `when_bound` is called when messages can go. Who derives from it
    answers what comes (`_answer`), and hears when a connection is over (`_over`).
    """

    def __init__(
        self,
        named: tuple[str, str],
        account: Account,
        publish: Publish,
        *,
        wanted: Callable[[], bool] = lambda: True,
        when_bound: Callable[[], None] = lambda: None,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._account = account
        self._publish = publish
        self._place = named
        self._wanted = wanted
        self._when_bound = when_bound
        self._monotonic = monotonic
        self._chance = chance
        self._connection: Connection | None = None
        self._bound = asyncio.Event()
        self._woken = asyncio.Event()
        self._window = asyncio.Semaphore(account.window)
        self._answering: set[asyncio.Task[None]] = set()
        """What came, and is not answered yet."""
        self._full = 0
        self._failures = 0
        self._stopping = False

    @abstractmethod
    async def _answer(self, connection: Connection, sequence: int, body: bytes) -> None:
        """One `deliver_sm`, from its octets to its answer."""

    @abstractmethod
    def _over(self, connection: Connection) -> None:
        """A connection is over; `unproven` says what nobody knows of it."""

    def _at_work_still(self) -> list[asyncio.Task[Any]]:
        """What is processed, and is cancelled where it stops."""
        return list(self._answering)

    def _take(self, connection: Connection, sequence: int, body: bytes) -> None:
        """See `connection.Take`."""
        if len(self._answering) >= COPIES * self._account.at_work:
            return connection.acknowledge(sequence, Status.ESME_RX_T_APPN)
        task = asyncio.create_task(self._answer(connection, sequence, body))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return None

    @property
    def bound(self) -> bool:
        """Whether messages come, and can go."""
        return self._bound.is_set()

    @property
    def wanted(self) -> bool:
        """Whether it should be."""
        return self._wanted() and not self._stopping

    def wake(self) -> None:
        """`wanted` may say something else by now."""
        self._woken.set()

    async def run(self) -> None:
        """Until `stop`, or it is cancelled."""
        while not self._stopping:
            if not self._wanted():
                await self._changed()
                continue
            try:
                why, refused = await self._serve(), False
            except Lost as lost:
                why, refused = str(lost), isinstance(lost, Refused)
            except Exception as error:  # noqa: BLE001 - whatever it is, members wait for the next connection
                self._publish(ErrorUncaught(where="loop", error=described(error)))
                why, refused = type(error).__name__, False
            self._failures = min(self._failures + 1, 10)
            leaving = self._stopping or not self._wanted()
            wait = 0.0 if leaving else self._pause(refused=refused)
            self._publish(LinkLost(**self._named(), reason=why, retry_after=round(wait, 3)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    while self._wanted() and not self._stopping:
                        await self._changed()

    async def refuse(self, budget: float) -> None:
        """Take nothing more, and give what is at work `budget` seconds; messages still go."""
        self._stopping = True
        if self._answering:
            await asyncio.wait(self._answering, timeout=budget)

    async def stop(self, budget: float) -> None:
        """The same, and then unbind."""
        await self.refuse(budget)
        if self._connection is not None:
            await self._leave(self._connection)
        self._woken.set()
        late = self._at_work_still()
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _changed(self) -> None:
        self._woken.clear()
        await self._woken.wait()

    # --- the connection ---

    async def _serve(self) -> str:
        """One connection from its beginning to its end; why it ended. Raises `Lost`, `Refused`."""
        connection = await Connection.open(self._account, self._take)
        running = asyncio.create_task(connection.run())
        watching = asyncio.create_task(self._watch(connection))
        try:
            await connection.bind()
            if self._stopping:
                await connection.unbind()
                return "unbound here"
            began = self._monotonic()
            self._connection = connection
            self._bound.set()
            self._publish(LinkBound(**self._named()))
            self._when_bound()
            why = await running
            if self._monotonic() - began > LONGEST:
                self._failures = 0
            return why
        finally:
            self._bound.clear()
            self._connection = None
            connection.close()
            watching.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)
            self._over(connection)

    async def _watch(self, connection: Connection) -> None:
        """Give the bind up when another process is to have it."""
        while self._wanted():
            await self._changed()
        await self._leave(connection)

    async def _leave(self, connection: Connection) -> None:
        """Unbind, once what is on its way has arrived."""
        self._bound.clear()
        held = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._account.patience):
                while held < self._account.window:
                    await self._window.acquire()
                    held += 1
        for _ in range(held):
            self._window.release()
        await connection.unbind()

    def _pause(self, *, refused: bool) -> float:
        longest: float = min(FIRST * 2 ** (self._failures - 1), LONGEST)
        return max(longest * (0.5 + self._chance() / 2), REFUSED if refused else 0.0)

    def _named(self) -> dict[str, Any]:
        return {"channel": self._place[0], "gateway": self._place[1]}

    # --- what goes ---

    async def submit(self, submission: Submission) -> Answered:
        """Hand one message over; what the SMSC says of it.

        Raises `Unanswered`, by which nobody knows whether it arrived, and `ValueError` for what has no place in a PDU.
        """
        try:
            async with asyncio.timeout(BIND):
                await self._bound.wait()
                await self._window.acquire()
        except TimeoutError:
            raise Unanswered("not bound" if not self.bound else "the window is full") from None
        connection = self._connection
        try:
            if connection is None:
                raise Unanswered("not bound")
            return await connection.submit(submission)
        except Lost as lost:
            raise Unanswered(str(lost)) from None
        except TimeoutError:
            raise Unanswered("no answer in time") from None
        finally:
            self._window.release()

    def held(self, status: int) -> float:
        """Seconds that nothing is to leave after this status: more each time that the SMSC is full, else none."""
        if status not in FULL:
            self._full = 0
            return 0.0
        hold: float = min(HOLD * 2**self._full, LONGEST_HOLD)
        self._full += 1
        return hold
