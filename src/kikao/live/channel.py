"""One joined topic on one socket: its events in order, one at a time, and what its functions can do.

Nothing waits here while nothing happens: a task works off what came, and is gone. Whatever ends a channel, nothing that
it says afterwards reaches the client.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

import msgspec

from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import JOIN, LEAVE, Frame, Json, Push, json
from kikao.channels.socket.reasons import Reason
from kikao.events import ErrorUncaught, described
from kikao.live.connection import Connection
from kikao.live.presence.tracking import Tracker
from kikao.live.replies import NO_REPLY, LaterReply, Refused, Reply, Stop, body_of
from kikao.live.routes import USER, InvalidPayload, Route
from kikao.live.session import Connected, Session
from kikao.live.stores.store import LiveAway
from kikao.live.streams import Resumes

if TYPE_CHECKING:
    from kikao.live.hub import Hub
    from kikao.live.users import User

T = TypeVar("T")

LATE: Final = 10.0
"""Seconds for which `presence_state` waits for a store that is away; then it is who is on this process."""

AGAIN: Final = 0.5
"""Seconds until it is looked whether that store is back."""

TOKEN: Final = "token"  # noqa: S105 - the name of an event
"""The event by which a client shows a new token, on any channel that it joined."""

LINGERS: Final = 60.0
"""Seconds that functions of a channel which is over get to finish what they do; then they are cancelled."""

EARLY: Final = 10_000
"""Frames that may come during a join; with more of them it begins anew."""

ENDING: Final = 5.0
"""Seconds that a channel which is joined anew gets to finish what it does; then it is cancelled."""


class Carrier(Connected, Protocol):
    """The socket of a channel, as far as the channel knows it."""

    hub: Hub
    channels: dict[str, Channel]
    """Those on it, by topic."""
    backlog: int
    """Octets of events that wait in them."""

    def write(self, frame: Frame) -> None:
        """Send a frame behind all others. Never waits."""
        ...

    def gather(self) -> None:
        """What is written now may go out in one piece, soon."""
        ...

    async def refresh(self, payload: msgspec.Raw | bytes) -> tuple[str, Json]:
        """A new token: the status and the response."""
        ...


class Channel:
    """What a function of a channel gets: the topic, the user, and ways to answer."""

    __slots__ = (
        "_before",
        "_early",
        "_inbox",
        "_ref",
        "_state",
        "_task",
        "_top",
        "_tracked",
        "at",
        "join_ref",
        "joined",
        "name",
        "over",
        "route",
        "socket",
        "topic",
    )

    def __init__(
        self,
        socket: Carrier,
        route: Route,
        at: Mapping[str, str],
        topic: str,
        join_ref: str | None,
        before: Channel | None,
    ) -> None:
        self.socket = socket
        self.route = route
        self.topic = topic
        self.name = route.name(topic, socket.session.user.id)
        """What the topic is called between processes and in the store."""
        self.at = at
        """The values of the pattern's variables."""
        self.join_ref = join_ref
        self.joined = False
        self.over: str | None = None
        """Why it ended; None while it goes on."""
        self._before = before
        self._early: list[tuple[int, Frame]] | None = []
        """What was said before the reply to the join was: number in the stream, 0 for none, and frame."""
        self._top = 0
        """The number in the stream up to which the client has everything."""
        self._inbox: deque[Push] | None = None
        self._task: asyncio.Task[None] | None = None
        self._ref: str | None = None
        """Of the event that is dealt with."""
        self._state: dict[str, Any] | None = None
        self._tracked: dict[str, str] | None = None
        """Refs of presences, by key."""

    # --- who and where ---

    @property
    def user(self) -> User:
        """Whose socket it is."""
        return self.socket.session.user

    @property
    def session(self) -> Session:
        """Of the user, shared by all of their sockets on this process."""
        return self.socket.session

    @property
    def hub(self) -> Hub:
        """The running server: everybody else."""
        return self.socket.hub

    def service(self, kind: Callable[..., T]) -> T:
        """The app's service of that type, as `chat.service` has it. Raises `LookupError`."""
        found: T | None = self.hub.services.get(kind)
        if found is None:
            raise LookupError(f"the app has no service {getattr(kind, '__name__', kind)}")
        return found

    @property
    def connection(self) -> Connection:
        """What the request was that opened the socket."""
        return Connection.of(self.socket.scope, self.hub.trusted)

    @property
    def state(self) -> dict[str, Any]:
        """Whatever the app remembers of this channel, as long as it lives."""
        if self._state is None:
            self._state = {}
        return self._state

    # --- what its functions can do ---

    async def push(self, event: str, payload: Any = None) -> None:
        """To this client alone. What a join pushes follows its reply. Raises `TypeError` for what is no payload."""
        self.say(protocol.push(self.join_ref, self.topic, event, body_of(payload)))

    async def broadcast(self, event: str, payload: Any = None) -> None:
        """To all who joined the topic, this client too. Raises `TypeError`, and `LiveAway` where it cannot be kept."""
        await self.hub.broadcast(self.name, event, payload)

    async def broadcast_others(self, event: str, payload: Any = None) -> None:
        """To all others who joined the topic; of one that is kept, who comes back gets their own as well."""
        await self.hub.broadcast(self.name, event, payload, but=self.socket.id)

    def later(self) -> LaterReply:
        """The reply to the event that is dealt with now, for later; return `NO_REPLY` then."""
        ref = self._ref

        def send(status: str, body: bytes | Json) -> None:
            self.say(protocol.reply(self.join_ref, ref, self.topic, status, body))

        return LaterReply(send)

    async def track(self, meta: Mapping[str, Any] | None = None, *, key: str = "") -> None:
        """Be present in the topic, with this to say of it; `key` is the user's id unless it is given.

        Raises `TypeError` where the channel was declared without `presence=True`, and `ValueError` for a meta that is
        no JSON object, or too large.
        """
        key = key or self.user.id
        presence = self._presence()
        if self.over is not None:
            return
        if self._tracked is not None and key in self._tracked:
            self._tracked[key] = presence.update(self.topic, self._tracked[key], meta or {})
            return
        ref = await presence.track(self.topic, key, meta or {})
        if self.over is not None:
            self._part_with(ref)
            return
        self._tracked = {**(self._tracked or {}), key: ref}

    async def update(self, meta: Mapping[str, Any], *, key: str = "") -> None:
        """Say something else of a presence: others see one change. The same as `track`, once that was called."""
        await self.track(meta, key=key)

    async def untrack(self, *, key: str = "") -> None:
        """Be present no more."""
        if self._tracked and (ref := self._tracked.pop(key or self.user.id, None)) is not None:
            self._presence().untrack(self.topic, ref)

    async def stop(self) -> None:
        """End the channel; the client does not join again."""
        self.end("stopped")

    async def log_out(self) -> None:
        """End all sockets of the user, everywhere, and refuse their tokens. Raises `LiveAway`."""
        await self.hub.log_out(self.user.id)

    def _presence(self) -> Tracker:
        if not self.route.presence:
            raise TypeError(
                f"{self.route.pattern}: write live.channel({self.route.pattern!r}, presence=True) to track"
            )
        return self.hub.tracker

    # --- what reaches the client ---

    def say(self, frame: Frame, seq: int = 0) -> None:
        """Write a frame of the topic, behind the reply to the join. Nothing once it is over."""
        if self.over is not None:
            return
        if self._early is not None:
            if len(self._early) < EARLY:
                self._early.append((seq, frame))
            else:
                asyncio.get_running_loop().call_soon(self.lose)
        elif seq == 0:
            self.socket.write(frame)
        elif seq > self._top:
            self._top = seq
            self.socket.write(frame)

    def _reply(self, push: Push, status: str, body: bytes | Json) -> None:
        if push.ref is not None and self.over is None:
            self.socket.write(protocol.reply(self.join_ref, push.ref, self.topic, status, body))

    # --- what comes ---

    def take(self, push: Push) -> None:
        """Deal with an event behind those that came before it."""
        limits, size = self.hub.limits, len(push.payload)
        if self._inbox is None:
            self._inbox = deque()
        elif push.event != LEAVE and (
            len(self._inbox) >= limits.pending or self.socket.backlog + size > limits.backlog
        ):
            self.socket.write(
                protocol.reply(self.join_ref, push.ref, self.topic, "error", json({"reason": "busy"}))
            )
            return
        self._inbox.append(push)
        self.socket.backlog += size
        if self._task is None:
            self._task = self.hub.spawn(self._work())

    async def _work(self) -> None:
        try:
            while self._inbox and self.over is None:
                push = self._inbox.popleft()
                self.socket.backlog -= len(push.payload)
                await self._deal(push)
        finally:
            self.socket.backlog -= sum(len(push.payload) for push in self._inbox or ())
            self._inbox, self._ref = None, None
            try:
                if self.over is not None:
                    await self._after()
            finally:
                self._task = None

    async def _deal(self, push: Push) -> None:
        self._ref = push.ref
        try:
            if push.event == JOIN and not self.joined:
                await self._join(push)
            elif push.event == LEAVE:
                self._reply(push, "ok", protocol.EMPTY)
                self.end("left")
            elif push.event == TOKEN:
                self._reply(push, *await self.socket.refresh(push.payload))
            elif (taking := self.route.events.get(push.event)) is None:
                self._reply(push, "error", json({"reason": "unknown event"}))
            else:
                self._answer(push, await taking.call(self, taking.read(push.payload)))
        except Refused as refused:
            self._reply(push, "error", json(refused.response))
        except InvalidPayload as problem:
            self._reply(push, "error", json({"reason": "invalid payload", "detail": str(problem)}))
        except LiveAway:
            self._reply(push, "error", json({"reason": "unavailable"}))
        except Exception as error:  # noqa: BLE001 - it ends this channel, and nothing else
            self._crash(error)

    def _answer(self, push: Push, returned: Any) -> None:
        if returned is NO_REPLY:
            return
        if isinstance(returned, Stop):
            self._reply(push, "ok", body_of(returned.response))
            self.end("stopped")
        elif isinstance(returned, Reply):
            self._reply(push, returned.status, body_of(returned.response))
        else:
            self._reply(push, "ok", body_of(returned))

    async def _join(self, push: Push) -> None:
        """Reply to the join, and then let out what was said meanwhile. Nobody is in who was refused."""
        before, self._before = self._before, None
        if before is not None:
            await before.replaced()
        refusal: dict[str, Any] | None = None
        top, response = 0, protocol.EMPTY
        try:
            top, response = await self._entered(push)
        except Refused as refused:
            refusal = refused.response
        except InvalidPayload as problem:
            refusal = {"reason": "invalid payload", "detail": str(problem)}
        except LiveAway:
            refusal = {"reason": "unavailable"}
        except Exception as error:  # noqa: BLE001 - it ends this channel, and nothing else
            self._told(error)
            refusal = {"reason": "join crashed"}
        if refusal is None:
            self.joined = True  # also where it is over: who was let in is told to the app's `leave`
            self.socket.gather()
            self._reply(push, "ok", response)
        else:
            self._reply(push, "error", json(refusal))
        if before is not None and before.joined:
            self.socket.write(protocol.closed(before.join_ref, self.topic))
        if refusal is not None:
            self.end("refused")
        elif self.over is None:
            await self._begin(top)

    async def _entered(self, push: Push) -> tuple[int, Json]:
        """The reply to the join of who may, and how much of the stream is in it."""
        hub, route = self.hub, self.route
        if rest := self.session.rests(self.topic, hub.clock()):
            raise Refused("crashed too often", retry_after=round(rest, 1))
        if self.at.get(USER, self.user.id) != self.user.id:
            raise Refused("unauthorized")
        if route.allow is not None:
            allowed = route.allow(self)
            if not (await allowed if inspect.isawaitable(allowed) else allowed):
                raise Refused("unauthorized")
        self._check()
        hub.subscribe(self)
        # Before the app looks at anything: what is said after that is told behind the reply, and what it looks at has
        # what was said before. Nothing falls in between.
        recovery = None
        if route.keeps is not None:
            asked = Resumes.read(push.payload)
            recovery = asked, await hub.streams.join(self.name, asked)
            self._check()
        taking = route.joins
        returned = None if taking is None else await taking.call(self, taking.read(push.payload))
        if isinstance(returned, Reply):
            returned = returned.response
        if recovery is None:
            body = body_of(returned)
            if isinstance(body, bytes):
                raise TypeError("a join returns a dict or a msgspec.Struct, not bytes")
            return 0, body
        more = {} if returned is None else msgspec.to_builtins(returned)
        asked, found = recovery
        told = hub.streams.told(found, asked)
        if asked.last_seq is not None:
            hub.tally.recovered(told.get("reason", ""))
        return found.top.seq, json({**more, **told})

    def _check(self) -> None:
        """Raises `Refused` where it was over before it began: nothing of it may stay behind."""
        if self.over is not None:
            raise Refused("gone")

    async def _begin(self, top: int) -> None:
        """From now on everything goes out at once: first what came during the join and is not in its reply."""
        early, self._early, self._top = self._early or [], None, top
        for seq, frame in early:
            self.say(frame, seq)
        if self.route.presence and await self.hub.watching.knows(self.topic):
            await self._show_present()
        elif self.route.presence:
            _ = self.hub.spawn(self._show_present_late())

    async def _show_present(self) -> None:
        present = await self.hub.watching.present(self.topic)
        self.say(protocol.push(self.join_ref, self.topic, "presence_state", present))

    async def _show_present_late(self) -> None:
        """A part of who is there would have a client that was here before see the others leave, and come back."""
        until = self.hub.clock() + LATE
        while self.over is None and self.hub.clock() < until:
            if await self.hub.watching.knows(self.topic):
                break
            await asyncio.sleep(AGAIN)
        await self._show_present()

    # --- its end ---

    def end(self, why: str) -> None:
        """It is over; `why` is told to the function that was declared with `leave`. Returns at once."""
        if self.over is not None:
            return
        if why in _CLOSES and self.joined:
            self.socket.write(protocol.closed(self.join_ref, self.topic))
        self.over = why
        if self.socket.channels.get(self.topic) is self:
            del self.socket.channels[self.topic]
        self.hub.unsubscribe(self)
        if self._before is not None:  # which this one was to end when its turn came
            before, self._before = self._before, None
            before.end(why)
        tracked, self._tracked = self._tracked or {}, None
        for ref in tracked.values():
            self._part_with(ref)
        if self._task is not None:
            late = asyncio.get_running_loop().call_later(LINGERS, self._task.cancel)
            self._task.add_done_callback(lambda _: late.cancel())
        elif self.joined and self.route.leaves is not None:
            self._task = self.hub.spawn(self._after())

    def lose(self) -> None:
        """What it should have had is nowhere any more: its client joins anew."""
        if self.over is None:
            self.socket.write(protocol.crashed(self.join_ref, self.topic))
            self.end("insufficient")

    async def replaced(self) -> None:
        """The client joins the same topic again: nothing that this one still does reaches it."""
        self.end("replaced")
        task = self._task
        if task is not None:
            done, _ = await asyncio.wait({task}, timeout=ENDING)
            if not done:
                task.cancel()
                await asyncio.wait({task}, timeout=ENDING)

    def _part_with(self, ref: str) -> None:
        """A presence is over, or kept for who will come back. It waits for no function."""
        if self.over in _GONE:
            self.hub.tracker.untrack(self.topic, ref)
        else:
            self.hub.tracker.hold(self.topic, ref, moved=self.over == Reason.REPLACED.label)

    async def _after(self) -> None:
        """Tell the app."""
        if self.joined and self.route.leaves is not None:
            try:
                async with asyncio.timeout(LINGERS):
                    await self.route.leaves(self, self.over or "")
            except Exception as error:  # noqa: BLE001 - it is over anyway
                self._told(error)

    def _crash(self, error: Exception) -> None:
        self._told(error)
        self.session.crashed(self.topic, self.hub.clock())
        if self.over is None:
            self.socket.write(protocol.crashed(self.join_ref, self.topic))
        self.end("crashed")

    def _told(self, error: Exception) -> None:
        self.hub.tally.crashes += 1
        self.hub.publish(ErrorUncaught(where="channel", error=described(error)))


_CLOSES: Final = frozenset({"left", "stopped"})
"""Ends that the client is told of by `phx_close`."""

_GONE: Final = frozenset(
    {"left", "stopped", "refused"} | {reason.label for reason in Reason if reason.ends_session}
)
"""Ends after which nobody is expected back: presence is over at once."""
