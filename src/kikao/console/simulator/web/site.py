"""What is asked of phones that are web chats, over HTTP. What is said in them goes over their own sockets."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qsl

from kikao.channels.channel import Request, Response
from kikao.console.simulator.answers import Nothing, as_json, expect, read
from kikao.console.simulator.chats.views import ChatStep
from kikao.console.simulator.looking import Looking
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.web.face import WebPhone
from kikao.live.stores.store import LiveAway
from kikao.members import Members, UnknownMember
from kikao.records import CommitUnknown, RecordsAway

ACTIONS: Final = frozenset({"chat", "token", "drop", "connect", "log_out"})


class WebSite:
    """Answers what `ACTIONS` are asked of a phone. `members` is where users are entered, where the app keeps any."""

    def __init__(self, looking: Looking, members: Members | None) -> None:
        self._looking = looking
        self._members = members

    async def answer(self, request: Request, phone: WebPhone, action: str) -> Response:
        """Raises `Problem`."""
        if action not in ACTIONS:
            raise Problem(409, "that phone is a web chat: what is done in it goes over its own socket")
        if action == "chat":
            expect(request, "GET")
            return as_json(await self._look(phone, dict(parse_qsl(request.query.decode("latin-1")))))
        expect(request, "POST")
        read(request, Nothing)
        if action == "token":
            await self._enter(phone)
            return as_json({"token": phone.token()})
        if action in ("drop", "connect"):
            phone.drop() if action == "drop" else phone.connect()
            return as_json({})
        try:
            await phone.log_out()
        except LiveAway:
            raise Problem(503, "the live store does not answer; try again") from None
        return as_json({})

    async def _look(self, phone: WebPhone, query: dict[str, str]) -> ChatStep:
        since = query.get("since", "0")
        if not since.isascii() or not since.isdecimal() or len(since) > 9:
            raise Problem(400, "since is the number of an exchange")
        phone.met = phone.met or phone.changes > 0
        exchanges = phone.endpoint.face.traffic.of(phone.number, int(since))
        return ChatStep(phone.chat, exchanges, False, await self._looking.conversation(phone))

    async def _enter(self, phone: WebPhone) -> None:
        """Apps that let in members alone know this one from now on."""
        if self._members is not None:
            try:
                await self._members.meet(*self._looking.named(phone))
            except (RecordsAway, CommitUnknown, UnknownMember):
                raise Problem(503, "the directory of members does not answer; try again") from None
