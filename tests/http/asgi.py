"""A request to a server in this process, with everything an edge looks at, and everything it answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from kikao.channels.edge import Message
from kikao.server import Server

Headers = Sequence[tuple[str, str]]


class Answer(NamedTuple):
    """Status, headers by name, body."""

    status: int
    headers: dict[str, str]
    body: bytes


async def call(
    server: Server,
    path: str,
    body: bytes = b"",
    headers: Headers = (),
    *,
    method: str = "GET",
    client: str | None = "127.0.0.1",
    host: str | None = "localhost:8000",
) -> Answer:
    """Ask from an address; `host` is the Host header. The path may have a query."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    named = [*headers, *([("host", host)] if host is not None else [])]
    scope: dict[str, Any] = {
        "type": "http",
        "method": method,
        "path": path.partition("?")[0],
        "query_string": path.partition("?")[2].encode(),
        "headers": [(name.encode(), value.encode()) for name, value in named],
        "client": None if client is None else (client, 5),
    }
    await server(scope, receive, send)
    found = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return Answer(sent[0]["status"], found, b"".join(message.get("body", b"") for message in sent[1:]))
