"""A link to a message centre of the tests, with what it tells."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from kikao.channels.calling import Answer
from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.gateways.smpp import Smpp
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.smpp.link import Handle, Link
from kikao.config import Hidden
from kikao.events import Event
from tests.channels.ussd.smpp.smsc import Smsc
from tests.waiting import PATIENCE

NUMBER = "256700000001"
SESSION = bytes.fromhex("0042")


def gateway(smsc: Smsc | None = None, **options: str) -> Smpp:
    """The gateway with its settings."""
    given = {"host": "127.0.0.1", "system_id": "kikao", "password": "secret", "response": "2"}
    given |= {"port": str(smsc.port)} if smsc is not None and smsc.port else {}
    return Smpp(
        codes=("*384#",), options={name: Hidden(value.encode()) for name, value in (given | options).items()}
    )


class Linked:
    """A link at work, and what it was told and told."""

    def __init__(self, smsc: Smsc, **options: str) -> None:
        self.gateway = gateway(smsc, **options)
        self.inbounds: list[Inbound] = []
        self.events: list[Event] = []
        self.open = asyncio.Event()
        """Whether turns end."""
        self.open.set()
        self.answer: Callable[[Inbound], Response] = self.gateway.acknowledge
        self.wanted = True
        self.when_bound: Callable[[], None] = lambda: None
        self.ahead = 0.0
        """Seconds that more have passed than have."""

    async def handle(self, inbound: Inbound) -> Response:
        self.inbounds.append(inbound)
        await self.open.wait()
        return self.answer(inbound)

    async def show(self, inbound: Inbound, text: str, *, ends: bool = False) -> Answer:
        """Send a screen that answers an inbound. Raises `Unanswered`."""
        pushed = Pushed.of(inbound, text, ends=ends, until=0.0)
        return await self.link(self.gateway.call(pushed, "m1"))

    def told(self, name: str) -> list[Any]:
        return [event for event in self.events if type(event).__name__ == name]

    @contextlib.asynccontextmanager
    async def running(self, handle: Handle | None = None) -> AsyncIterator[Link]:
        self.link = Link(
            self.gateway,
            handle or self.handle,
            self.events.append,
            wanted=lambda: self.wanted,
            when_bound=self.when_bound,
            monotonic=lambda: time.monotonic() + self.ahead,
            chance=lambda: 0.0,
        )
        work = asyncio.create_task(self.link.run())
        try:
            yield self.link
        finally:
            await self.link.stop(2.0)
            await asyncio.wait_for(work, PATIENCE)


@contextlib.asynccontextmanager
async def bound(handle: Handle | None = None, **options: str) -> AsyncIterator[tuple[Smsc, Linked]]:
    """A message centre at work, and a link that is bound to it."""
    async with Smsc().serving() as smsc:
        linked = Linked(smsc, **options)
        async with linked.running(handle):
            await smsc.bound()
            yield smsc, linked
