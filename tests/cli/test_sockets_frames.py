"""WebSocket as kikao's server speaks it, octets in and out, read by the client's half of `websockets`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState
from websockets.client import ClientProtocol
from websockets.frames import Frame
from websockets.uri import parse_uri

from kikao.cli.sockets import LiveSockets
from kikao.live.socket import ABORT, WRITE
from tests.waiting import PATIENCE

SIZES = (0, 1, 125, 126, 65_535, 65_536)


class _Line(asyncio.Transport):
    """The side of the network: what was written stays here."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closing = False

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closing = True

    abort = close

    def is_closing(self) -> bool:
        return self.closing

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...


class _Open:
    """A socket that was accepted by an app that waits, and its client."""

    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.line = _Line()
        self.client = ClientProtocol(parse_uri("ws://localhost/"), max_size=None)
        self._accepted = asyncio.Event()
        config = uvicorn.Config(
            self._app, interface="asgi3", lifespan="off", ws_per_message_deflate=False, ws_ping_interval=None
        )
        config.load()
        self.server = LiveSockets(config, ServerState(), {})
        self.server.connection_made(self.line)
        self.client.send_request(self.client.connect())

    async def accepted(self) -> _Open:
        self.server.data_received(b"".join(self.client.data_to_send()))
        await asyncio.wait_for(self._accepted.wait(), PATIENCE)
        return self

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        self.scope = scope
        await receive()
        await send({"type": "websocket.accept"})
        self._accepted.set()
        await receive()

    def read(self) -> list[Frame]:
        """What the client got."""
        octets, self.line.written = self.line.written, b""
        self.client.receive_data(octets)
        assert self.client.parser_exc is None
        return [event for event in self.client.events_received() if isinstance(event, Frame)]


@pytest.mark.parametrize("size", SIZES)
async def test_a_message_that_is_written_at_once_is_the_clients_message(size: int) -> None:
    socket = await _Open().accepted()
    write = socket.scope["extensions"][WRITE]
    messages = ["é" * (size // 2) + "x" * (size % 2), bytes(size)]
    assert write(*messages)
    text, binary = socket.read()
    assert (text.opcode.name, bytes(text.data).decode()) == ("TEXT", messages[0])
    assert (binary.opcode.name, bytes(binary.data)) == ("BINARY", messages[1])


async def test_nothing_is_written_without_room_and_nothing_behind_a_close() -> None:
    socket = await _Open().accepted()
    write = socket.scope["extensions"][WRITE]
    socket.server.pause_writing()
    assert not write("later")
    socket.server.resume_writing()
    assert write("now")
    await socket.server.send({"type": "websocket.close", "code": 1012})
    assert not write("too late")
    assert [frame.opcode.name for frame in socket.read()] == ["TEXT", "CLOSE"]


async def test_a_connection_is_ended_at_once() -> None:
    socket = await _Open().accepted()
    socket.scope["extensions"][ABORT]()
    assert socket.line.closing
    assert not socket.scope["extensions"][WRITE]("x")


async def test_of_the_handshake_nothing_stays() -> None:
    socket = await _Open().accepted()
    assert not {"request", "response"} & {*vars(socket.server)}
