"""A whole app in this process, for tests that read as conversations.

    async with Stage(app) as stage:
        asha = stage.phone("+256772000001")
        assert await asha.dial() == "Welcome. What is your name?"

It is the real thing without sockets: gateways, turns, a session store, recovery. What a test adds is a clock to move,
a process to kill and services in a bad mood.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from kikao.app import App, Server, ServicesFactory
from kikao.channels.ussd.clients import Exchange
from kikao.channels.ussd.registry import SLUGS
from kikao.config import Settings, load
from kikao.events import Event
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.working import Services
from kikao.testing.clock import Clock
from kikao.testing.mortal import Mortal, ProcessDied
from kikao.testing.phone import Phone
from kikao.testing.services import Outside, Service
from kikao.testing.wire import in_process

T = TypeVar("T")

STORE_CALLS: Final = ("open", "bind", "claim", "intent", "commit", "release", "renew", "end", "sweep", "due")
"""What a process can be made to die at."""


class Stage:
    """An app at work, and the world around it.

    `settings` are those of an empty environment unless given, with their files in a folder that is removed at the end.
    `store` keeps the sessions, in memory unless given; the stage opens and closes it. `services` replace the app's;
    either way they are opened once, and outlive every process of the app, as machines elsewhere would. `locale` is
    that of new members, `budget` the seconds a reply may take, `clock` the time of sessions: make it first where
    services need it too.
    """

    def __init__(
        self,
        app: App,
        settings: Settings | None = None,
        store: SessionStore | None = None,
        services: Mapping[Any, Any] | ServicesFactory | None = None,
        locale: str | None = None,
        *,
        budget: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.app = app
        self.clock = clock or Clock()
        self.store: SessionStore = store or MemoryStore()
        self.events: list[Event] = []
        """Everything the app published, over all its processes."""
        self._given_settings = settings
        self._given_services = services
        self._locale = locale
        self._budget = budget
        self._outside = Outside()
        self._services: dict[Any, Service[Any]] = {}
        self._process: _Process | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Stage:
        async with AsyncExitStack() as stack:
            self.settings = self._given_settings or load(
                {}, Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikao-"))), gateways=SLUGS
            )
            stack.push_async_callback(self._outside.close)
            services = self._given_services
            if services is None:
                services = self.app.services
            await self._open_services(stack, services)
            stack.push_async_callback(self.crash)
            await self._start()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def server(self) -> Server:
        """The running process. Raises `AssertionError` when there is none."""
        assert self._process is not None, "the process is dead: `await stage.restart()` first"
        return self._process.server

    def phone(
        self, number: str = "+256772000001", *, gateway: str = "africastalking", code: str = "*284#"
    ) -> Phone:
        """The phone of a member, E.164, who dials `code`. Raises `LookupError` for an unknown gateway."""
        own = self.settings.ussd.get(gateway)
        token = own.token.reveal().decode() if own is not None and own.token is not None else ""
        path = f"/ussd/{gateway}/{token}" if token else None
        return Phone(self._send, number, gateway=gateway, code=code, path=path)

    def service(self, kind: Callable[..., T]) -> Service[T]:
        """The handle on a service, to set moods on. Raises `LookupError` naming what the stage has."""
        if kind not in self._services:
            have = ", ".join(getattr(key, "__name__", str(key)) for key in self._services) or "none"
            raise LookupError(f"no service {getattr(kind, '__name__', kind)}; the stage has {have}")
        return self._services[kind]

    # --- death and life ---

    async def crash(self) -> None:
        """kill -9: nothing more is written, connections drop, effects that run are left to the services."""
        process, self._process = self._process, None
        if process is not None:
            await process.kill()
            await self.store.close()

    def crash_at(self, call: str, *, before: bool = True, nth: int = 1) -> None:
        """Die right before, or right after, the `nth` such call of the session store from now on.

        A turn is a "claim" and a "commit"; an effect puts an "intent" before itself. Raises `ValueError` for what is
        no call of a store.
        """
        if call not in STORE_CALLS:
            raise ValueError(f"a session store has no call {call!r}; it has {', '.join(STORE_CALLS)}")
        assert self._process is not None, "the process is dead already"
        store = self._process.store
        point = (call, store.calls.get(call, 0) + nth)
        store.die_before, store.die_after = (point, None) if before else (None, point)

    async def restart(self, app: App | None = None) -> None:
        """A new process over the same store and services; with another `app`, a deploy of that.

        A process that is still alive ends first as at a SIGTERM. The new one then recovers what it finds open.
        Services of another app that the stage does not have yet are opened.
        """
        process, self._process = self._process, None
        if process is not None:
            await process.stop()
            await self.store.close()
        if app is not None and app is not self.app:
            await self._open_services(self._stack, app.services)
            self.app = app
        await self._start()
        await self.settle()

    async def settle(self) -> None:
        """Let effects that run end, and what they left be recovered; those that a mood holds are not waited for."""
        await self._quiet()
        if self._process is not None:
            await self._process.recover()
        await self._quiet()

    # --- inside ---

    async def _open_services(
        self,
        stack: AsyncExitStack,
        services: Mapping[Any, Any] | Callable[[Settings], AbstractAsyncContextManager[Services]],
    ) -> None:
        if not isinstance(services, Mapping):
            services = await stack.enter_async_context(services(self.settings))
        for kind, real in services.items():
            self._services.setdefault(kind, Service(real, self._outside))

    async def _start(self) -> None:
        mortal = Mortal(self.store)
        serving = self.app.serving(
            self.settings,
            store=mortal,
            services={kind: service.stand_in for kind, service in self._services.items()},
            clock=self.clock,
            locale=self._locale,
            budget=self._budget,
            subscribers=[*self.app.subscribers, self.events.append],
            background=False,
        )
        try:
            server = await serving.__aenter__()
        except BaseException:
            await self.store.close()
            raise
        self._process = _Process(server, mortal, serving)

    async def _send(self, exchange: Exchange) -> tuple[int, bytes]:
        process = self._process
        if process is None:
            raise ConnectionRefusedError("no process listens")
        try:
            return await process.ask(exchange)
        except ProcessDied:
            if self._process is process:
                await self.crash()
            raise ConnectionResetError("the process died") from None

    async def _quiet(self) -> None:
        """Wait until nothing moves by itself."""
        calm = 0
        while calm < CALM:
            process = self._process
            busy = self._outside.at_work > 0 or (process is not None and process.store.running > 0)
            calm = 0 if busy else calm + 1
            await asyncio.sleep(TICK if busy else 0)


CALM: Final = 20
"""Rounds of the event loop in which nothing may be under way."""

TICK: Final = 0.001
"""Seconds between two looks at work that is done elsewhere, in a thread."""


class _Process:
    """One process of the app: from its start to its death."""

    def __init__(self, server: Server, store: Mortal, serving: AbstractAsyncContextManager[Server]) -> None:
        self.server = server
        self.store = store
        self._serving = serving
        self._requests: set[asyncio.Task[tuple[int, bytes]]] = set()
        self._death: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        store.on_death = self._died

    async def ask(self, exchange: Exchange) -> tuple[int, bytes]:
        """One request. Raises `ProcessDied` when the process dies before the reply."""
        request = asyncio.create_task(in_process(self.server)(exchange))
        self._requests.add(request)
        request.add_done_callback(self._requests.discard)
        waiting: set[asyncio.Future[Any]] = {request, self._death}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._death.done():
            raise ProcessDied
        return request.result()

    async def recover(self) -> None:
        """One look of recovery at what is due."""
        await self.server.recovery.once()

    async def stop(self) -> None:
        """SIGTERM: requests in flight end, and so do effects if they hurry."""
        if self._requests:
            await asyncio.wait(self._requests)
        await self._serving.__aexit__(None, None, None)

    async def kill(self) -> None:
        """kill -9."""
        self.store.die()
        requests = list(self._requests)
        for request in requests:
            request.cancel()
        await asyncio.gather(*requests, return_exceptions=True)
        await self.server.late.close(0.0)
        await self._serving.__aexit__(None, None, None)

    def _died(self) -> None:
        if not self._death.done():
            self._death.set_result(None)
