"""What is asked of phones that have a chat on them, over HTTP."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

import msgspec

from kikao.channels.channel import Request, Response
from kikao.console.simulator.answers import SAFE, Nothing, as_json, expect, read
from kikao.console.simulator.chats.desk import ChatDesk
from kikao.console.simulator.chats.phone import PICTURES, ChatPhone
from kikao.console.simulator.chats.views import ChatStep
from kikao.console.simulator.problems import Problem

ACTIONS: Final = frozenset(
    "write tap share edit deliver read block hold release provider chat media link".split()
)


class Written(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is written."""

    text: str

    def __repr__(self) -> str:
        """Without what may be a PIN, which whoever prints a traceback with its variables would print."""
        return "<what is written>"


class Tapped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A button: of a message by its id, or of the keyboard."""

    button: int
    message: str = ""


class Shared(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is shared."""

    what: str


class Blocked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether the app may still write."""

    blocked: bool


class Released(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """In which order the provider tells what it kept."""

    order: str = "in_order"


class Felt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A mood of the provider."""

    mood: str


class ChatSite:
    """Answers what `ACTIONS` are asked of a phone."""

    def __init__(self, desk: ChatDesk) -> None:
        self._desk = desk

    async def answer(self, request: Request, phone: ChatPhone, action: str) -> Response:
        """Raises `Problem`."""
        query = _query(request)
        if action == "media":
            expect(request, "GET")
            return _picture(phone, query.get("message", ""))
        if action == "link":
            expect(request, "GET")
            url = phone.link(query.get("message", ""), _number(query.get("button", "")))
            return Response(302, (("location", url), *SAFE), b"")
        since = _number(query.get("since", "0"))
        if action == "chat":
            expect(request, "GET")
            return as_json(await self._desk.look(phone, since))
        expect(request, "POST")
        return as_json(await self._do(request, phone, action, since))

    async def _do(self, request: Request, phone: ChatPhone, action: str, since: int) -> ChatStep:
        desk = self._desk
        if action == "write":
            return await desk.write(phone, read(request, Written).text, since)
        if action == "tap":
            tapped = read(request, Tapped)
            return await desk.tap(phone, tapped.message, tapped.button, since)
        if action == "share":
            return await desk.share(phone, read(request, Shared).what, since)
        if action == "edit":
            return await desk.edit(phone, read(request, Written).text, since)
        if action == "block":
            return await desk.block(phone, read(request, Blocked).blocked, since)
        if action == "release":
            return await desk.release(phone, read(request, Released).order, since)
        if action == "provider":
            return await desk.feel(phone, read(request, Felt).mood, since)
        read(request, Nothing)
        plain = {"deliver": desk.again, "read": desk.read, "hold": desk.hold}
        return await plain[action](phone, since)


def _query(request: Request) -> dict[str, str]:
    try:
        return dict(parse_qsl(request.query.decode("latin-1"), max_num_fields=4))
    except ValueError:
        raise Problem(400, "that asks for too much at once") from None


def _picture(phone: ChatPhone, id_: str) -> Response:
    media = phone.find(id_).media
    if media is None or media.data is None or media.mime not in PICTURES:
        raise Problem(404, "there is no picture in that message")
    return Response(200, (("content-type", media.mime), *SAFE), media.data)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise Problem(400, "that is no number")
    return int(text)
