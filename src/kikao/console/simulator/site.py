"""The simulator over HTTP.

    GET    /simulator                              the page; its files under /simulator/assets/
    GET    /simulator/api/setup                    → Setup
    GET    /simulator/api/phones                   → [Phone]
    POST   /simulator/api/phones                   {"endpoint", "number"} → Phone
    DELETE /simulator/api/phones/{id}              → {}
    POST   /simulator/api/phones/{id}/dial         {"ahead": ""} → Step
    POST   /simulator/api/phones/{id}/answer       {"text": "1"} → Step
    POST   /simulator/api/phones/{id}/again        {} → Step       the last request once more, byte for byte
    POST   /simulator/api/phones/{id}/hang_up      {} → Step       the gateway tells of it, where it does
    POST   /simulator/api/phones/{id}/drop         {} → Step       the line drops: nobody tells the server
    POST   /simulator/api/phones/{id}/language     {"locale": "sw"} → Conversation
    GET    /simulator/api/phones/{id}/conversation → Conversation
    POST   /simulator/api/phones/{id}/write        {"text": "hello"} → ChatStep, and so are all of these
    POST   /simulator/api/phones/{id}/tap          {"message": "id", "button": 0}   no message: of the keyboard
    POST   /simulator/api/phones/{id}/share        {"what": "photo"}   document, location or contact
    POST   /simulator/api/phones/{id}/edit         {"text": "hello"}   what was written last
    POST   /simulator/api/phones/{id}/deliver      {}              the last webhook once more
    POST   /simulator/api/phones/{id}/read         {}              WhatsApp tells that it was
    POST   /simulator/api/phones/{id}/block        {"blocked": true}
    POST   /simulator/api/phones/{id}/hold         {}              the provider keeps webhooks to itself
    POST   /simulator/api/phones/{id}/release      {"order": "in_order"}   backwards, in_one
    POST   /simulator/api/phones/{id}/provider     {"mood": "down"}   busy, silent, well
    GET    /simulator/api/phones/{id}/chat         → ChatStep
    GET    /simulator/api/phones/{id}/media?message=id        a picture of the chat
    GET    /simulator/api/phones/{id}/link?message=id&button=0   302 to where a button leads
    POST   /simulator/api/phones/{id}/token        {} → {"token"}   with which a web chat opens its socket
    POST   /simulator/api/phones/{id}/drop         {} → {}          of a web chat: its line is down …
    POST   /simulator/api/phones/{id}/connect      {} → {}          … and there again
    POST   /simulator/api/phones/{id}/log_out      {} → {}          its user logs out everywhere
    POST   /simulator/api/clock                    {"advance": seconds} → Moment
    GET    /simulator/api/transcript               everything done so far, text/plain; DELETE starts anew → {}

`views` and `chats.views` have what is answered, field by field. Of a chat, `?since=n` leaves out the exchanges up to
that one. What is sent is JSON, an object of these fields and no others; an empty
body is `{}`. Everything but GET needs `Content-Type: application/json` and an `Origin` or `Sec-Fetch-Site` of the page
itself (see `access`). An error is a status of 4xx, or 503, with `{"error": "why"}`.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.channels.channel import Request, Response
from kikao.channels.edge import Denied, Guard, Receive, Scope, admit
from kikao.config import Access
from kikao.console.simulator.access import Barred, admit_simulator
from kikao.console.simulator.answers import SAFE, Nothing, as_json, expect, read
from kikao.console.simulator.chats.site import ACTIONS as CHAT_ACTIONS
from kikao.console.simulator.chats.site import ChatSite
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.simulator import Simulator
from kikao.console.simulator.web.face import WebPhone
from kikao.console.simulator.web.site import ACTIONS as WEB_ACTIONS

ASSETS: Final = Path(__file__).parent / "assets"

MAX_BODY: Final = 16 * 1024
"""Octets of a request."""

KINDS: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
"""Files of the page, by what their names end with; no other is given out."""


class Added(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A phone to put on the table."""

    endpoint: str
    number: str


class Dialled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is dialled behind the code."""

    ahead: str = ""

    def __repr__(self) -> str:
        """Without what may be a PIN, which whoever prints a traceback with its variables would print."""
        return "<what is dialled>"


class Answered(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is typed."""

    text: str

    def __repr__(self) -> str:
        """As of what is dialled."""
        return "<an answer>"


class Spoken(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A language to prefer."""

    locale: str


class Advanced(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds to let pass."""

    advance: float


class Site:
    """Answers what is asked under `/simulator`."""

    def __init__(self, simulator: Simulator, access: Access) -> None:
        self._simulator = simulator
        self._access = access
        self._chats = ChatSite(simulator.chats)
        self._guard = Guard(("GET", "POST", "DELETE"), max_body=MAX_BODY)

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Raises `Denied` for a request that is not let in."""
        admit_simulator(scope, self._access)
        try:
            request = await admit(scope, receive, guard=self._guard)
        except Denied as denied:
            raise Barred(denied.status, denied.reason, denied.headers) from None
        try:
            return await self._answer(request)
        except Problem as problem:
            return as_json({"error": problem.text}, problem.status)

    async def _answer(self, request: Request) -> Response:
        path = request.path.removeprefix("/simulator")
        if path in ("", "/"):
            expect(request, "GET")
            return _file("index.html")
        if path.startswith("/assets/"):
            expect(request, "GET")
            return _file(path.removeprefix("/assets/"))
        if path == "/api/phones":
            return self._phones(request)
        if path == "/api/setup":
            expect(request, "GET")
            return as_json(self._simulator.setup)
        if path == "/api/clock":
            expect(request, "POST")
            return as_json(await self._simulator.advance(read(request, Advanced).advance))
        if path == "/api/transcript":
            return self._transcript(request)
        if match := _PHONE(path):
            return await self._phone(request, match[1], match[2] or "")
        raise Problem(404, "the simulator has no such page")

    def _phones(self, request: Request) -> Response:
        if request.method == "GET":
            return as_json(self._simulator.phones)
        expect(request, "GET", "POST")
        added = read(request, Added)
        return as_json(self._simulator.add(added.endpoint, added.number))

    async def _phone(self, request: Request, id_: str, action: str) -> Response:
        simulator = self._simulator
        if action == "":
            expect(request, "DELETE")
            simulator.remove(id_)
            return as_json({})
        if action == "conversation":
            expect(request, "GET")
            return as_json(await simulator.conversation(id_))
        if action in CHAT_ACTIONS | WEB_ACTIONS and isinstance(phone := simulator.any(id_), WebPhone):
            return await simulator.web_site.answer(request, phone, action)
        if action in CHAT_ACTIONS:
            return await self._chats.answer(request, simulator.chat(id_), action)
        expect(request, "POST")
        if action == "dial":
            return as_json(await simulator.dial(id_, read(request, Dialled).ahead))
        if action == "answer":
            return as_json(await simulator.answer(id_, read(request, Answered).text))
        if action == "language":
            return as_json(await simulator.speak(id_, read(request, Spoken).locale))
        plain: dict[str, Callable[[str], Awaitable[Any]]] = {
            "again": simulator.again,
            "hang_up": simulator.hang_up,
            "drop": simulator.drop,
        }
        if action not in plain:
            raise Problem(404, "a phone does no such thing")
        read(request, Nothing)
        return as_json(await plain[action](id_))

    def _transcript(self, request: Request) -> Response:
        expect(request, "GET", "DELETE")
        if request.method == "DELETE":
            self._simulator.told.clear()
            return as_json({})
        return Response(200, (("content-type", KINDS[".txt"]), *SAFE), self._simulator.told.text.encode())


def _file(name: str) -> Response:
    """A file of the page. Raises `Problem`."""
    kind = KINDS.get(Path(name).suffix) if _FILE(name) else None
    try:
        if kind is not None:
            return Response(200, (("content-type", kind), *SAFE), (ASSETS / name).read_bytes())
    except OSError:
        pass
    raise Problem(404, "the simulator has no such file")


_PHONE = re.compile("/api/phones/([0-9a-f]{16})(?:/([a-z_]{1,20}))?").fullmatch
_FILE = re.compile("([A-Za-z0-9_-][A-Za-z0-9._-]*/){0,2}[A-Za-z0-9_-][A-Za-z0-9._-]*").fullmatch
