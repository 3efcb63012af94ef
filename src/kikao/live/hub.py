"""Live sessions at work in one process: who is connected, who is in which topic, and what is said to whom."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Final

import msgspec

from kikao.bus import Fanout
from kikao.channels.edge import Network
from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import Json
from kikao.channels.socket.reasons import Reason
from kikao.channels.socket.tokens import Tokens
from kikao.events import ErrorUncaught, GatewayTold, LiveClosed, Publish, described
from kikao.events.uncaught import tolerated
from kikao.live import leaving
from kikao.live.admission import Admission
from kikao.live.door import Door
from kikao.live.endings import Endings, meant
from kikao.live.live import Live
from kikao.live.news import LARGEST, USERS, Broadcast, Changed, Doubtful, Replaced, ToUsers
from kikao.live.presence.fetching import Fetch
from kikao.live.presence.tracking import Tracker
from kikao.live.registry import Registry, SessionState
from kikao.live.replies import body_of
from kikao.live.routes import CHAT, OWN, shown
from kikao.live.session import Connected, Session
from kikao.live.stores.store import LiveAway, LiveStore
from kikao.live.streams import Streams
from kikao.live.tally import LONGPOLL, WEBSOCKET, Tally
from kikao.live.topics import Subscriber, Topics
from kikao.live.users import User, Users
from kikao.live.wire import NODE, Wire
from kikao.metrics import declared
from kikao.metrics.snapshot import Snapshot
from kikao.sessions.sealing import KeyRing

TICK: Final = 5.0
"""Most seconds between two looks at who was silent, idle, or away for too long."""

WARNING: Final = 60.0
"""Seconds before a token expires that its client is told."""


class Hub:
    """See the module. Reached from flows and services as `chat.service(Hub)`, from channels as `channel.hub`."""

    def __init__(
        self,
        live: Live,
        users: Users,
        tokens: Tokens,
        lifetime: float,
        store: LiveStore,
        bus: Fanout,
        publish: Publish,
        *,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        ring: KeyRing | None = None,
        trusted: tuple[Network, ...] = (),
    ) -> None:
        """`lifetime` is how many seconds a token lives at most; `clock` gives seconds that only grow, `wall` those
        since the epoch, by which tokens are judged. A `ring` seals what is said over a `bus` that others may read.
        `trusted` are proxies that may say who their client is."""
        self.live = live
        self.limits = live.limits
        self.routes = live.routes
        self._lifetime = lifetime
        self.store = store
        self.publish = publish
        self.clock = clock
        self.wall = wall
        self.trusted = trusted
        self.node = secrets.token_urlsafe(NODE)[:NODE]
        """Names this process, as long as it runs."""
        self.sessions: dict[str, Session] = {}
        """Of this process, by user."""
        self.sockets: dict[str, Connected] = {}
        self._ended: dict[str, Session] = {}
        """Of users who did so much that it still counts, should they come again."""
        self.tally = Tally()
        self.services: Mapping[Any, Any] = {}  # by type: see `Channel.service`
        self.leaving = False
        """Whether it stops: nobody comes in."""
        self._tasks: set[asyncio.Task[Any]] = set()
        self._works: list[asyncio.Task[None]] = []
        self.door = Door(live.limits, clock)
        self.admission = Admission(
            users, tokens, store, self.door, self._is_full, publish, live.limits, clock
        )
        self._numbers = 0
        self.wire = Wire(bus, self.node, ring)
        self.topics = Topics(self.spawn)
        self.streams = Streams(
            store,
            self.topics.tell,
            self._insufficient,
            lambda topic: self.wire.tell(Doubtful(topic)),
            self.spawn,
            self.topics.__contains__,
        )
        self.tracker = Tracker(
            store,
            node=self.node,
            tell=self.wire.tell,
            diffed=self._diffed,
            fetch=self._fetch,
            died=self._died,
            publish=publish,
            window=live.limits.window,
            clock=clock,
        )
        self.watching = self.tracker.watching
        self.endings = Endings(store, self.wire, self.sessions, self._close_of, wall=wall)
        self.registry = Registry(self.tracker, store, self.sessions, clock=clock, wall=wall)
        self.wire.on(Broadcast, self._heard)
        self.wire.on(Replaced, self._heard_of_device)
        self.wire.on(Doubtful, lambda news: self.streams.read(news.topic))
        self.wire.on(ToUsers, self._heard_of_users)
        self.wire.on(Changed, lambda news: self.tracker.heard(news.change))
        self.wire.on_gap(self.streams.missed)
        self.wire.on_gap(self.watching.missed)

    @property
    def tokens(self) -> Tokens:
        """Those that open a session."""
        return self.admission.tokens

    # --- its life ---

    async def open(self) -> None:
        """Let sockets in. What is beside them begins with `start`."""
        await self.store.open()

    async def start(self) -> None:
        """Hear the others, and look after what is here."""
        works = [
            self.wire.run(),
            self.tracker.run(),
            self.registry.run(),
            self.endings.run(),
            self._look_after(),
        ]
        self._works = [asyncio.create_task(work) for work in works]
        for task in self._works:
            task.add_done_callback(self._done)
        await self.wire.heard.wait()

    async def drain(self) -> None:
        """Close all sockets, some at a time: see `kikao.live.leaving`."""
        self.leaving = True
        self.door.close()
        await self.tracker.retire()
        await leaving.part(self.sockets.values(), self.limits)

    async def stop(self) -> None:
        """End; what is present here is kept for the window, for who comes back elsewhere."""
        self.leaving = True
        self.door.close()
        await self.tracker.retire()
        for socket in list(self.sockets.values()):
            socket.close(Reason.DRAINED)
        await leaving.finish(self._tasks)
        for session in list(self.sessions.values()):
            self._end(session, Reason.DRAINED)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self.tracker.settled()
                await self.wire.told()
        for task in self._works:
            task.cancel()
        await asyncio.gather(*self._works, return_exceptions=True)
        self.tracker.close()
        await self.store.close()

    def spawn(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something that nobody waits for; what it raises is told."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    async def settled(self) -> None:
        """When all is done that nobody waits for."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.publish(ErrorUncaught(where="loop", error=described(error)))

    def told(self, note: str) -> None:
        """A line for the log, with nothing of a member in it."""
        self.publish(GatewayTold(channel="socket", gateway="phoenix", note=note))

    def new_id(self) -> str:
        """Of a socket: unique over all processes and times."""
        self._numbers += 1
        return f"{self.node}.{self._numbers:x}"

    # --- sockets ---

    def _is_full(self, user_id: str) -> bool:
        session = self.sessions.get(user_id)
        return session is not None and len(session.sockets) >= self.limits.sockets

    def session_of(self, user: User) -> Session:
        """The one that a socket of theirs is of: it begins with the first."""
        session = self.sessions.get(user.id)
        if session is None:
            before = self._ended.pop(user.id, None)
            session = self.sessions[user.id] = Session(user, self.limits, self.clock(), before)
        session.user = user
        return session

    def enter(self, socket: Connected) -> None:
        """A socket is open."""
        socket.session.enter(socket)
        if socket.device:
            user, at = socket.session.user.id, self.wall()
            socket.session.replace(socket.device, socket.connected_at, by=socket)
            self.wire.tell(Replaced(user, socket.device, at))
        self.sockets[socket.id] = socket
        if self.leaving:  # since its user was loaded
            socket.close(Reason.DRAINED)
        elif self.endings.ended(socket.session.user.id, socket.claims):
            socket.close(Reason.LOGGED_OUT)
        self.registry.changed(socket.session)

    def left(self, socket: Connected, reason: Reason) -> None:
        """It is over."""
        session, now = socket.session, self.clock()
        self.sockets.pop(socket.id, None)
        session.leave(socket, now)
        self.registry.changed(session)
        self.publish(LiveClosed(**_AT, reason=reason.label, seconds=now - socket.connected_at))
        if not session.sockets and (reason is Reason.LEFT or reason.ends_session):
            self._end(session, reason)

    def _end(self, session: Session, reason: Reason) -> None:
        """A session is over: its record is told, once."""
        if session.ended is not None:
            return
        session.ended = reason
        if self.sessions.get(session.user.id) is session:
            del self.sessions[session.user.id]
            self.registry.ended(session)
            if not session.is_rested(self.clock()):
                self._ended[session.user.id] = session
        self.tally.sent += session.sent
        for socket in list(session.sockets):
            socket.close(reason)
        if reason.ends_session:
            self.tracker.drop(session.user.id)
        self.publish(session.record(reason, self.clock()))

    async def _look_after(self) -> None:
        limits = self.limits
        tick = min(TICK, limits.silence / 4, limits.idle / 4, limits.window / 4, limits.grace / 4)
        while True:
            await asyncio.sleep(tick)
            with tolerated(self.publish):
                self.look()

    def look(self) -> None:
        """Close who was silent, idle, or whose token is over; end sessions that nobody came back to."""
        now, wall, limits = self.clock(), self.wall(), self.limits
        for socket in list(self.sockets.values()):
            if now - socket.heard_at >= limits.silence:
                socket.close(Reason.SILENT)
            elif wall >= socket.claims.expires_at + limits.grace:
                socket.close(Reason.TOKEN_EXPIRED)
            elif wall >= socket.claims.expires_at - WARNING and not socket.warned:
                socket.warned = True
                left = max(0, int(socket.claims.expires_at - wall))
                socket.announce("token_expiring", {"expires_in": left})
        for session in list(self.sessions.values()):
            if (reason := session.over(now)) is Reason.IDLE:
                _ = self.spawn(self._look_at_idle(session))
            elif reason is not None:
                self._end(session, reason)
        for user, ended in list(self._ended.items()):
            if ended.is_rested(now):
                del self._ended[user]

    async def _look_at_idle(self, session: Session) -> None:
        """End it, unless its user does something on another process."""
        with contextlib.suppress(LiveAway):
            rests = await self.registry.rests_elsewhere(session.user.id)
            session.active_at = max(session.active_at, self.clock() - rests)
        if session.over(self.clock()) is Reason.IDLE:
            self._end(session, Reason.IDLE)

    # --- topics ---

    def subscribe(self, channel: Subscriber) -> None:
        """From now on it hears its topic."""
        if self.topics.enter(channel) and channel.route.presence:
            self.watching.subscribe(channel.topic)

    def unsubscribe(self, channel: Subscriber) -> None:
        """It hears its topic no more."""
        if self.topics.leave(channel):
            self.streams.forget(channel.name)
            if channel.route.presence:
                self.watching.unsubscribe(channel.topic)

    def _insufficient(self, topic: str) -> None:
        """Clients of a topic missed what nobody has any more: they join anew, and are told so."""
        for channel in self.topics.of(topic):
            channel.lose()
            self.tally.recovered("insufficient")

    def _diffed(self, topic: str, payload: Json) -> None:
        self.topics.tell(topic, protocol.broadcast(topic, "presence_diff", payload))

    def _died(self) -> None:
        """Another process is dead: what it stored last it may have told nobody."""
        self.streams.missed()
        self.endings.missed()
        self.wire.doubt()

    def _fetch(self, topic: str) -> Fetch | None:
        found = self.routes.find(topic)
        return None if found is None else found[0].fetch

    # --- what is said ---

    async def broadcast(self, topic: str, event: str, payload: Any = None, *, but: str = "") -> None:
        """To all who joined a topic, on every process; written once. `but` is the id of a socket that does not get it.

        Where the topic is kept it is stored first: then everybody gets it who is in, or comes back in time. Raises
        `LiveAway` where that cannot be, `TypeError` for what is no payload, and `ValueError` for one over `LARGEST`.
        """
        self.tally.broadcasts += 1
        body = body_of(payload)
        found = self.routes.find(shown(topic))
        keeps = None if found is None else found[0].keeps
        if keeps is None:
            said = body if isinstance(body, bytes) else body.encode()
            if len(said) > LARGEST:
                raise ValueError(f"{topic}: a broadcast of {len(said)} octets; the most is {LARGEST}")
            self.topics.tell(topic, protocol.broadcast(shown(topic), event, body), 0, but)
            self.wire.tell(Broadcast(topic, event, said, isinstance(body, bytes), but))
            return
        if isinstance(body, bytes):
            raise TypeError(f"{topic}: what is kept is JSON, not bytes")
        at = await self.streams.append(topic, event, body, keeps, but)
        self.streams.arrived(topic, event, body, at, but)
        self.wire.tell(Broadcast(topic, event, body.encode(), at=at, but=but))

    async def to_user(self, user_id: str, event: str, payload: Any = None) -> None:
        """To all devices of a user, on the topic that is theirs (`Live.user_topic`). Raises as `broadcast`."""
        await self.broadcast(self.live.user_topic.replace("{user_id}", user_id), event, payload)

    async def deliver(self, user_id: str, event: str, payload: Any) -> None:
        """To all devices of a user, now or when they come, in their web chat. Raises as `broadcast`."""
        await self.broadcast(f"{CHAT}{OWN}{user_id}", event, payload)

    async def to_users(self, user_ids: Iterable[str], event: str, payload: Any = None) -> None:
        """To several; those who have no session get nothing, kept or not."""
        body = body_of(payload)
        self._to_sessions(tuple(user_ids), "", event, body)

    async def to_group(self, group: str, event: str, payload: Any = None) -> None:
        """To all users who have this group (`User.groups`) and a session; nothing of it is kept."""
        self._to_sessions((), group, event, body_of(payload))

    def _to_sessions(self, users: tuple[str, ...], group: str, event: str, body: bytes | Json) -> None:
        if isinstance(body, bytes):
            raise TypeError("what goes to users is JSON, not bytes")
        self.tally.broadcasts += 1
        said = body.encode()
        if len(said) > LARGEST:
            raise ValueError(f"{event}: {len(said)} octets; the most is {LARGEST}")
        for at in range(0, len(users) or 1, USERS):
            self._heard_of_users(news := ToUsers(event, said, users[at : at + USERS], group))
            self.wire.tell(news)

    def _heard(self, news: Broadcast) -> None:
        body: bytes | Json = news.body if news.binary else Json(news.body.decode())
        if news.at is not None and isinstance(body, Json):
            self.streams.arrived(news.topic, news.event, body, news.at, news.but)
        elif news.topic in self.topics:
            self.topics.tell(news.topic, protocol.broadcast(shown(news.topic), news.event, body), 0, news.but)

    def _heard_of_users(self, news: ToUsers) -> None:
        body = Json(news.body.decode())
        if news.group:
            meant: Iterable[Session] = [s for s in self.sessions.values() if news.group in s.user.groups]
        else:
            meant = [self.sessions[user] for user in news.users if user in self.sessions]
        for session in meant:
            topic = self.live.user_topic.replace("{user_id}", session.user.id)
            self.topics.tell(topic, protocol.broadcast(topic, news.event, body))

    async def presence(self, topic: str) -> dict[str, Any]:
        """Who is in a topic, on every process: `{key: {"metas": [{…, "phx_ref": …}]}}`. Without the store it is who is
        on this process."""
        present: dict[str, Any] = msgspec.json.decode((await self.watching.present(topic)).encode())
        return present

    def measure(self, snapshot: Snapshot) -> None:
        """Put in what was counted, and how much of everything there is now."""
        tally, tracker, topics = self.tally, self.tracker, self.topics.counts()
        tally.into(snapshot, sum(session.sent for session in self.sessions.values()))
        sockets = len(self.sockets) - tally.polled
        snapshot.gauge(declared.LIVE_SOCKETS, {(WEBSOCKET,): sockets, (LONGPOLL,): tally.polled})
        snapshot.gauge(declared.LIVE_SESSIONS, {(): len(self.sessions)})
        snapshot.gauge(declared.LIVE_TOPICS, {(): len(topics)})
        snapshot.gauge(declared.LIVE_CHANNELS, {(): sum(topics.values())})
        snapshot.gauge(declared.LIVE_PRESENT, {(): tracker.tracked})
        snapshot.gauge(declared.LIVE_OWED, {(): tracker.owes})
        snapshot.gauge(declared.LIVE_AWAY, {(): float(tracker.stale)})
        snapshot.count(declared.LIVE_GAPS, {(): self.wire.gaps})
        snapshot.count(declared.LIVE_UNOPENED, {(): self.wire.unopened})
        snapshot.count(declared.LIVE_HEALED, {(): self.watching.healed})

    # --- sessions ---

    async def get_session(self, user_id: str) -> SessionState | None:
        """A user's session, whichever processes it is on; None where there is none. Raises `LiveAway`."""
        return await self.registry.get_session(user_id)

    async def session_exists(self, user_id: str) -> bool:
        """Whether a user has a session anywhere. Raises `LiveAway`."""
        return await self.registry.session_exists(user_id)

    async def stop_session(self, user_id: str) -> bool:
        """End a user's session everywhere; they may come again. Whether there was one. Raises `LiveAway`."""
        existed = await self.session_exists(user_id)
        await self.endings.end(user_id, Reason.STOPPED)
        return existed

    async def log_out(self, user_id: str) -> None:
        """End a user's session everywhere, and refuse every token that was issued by now. Raises `LiveAway`."""
        at = await self.store.log_out(user_id, seconds=self._lifetime)
        await self.endings.end(user_id, Reason.LOGGED_OUT, at)

    def _close_of(self, user: str, reason: Reason, at: float, before: float) -> None:
        session, since = self.sessions[user], self.wall() - self.clock()
        sockets = meant(session, at, before, since)
        if len(sockets) == len(session.sockets):
            if not at and before and session.started_at + since > before:
                return
            self._end(session, reason)
        for socket in sockets:
            socket.close(reason)

    def _heard_of_device(self, news: Replaced) -> None:
        if (session := self.sessions.get(news.user)) is not None:
            session.replace(news.device, news.at - self.wall() + self.clock())


_AT: Final = {"channel": "socket", "gateway": "phoenix"}
