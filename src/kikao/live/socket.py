"""One connection: its reader, its bounded queue, and the channels on it. Nothing of it runs while nothing happens."""

from __future__ import annotations

import asyncio
import contextlib
import math
import types
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from typing import Any, Final

import msgspec

from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import (
    EMPTY,
    HEARTBEAT,
    JOIN,
    LEAVE,
    Frame,
    Json,
    Malformed,
    Push,
    Unreadable,
    json,
)
from kikao.channels.socket.reasons import SESSION_ENDED, Reason
from kikao.channels.socket.tokens import Claims
from kikao.live.channel import Channel
from kikao.live.connection import device_of
from kikao.live.hub import Hub
from kikao.live.users import User

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Coroutine[Any, Any, None]]

ABORT: Final = "kikao.abort"
"""An extension of the ASGI scope: ends the connection at once, whether the other side reads or not."""

WRITE: Final = "kikao.write"
"""An extension of the ASGI scope, once it is accepted: sends messages at once and says True, or False without room."""

GATHERED: Final = 32
"""Frames that wait for each other, at most, to be sent in one piece."""

AT_ONCE: Final = 32
"""Frames that are taken before anything else may run."""

HEARD: Final = "kikao.heard"
"""Received where the client said nothing, but is there: those that poll send no heartbeats."""

GAVE_UP: Final = "heartbeat timeout"
"""Why the client closes a connection on which its heartbeat was not answered, with 1000: it comes back at once."""

PATIENCE: Final = 5.0
"""Seconds in which a client has to read that its socket is closed."""


class Socket:
    """A connection of a user. `run` reads until it ends; `write` queues and never waits."""

    __slots__ = (
        "_beat_at",
        "_closing",
        "_ending",
        "_gathered",
        "_is_open",
        "_scope",
        "_send",
        "_size",
        "_waiting",
        "_write",
        "_writer",
        "backlog",
        "channels",
        "claims",
        "connected_at",
        "device",
        "heard_at",
        "hub",
        "id",
        "session",
        "warned",
    )

    def __init__(self, hub: Hub, user: User, claims: Claims, scope: Message, send: Send) -> None:
        self.hub = hub
        self.session = hub.session_of(user)
        self.claims = claims
        self.id = hub.new_id()
        self.device = device_of(scope)
        """What its client calls the tab or the phone that it is on; empty where it does not say."""
        self.channels: dict[str, Channel] = {}
        self.backlog = 0
        self.connected_at = self.heard_at = hub.clock()
        """When a frame last came, a heartbeat included."""
        self._beat_at = -math.inf
        """When a heartbeat last came that was no event."""
        self.warned = False
        """Whether it was told that its token expires."""
        self._scope = scope
        self._send = send
        self._write: Callable[..., bool] | None = scope.get("extensions", {}).get(WRITE)
        self._closing: Reason | None = None
        self._ending: asyncio.Task[None] | None = None
        self._is_open = False
        """Whether its handshake was answered."""
        self._gathered: list[Frame] | None = None
        """Frames that are sent in one piece, soon; None where each is sent at once."""
        self._waiting: deque[Frame] | None = None
        """Frames behind the one that is being written; None while nothing is."""
        self._size = 0
        self._writer: asyncio.Task[None] | None = None

    @property
    def scope(self) -> Message:
        """Of its handshake, by ASGI. There is a token in it: show it to nobody."""
        return self._scope

    @property
    def topics(self) -> tuple[str, ...]:
        """Those that its client joined."""
        return tuple(topic for topic, channel in self.channels.items() if channel.joined)

    @property
    def closing(self) -> Reason | None:
        """Why it is being closed; None while it is open."""
        return self._closing

    # --- what comes ---

    async def accept(self, message: Message | None) -> None:
        """Answer its handshake, if it was not answered; who was to be closed meanwhile is closed now."""
        if message is not None:
            await self._send(message)
        self._is_open, reason = True, self._closing
        if reason is not None:
            self._closing = None
            self.close(reason)

    async def run(self, receive: Receive) -> Reason:
        """Deal with what comes until the connection ends; why it did."""
        hub, frames = self.hub, 0
        while True:
            message = await receive()
            if (
                frames := frames + 1
            ) % AT_ONCE == 0:  # many may have come in one piece: channels deal with some first
                await asyncio.sleep(0)
            if message["type"] == "websocket.disconnect":
                return self._closing or _left(message)
            if self._closing is not None:
                continue
            self.heard_at = hub.clock()
            if message["type"] == HEARD:
                continue
            hub.tally.received += 1
            text, octets = message.get("text"), message.get("bytes")
            if (len(text) if text is not None else len(octets or b"")) > hub.limits.frame:
                self.close(Reason.TOO_LARGE)
                continue
            try:
                push = protocol.read_text(text) if text is not None else protocol.read_binary(octets or b"")
            except Unreadable as problem:
                self._take(problem.push, problem.reason)
                continue
            except Malformed as problem:
                hub.told(f"a frame is none: {problem}")
                self.close(Reason.MALFORMED)
                continue
            self._take(push)

    def _take(self, push: Push, wrong: str = "") -> None:
        topic, event = push.topic, push.event
        session, now = self.session, self.heard_at
        if (topic, event) == HEARTBEAT:
            if now - self._beat_at >= session.limits.heartbeat:
                self._beat_at = now
            elif not session.spends(now):
                self._refuse(push)
                return
            self.write(protocol.reply(None, push.ref, topic, "ok", EMPTY))
            return
        if not session.takes(now) and event != LEAVE:
            self._refuse(push)
            return
        if wrong:
            self._answer(push, "error", {"reason": wrong})
            return
        channel = self.channels.get(topic)
        if event == JOIN:
            self._join(push, channel)
        elif channel is None:
            if event == LEAVE:
                self._answer(push, "ok", {})
            else:
                self._answer(push, "error", {"reason": "unmatched topic"}, join_ref=None)
        elif push.join_ref is None or push.join_ref == channel.join_ref:
            channel.take(push)

    def _refuse(self, push: Push) -> None:
        """Too much came; who goes on with it is closed."""
        session = self.session
        self.hub.tally.refused += 1
        if session.refused >= session.limits.flood:
            self.close(Reason.FLOODING)
            return
        self._answer(push, "error", {"reason": "rate limited", "retry_after": round(session.wait, 3)})

    def _join(self, push: Push, before: Channel | None) -> None:
        found = self.hub.routes.find(push.topic)
        if found is None:
            self.hub.told("a join to a topic that no channel has")
            self._answer(push, "error", {"reason": "unmatched topic"}, join_ref=None)
            return
        if before is None and len(self.channels) >= self.hub.limits.channels:
            self._answer(push, "error", {"reason": "too many channels joined"})
            return
        route, at = found
        join_ref = push.join_ref if push.join_ref is not None else push.ref
        channel = Channel(self, route, dict(at), push.topic, join_ref, before)
        self.channels[push.topic] = channel
        self.session.channels_ever += 1
        channel.take(push)

    def _answer(self, push: Push, status: str, response: dict[str, Any], **other: str | None) -> None:
        join_ref = other.get(
            "join_ref", push.join_ref if push.join_ref is not None or push.event != JOIN else push.ref
        )
        self.write(protocol.reply(join_ref, push.ref, push.topic, status, json(response)))

    async def refresh(self, payload: msgspec.Raw | bytes) -> tuple[str, Json]:
        """A new token: the status and the response. Raises `LiveAway`."""
        renewed = await self.hub.admission.renewed(self.session.user, payload)
        if renewed is None:
            return "error", json({"reason": "invalid token"})
        self.session.user, claims = renewed
        self.claims, self.warned = claims, False
        return "ok", json({"expires_in": int(claims.expires_at - self.hub.wall())})

    # --- what leaves ---

    def announce(self, event: str, payload: Any) -> None:
        """An event on each topic that its client joined."""
        said = json(payload)
        for channel in self.channels.values():
            channel.say(protocol.push(channel.join_ref, channel.topic, event, said))

    def gather(self) -> None:
        """What is written now goes out in one piece when the event loop comes round: pieces cost more than frames."""
        if self._gathered is None and self._write is not None:
            self._gathered = []
            asyncio.get_running_loop().call_soon(self._let_out)

    def write(self, frame: Frame) -> None:
        """Send a frame behind all others; who does not read for too long is closed. Never waits."""
        if self._closing is not None:
            return
        self.session.sent += 1
        if self._gathered is None:
            self._put(frame)
            return
        self._gathered.append(frame)
        if len(self._gathered) >= GATHERED:
            self._let_out()

    def _let_out(self) -> None:
        frames, self._gathered = self._gathered, None
        if not frames or (self._waiting is None and self._write is not None and self._write(*frames)):
            return
        for frame in frames:
            self._put(frame)

    def _put(self, frame: Frame) -> None:
        if self._waiting is not None:
            self._waiting.append(frame)
            self._size += len(frame)
            if self._size > self.hub.limits.queue:
                self.close(Reason.SLOW)
            return
        # Almost always there is room at once: then it is done here, without a task.
        if self._write is not None and self._write(frame):
            return
        coroutine = self._send(_message(frame))
        try:
            awaited = coroutine.send(None)
        except StopIteration:
            return
        except Exception:  # noqa: BLE001 - the connection is gone, which the reader hears as well
            return
        self._waiting = deque()
        self._writer = asyncio.create_task(self._write_on(coroutine, awaited))

    async def _write_on(self, coroutine: Coroutine[Any, Any, None], awaited: Any) -> None:
        """Go on with what could not be sent at once, and with what waits behind it."""
        try:
            await _rest(coroutine, awaited)
            while self._waiting:
                frame = self._waiting.popleft()
                self._size -= len(frame)
                await self._send(_message(frame))
        except Exception:  # noqa: BLE001 - the connection is gone, which the reader hears as well
            self._waiting = deque()
        finally:
            self._waiting, self._size, self._writer = None, 0, None

    def close(self, reason: Reason) -> None:
        """End the connection, with `session_ended` first where nobody should come back. Returns at once."""
        if self._closing is not None:
            return
        if not self._is_open:  # nothing can be said yet
            self._closing = reason
            return
        if reason.ends_session or reason is Reason.REPLACED:  # two tabs of one name must not fight for ever
            said = json({"reason": reason.label})
            for topic in ("phoenix", *self.channels):
                self.write(protocol.broadcast(topic, SESSION_ENDED, said))
        self._let_out()
        if self._closing is None:  # unless that was too much for it
            self._closing = reason
            self._ending = self.hub.spawn(self._close(reason))

    def replace(self) -> None:
        """Its device connected again: its channels are over now, and what they tracked waits for the new ones."""
        self.close(Reason.REPLACED)
        for channel in list(self.channels.values()):
            channel.end(Reason.REPLACED.label)

    async def _close(self, reason: Reason) -> None:
        writer = self._writer
        abort: Callable[[], None] | None = self._scope.get("extensions", {}).get(ABORT)
        try:
            async with asyncio.timeout(0.0 if reason is Reason.SLOW else PATIENCE):
                if writer is not None:
                    await writer
                with contextlib.suppress(Exception):
                    await self._send(
                        {"type": "websocket.close", "code": reason.code or 1000, "reason": reason.label}
                    )
                return
        except TimeoutError:
            pass
        if writer is not None:
            writer.cancel()
        if abort is not None:
            abort()

    def over(self, reason: Reason) -> None:
        """It ended. A connection whose other side reads no more would never close: what is left in it is dropped."""
        for channel in list(self.channels.values()):
            channel.end(reason.label)
        abort: Callable[[], None] | None = self._scope.get("extensions", {}).get(ABORT)
        if abort is not None:
            asyncio.get_running_loop().call_later(PATIENCE, abort)


def serve(
    hub: Hub,
    user: User,
    claims: Claims,
    scope: Message,
    receive: Receive,
    send: Send,
    accepted: Message | None = None,
) -> Coroutine[Any, Any, None]:
    """One socket, until it ends; what is left of its device from before ends now, everywhere.

    It counts from now on, so that no limit and no log-out passes between who is let in and who is there; `accepted` is
    sent first by what is returned, which has to be awaited.
    """
    socket = Socket(hub, user, claims, scope, send)
    hub.enter(socket)
    return _served(socket, receive, accepted)


async def _served(socket: Socket, receive: Receive, accepted: Message | None) -> None:
    reason = Reason.FAILED
    try:
        await socket.accept(accepted)
        reason = await socket.run(receive)
    except asyncio.CancelledError:
        reason = Reason.DRAINED
        raise
    finally:
        reason = socket.closing or reason
        socket.over(reason)
        socket.hub.left(socket, reason)


def _message(frame: Frame) -> Message:
    return {"type": "websocket.send", "text" if isinstance(frame, str) else "bytes": frame}


def _left(message: Message) -> Reason:
    """Whether the client closed it: uvicorn tells a reason, if an empty one, only of a close that came."""
    code = message.get("code") or 0
    if "reason" in message and (code in (1000, 1001, 1005) or 3000 <= code < 5000):
        return Reason.LOST if message["reason"] == GAVE_UP else Reason.LEFT
    return _CLOSED.get(code, Reason.LOST)


_CLOSED: Final = {
    1002: Reason.MALFORMED,
    1007: Reason.MALFORMED,
    1009: Reason.TOO_LARGE,
    1012: Reason.DRAINED,
}
"""What uvicorn closed with."""


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine that waits for `awaited`."""
    while True:
        value, failure = None, None
        try:
            value = yield awaited
        except BaseException as error:  # noqa: BLE001 - it is the coroutine's
            failure = error
        try:
            awaited = coroutine.send(value) if failure is None else coroutine.throw(failure)
        except StopIteration:
            return
