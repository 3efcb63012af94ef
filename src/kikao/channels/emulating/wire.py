"""How calls come to an emulator, and answers get back: forms, multipart, JSON; over ASGI where a real server has it."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.config import Hidden

JSON: Final = (("content-type", "application/json"),)

Scope = MutableMapping[str, Any]
Application = Callable[[Scope, Callable[[], Any], Callable[[Any], Any]], Awaitable[None]]


class Upload(NamedTuple):
    """A file in a form."""

    name: str
    mime: str
    data: bytes


class Asked(NamedTuple):
    """A call, taken apart."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    query: dict[str, str]
    body: bytes
    base: str = ""
    """`https://host` of the URL that was called."""

    @classmethod
    def of(cls, call: Call) -> Asked:
        url = urlsplit(call.url.reveal().decode())
        headers = {name.lower(): value for name, value in call.headers}
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return cls(call.method, unquote(url.path), headers, query, call.body, f"{url.scheme}://{url.netloc}")

    @property
    def bearer(self) -> str:
        """The token in the header; empty without one."""
        kind, _, token = self.headers.get("authorization", "").partition(" ")
        return token if kind.lower() == "bearer" else ""

    def fields(self) -> dict[str, Any]:
        """What the body has by name, and the query: of a form, texts and `Upload`s; of JSON, what it says.

        Raises `ValueError` for a body that cannot be read.
        """
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        found: dict[str, Any] = dict(self.query)
        if not self.body:
            return found
        if kind == "application/json":
            said = json.loads(self.body)
            if not isinstance(said, dict):
                raise ValueError("the body is no JSON object")
            return found | said
        if kind == "application/x-www-form-urlencoded":
            return found | dict(parse_qsl(self.body.decode(), keep_blank_values=True))
        if kind == "multipart/form-data":
            return found | _parts(self.headers["content-type"], self.body)
        raise ValueError(f"a body of type {kind or 'nothing'}")


def answer(status: int, said: Any, *headers: tuple[str, str]) -> Answer:
    """JSON."""
    return Answer(status, (*JSON, *headers), json.dumps(said).encode())


def application(make: Make) -> Application:
    """What a server such as uvicorn serves, so that another process can call an emulator.

    A call that gets no answer there is kept until its caller gives up: over HTTP a lost answer is a time-out.
    """

    async def serve(scope: Scope, receive: Callable[[], Any], send: Callable[[Any], Any]) -> None:
        if scope["type"] == "lifespan":
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})
            return
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        host = next((value for name, value in headers if name == "host"), "localhost")
        url = f"http://{host}{scope.get('raw_path', b'').decode() or scope['path']}"
        query = scope["query_string"].decode()
        try:
            said = await make(
                Call(Hidden((f"{url}?{query}" if query else url).encode()), headers, body, scope["method"])
            )
        except Unanswered:
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        written = [(name.encode(), value.encode("latin-1")) for name, value in said.headers]
        written.append((b"content-length", b"%d" % len(said.body)))
        await send({"type": "http.response.start", "status": said.status, "headers": written})
        await send({"type": "http.response.body", "body": said.body})

    return serve


def _parts(content_type: str, body: bytes) -> dict[str, Any]:
    """A multipart form (RFC 7578)."""
    boundary = _parameter(content_type, "boundary")
    if not boundary:
        raise ValueError("multipart without a boundary")
    found: dict[str, Any] = {}
    for part in body.split(b"--" + boundary.encode())[1:-1]:
        head, gap, data = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        if not gap:
            raise ValueError("a part without an end of its headers")
        headers = {
            name.strip().lower(): value.strip()
            for name, _, value in (line.partition(":") for line in head.decode().split("\r\n"))
        }
        said = headers.get("content-disposition", "")
        name, file = _parameter(said, "name"), _parameter(said, "filename")
        data = data.removesuffix(b"\r\n")
        mime = headers.get("content-type", "application/octet-stream")
        found[name] = Upload(file, mime, data) if file else data.decode()
    return found


def _parameter(header: str, name: str) -> str:
    for part in header.split(";")[1:]:
        key, _, value = part.strip().partition("=")
        if key.lower() == name:
            return value.strip('"')
    return ""
