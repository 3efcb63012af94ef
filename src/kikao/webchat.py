"""The web chat of an app at work: its line of conversations, on the live sessions of one process.

GET /socket/files/{token}    what a message shows, by an address that is good for some minutes
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import TYPE_CHECKING, Final

from kikao.arrivals import Arrivals
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway, Received
from kikao.channels.edge import Denied, Guard, Receive, Scope, admit
from kikao.channels.inbound import Inbound
from kikao.channels.media.store import FileStore
from kikao.channels.outbox import Destination
from kikao.channels.socket.gateway import LINE, SocketGateway
from kikao.channels.socket.showing import PATH, Showing
from kikao.channels.streamed import Streamed
from kikao.fetching import Wanting
from kikao.i18n.messages import Translate
from kikao.live.chat import chat_route
from kikao.live.conversing import Conversing
from kikao.monitor import Monitor
from kikao.sessions.keeper import Sessions
from kikao.turn import Turns

if TYPE_CHECKING:
    from kikao.live.hub import Hub


class WebChat:
    """One process's. `files` are what it shows and receives, at most `largest` octets each."""

    def __init__(
        self,
        hub: Hub,
        lines: Mapping[str, ChatGateway],
        sessions: Sessions,
        files: FileStore | None,
        largest: int,
    ) -> None:
        self.hub = hub
        self.path = f"{hub.live.path}/{PATH}"
        """Where its files are."""
        self._files = files
        self._largest = largest
        self._showing: Showing | None = None
        if files is not None:
            self._showing = Showing(lambda: sessions.ring, files, sessions.clock)
        gateway = lines[LINE]
        assert isinstance(gateway, SocketGateway)
        sends = gateway.delivering(hub.deliver, sessions.clock, self._showing)
        self.destinations: dict[str, Destination] = {LINE: sends}

    def begin(
        self,
        turns: Turns,
        arrivals: Arrivals,
        monitor: Monitor,
        translate: Callable[[str], Translate],
        locales: Collection[str],
        locale: str,
    ) -> None:
        """From now on users may join it, and what they say is dealt with."""

        async def take(inbound: Inbound) -> Response:
            return await arrivals.take(Received((inbound,)))

        def answering(
            deal: Callable[[Inbound], Awaitable[Response]],
        ) -> Callable[[Inbound], Awaitable[Response]]:
            async def dealt_with(inbound: Inbound) -> Response:
                with monitor.answering():
                    return await deal(inbound)

            return dealt_with

        conversing = Conversing(
            answering(take),
            answering(arrivals.one),
            translate=translate,
            locales=locales,
            locale=locale,
            owner=Wanting(turns).owner,
            files=self._files,
            showing=self._showing,
            largest=self._largest,
        )
        self.hub.routes = self.hub.routes.beside(chat_route(conversing))

    async def __call__(self, scope: Scope, receive: Receive) -> Response | Streamed:
        """What is behind the address of a file. Raises `Denied`."""
        path: str = scope["path"]
        request = await admit(scope, receive, rest=path.removeprefix(self.path), guard=_GUARD)
        if self._showing is None:
            raise Denied(404, "web chat: no files are kept here")
        return await self._showing.open(request.rest, request.method, request.headers)


_GUARD: Final = Guard(("GET", "HEAD"), rest=re.compile("[A-Za-z0-9_-]{16,2048}"))
"""`rest` is the address, which no log has."""
