"""The wire itself: a client that sends what a test says, octet by octet if need be, and shows what came back.

It knows the protocol by itself and shares no code with the server: what both got wrong would look right.
"""

from __future__ import annotations

import asyncio
import base64
import json
import struct
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, cast
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

PATIENCE: Final = 60.0
"""Seconds to wait for a frame; far beyond what a server may take."""

PRESENCE: Final = ("presence_state", "presence_diff")
AUTH: Final = "base64url.bearer.phx."
PUSH, REPLY, BROADCAST = 0, 1, 2


class Frame(NamedTuple):
    """`[join_ref, ref, topic, event, payload]`. Of a binary one the payload is octets."""

    join_ref: str | None
    ref: str | None
    topic: str
    event: str
    payload: Any

    @property
    def status(self) -> str:
        return str(self.payload["status"])

    @property
    def response(self) -> Any:
        return self.payload["response"]


class Closed(NamedTuple):
    """How a socket ended; 1006 where no close frame came."""

    code: int
    reason: str


class Refusal(NamedTuple):
    """An answer instead of the upgrade."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A socket, opened. Presence is passed over unless a test waits for it by name."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self._refs = 0

    @property
    def protocol(self) -> str | None:
        """The subprotocol that the server chose."""
        return self.socket.subprotocol

    def ref(self) -> str:
        """One that this socket did not use yet."""
        self._refs += 1
        return str(self._refs)

    # --- sending ---

    async def send(self, join_ref: Any, ref: Any, topic: Any, event: Any, payload: Any = None) -> None:
        """A text frame, of whatever."""
        await self.raw(json.dumps([join_ref, ref, topic, event, {} if payload is None else payload]))

    async def send_binary(self, join_ref: str, ref: str, topic: str, event: str, data: bytes) -> None:
        await self.raw(pushed(join_ref, ref, topic, event, data))

    async def raw(self, data: str | bytes, *, text: bool | None = None) -> None:
        """One message as it is; `text` says of octets that they are a text frame."""
        await self.socket.send(data, text=text)

    # --- the usual ---

    async def join(self, topic: str, params: Mapping[str, Any] | None = None) -> tuple[str, Any]:
        """The join ref and the response. Raises `AssertionError` where it was refused."""
        ref = self.ref()
        reply = await self.ask(ref, ref, topic, "phx_join", params or {})
        assert reply.status == "ok", reply
        assert (reply.join_ref, reply.ref) == (ref, ref)
        return ref, reply.response

    async def push(self, join_ref: str, topic: str, event: str, payload: Any = None) -> Frame:
        """Its reply."""
        return await self.ask(join_ref, self.ref(), topic, event, payload)

    async def ask(self, join_ref: Any, ref: str, topic: str, event: str, payload: Any = None) -> Frame:
        """A text frame; the reply to it, whatever else comes before."""
        await self.send(join_ref, ref, topic, event, payload)
        return await self.until("phx_reply", ref=ref)

    async def heartbeat(self) -> list[Frame]:
        """What came before its reply; nothing that the reader answers is still on its way after it."""
        ref, before = self.ref(), []
        await self.send(None, ref, "phoenix", "heartbeat")
        while (frame := await self.take()).ref != ref:
            before.append(frame)
        assert frame == (None, ref, "phoenix", "phx_reply", {"status": "ok", "response": {}})
        return before

    # --- receiving ---

    async def take(self, *, presence: bool = False) -> Frame:
        """The next frame. Raises `websockets.ConnectionClosed` when there is none any more."""
        while True:
            async with asyncio.timeout(PATIENCE):
                frame = decoded(await self.socket.recv())
            if presence or frame.event not in PRESENCE:
                return frame

    async def until(self, event: str, **fields: Any) -> Frame:
        """The next frame of an event with such fields; what comes before it is passed over."""
        while True:
            frame = await self.take(presence=True)
            if frame.event == event and all(getattr(frame, name) == value for name, value in fields.items()):
                return frame

    async def closed(self) -> Closed:
        """Waits for the server's close; what comes before it is passed over."""
        return (await self.ended())[1]

    async def ended(self) -> tuple[list[Frame], Closed]:
        """All that comes before the server's close, and the close."""
        frames = []
        try:
            while True:
                frames.append(await self.take())
        except ConnectionClosed as ended:
            received = ended.rcvd
            return frames, Closed(1006, "") if received is None else Closed(received.code, received.reason)

    def cut(self) -> None:
        """As a network does: no close frame."""
        self.socket.transport.abort()


@asynccontextmanager
async def wired(
    port: int,
    token: str | None = None,
    *,
    auth_token: str | None = None,
    params: Mapping[str, str] | None = None,
    vsn: str | None = "2.0.0",
    path: str = "/socket/websocket",
    origin: str | None = None,
    protocols: Iterable[str] = (),
    headers: Mapping[str, str] | None = None,
) -> AsyncIterator[Wire]:
    """A socket that is open. Raises `websockets.InvalidStatus` where it was refused."""
    query = {**(params or {}), **({} if token is None else {"token": token})}
    offered = list(protocols)
    if auth_token is not None:
        offered += ["phoenix", AUTH + base64.b64encode(auth_token.encode()).decode().rstrip("=")]
    if vsn is not None:
        query["vsn"] = vsn
    async with connect(
        f"ws://127.0.0.1:{port}{path}?{urlencode(query)}",
        origin=None if origin is None else cast(Origin, origin),
        subprotocols=[cast(Subprotocol, each) for each in offered] or None,
        additional_headers=dict(headers or {}),
        compression=None,
        open_timeout=PATIENCE,
        ping_interval=None,
        max_size=None,
        proxy=None,
    ) as socket:
        yield Wire(socket)


async def refused(port: int, token: str | None = None, **how: Any) -> Refusal:
    """The answer to a handshake that is refused. Raises `AssertionError` where it is not."""
    try:
        async with wired(port, token, **how):
            raise AssertionError("it was let in")
    except InvalidStatus as status:
        found = status.response
        return Refusal(found.status_code, found.headers, bytes(found.body or b""))


UPGRADE: Final = {
    "host": "127.0.0.1",
    "upgrade": "websocket",
    "connection": "Upgrade",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
    "sec-websocket-version": "13",
}
"""The head of a right handshake."""


async def shaken(
    port: int, path: str, *, method: str = "GET", headers: Mapping[str, str | None] | None = None
) -> int:
    """The status of a handshake by hand. `headers` stand for the right ones of that name; None leaves one out."""
    head: dict[str, str | None] = {**UPGRADE, **(headers or {})}
    lines = [f"{method} {path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in head.items() if value is not None]
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write("\r\n".join([*lines, "", ""]).encode())
            return int((await reader.readuntil(b"\r\n")).split(b" ")[1])
        finally:
            writer.transport.abort()


def unmatched() -> dict[str, object]:
    """The payload of a reply to what was sent to a topic that has no channel here."""
    return {"status": "error", "response": {"reason": "unmatched topic"}}


# --- binary frames ---


def pushed(join_ref: str, ref: str, topic: str, event: str, data: bytes) -> bytes:
    """A push of a client: `0 | jlen rlen tlen elen | join_ref ref topic event | data`."""
    fields = [each.encode() for each in (join_ref, ref, topic, event)]
    return struct.pack("5B", PUSH, *map(len, fields)) + b"".join(fields) + data


def decoded(message: str | bytes) -> Frame:
    """A frame of a server. Raises `AssertionError` for what is none."""
    if isinstance(message, str):
        fields = json.loads(message)
        assert isinstance(fields, list), message
        assert len(fields) == 5, message
        return Frame(*fields)
    kind = message[0]
    if kind == PUSH:
        join_ref, topic, event, data = _split(message, 3)
        return Frame(join_ref, None, topic, event, data)
    if kind == REPLY:
        join_ref, ref, topic, status, data = _split(message, 4)
        return Frame(join_ref, ref, topic, "phx_reply", {"status": status, "response": data})
    assert kind == BROADCAST, message
    topic, event, data = _split(message, 2)
    return Frame(None, None, topic, event, data)


def _split(message: bytes, count: int) -> list[Any]:
    at, found = 1 + count, []
    for size in message[1 : 1 + count]:
        found.append(message[at : at + size].decode())
        at += size
    return [*found, message[at:]]
