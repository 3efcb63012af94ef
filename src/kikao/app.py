"""The app: flows, gateways, policies and services, wired once into an ASGI application.

    app = App(flows, entry="menu", services=services)

`uvicorn module:app` serves it, and so does `kikao run module:app`. Everything else is settings (see `kikao.config`).
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from kikao.channels.chat.lines import Network as ChatNetwork
from kikao.channels.chat.lines import callers, lines, sources
from kikao.channels.chat.lines import destinations as chat_destinations
from kikao.channels.chat.templates import Template, Templates
from kikao.channels.outbox import Destination
from kikao.channels.ussd.destinations import Network, screens
from kikao.channels.ussd.registry import OPTIONS
from kikao.channels.webhook.destinations import webhooks
from kikao.config import MEMORY, Settings, SettingsError, load
from kikao.conversation.engine import Engine
from kikao.conversation.flows import Flows
from kikao.conversation.navigation import Navigation
from kikao.conversation.shortcuts import Shortcut
from kikao.events import (
    Bus,
    Event,
    LogLines,
    NoSuchEvent,
    Selection,
    Subscriber,
)
from kikao.events.log import of_setting
from kikao.events.logged import logged
from kikao.events.selecting import selected
from kikao.events.uncaught import uncaught
from kikao.events.unsaid import without_queries
from kikao.i18n import LIBRARY, Catalogs
from kikao.middleware import Middleware, names
from kikao.monitor import Monitor
from kikao.opening import (
    audit,
    directory,
    file_store,
    make_store,
    refusals,
    refuse_deserted,
    refuse_readable,
    refuse_simulated,
    refuse_untokened,
)
from kikao.outcomes import OVER
from kikao.server import Server
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import DEFAULTS, Policies, SessionPolicy
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore
from kikao.sessions.working import Services
from kikao.turn import BUDGET
from kikao.web import Receive, Scope, Send

if TYPE_CHECKING:
    from kikao.audit.relay import AuditRelay
    from kikao.console.simulator import PlayedLines, Pushes, WebFace
    from kikao.live.live import Live
    from kikao.members.directory import Directory
    from kikao.notices.inbox import Inbox, Notifications

S = TypeVar("S", bound=Subscriber)

ServicesFactory = Callable[[Settings], AbstractAsyncContextManager[Services]]

Erase = Callable[[Services, tuple[str, ...]], Awaitable[None]]
"""Erases what the app's services keep about these MSISDNs; must do no harm when it is called again.

Raises `RefusedError` when that must not be: then nothing of the member is erased."""


class App:
    """A conversation service.

    `entry` names the flow that a dial starts. `services` maps types to instances that flows get with
    `chat.service(Type)`: a mapping, or an async context manager made from the settings, entered at start and left at
    the end. `locales` are the languages, code → its own name, the first the default; `catalogs` are folders of
    compiled gettext catalogs; kikao's own come behind them. `policy` says which dealings of whom are one session: for
    all channels, or by channel (see `kikao.sessions.policy`). With `members` (the default) the directory in the records
    knows who is behind an address and keeps their language; flows reach it as the services `Directory` and `Links`, and
    `erase` is called when a member is erased from it. `middleware` stands around every turn, the first one outermost
    (see `kikao.middleware`). `budget` is how many seconds a reply may take. `channels` are what the app is meant for,
    besides those that `policy` names: `kikao check` looks for what they cannot do. `shortcuts` are the long dials there
    are, path → `Shortcut`; without them all that is dialled behind the code answers questions from `entry` on.
    `outcomes` are the channels over which a member hears what became of a request that USSD could not wait for, the
    first of them that there is: an SMS, or a page on the phone; none where they hear of it at their next dial alone.
    `live` are its channels for browsers and apps that hold a connection (see `kikao.live`). With `notifications` it has
    the service `Inbox`, for what users are told (see `kikao.notices.inbox`).
    """

    def __init__(
        self,
        flows: Flows,
        *,
        entry: str,
        services: Mapping[Any, Any] | ServicesFactory | None = None,
        navigation: Navigation | None = None,
        locales: Mapping[str, str] | None = None,
        catalogs: Iterable[str | Path] = (),
        policy: SessionPolicy | Mapping[str, SessionPolicy] | None = None,
        members: bool = True,
        erase: Erase | None = None,
        middleware: Sequence[Middleware] = (),
        budget: float = BUDGET,
        subscribers: Iterable[Subscriber] = (),
        channels: Iterable[str] = ("ussd",),
        shortcuts: Mapping[str, Shortcut] | None = None,
        templates: Iterable[Template] = (),
        outcomes: Iterable[str] = OVER,
        live: Live | None = None,
        notifications: Notifications | None = None,
    ) -> None:
        if isinstance(catalogs, str | Path):
            raise ValueError(f"catalogs must be a list of folders: catalogs=[{str(catalogs)!r}]")
        self.engine = Engine(flows, entry=entry, navigation=navigation, locales=locales, shortcuts=shortcuts)
        self.templates = Templates(templates, self.engine.locales)
        """What WhatsApp approved for it."""
        self.catalogs = Catalogs(*catalogs, LIBRARY, default=next(iter(self.engine.locales)))
        self.policies = Policies(policy)
        self.channels = _channels(channels, policy)
        """The channels the app is meant for."""
        self.outcomes = _outcomes(outcomes)
        """Over what outcomes are told after a dialogue of USSD."""
        self.live = live
        self.notifications = notifications
        self.members = members
        self.erase = erase
        self.middleware = tuple(middleware)
        self._order = names(self.middleware)
        self.budget = budget
        self._services = services or {}
        self.subscribers: list[Subscriber] = list(subscribers)
        self._subscriptions: list[tuple[Selection, Subscriber]] = []
        self._buses: list[Bus] = []
        for each in self.middleware:
            if heard := getattr(each, "heard", None):
                self.on(getattr(each, "listens_to", "*"), heard)
        self._server: Server | None = None

    @overload
    def on(self, what: Selection) -> Callable[[S], S]: ...

    @overload
    def on(self, what: Selection, subscriber: S) -> S: ...

    def on(self, what: Selection, subscriber: S | None = None) -> S | Callable[[S], S]:
        """Call a function with the events that are meant: by type, by name, by pattern, or several of these.

            @app.on("session.*")
            async def notice(event: SessionEvent) -> None: ...

            app.on(TurnCommitted, times.append)

        A plain function is called at once and must be quick. An `async` one gets its events in order, from a queue of
        its own, and never holds up a turn. Raises `NoSuchEvent` for what no event is called.
        """
        selected(what)
        if subscriber is None:
            return lambda found: self.on(what, found)
        self._subscriptions.append((what, subscriber))
        for bus in self._buses:
            bus.on(what, subscriber)
        return subscriber

    def refuse_unfit(self, settings: Settings) -> None:
        """Raises `SettingsError` with all that keeps the app from being served by these. It opens and makes nothing:
        `serving` begins with it, and whoever has more to open before that may ask first."""
        problems = refusals(
            lambda: refuse_deserted(settings, live=self.live is not None),
            lambda: refuse_simulated(settings),
            lambda: refuse_readable(settings, self.channels),
            lambda: refuse_untokened(settings, self.live is not None),
        )
        if self.live is not None and self.live.users is None and not self.members:
            from kikao.live.making import NO_USERS

            problems.append(NO_USERS)
        if settings.locale and settings.locale not in self.engine.locales:
            problems.append(
                f"KIKAO_LOCALE: the app has no {settings.locale}. It has: {', '.join(self.engine.locales)}"
            )
        try:
            of_setting(settings.log_events)
        except NoSuchEvent as error:
            problems.append(f"KIKAO_LOG_EVENTS: {error}")
        if problems:
            raise SettingsError(problems)

    @contextlib.asynccontextmanager
    async def serving(
        self,
        settings: Settings,
        *,
        store: SessionStore | None = None,
        services: Services | None = None,
        clock: Callable[[], float] = time.time,
        locale: str | None = None,
        budget: float | None = None,
        subscribers: Iterable[Subscriber] | None = None,
        destinations: Mapping[str, Destination] | None = None,
        network: Network | None = None,
        chat_network: ChatNetwork | None = None,
        background: bool = True,
        door: bool | None = None,
        worker: int = 0,
    ) -> AsyncIterator[Server]:
        """The running app: store and services open, recovery and sweeping at work.

        `store`, `clock` and the `locale` of new members are for tests and tools, and so is what replaces the app's
        own: `services`, which are then not closed at the end, `budget`, `subscribers`, the outbox's `destinations`,
        and the networks over which asynchronous gateways and chats are called. Without `background` nothing is
        recovered, swept or sent unless the caller does it. With a `door` (by default unless a `store` is given)
        commands get in through a socket in the data folder, if there is one. A `worker` of several has its number in
        the log.

        Raises `StoreRefused`, `SettingsError` or what a service raises, with everything closed again.
        """
        self.refuse_unfit(settings)
        pushes: Pushes | None = None
        played: PlayedLines | None = None
        face: WebFace | None = None
        if settings.simulator != "off":
            from kikao.console.simulator import PlayedLines, Pushes, SimulatedClock, WebFace
            from kikao.console.simulator.clock import FILE

            kept = store is None and settings.store != MEMORY
            clock = SimulatedClock(clock, settings.data / FILE if kept else None)
            pushes = Pushes(settings)
            face = WebFace.of(self.live, self.channels, settings, clock)
            if chat_network is None:
                played = PlayedLines(settings, self.channels, clock, self.templates)
                settings = played.settings
        async with AsyncExitStack() as stack:
            if services is None:
                services = await stack.enter_async_context(self.services(settings))
            flows = self.engine.flows
            flows.release = max(flows.release, settings.release)
            ring = KeyRing.of(settings)
            monitor = Monitor()
            measured = monitor.timed(make_store(settings) if store is None else store)
            sessions = Sessions(measured, ring, self.policies, clock=clock)
            await sessions.open()
            stack.push_async_callback(sessions.close)
            members: Directory | None = None
            if self.members:
                members = await stack.enter_async_context(
                    directory(
                        settings, sessions.ring, clock, budget=self.budget if budget is None else budget
                    )
                )
            relay: AuditRelay | None = None
            if settings.audit_days and store is None and destinations is None:
                relay = await stack.enter_async_context(audit(settings, clock))
            inbox: Inbox | None = None
            if self.notifications is not None:
                from kikao.notices.inbox.serving import opened

                told = opened(settings, sessions.ring, clock, self.notifications, self.live)
                inbox = await stack.enter_async_context(told)
                services = {type(inbox): inbox, **services}
            files = await file_store(settings, sessions.ring, clock)
            chats = lines(settings, self.templates, live=self.live is not None or face is not None)
            pushed = screens(settings, clock, stack, network, None if pushes is None else pushes.beside)
            calls = callers(chats, stack, chat_network, played)
            pushed |= chat_destinations(chats, calls, clock, files)
            server = Server(
                self,
                settings,
                sessions,
                monitor,
                services,
                members,
                locale or settings.locale or None,
                self.budget if budget is None else budget,
                self._bus(settings, self.subscribers if subscribers is None else subscribers, worker),
                webhooks(settings.webhooks, clock, stack) if destinations is None else destinations,
                relay,
                pushed,
                pushes,
                chats,
                files,
                sources(chats, settings.media.hosts, stack, chat_network, played),
                calls,
                played,
                face,
            )
            stack.callback(self._buses.remove, server.publish)
            stack.push_async_callback(server.stop)
            if server.hub is not None:
                await server.hub.open()
            if inbox is not None:
                inbox.connect(server.hub)
            if background:
                await server.start()
                if inbox is not None:
                    await stack.enter_async_context(inbox.at_work(lambda: 0 in server.shares.shards))
            if door or (door is None and store is None):
                await server.open_door()
            yield server

    @property
    def declared_services(self) -> Mapping[Any, Any] | None:
        """The services that the app was given as they are; None where they are only made at start."""
        return self._services if isinstance(self._services, Mapping) else None

    @contextlib.asynccontextmanager
    async def services(self, settings: Settings) -> AsyncIterator[Services]:
        """The app's services, open until the end. Raises what a service raises."""
        if isinstance(self._services, Mapping):
            yield self._services
        else:
            async with self._services(settings) as services:
                yield services

    def order(self) -> tuple[str, ...]:
        """What stands around a turn: the names of the middleware, outermost first."""
        return self._order

    def _bus(self, settings: Settings, subscribers: Iterable[Subscriber], worker: int) -> Bus:
        """Who hears of events of a server: the log unless there are others, and who was added with `on`."""
        log = LogLines(events=of_setting(settings.log_events), worker=worker, tenant=settings.tenant)
        bus = Bus([*subscribers] or [log])
        for what, subscriber in self._subscriptions:
            bus.on(what, subscriber)
        self._buses.append(bus)
        return bus

    async def forget(self, services: Services, msisdns: tuple[str, ...]) -> None:
        """Erase what the app's services keep about these MSISDNs, if they can. Raises what the app's hook raises."""
        if self.erase is not None:
            await self.erase(services, msisdns)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(self._served, receive, send)
        elif self._server is None:
            raise RuntimeError("the server must support ASGI lifespan: the app was not started")
        else:
            await self._server(scope, receive, send)

    @contextlib.asynccontextmanager
    async def _served(self) -> AsyncIterator[Server]:
        async with self.serving(self.settings or load(gateways=OPTIONS, makes_keys=True)) as server:
            self._server = server
            try:
                yield server
            finally:
                self._server = None

    settings: Settings | None = None
    """Set by whoever starts the app in this process; read from the environment otherwise."""


class Publishes(Protocol):
    """What is at work, and hears of errors that nobody caught."""

    def publish(self, event: Event) -> None:
        """Tell its subscribers."""
        ...


async def lifespan(
    served: Callable[[], AbstractAsyncContextManager[Publishes]], receive: Receive, send: Send
) -> None:
    """ASGI's start and end of what a server serves."""
    await receive()
    async with AsyncExitStack() as stack:
        hooks = stack.enter_context(ExitStack())  # the last to go
        hooks.enter_context(logged())
        hooks.enter_context(without_queries())
        try:
            server = await stack.enter_async_context(served())
            hooks.enter_context(uncaught(server.publish))
        except Exception as error:  # noqa: BLE001 - told to the server, which gives up
            await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _outcomes(outcomes: Iterable[str]) -> tuple[str, ...]:
    """Raises `ValueError` for what no outcome can be told over."""
    found = tuple(outcomes)
    if isinstance(outcomes, str) or not set(found) <= set(OVER):
        raise ValueError(f"outcomes must be a list, of {', '.join(OVER)} or empty, not {outcomes!r}")
    return found


def _channels(
    channels: Iterable[str], policy: SessionPolicy | Mapping[str, SessionPolicy] | None
) -> tuple[str, ...]:
    """Raises `ValueError` for a channel that does not exist."""
    if isinstance(channels, str):
        raise ValueError(f"channels must be a list: channels=[{channels!r}]")
    named = dict.fromkeys((*channels, *(policy if isinstance(policy, Mapping) else ())))
    strange = sorted(named.keys() - DEFAULTS.keys())
    if strange:
        raise ValueError(f"no such channel: {', '.join(strange)}. There are: {', '.join(DEFAULTS)}")
    return tuple(named)
