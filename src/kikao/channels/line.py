"""Requests to a server in this process: through its ASGI door, as from a gateway, without a network."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

from kikao.channels.channel import Response

Application = Callable[[MutableMapping[str, Any], Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]


class Posted(NamedTuple):
    """A request as it goes out. Do not log or show it: the path may end in a token, the body in a PIN."""

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    peer: str
    """The address it comes from."""
    method: str = "POST"
    query: str = ""

    def __repr__(self) -> str:
        return "<a request>"


Send = Callable[[Posted], Awaitable[Response]]


def through(application: Application) -> Send:
    """Send to an ASGI application in this process."""

    async def send(posted: Posted) -> Response:
        status, body = 0, b""
        headers: tuple[tuple[str, str], ...] = ()
        scope: dict[str, Any] = {
            "type": "http",
            "http_version": "1.1",
            "scheme": "http",
            "method": posted.method,
            "path": posted.path,
            "raw_path": posted.path.encode(),
            "query_string": posted.query.encode(),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in posted.headers],
            "client": (posted.peer, 0),
        }

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": posted.body, "more_body": False}

        async def collect(message: MutableMapping[str, Any]) -> None:
            nonlocal status, headers, body
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = tuple(
                    (name.decode("latin-1").lower(), value.decode("latin-1"))
                    for name, value in message["headers"]
                )
            else:
                body += message.get("body", b"")

        await application(scope, receive, collect)
        return Response(status, headers, body)

    return send
