"""What is no turn and still has to be said: "unavailable", "too many", and what middleware answers.

Where a screen is the answer to its request, that is the answer. Where screens go out as calls of their own, this one is
called out once, by the process that has it: nothing of it is stored, so nobody sends it again, and if it fails the
member sees what the network says then.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kikao.channels.channel import Gateway, Response
from kikao.channels.inbound import Inbound
from kikao.channels.outbox.sender import Delivered, Destination, Letter, Outcome, Rejected
from kikao.conversation.errors import TEXTS, ErrorCode
from kikao.conversation.screens import Screen
from kikao.events import NoticeLost, Publish
from kikao.sessions.posting import SCREENS

UNCERTAIN: Final = Screen((TEXTS[ErrorCode.UNKNOWN_OUTCOME],), ends=True)
UNAVAILABLE: Final = Screen((TEXTS[ErrorCode.BACKEND_UNAVAILABLE],), ends=True)
LIMITED: Final = Screen((TEXTS[ErrorCode.LIMITED],), ends=True)
BROKEN: Final = Screen((TEXTS[ErrorCode.INTERNAL],), ends=True)

AT_ONCE: Final = 32
"""What is said at a time, from one process. An app that has nothing else to say must not drown who listens."""

MOST: Final = 1000
"""What is said or waits for its turn, for as long as one try may take; what is more is lost."""


class Directly:
    """Says what cannot wait in the outbox. `destinations` are those of the outbox, by full name."""

    def __init__(
        self,
        destinations: Mapping[str, Destination],
        publish: Publish,
        clock: Callable[[], float],
        *,
        at_once: int = AT_ONCE,
        most: int = MOST,
    ) -> None:
        self._destinations = destinations
        self._publish = publish
        self._clock = clock
        self._most = most
        self._room = asyncio.Semaphore(at_once)
        self._under_way: set[asyncio.Task[None]] = set()
        self.may_leave: Callable[[str, bytes], Awaitable[bool]] = _always
        """Whether one may leave now, by the pace of its destination; the server says so. Screens for which a dialogue
        is held open do not ask: there is one for each request."""

    def __call__(self, gateway: Gateway, inbound: Inbound, page: Any) -> Response:
        """The answer to a request, with a page that closes the dialogue in it, or on its way beside it."""
        if gateway.pushes:
            until = self._clock() + gateway.patience
            for body in gateway.pushed(inbound, page, ends=True, until=until):
                self._say(gateway.pushes, body)
        return gateway.reply(inbound, page, ends=True)

    async def settled(self) -> None:
        """Wait until nothing is being said."""
        while self._under_way:
            await asyncio.wait(self._under_way)

    async def close(self, budget: float) -> None:
        """Give what is being said `budget` seconds."""
        if self._under_way:
            _, late = await asyncio.wait(self._under_way, timeout=budget)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    def _say(self, to: str, body: bytes) -> None:
        destination = self._destinations.get(to)
        if destination is None or len(self._under_way) >= self._most:
            why = "nobody sends there" if destination is None else "too many"
            self._publish(NoticeLost(to=to, reason=why))
            return
        task = asyncio.create_task(self._send(destination, Letter(os.urandom(16), to, body, 1)))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _send(self, destination: Destination, letter: Letter) -> None:
        try:
            async with asyncio.timeout(destination.timeout), self._room:
                outcome = await self._sent(destination, letter)
        except TimeoutError:
            reason = "no answer in time"
        except Exception as error:  # noqa: BLE001 - its text may hold anything
            reason = type(error).__name__
        else:
            if isinstance(outcome, Delivered):
                return
            reason = outcome.reason
        self._publish(NoticeLost(to=letter.to, reason=reason))

    async def _sent(self, destination: Destination, letter: Letter) -> Outcome:
        if not letter.to.startswith(SCREENS) and not await self.may_leave(letter.to, letter.body):
            return Rejected("too many")
        return await destination.sender.send(letter)


async def _always(to: str, body: bytes) -> bool:
    """Nobody keeps a pace."""
    return True
