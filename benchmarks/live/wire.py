"""The least of WebSocket and of Phoenix's frames, as a client writes and reads them. Pure, and cheap."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, Final

TEXT: Final = 1
BINARY: Final = 2
CLOSE: Final = 8
PING: Final = 9
PONG: Final = 10

TRANSPORT: Final = "/socket/websocket?vsn=2.0.0"

_UPGRADE: Final = (
    f"GET {TRANSPORT} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: a2lrYW8gYmVuY2htYXJrcw==\r\n"
    "Sec-WebSocket-Protocol: phoenix, base64url.bearer.phx.{token}\r\n\r\n"
)


def upgrade(token: str) -> bytes:
    """The request that opens a socket, with the token where the official client has its `authToken`."""
    carried = base64.b64encode(token.encode()).decode().rstrip("=")
    return _UPGRADE.format(token=carried).encode()


def said(join_ref: str | None, ref: str, topic: str, event: str, payload: Mapping[str, Any]) -> bytes:
    """A message of Phoenix, as a frame."""
    return frame(json.dumps([join_ref, ref, topic, event, payload], separators=(",", ":")).encode())


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """A whole message in one frame; masked, as a client's must be, by zeros, which leave it as it is."""
    size = len(payload)
    if size < 126:
        head = bytes((0x80 | kind, 0x80 | size))
    elif size < 1 << 16:
        head = bytes((0x80 | kind, 0x80 | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((0x80 | kind, 0x80 | 127)) + size.to_bytes(8, "big")
    return head + bytes(4) + payload


def frames(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """What a server sent: the kinds and payloads of whole frames, and the octets that are left."""
    found: list[tuple[int, bytes]] = []
    at, end = 0, len(data)
    while end - at >= 2:
        size, start = data[at + 1], at + 2
        if size == 126:
            start = at + 4
            size = int.from_bytes(data[at + 2 : start], "big")
        elif size == 127:
            start = at + 10
            size = int.from_bytes(data[at + 2 : start], "big")
        if end < start + size:
            break
        found.append((data[at] & 15, data[start : start + size]))
        at = start + size
    return found, data[at:]
