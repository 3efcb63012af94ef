"""A web chat without sockets: events go in as the channel gives them, and what devices get is a user's stream."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from typing import Any

from kikao.arrivals import Arrivals
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import Received
from kikao.channels.inbound import Inbound
from kikao.channels.media.store import FileStore
from kikao.channels.outbox import Dispatcher
from kikao.channels.socket.gateway import SocketGateway
from kikao.channels.socket.said import Enter, Open, Piece, Said, Say, Tap, Where
from kikao.channels.socket.showing import Showing
from kikao.conversation.flows import Flows
from kikao.fetching import Wanting
from kikao.i18n import LIBRARY, Catalogs
from kikao.inbox import Inbox
from kikao.live.conversing import Conversing, Upload
from kikao.sessions.limits import Limits
from kikao.sessions.policy import DEFAULTS, SessionPolicy
from kikao.sessions.store import StoreUnavailable
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.clock import Clock
from tests.talk import Process

POLICY = DEFAULTS["socket"]


class Away(Exception):
    """The store of streams does not answer."""


class WebTalk:
    """A user with one or more devices."""

    def __init__(self, process: Process, user: str = "asha", files: FileStore | None = None) -> None:
        self.process = process
        self.user = user
        self.gateway = SocketGateway()
        self.stream: list[dict[str, Any]] = []
        """What all devices got, in order."""
        self.away = False
        self.upload = Upload()
        self.reason = ""
        """Why the last event was not taken."""
        sessions = process.sessions
        self.showing = None
        if files is not None:
            self.showing = Showing(lambda: sessions.ring, files, sessions.clock)
        sending = {self.gateway.line: self.gateway.delivering(self._deliver, sessions.clock, self.showing)}
        self.dispatcher = Dispatcher(sessions, sending, process.publish)
        inbox = Inbox(process.turns)
        lines = {self.gateway.line: self.gateway}
        self.arrivals = Arrivals(process.turns, lines, process.publish, inbox=inbox)
        self.kept = Dispatcher(sessions, inbox.destinations(lines, self.arrivals.one), process.publish)
        self.conversing = Conversing(
            self._take,
            self.arrivals.one,
            translate=Catalogs(LIBRARY).translate,
            locales=("en", "sw"),
            locale="en",
            owner=Wanting(process.turns).owner,
            files=files,
            showing=self.showing,
            largest=200_000,
        )
        self._ids = itertools.count(1)
        self._seen = 0

    async def says(self, text: str, id_: str = "", under: str | None = None) -> list[dict[str, Any]]:
        """Written `under` the message with this mark, or the newest."""
        seen = [message["mark"] for message in self.stream if message["mark"]]
        mark = (seen[-1] if seen else "") if under is None else under
        return await self.does(Say(id_ or self.new_id(), text, mark))

    async def taps(
        self, label: str, on: Mapping[str, Any] | None = None, id_: str = ""
    ) -> list[dict[str, Any]]:
        on = on or self.screen
        key = next(choice["key"] for choice in on["choices"] if choice["label"] == label)
        return await self.does(Tap(id_ or self.new_id(), on["mark"], key))

    async def enters(self, secret: str, mark: str = "", id_: str = "") -> list[dict[str, Any]]:
        return await self.does(Enter(id_ or self.new_id(), mark or self.screen["mark"], secret))

    async def opens(self, ahead: str = "") -> list[dict[str, Any]]:
        return await self.does(Open(self.new_id(), ahead))

    async def is_at(self, latitude: float, longitude: float) -> list[dict[str, Any]]:
        return await self.does(Where(self.new_id(), latitude, longitude))

    async def does(self, said: Said) -> list[dict[str, Any]]:
        """What devices get of an event."""
        self.reason = await self.conversing.hear(self.user, "", said)
        return await self.arrived()

    async def sends(self, piece: Piece) -> list[dict[str, Any]]:
        self.reason = await self.conversing.piece(self.user, "", piece, self.upload)
        return await self.arrived()

    async def arrived(self) -> list[dict[str, Any]]:
        """What came since it was last looked."""
        with contextlib.suppress(StoreUnavailable):
            await self.kept.once()
            await self.dispatcher.once()
        new, self._seen = self.stream[self._seen :], len(self.stream)
        return new

    @property
    def screen(self) -> dict[str, Any]:
        """What was said to the user last."""
        return next(message for message in reversed(self.stream) if not message.get("mine"))

    def new_id(self) -> str:
        return f"e{next(self._ids)}"

    async def _take(self, inbound: Inbound) -> Response:
        return await self.arrivals.take(Received((inbound,)))

    async def _deliver(self, user: str, event: str, payload: Mapping[str, Any]) -> int:
        if self.away:
            raise Away
        assert (user, event) == (self.user, "message")
        self.stream.append(dict(payload))
        return len(self.stream)


async def start(flows: Flows, entry: str, *, files: FileStore | None = None, **options: Any) -> WebTalk:
    """A server on a memory store, and a user in a web chat, under the policy of sockets."""
    fields = {name: getattr(POLICY, name) for name in POLICY.__struct_fields__}
    policy = SessionPolicy(**{**fields, "limits": Limits(address=None, member=None)})
    process = Process(flows, entry, MemoryStore(), Clock(), policy=policy, **options)
    await process.open()
    return WebTalk(process, files=files)
