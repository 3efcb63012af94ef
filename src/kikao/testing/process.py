"""One process of an app, from its start to its end, be it a death."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Awaitable, Coroutine
from contextlib import AbstractAsyncContextManager
from typing import Any, TypeVar

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.server import Server
from kikao.testing.mortal import Mortal, ProcessDied
from kikao.testing.outside import ASKER, Outside
from kikao.testing.wire import in_process

T = TypeVar("T")


class Process:
    """A running server over a mortal store, among services; `serving` is what ends it."""

    def __init__(
        self,
        server: Server,
        store: Mortal,
        outside: Outside,
        serving: AbstractAsyncContextManager[Server],
    ) -> None:
        self.server = server
        self.store = store
        self._outside = outside
        self._serving = serving
        self._requests: dict[asyncio.Task[Any], object] = {}
        """Work in progress, and its mark on what is asked of services for it."""
        self._death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        store.on_death = self._died

    @property
    def busy(self) -> bool:
        """Whether something goes on here that neither a held service nor a line at the store keeps waiting."""
        return self.store.running > 0 or any(
            asker not in self.store.claiming and not self._outside.keeps_waiting(asker)
            for asker in self._requests.values()
        )

    async def ask(self, exchange: Exchange) -> Response:
        """One request; status and body. It goes on when the caller leaves. Raises `ProcessDied`."""
        return await self._alive(in_process(self.server)(exchange))

    async def attend(self, work: Awaitable[T], asker: object) -> T:
        """Something of a connection that stays open, asked for by whoever has it. Raises `ProcessDied`."""

        async def attended() -> T:
            return await work

        return await self._alive(attended(), asker)

    async def recover(self) -> int:
        """One look of recovery at what is due; the number of sessions. Raises `ProcessDied`."""
        return await self._alive(self.server.recovery.once())

    async def push(self) -> None:
        """Send the screens that are due, and what is said directly. Raises `ProcessDied`."""
        await self._alive(self.server.push())

    async def stop(self) -> None:
        """SIGTERM: requests in flight get their replies, and effects some time to end."""
        if self._requests:
            await asyncio.wait(self._requests)
        await self._serving.__aexit__(None, None, None)

    async def kill(self) -> None:
        """kill -9: whoever waits for a reply gets none, and effects that run are not followed any more."""
        self.store.die()
        requests = list(self._requests)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await self.server.late.close(0.0)
        await self._serving.__aexit__(None, None, None)

    async def _alive(self, work: Coroutine[Any, Any, T], asker: object | None = None) -> T:
        """The result of work, if the process lives to see it."""
        asker, context = asker or object(), contextvars.copy_context()
        context.run(ASKER.set, asker)
        request = asyncio.create_task(work, context=context)
        self._requests[request] = asker
        request.add_done_callback(self._requests.pop)
        waiting: set[asyncio.Future[Any]] = {request, self._death}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._death.done():
            raise ProcessDied
        return request.result()

    def _died(self) -> None:
        if not self._death.done():
            self._death.set_result(None)
