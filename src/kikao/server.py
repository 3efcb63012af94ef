"""An app at work: store, turns, recovery, sweeping, and the web in front, wired from an app and its settings."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, Literal

from kikao.arrivals import Arrivals
from kikao.bus import Bell, FanoutAway
from kikao.channels.calling import Make
from kikao.channels.channel import Gateway, Response
from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.chat.hearing import Hearing
from kikao.channels.chat.lines import entrances, speaking_for
from kikao.channels.chat.lines import works as lines_works
from kikao.channels.chat.messages import Messages
from kikao.channels.chat.proving import Codes
from kikao.channels.chat.routes import ChatRoute
from kikao.channels.chat.secret_links import SecretLinks
from kikao.channels.chat.sender import ChatSender
from kikao.channels.chat.told import Keyword
from kikao.channels.inbound import Inbound
from kikao.channels.media.files import Files
from kikao.channels.media.receiving import Receiving, Source
from kikao.channels.media.store import FileStore
from kikao.channels.media.sweeping import FileSweeper
from kikao.channels.outbox import Destination
from kikao.channels.sms import linking as texting
from kikao.channels.sms.keywords import Keywords
from kikao.channels.ussd.smpp import linking
from kikao.config import Settings
from kikao.control import Door, DoorTaken, NoDoor, digest
from kikao.control.door import Came
from kikao.events import Bus, OperatorCommand, described
from kikao.fetching import Fetching
from kikao.inbox import Inbox
from kikao.members import Reaches, Unlisted
from kikao.monitor import Monitor
from kikao.opening import bus_of, live_sessions
from kikao.operating import operated
from kikao.outcomes import Outcomes
from kikao.readiness import depending
from kikao.secret_page import SecretPage
from kikao.sending import Sending
from kikao.sessions.anchors import Anchors
from kikao.sessions.keeper import Sessions
from kikao.sessions.posting import SCREENS
from kikao.sessions.recovery import Recovery
from kikao.sessions.resealing import Resealer
from kikao.sessions.sharing import Shares
from kikao.sessions.store import CommitUnknown, StoreUnavailable
from kikao.sessions.sweeping import Sweeper
from kikao.sessions.working import Late, Services
from kikao.turn import Turns
from kikao.web import Receive, Scope, Send, Web
from kikao.wired import Wired

if TYPE_CHECKING:
    from kikao.audit.relay import AuditRelay
    from kikao.channels.sms.smpp_link import SmsLink
    from kikao.channels.ussd.smpp.link import Link
    from kikao.console.simulator import PlayedLines, Pushes, Simulator, WebFace
    from kikao.live.endpoint import Endpoint
    from kikao.live.hub import Hub
    from kikao.members.directory import Directory
    from kikao.members.links import Links
    from kikao.webchat import WebChat

SHUTDOWN: Final = 10.0
"""Seconds running effects get at shutdown; what does not end is found by recovery."""


class Server:
    """An app at work: turns, recovery, sweeping and links, and the web in front. One a process, or one a test."""

    def __init__(
        self,
        app: Wired,
        settings: Settings,
        sessions: Sessions,
        monitor: Monitor,
        services: Services,
        members: Directory | None,
        locale: str | None,
        budget: float,
        publish: Bus,
        destinations: Mapping[str, Destination] | None = None,
        relay: AuditRelay | None = None,
        screens: Mapping[str, Destination] | None = None,
        pushes: Pushes | None = None,
        lines: Mapping[str, ChatGateway] | None = None,
        files: FileStore | None = None,
        sources: Mapping[str, Source] | None = None,
        calls: Mapping[str, Make] | None = None,
        played: PlayedLines | None = None,
        face: WebFace | None = None,
    ) -> None:
        self.monitor = monitor
        self.publish = publish
        if settings.simulator != "off":
            from kikao.console.simulator import HEARD, hear

            publish.on(HEARD, hear)
        self.settings = settings
        self.sessions = sessions
        self.services = services
        self.members = members

        nobody = Unlisted(sessions.ring, clock=sessions.clock)
        self.reach: Reaches = nobody.reach if members is None else members.reach
        """What may be written to which address: whoever sends asks it."""
        self.reach.publish = publish
        self.links: Links | None = None
        if members is not None:
            from kikao.members.links import Links

            self.links = Links(members, Anchors(sessions, flow=app.engine.entry), publish)
            self.services = {type(members): members, Links: self.links, **services}

        self.late = Late(sessions, publish, release=app.engine.flows.release)
        self.shares = Shares(sessions.store, publish, clock=sessions.clock)
        """The part of the store that this process looks after."""
        self.bus = bus_of(settings)
        """Carries messages between the processes of the app."""
        self._shares_bell = Bell(self.bus, "shares", lambda _: self.shares.wake())
        self.shares.when_changed(self._shares_bell.ring)

        self.hub: Hub | None = None
        """Live sessions, where the app has channels for them."""
        self.webchat: WebChat | None = None
        self._sockets: Endpoint | None = None
        live = app.live if face is None else face.live
        if live is not None:
            minted = None if face is None else face.minted
            self.hub, self._sockets = live_sessions(
                live, settings, self.bus, publish, members, sessions, minted
            )
            self.services = {type(self.hub): self.hub, **self.services}
            from kikao.webchat import WebChat

            self.webchat = WebChat(self.hub, lines or {}, sessions, files, settings.media.largest)

        self.sending = Sending(sessions, publish, self.bus, self.shares)
        """Sends what is stored: posts, screens, and to itself what came and had to wait."""
        self.dispatcher = self.sending.dispatcher
        """Sends what flows post."""

        self.link: Link | None = None
        """The connection to a message centre, where the settings have one."""
        if f"{SCREENS}{linking.SLUG}" not in (screens or {}):
            self.link = linking.linked(
                settings,
                self._arrived,
                publish,
                clock=sessions.clock,
                shards=lambda: self.shares.shards,
                wake=self.sending.bound,
            )
        self.lines = lines or {}
        """The numbers, bots and accounts of chats, by their name in the outbox."""
        self._calls = calls or {}
        """What calls the providers of these lines."""
        self.texting = texting.linked(
            self.lines,
            self._texted,
            publish,
            clock=sessions.clock,
            shards=lambda: self.shares.shards,
            wake=self.sending.bound,
        )
        """The connection that SMS come and go on, where the settings have one."""
        both: dict[str, Link | SmsLink | None] = {linking.SLUG: self.link, "sms-smpp": self.texting}
        self._bindings = {name: each for name, each in both.items() if each is not None}
        for each in self._bindings.values():
            self.shares.when_changed(each.wake)

        self.messages = Messages(
            self.lines,
            linking.noticing(self.link, sessions, self.sending.posted),
            sessions,
            app.catalogs.translate,
            locale=locale or next(iter(app.engine.locales)),
            members=members,
        )
        proves = Codes(self.messages, sessions.clock)
        self.services = {Messages: self.messages, Codes: proves, **self.services}
        self.file_sweeper: FileSweeper | None = None
        if files is not None:
            self.services = {Files: Files(files), **self.services}
            self.file_sweeper = FileSweeper(files, publish, mine=lambda: 0 in self.shares.shards)

        beside = None if pushes is None else pushes.beside
        screens = {**(screens or {}), **linking.destinations(self.link, beside)}
        screens |= texting.destinations(self.texting)
        screens |= {} if self.webchat is None else self.webchat.destinations
        self.sending.screens.add(screens)
        texts = {line for line, gateway in self.lines.items() if gateway.channel == "sms"}
        for destination in screens.values():
            if isinstance(destination.sender, ChatSender):
                destination.sender.reach = self.reach
                if played is not None and played.texts is not None and destination.sender.line in texts:
                    destination.sender.instead = played.texts.keeps
        self._relay = relay
        sessions.audited = relay is not None
        destinations = {**(destinations or {}), **(relay.destinations if relay is not None else {})}
        self.dispatcher.add({**destinations, **linking.notices(self.link)})
        if settings.env == "production":
            sessions.destinations = frozenset(settings.webhooks)

        monitor.follow(publish, self.late, self.shares, sessions.clock)
        if self.hub is not None:
            monitor.ask(self.hub.measure)
        links: SecretLinks | None = None
        if lines and settings.public_url:
            links = SecretLinks(lambda: sessions.ring, settings.public_url, sessions.clock)
        self.turns = Turns(
            app.engine,
            sessions,
            self.services,
            members or nobody,
            translate=app.catalogs.translate,
            publish=publish,
            late=self.late,
            budget=budget,
            locale=locale,
            middleware=app.middleware,
            times=monitor.times,
            most=settings.turns,
            directly=self.sending.directly,
            links=links,
        )
        self.outcomes = Outcomes(
            self.turns, self.lines, self.messages, self.services, app.catalogs.translate, over=app.outcomes
        )
        """Tells what became of requests that were not ready in time."""
        if told := self.outcomes.destinations:
            self.late.tells = self.outcomes.tells
            self.sending.screens.add(told)

        keywords = Keywords(self.lines, self.messages, sessions.clock)
        hearing = Hearing(sessions, self.lines, self.sending.screens, self.reach, publish)
        inbox = Inbox(self.turns)
        fetching: Fetching | None = None
        if files is not None and sources:
            receiving = Receiving(files, sources, publish, most=settings.media.largest)
            fetching = Fetching(self.turns, receiving)
        self.arrivals = Arrivals(
            self.turns,
            self.lines,
            publish,
            {**hearing.hears, Keyword: keywords.hear},
            texts="sms" in app.channels,
            inbox=inbox,
            reach=self.reach,
            fetching=fetching,
        )
        kept = self.sending.kept
        kept.add({**inbox.destinations(self.lines, self.arrivals.one), **hearing.destinations})
        inbox.stored = hearing.stored = kept.stored

        self.recovery = Recovery(
            sessions, app.engine, self.late, self.services, publish, shards=lambda: self.shares.shards
        )
        self.sweeper = Sweeper(sessions, publish, shards=lambda: self.shares.shards)
        self.resealer = Resealer(
            sessions,
            publish,
            members=None if members is None else members.reseal,
            files=None if files is None else files.reseal,
        )

        sends = self.dispatcher.destinations or self.sending.screens.destinations
        self.readiness = depending(
            settings,
            sessions,
            records=None if members is None else members.answers,
            bus=self.bus.answers,
            outbox=(lambda: self.shares.shards) if sends else None,
            links=self._bindings,
            live=None if self.hub is None else self.hub.store.answers,
        )

        speaking_for(app.engine, app.catalogs.translate, sessions.policies, self.lines)
        doors = entrances(settings, self.lines)
        chats = {path: ChatRoute(door, self.arrivals.take) for path, door in doors.items()}
        elsewhere = [linking.SLUG] if self.link is not None and pushes is None else []
        self.web = Web(
            settings, self.turns, monitor, self.readiness, publish, elsewhere=elsewhere, chats=chats
        )
        self.web.sockets, self.web.shown = self._sockets, self.webchat
        first = locale or next(iter(app.engine.locales))
        if self.webchat is not None:
            words = app.catalogs.translate, app.engine.locales, first
            self.webchat.begin(self.turns, self.arrivals, monitor, *words)
        if links is not None:
            self.web.secrets = SecretPage(links, sessions, self.arrivals, app.catalogs.translate, first)
        self.simulator: Simulator | None = None
        if pushes is not None:
            self.simulator = self._simulated(app, pushes, played, face)

        self.commands = operated(app, app.engine.entry, sessions, publish, members, self.services, files)
        """What operators can ask of this server."""
        if self.hub is not None:
            self.hub.services = self.services
        self._door = Door(self.commands, digest(settings.store, settings.records), self._heard)
        self._keeps_door: asyncio.Task[None] | None = None
        self._work: list[asyncio.Task[None]] = []

    async def _arrived(self, inbound: Inbound, gateway: Gateway) -> Response:
        with self.monitor.answering():
            return await self.turns.handle(inbound, gateway)

    async def _texted(self, received: Received) -> Response:
        with self.monitor.answering():
            return await self.arrivals.take(received)

    @property
    def frame(self) -> int | None:
        """Octets of a frame of WebSocket, at most; None where the app has no live channels."""
        return None if self.hub is None else self.hub.limits.frame

    async def part(self) -> None:
        """It stops: close sockets, some at a time."""
        if self.hub is not None:
            await self.hub.drain()

    def drain(self) -> None:
        """It will stop: say so to who asks whether it is ready, and serve on."""
        self.web.leaving = True

    def refuse(self) -> None:
        """It stops: what comes from now on is not begun."""
        self.web.leaving = self.web.closed = True

    def _simulated(
        self, app: Wired, pushes: Pushes, played: PlayedLines | None, face: WebFace | None
    ) -> Simulator:
        from kikao.channels.line import through
        from kikao.console.simulator import SimulatedClock, Simulator, Site

        clock = self.sessions.clock
        assert isinstance(clock, SimulatedClock)
        simulator = Simulator(
            self.settings,
            self.turns,
            clock,
            send=through(self.web),
            settled=self._settle,
            pushes=pushes,
            push=self.push,
            translate=app.catalogs.translate,
            keeps_members=self.members is not None,
            lines=played,
            web=face,
        )
        if face is not None and self.hub is not None and self._sockets is not None:
            self.web.sockets = face.watch(self.hub, self._sockets)
        self.web.simulator = Site(simulator, self.settings.simulator)
        return simulator

    async def _settle(self) -> None:
        """Look once at what has expired, and at what is due."""
        await self.sweeper.once()
        if self.file_sweeper is not None:
            await self.file_sweeper.once()
        await self.recovery.look()
        await self.dispatcher.once()
        await self.push()

    async def push(self) -> None:
        """Send what is due and somebody waits for: see `Sending.push`."""
        await self.sending.push()

    async def start(self) -> None:
        """Settle what an earlier process left open, and seal anew; then keep settling, sweeping and linking."""
        await self.monitor.join(self.settings)
        await self.bus.open()
        if self.hub is not None:
            await self.hub.start()
        await self.shares.renew()
        works = [
            self._shares_bell.run(),
            self.sending.bell.run(),
            self.shares.run(),
            self.recovery.run(),
            self.sweeper.run(),
            self.resealer.run(),
            self.monitor.run(),
        ]
        works += [self.links.run()] if self.links else []
        works += [self.file_sweeper.run()] if self.file_sweeper else []
        works += [self.members.reach.run()] if self.members else []
        works += [self._relay.run()] if self._relay else []
        works += [each.run() for each in self._bindings.values()]
        take, shards, url = self.arrivals.take, lambda: self.shares.shards, self.settings.public_url
        works += lines_works(self.lines, self._calls, take, shards, self.publish, url)
        self._work = [asyncio.create_task(work) for work in works]
        self.sending.start()

    async def open_door(self) -> None:
        """Let commands in through the data folder; the log tells where that cannot be."""
        if self.settings.data.is_dir():
            try:
                await self._door.open(self.settings.data)
            except DoorTaken as problem:
                if not self.settings.store.is_shared:
                    self._heard("", "closed", problem)
            except NoDoor as problem:
                self._heard("", "closed", problem)
                return
            if self.settings.store.is_shared:
                self._keeps_door = asyncio.create_task(self._door.keep(self.settings.data))

    def _heard(self, command: str, what: Came | Literal["closed"], error: BaseException | None) -> None:
        self.publish(OperatorCommand(command=command, what=what, error=described(error)))

    async def stop(self) -> None:
        """Stop background work; effects that still run get a little time."""
        self.refuse()
        if self._keeps_door is not None:
            self._keeps_door.cancel()
            await asyncio.gather(self._keeps_door, return_exceptions=True)
        await self._door.close()
        await self.readiness.close()
        if self.simulator is not None:
            await self.simulator.close()
        for each in self._bindings.values():
            await self._unbind(each)
        if self.hub is not None:
            await self.hub.stop()
        for task in self._work:
            task.cancel()
        await asyncio.gather(*self._work, return_exceptions=True)
        await asyncio.gather(self.late.close(SHUTDOWN), self.sending.stop(SHUTDOWN))
        await self.shares.leave()
        with contextlib.suppress(FanoutAway):
            await self.bus.publish("shares", b"")  # what was handed over can be taken at once
        await self.bus.close()
        await self.publish.close()
        await self.monitor.leave()

    async def _unbind(self, link: Link | SmsLink) -> None:
        """Take nothing more, let the screens of what was taken go, and unbind."""
        await link.refuse(SHUTDOWN)
        if link.bound:
            with contextlib.suppress(StoreUnavailable, CommitUnknown, TimeoutError):
                async with asyncio.timeout(SHUTDOWN):
                    await self.sending.screens.once()
        await link.stop(SHUTDOWN)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self.web.socket(scope, receive, send)
        else:
            await self.web(scope, receive, send)
