"""The bare server: it accepts every socket, sends back every message, and broadcasts by a loop of `await send`.

No Phoenix, no users, no limits: what uvicorn and websockets cost by themselves. `python -m benchmarks.live.bare`.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import uvicorn

from benchmarks.live.inside import CONTROL, Inside, payload

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]

FLAGS: Final = {
    "ws": "websockets-sansio",
    "ws_max_size": 64 * 1024,
    "ws_per_message_deflate": False,
    "ws_ping_interval": 20.0,
    "ws_ping_timeout": 20.0,
    "lifespan": "off",
    "access_log": False,
    "log_level": "warning",
    "server_header": False,
    "proxy_headers": False,
}
"""Those that concern sockets are `kikao run`'s."""

_rooms: Final[defaultdict[str, set[Send]]] = defaultdict(set)
_inside: Final = Inside()


async def bare(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """One socket: its first message names its topic."""
    await receive()
    await send({"type": "websocket.accept", "subprotocol": "phoenix"})
    first = await receive()
    if "text" not in first:
        return
    topic = json.loads(first["text"])[2]
    await send({"type": "websocket.send", "text": first["text"]})
    if topic == CONTROL:
        await _controlled(receive, send)
        return
    room = _rooms[topic]
    room.add(send)
    try:
        while "text" in (message := await receive()):
            await send({"type": "websocket.send", "text": message["text"]})
    finally:
        room.discard(send)
        if not room:
            _rooms.pop(topic, None)


async def _controlled(receive: Receive, send: Send) -> None:
    while "text" in (message := await receive()):
        join_ref, ref, topic, event, asked = json.loads(message["text"])
        response: Any = {}
        if event == "flood":
            await _flood(asked["topic"], asked["times"], asked["octets"])
        elif event != "heartbeat":
            response = await getattr(_inside, event)()
        reply = [join_ref, ref, topic, "phx_reply", {"status": "ok", "response": response}]
        await send({"type": "websocket.send", "text": json.dumps(reply, separators=(",", ":"))})


async def _flood(topic: str, times: int, octets: int) -> None:
    text = json.dumps([None, None, topic, "news", payload(octets)], separators=(",", ":"))
    for _ in range(times):
        for send in [*_rooms[topic]]:
            await send({"type": "websocket.send", "text": text})
        await asyncio.sleep(0)


def main() -> None:
    """The child: it prints where it answers, as `kikao run` does."""
    door = socket.create_server(("127.0.0.1", 0), backlog=2048)
    port = door.getsockname()[1]
    print(f"answering on http://127.0.0.1:{port}", flush=True)
    uvicorn.Server(uvicorn.Config(bare, loop="uvloop", **FLAGS)).run([door])  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
