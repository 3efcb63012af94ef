"""What went over the sockets of simulated phones, frame by frame, with nothing in it that is secret."""

from __future__ import annotations

import json
import time
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from kikao.channels.socket.handshake import Handshake, handshake
from kikao.console.simulator.chats.views import ExchangeView
from kikao.console.simulator.masking import KEY
from kikao.console.simulator.views import MASK, ReplyView, RequestView
from kikao.console.simulator.web.tokens import MintedTokens, admitting
from kikao.live.endpoint import Endpoint, Page
from kikao.live.socket import WRITE

MOST: Final = 200
"""Exchanges of a user that are kept: the latest."""

LONGEST: Final = 20_000
"""Characters of a frame that are shown."""

QUIET: Final = frozenset({"heartbeat", "presence_state", "presence_diff"})
"""Events that would crowd out the others."""

PASTE: Final = frozenset({"data"})
"""Fields of which only the length is shown: pieces of files."""


class SocketTraffic:
    """Of all phones that are web chats, by user."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._kept: dict[str, deque[ExchangeView]] = {}
        self._counts: defaultdict[str, int] = defaultdict(int)
        self._phones: Counter[str] = Counter()

    def expect(self, user: str) -> None:
        """There is one more phone of this user on the table."""
        self._phones[user] += 1
        self._kept.setdefault(user, deque(maxlen=MOST))

    def forget(self, user: str) -> None:
        """There is one less."""
        self._phones[user] -= 1
        if self._phones[user] <= 0:
            for kept in (self._phones, self._kept, self._counts):
                kept.pop(user, None)

    def of(self, user: str, since: int) -> tuple[ExchangeView, ...]:
        """The exchanges of a user that came after their one of this number."""
        return tuple(each for each in self._kept.get(user, ()) if each.n > since)

    def last(self, user: str) -> int:
        """The number of the last one; 0 for none."""
        return self._counts.get(user, 0)

    def said(self, user: str, frame: list[Any], reply: list[Any] | None, began: float) -> None:
        """A frame of the client, with the server's reply to it."""
        _, _, topic, event, payload = frame
        answer, status = None, 0
        if reply is not None:
            status = 200 if reply[4].get("status") == "ok" else 409
            answer = ReplyView(status, {}, _shown([*reply[:4], _answered(event, reply[4])]))
        self._keep(
            user,
            "event",
            event,
            status,
            began,
            self._view(topic, [*frame[:4], _safe(event, payload)]),
            answer,
        )

    def told(self, user: str, frame: list[Any]) -> None:
        """A frame of the server that answers nothing."""
        self._keep(user, "push", frame[3], 200, time.perf_counter(), self._view(frame[2], frame), None)

    def _view(self, topic: str, frame: list[Any]) -> RequestView:
        return RequestView("WebSocket", self._path, {"topic": topic}, _shown(frame))

    def _keep(
        self,
        user: str,
        way: Any,
        name: str,
        status: int,
        began: float,
        request: RequestView,
        reply: ReplyView | None,
    ) -> None:
        if user not in self._kept:
            return
        self._counts[user] += 1
        ms = round((time.perf_counter() - began) * 1000, 2)
        seen = ExchangeView(self._counts[user], way, name, status, ms, "", False, request, reply)
        self._kept[user].append(seen)


class WatchedSockets:
    """An app's sockets, of which those that a simulated phone opened are written down."""

    def __init__(self, sockets: Endpoint, traffic: SocketTraffic, tokens: MintedTokens) -> None:
        self._sockets = sockets
        self._traffic = traffic
        self._tokens = tokens

    @property
    def pages(self) -> Mapping[str, Page]:
        """Those of the app."""
        return self._sockets.pages

    def opens(self, path: str) -> bool:
        """As the app's."""
        return self._sockets.opens(path)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """One of them, from its handshake to its end. Nobody hears of one whose line is down."""
        query, protocols = scope.get("query_string", b""), scope.get("subprotocols", ())
        asked = handshake(query, scope["headers"], protocols, origins=("*",))
        token = asked.token if isinstance(asked, Handshake) else None
        if token is not None and self._tokens.is_held(token.reveal().decode(errors="replace")):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        with admitting() as admitted:
            wire = _Wire(self._traffic, admitted, receive, send)
            extensions = scope.get("extensions", {})
            if WRITE in extensions:  # by which frames go past `send`
                extensions = {**extensions, WRITE: wire.writing(extensions[WRITE])}
            await self._sockets({**scope, "extensions": extensions}, wire.receive, wire.send)


class _Wire:
    """What one socket says and hears."""

    def __init__(
        self,
        traffic: SocketTraffic,
        admitted: list[str],
        receive: Callable[[], Awaitable[Any]],
        send: Callable[[Any], Awaitable[Any]],
    ) -> None:
        self._traffic = traffic
        self._admitted = admitted
        self._receive = receive
        self._send = send
        self._open: dict[str, tuple[list[Any], float]] = {}
        """Frames of the client that wait for a reply, by their ref."""

    async def receive(self) -> Any:
        """The next thing that comes."""
        message = await self._receive()
        frame = self._frame(message)
        if frame is not None and frame[1] is not None and frame[3] not in QUIET:
            self._open[frame[1]] = frame, time.perf_counter()
        return message

    async def send(self, message: Any) -> None:
        """Let something go."""
        self._told(message)
        await self._send(message)

    def writing(self, write: Callable[..., bool]) -> Callable[..., bool]:
        """The same as `write`, which sends what there is room for at once; what it does not take comes to `send`."""

        def written(*texts: Any) -> bool:
            if not write(*texts):
                return False
            for text in texts:
                self._told({"text": text})
            return True

        return written

    def _told(self, message: Mapping[str, Any]) -> None:
        frame = self._frame(message)
        if frame is not None:
            user, ref, event = self._admitted[0], frame[1], frame[3]
            if event == "phx_reply":
                asked = self._open.pop(ref, None)
                if asked is not None:
                    self._traffic.said(user, asked[0], frame, asked[1])
            elif event not in QUIET:
                self._traffic.told(user, frame)

    def _frame(self, message: Mapping[str, Any]) -> list[Any] | None:
        """What a message of a simulated user holds; None for another, and for what is no frame of text."""
        text = message.get("text")
        if not self._admitted or not isinstance(text, str):
            return None
        try:
            frame = json.loads(text)
        except (ValueError, RecursionError):
            return None
        is_one = isinstance(frame, list) and len(frame) >= 5 and isinstance(frame[4], dict)
        return frame if is_one and all(isinstance(each, str) for each in frame[2:4]) else None


def _safe(event: str, payload: dict[str, Any]) -> dict[str, Any]:
    """What a client said, without what nobody may see."""
    if event == "secret":
        return {**payload, "text": MASK}
    if event == "token":
        return {**payload, "token": KEY}
    return {
        name: f"({len(str(value))} characters)" if name in PASTE else value for name, value in payload.items()
    }


def _answered(event: str, reply: dict[str, Any]) -> dict[str, Any]:
    """A reply, without the address behind which a file is for some minutes."""
    return {**reply, "response": {"url": KEY}} if event == "show" and reply.get("status") == "ok" else reply


def _shown(frame: list[Any]) -> str:
    return json.dumps(frame, ensure_ascii=False)[:LONGEST]
