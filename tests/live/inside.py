"""A client in this process: sockets of a server without a network, frame by frame."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

from kikao.live.socket import ABORT, WRITE
from kikao.server import Server
from tests.waiting import PATIENCE

Serve = Callable[[Any, Any, Any], Any]


class InsideSocket:
    """One socket; `frames` are what came, those of text as JSON."""

    def __init__(
        self, serve: Serve, path: str, token: str, headers: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        self._serve = serve
        self._scope: dict[str, Any] = {
            "type": "websocket",
            "path": path,
            "query_string": f"token={token}&vsn=2.0.0".encode(),
            "headers": [(b"host", b"kikao.test"), *headers],
            "subprotocols": [],
            "client": ("192.0.2.7", 40000),
            "extensions": {"websocket.http.response": {}},
        }
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[Any] | None = None
        self._send: Callable[[Any], Any] = self._heard.put
        self._refs = 0
        self.status = 0
        """101, or what it was refused with."""
        self.closed: dict[str, Any] | None = None

    async def open(self) -> int:
        """The status: 101 where it is open."""
        self._task = asyncio.create_task(self._serve(self._scope, self._said.get, self._send))
        await self._said.put({"type": "websocket.connect"})
        answer = await asyncio.wait_for(self._heard.get(), PATIENCE)
        kind = answer["type"]
        self.status = {"websocket.accept": 101, "websocket.close": 403}.get(kind) or answer["status"]
        return self.status

    def answers(self, send: Callable[[Any], Any], *, abort: Callable[[], None]) -> None:
        """Have another function take what the server sends, which may let it wait; `abort` is called to cut it off."""
        self._send = send
        self._scope["extensions"][ABORT] = abort

    def writes(self, write: Callable[..., bool]) -> None:
        """Have a function take messages at once, which says whether there was room."""
        self._scope["extensions"][WRITE] = write

    async def hear(self, message: Any) -> None:
        """What the server sends, as it is taken unless `answers` says otherwise."""
        await self._heard.put(message)

    async def say(self, *frame: Any) -> None:
        """Send a frame: an array, or octets."""
        octets = frame[0] if isinstance(frame[0], bytes) else None
        text = json.dumps(frame) if octets is None else None
        await self._said.put({"type": "websocket.receive", "text": text, "bytes": octets})

    async def frame(self) -> Any:
        """What comes next; None once it is closed."""
        message = await asyncio.wait_for(self._heard.get(), PATIENCE)
        if message["type"] == "websocket.close":
            self.closed = message
            await self._said.put({"type": "websocket.disconnect", "code": message["code"], "reason": ""})
            return None
        return json.loads(message["text"]) if message.get("text") is not None else message["bytes"]

    async def until(self, event: str) -> Any:
        """The payload of the next frame of an event."""
        while True:
            frame = await self.frame()
            assert frame is not None, f"closed before {event}"
            if frame[3] == event:
                return frame[4]

    async def ask(self, topic: str, event: str, payload: Any = None, *, join_ref: str | None = None) -> Any:
        """Push, and wait for the reply: `{"status": …, "response": …}`."""
        self._refs += 1
        ref = str(self._refs)
        await self.say(
            join_ref if join_ref is not None or event != "phx_join" else ref, ref, topic, event, payload or {}
        )
        while True:
            frame = await self.frame()
            assert frame is not None, "closed before the reply"
            if frame[1] == ref and frame[3] == "phx_reply":
                return frame[4]

    async def lose(self) -> None:
        """The connection breaks: no close frame comes."""
        await self._said.put({"type": "websocket.disconnect", "code": 1005})
        await self.over()

    async def leave(self) -> None:
        """The client closes it."""
        await self._said.put({"type": "websocket.disconnect", "code": 1000, "reason": ""})
        await self.over()

    @property
    def is_open(self) -> bool:
        """Whether the server still deals with it."""
        return self.closed is None and self._task is not None and not self._task.done()

    async def over(self) -> None:
        """Until the server is done with it."""
        if self._task is not None:
            await asyncio.wait_for(self._task, PATIENCE)


@contextlib.asynccontextmanager
async def inside(
    server: Server, user: str, *, path: str = "/socket/websocket"
) -> AsyncIterator[InsideSocket]:
    """A socket that is open, of a user; the client closes it at the end unless it is closed."""
    assert server.hub is not None
    socket = InsideSocket(server, path, server.hub.tokens.sign(user, 300))
    assert await socket.open() == 101
    yield socket
    if socket.is_open:
        await socket.leave()
