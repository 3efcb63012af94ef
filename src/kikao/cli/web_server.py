"""uvicorn, stopping in kikao's way: it says that it will, serves on for a moment, finishes what it began, and ends.

1. At the signal `/readyz` is 503, and replies close their connections. For the seconds of `KIKAO_DRAIN` everything is
   served as before: a load balancer needs a while to look away.
2. No more connections are accepted. Requests that come on those which are open get 503 and `Retry-After`.
3. WebSockets are closed, some at a time, and cut where their other side does not answer.
4. Turns in flight get `GRACE` seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn
from uvicorn.server import ServerState

from kikao.cli.at_work import AtWork
from kikao.cli.ending import Ending
from kikao.cli.http import BoundedHead

PARTING: Final = 6.0
"""Seconds in which the other side of a WebSocket may read that it is closed, and answer; then the connection is cut."""

GRACE: Final = 10
"""Seconds that requests in flight get to finish at shutdown."""

LAST_CALL: Final = 0.2
"""Seconds for requests that are on their way on open connections; they are answered, where a close would lose them."""

TICK: Final = 0.02

CONNECTIONS: Final = 4096
"""Open connections, or requests that are being answered: what comes beyond gets a bare 503 at once."""


def _is_no_flood(record: logging.LogRecord) -> bool:
    """Whether a line is worth it: one for each connection over a limit, or each wrong frame, would drown others."""
    return record.getMessage() not in _FLOODS


def _sockets() -> type[Any]:
    from kikao.cli.sockets import LiveSockets

    return LiveSockets


_FLOODS: Final = (
    "Exceeded concurrency limit.",
    "Invalid UTF-8 sequence received from client.",  # with where in uvicorn; that the socket ended is an event
)


class Closing(ServerState):
    """What connections know of the server."""

    closing = False
    """Whether replies close their connections."""

    def __init__(self) -> None:
        super().__init__()
        self.sockets: set[Any] = set()
        """Connections that became WebSockets: apart, so that they count against no limit of requests."""
        self.socket_tasks: set[asyncio.Task[None]] = set()


class WebServer(uvicorn.Server):
    """Serves on a socket that listens until `ending` is told. `started` is called once it answers.

    With a `linger` another process accepts on the same socket what comes then; connections that were accepted here get
    so many seconds to bring their requests.
    """

    def __init__(
        self,
        server: AtWork,
        ending: Ending,
        answering: Callable[[], None],
        *,
        drain: float,
        linger: float = 0.0,
        last_call: float = LAST_CALL,
        parting: float = PARTING,
    ) -> None:
        super().__init__(
            uvicorn.Config(
                server,
                http=BoundedHead,
                ws="none" if server.frame is None else _sockets(),
                ws_max_size=server.frame or 0,
                ws_per_message_deflate=False,  # 64 KB of memory for each socket that was ever written to
                lifespan="off",
                access_log=False,
                log_level="warning",
                server_header=False,
                proxy_headers=False,  # the edge decides which proxies are believed
                timeout_graceful_shutdown=GRACE,
                limit_concurrency=CONNECTIONS,
            )
        )
        logging.getLogger("uvicorn.error").addFilter(_is_no_flood)
        self.server_state = self._state = Closing()
        self._server = server
        self._ending = ending
        self._answering = answering
        self._drain = drain
        self._linger = linger
        self._last_call = last_call
        self._parting = parting
        self._until: float | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._answering()

    async def on_tick(self, counter: int) -> bool:
        if self._ending.told:
            now = asyncio.get_running_loop().time()
            if self._until is None:
                self._until = now + self._drain
                self._close_after_replies()
                self._server.drain()
            if now >= self._until:
                return True
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in self.servers:
            each.close()
        self._close_after_replies()
        if self._linger:
            await asyncio.sleep(self._linger)
        self._server.refuse()
        until = asyncio.get_running_loop().time() + self._last_call
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                await self._until_nobody_is_idle()
        await self._close_sockets()
        await super().shutdown(sockets)

    async def _close_sockets(self) -> None:
        """All of them, also those whose other side reads or answers nothing, and then what still deals with any."""
        await self._server.part()
        sockets, tasks = self._state.sockets, self._state.socket_tasks
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._parting):
                while sockets:  # noqa: ASYNC110 - nobody tells when they close
                    await asyncio.sleep(TICK)
        for each in list(sockets):
            each.transport.abort()
        if tasks:
            _, late = await asyncio.wait(set(tasks), timeout=LAST_CALL)
            for task in late:
                task.cancel()

    def _close_after_replies(self) -> None:
        """Those that come, and those that are on their way, are the last of their connections."""
        self._state.closing = True
        for connection in self.server_state.connections:
            cycle = getattr(connection, "cycle", None)
            if cycle is not None and not cycle.response_complete:
                cycle.keep_alive = False

    async def _until_nobody_is_idle(self) -> None:
        while self._idle():  # noqa: ASYNC110 - of uvicorn's connections nobody tells when they close
            await asyncio.sleep(TICK)

    def _idle(self) -> bool:
        """Whether there are connections with no request: each may have one on its way."""
        return len(self.server_state.connections) > len(self.server_state.tasks)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """They are `Ending`'s."""
        yield
