"""A whole app in this process, for tests that read as conversations.

    async with Stage(app) as stage:
        asha = stage.phone("+256772000001")
        assert await asha.dial() == "Welcome. What is your name?"

It is the real thing without sockets: gateways, turns, a session store, recovery. What a test adds is a clock to move,
a process to kill and services in a bad mood.
"""

from __future__ import annotations

import asyncio
import functools
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

import msgspec
from msgspec import structs

from kikao.app import App, ServicesFactory
from kikao.channels.channel import Response
from kikao.channels.outbox import Destination
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.registry import SLUGS
from kikao.channels.ussd.registry import gateway as ussd_gateway
from kikao.config import SecretKeys, Settings, load
from kikao.config.values import KEY_BYTES
from kikao.conversation.posting import WEBHOOK
from kikao.events import Event
from kikao.server import Server
from kikao.sessions.keeper import LEASE
from kikao.sessions.posting import opened
from kikao.sessions.session import Session
from kikao.sessions.store import CALLS, SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.chat_phone import TelegramPhone, WhatsAppPhone
from kikao.testing.chats import Chats, emulated
from kikao.testing.clock import Clock
from kikao.testing.looking import session_behind
from kikao.testing.mortal import Mortal, ProcessDied
from kikao.testing.outside import Outside
from kikao.testing.phone import Phone
from kikao.testing.process import Process
from kikao.testing.provider import Provider
from kikao.testing.services import Service
from kikao.testing.stored import holds, stored
from kikao.testing.timers import let_pass
from kikao.turn import WINDOW

if TYPE_CHECKING:
    from kikao.testing.webchat_phone import WebChatPhone

T = TypeVar("T")

EMPTY: Final = {f"KIKAO_USSD_{slug.upper()}_CODE": "*284#" for slug in SLUGS}
"""The environment unless settings are given: gateways that have to be told know the code that phones dial. A bot and a
number on WhatsApp come to that where the app is meant for these channels."""

CALM: Final = 10
"""Rounds of the event loop in which nothing may be under way before all is quiet."""

TICK: Final = 0.001
"""Seconds between two looks at work in a thread."""

PATIENCE: Final = 30.0
"""Seconds such work may take before a test fails."""

THINKING: Final = 2 * WINDOW
"""Seconds that pass before each answer where the same answer at once would be taken for a redelivery."""

RENEWAL: Final = LEASE / 3
"""Seconds that pass at once when the clock was advanced while effects run, which renew their leases so often."""

STEP: Final = 0.01
"""Share of a reply's budget that passes at once while a slow service is waited for."""

UNHURRIED: Final = 14.0
"""Seconds of the machine that a turn has, less than a lease, where no `budget` is given: what takes long because the
machine has other things to do is no late reply. By the clock no more than the app's own budget passes meanwhile."""


class Stage:
    """An app at work, and the world around it.

    `settings` are those of an empty environment unless given, with the code that phones dial, their files in a folder
    that is removed at the end; without secret keys they get one that lasts as long as the stage.
    `store` keeps the sessions, in memory unless given; the stage opens and closes it. `services` replace the app's;
    either way they are opened once and outlive every process of the app, as machines elsewhere would. `locale` is that
    of new members, `budget` the seconds a reply may take, on a slow machine as well, `clock` the time of sessions: make
    it first where services need it too; `destinations`, by full name, take what is posted when
    `stage.server.dispatcher.once()` sends it.
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
        destinations: Mapping[str, Destination] | None = None,
    ) -> None:
        self.app = app
        self.clock = clock or Clock()
        self.store: SessionStore = MemoryStore() if store is None else store
        self.events: list[Event] = []
        """Everything the app published, over all its processes."""
        self._given_settings = settings
        self._given_services = services
        self._locale = locale
        self._budget = budget
        self._destinations = destinations
        self.provider = Provider()
        """What asynchronous gateways are called on."""
        self._outside = Outside(self._hurry)
        self._services: dict[Any, Service[Any]] = {}
        self._webchats: dict[tuple[str, str], WebChatPhone] = {}
        self._process: Process | None = None
        self._stack = AsyncExitStack()
        self._closing = AsyncExitStack()
        """Closes the services, also those that came with a deploy."""
        self._seen = self.clock.now
        """Up to when the event loop has caught up with the clock."""
        self._waits = 0
        self._hurrying: asyncio.Task[None] | None = None
        self._catching_up = asyncio.Lock()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            settings = self._given_settings or load(
                EMPTY | emulated(self.app.channels),
                Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kikao-"))),
                gateways=SLUGS,
            )
            keys = settings.secret_keys or SecretKeys({"stage": secrets.token_bytes(KEY_BYTES)})
            self.settings = structs.replace(settings, secret_keys=keys)
            self.chats = Chats(self.settings, self.clock, self._send, self.push)
            await stack.enter_async_context(self._closing)
            await self._open(self.app.services if self._given_services is None else self._given_services)
            stack.push_async_callback(self._outside.close)
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
        return self._alive().server

    @property
    def faults(self) -> Mortal:
        """The store as the running process sees it: it can be `unavailable`, or leave a write `unanswered`."""
        return self._alive().store

    def phone(
        self, number: str = "+256772000001", *, gateway: str = "africastalking", code: str = "*284#"
    ) -> Phone:
        """The phone of a member, E.164, who dials `code`. Raises `LookupError` for an unknown gateway."""
        own = self.settings.ussd.get(gateway)
        token = f"/{own.token.reveal().decode()}" if own is not None and own.token is not None else ""
        phone = Phone(
            self._send, number, gateway=gateway, code=code, path=f"/ussd/{gateway}{token}", settings=own
        )
        phone.look = functools.partial(self._session_of, phone)
        phone.comes = self._pushed
        if ussd_gateway(gateway).dedupe == "window":
            phone.before_answer = functools.partial(self.clock.advance, THINKING)
        return phone

    def telegram(
        self, name: str = "Asha", *, phone: str = "", language: str = "", bot: str = "bot-api"
    ) -> TelegramPhone:
        """A member's phone with Telegram: always the same one for the same name. `phone` is their number, E.164, which
        only a shared contact tells; `bot` is the name of a bot in the settings. Raises `LookupError` without that."""
        return self.chats.telegram_phone(name, phone.removeprefix("+"), language, bot)

    def whatsapp(
        self, name: str = "Asha", *, phone: str = "", user_id: str = "", number: str = "cloud-api"
    ) -> WhatsAppPhone:
        """A member's phone with WhatsApp: always the same one for the same name. Their number is `phone`, E.164; one
        who shows none has a `user_id`. `number` is the name of ours in the settings. Raises `LookupError` without."""
        return self.chats.whatsapp_phone(name, phone.removeprefix("+"), user_id, number)

    def webchat(self, name: str = "Asha", *, user: str = "", device: str = "") -> WebChatPhone:
        """A member's device with a web chat, of an app that is live: the same one for the same name and `device`. Their
        user id is `user`, or their name in small letters."""
        from kikao.testing.webchat_phone import House, WebChatPhone

        if (name, device) not in self._webchats:
            house = House(lambda: self.server, self._attend, self.push)
            self._webchats[name, device] = WebChatPhone(house, name, user or name.lower())
        return self._webchats[name, device]

    def service(self, kind: Callable[..., T]) -> Service[T]:
        """The handle on a service, to set moods on. Raises `LookupError` naming what the stage has."""
        if kind not in self._services:
            have = ", ".join(getattr(key, "__name__", str(key)) for key in self._services) or "none"
            raise LookupError(f"no service {getattr(kind, '__name__', kind)}; the stage has {have}")
        return self._services[kind]

    def service_called(self, words: str) -> Service[Any]:
        """The handle on the service that words mean: "the bank" is `Bank`, "payments" `Payments` or `PaymentsService`.

        Raises `LookupError` naming what the stage has.
        """
        wanted = "".join(words.split()).casefold().removeprefix("the")
        names = {getattr(key, "__name__", str(key)): service for key, service in self._services.items()}
        for name, service in names.items():
            if wanted in {form.casefold() for form in (name, name.removesuffix("Service"), service.name)}:
                return service
        raise LookupError(f"no service is called {words!r}; the stage has {', '.join(names) or 'none'}")

    async def stored(self) -> list[Session]:
        """The sessions of a running process, opened: what an attacker with store and keys would see."""
        return await stored(self.server.sessions)

    async def holds(self, text: str) -> bool:
        """Whether a stored session, or an event of any process, has `text` in it: nobody should find a PIN.

        In a text anywhere, or in a session as a whole number that the app keeps; an `Amount` also as it is written.
        Random ids, which are hexadecimal, are left out: they hold any four digits by chance.
        """
        return await holds(text, self.server.sessions, self.events)

    # --- life and death ---

    async def crash(self) -> None:
        """kill -9: nothing more is written, connections drop, and nobody hears what services still do."""
        process, self._process = self._process, None
        if process is not None:
            await process.kill()
            await self.store.close()

    def crash_at(self, call: str, *, before: bool = True, nth: int = 1) -> None:
        """Die right before, or right after, the `nth` such call of the session store from now on.

        A turn is a "claim" and a "commit"; an effect has its "intent" in between. Raises `ValueError` for what is no
        call of a store.
        """
        store, point = self._alive().store, self._point(call, nth)
        store.die_before, store.die_after = (point, None) if before else (None, point)

    def leave_unanswered(self, call: str, *, stored: bool = True, nth: int = 1) -> None:
        """The store does not answer the `nth` such call from now on, a "commit" say, which it `stored` or not.

        Raises `ValueError` for what is no call of a store.
        """
        store = self._alive().store
        store.unanswered = (*self._point(call, nth), stored)

    async def restart(
        self, app: App | None = None, *, services: Mapping[Any, Any] | ServicesFactory | None = None
    ) -> None:
        """A new process over the same store and services; with another `app`, a deploy of that.

        A process that is still alive ends first, as at a SIGTERM. The new one then recovers what it finds open.
        `services` come to those on the stage, in place of any of the same type; those of `app` itself are not used.
        """
        process = self._process
        if process is not None and not process.store.dead:
            await self._patiently(process.stop())
            self._process = None
            await self.store.close()
        await self.crash()
        await self._open(services or {})
        self.app = app or self.app
        await self._start()
        await self.settle()

    async def settle(self) -> None:
        """Let effects that run come to their end, have recovery look once at what is open and due, and let
        asynchronous subscribers hear what was published.

        What a mood holds is not waited for. Raises `AssertionError` when a service does not come to an end.
        """
        await self._catch_up()
        await self._quiet()
        process = self._process
        if process is not None:
            try:
                await self._patiently(process.recover())
            except ProcessDied:
                await self.crash()
        await self._quiet()
        if process is not None and process is self._process:
            await process.server.publish.drained()

    async def push(self) -> None:
        """Have the screens sent that are due, of gateways that answer by a call; what is said in haste comes, too.

        A phone does so by itself after each of its requests.
        """
        process = self._process
        if process is not None and not process.store.dead:
            try:
                await self._patiently(process.push())
            except ProcessDied:
                if self._process is process:
                    await self.crash()

    async def posted(self) -> list[tuple[str, Any]]:
        """What flows posted so far: where to, and what. Each session's in its order; what was sent is there too."""
        ring = self.server.sessions.ring
        return [
            (message.to.removeprefix(WEBHOOK), msgspec.json.decode(opened(ring, message)))
            async for message in self.store.messages()
            if message.to.startswith(WEBHOOK)
        ]

    def _point(self, call: str, nth: int) -> tuple[str, int]:
        if call not in CALLS:
            raise ValueError(f"a session store has no call {call!r}; it has {', '.join(CALLS)}")
        return call, self._alive().store.calls.get(call, 0) + nth

    async def _session_of(self, phone: Phone) -> Session | None:
        return await session_behind(self.server, phone.gateway, phone.exchange, store=self.store)

    # --- the process ---

    async def _open(self, services: Mapping[Any, Any] | ServicesFactory) -> None:
        if not isinstance(services, Mapping):
            services = await self._closing.enter_async_context(services(self.settings))
        self._services |= {kind: Service(real, self._outside) for kind, real in services.items()}

    async def _start(self) -> None:
        self.chats.approve(self.app.templates)
        store = Mortal(self.store)
        serving = self.app.serving(
            self.settings,
            store=store,
            services={kind: service.stand_in for kind, service in self._services.items()},
            clock=self.clock,
            locale=self._locale,
            budget=self._seconds()[1],
            subscribers=[*self.app.subscribers, self.events.append],
            destinations=self._destinations,
            network=self.provider.network(self.settings),
            chat_network=self.chats.network,
            background=False,
        )
        try:
            server = await serving.__aenter__()
        except BaseException:
            await self.store.close()
            raise
        sending = server.sending.screens.destinations  # the clock stands still: nobody waits
        sending |= {name: structs.replace(each, pace=None, paces=None) for name, each in sending.items()}
        self._process = Process(server, store, self._outside, serving)

    def _alive(self) -> Process:
        process = self._process
        if process is None or process.store.dead:
            raise AssertionError("the process is dead: stage.restart() first")
        return process

    async def _send(self, exchange: Exchange) -> Response:
        await self._catch_up()
        process = self._process
        if process is None:
            raise ConnectionRefusedError("no process listens")
        try:
            return await self._patiently(process.ask(exchange))
        except ProcessDied:
            if self._process is process:
                await self.crash()
            raise ConnectionResetError("the process died") from None

    async def _attend(self, work: Awaitable[T], asker: object) -> T:
        """Wait for something of the process, as `asker` does who has a connection to it. Raises `OSError` when it
        dies."""
        await self._catch_up()
        process = self._process
        if process is None or process.store.dead:
            raise ConnectionRefusedError("no process listens")
        try:
            return await self._patiently(process.attend(work, asker))
        except ProcessDied:
            if self._process is process:
                await self.crash()
            raise ConnectionResetError("the process died") from None

    def _pushed(self, gateway: str, dialogue: str) -> Callable[[], Awaitable[Response | None]]:
        """What shows the last screen that comes in a dialogue from now on."""
        since = len(self.provider.heard)

        async def shown() -> Response | None:
            await self.push()
            return self.provider.shown(gateway, dialogue, since)

        return shown

    # --- time ---

    def _seconds(self) -> tuple[float, float]:
        """That a reply may take: of the clock, and of the machine."""
        if self._budget is not None:
            return self._budget, self._budget
        budget = self.app.budget
        return budget, UNHURRIED if 0 < budget < UNHURRIED else budget

    async def _patiently(self, work: Awaitable[T]) -> T:
        """Wait for something of the process. While only held services keep it, time passes without a real wait."""
        self._waits += 1
        self._hurry()
        try:
            return await work
        finally:
            self._waits -= 1

    def _hurry(self) -> None:
        if self._waits and self._outside.held and (self._hurrying is None or self._hurrying.done()):
            self._hurrying = asyncio.create_task(self._let_time_pass())

    async def _let_time_pass(self) -> None:
        # In small steps, or what waits for different moments would all find them past at once.
        step, of_the_machine = (STEP * seconds for seconds in self._seconds())
        while self._waits and self._outside.held:
            await self._quiet()
            if self._waits and self._outside.held:
                self.clock.advance(step)
                self._seen += step
                let_pass(of_the_machine)

    async def _catch_up(self) -> None:
        """Effects that run live through what the clock was advanced by: they keep their leases as they would."""
        async with self._catching_up:
            now, process = self.clock.now, self._process
            if process is not None and len(process.server.late):
                while now - self._seen > RENEWAL:
                    self._seen += RENEWAL
                    self.clock.now = self._seen
                    let_pass(RENEWAL)
                    await self._quiet()
            self.clock.now = self._seen = now

    async def _quiet(self) -> None:
        """Wait until nothing moves by itself. Raises `AssertionError` when that takes too long."""
        calm, until = 0, time.monotonic() + PATIENCE
        while calm < CALM:
            process = self._process
            if self._outside.at_work or (process is not None and process.busy):
                calm = 0
                await asyncio.sleep(TICK)
                late = time.monotonic() > until
                assert not late, f"still at work: {', '.join(self._outside.at_work) or 'the process'}"
            else:
                calm += 1
                await asyncio.sleep(0)
