"""Where sockets come in, by ASGI: the request is looked at, its user is let in or refused, and then it is a socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from kikao.channels.channel import Response
from kikao.channels.socket.handshake import Handshake, Refusal, handshake
from kikao.events import RequestRefused
from kikao.live.admission import LEAVING, NotAdmitted
from kikao.live.hub import Hub
from kikao.live.longpoll import LongPoll
from kikao.live.relay import Seal
from kikao.live.socket import Message, Receive, Send, serve
from kikao.live.tally import WEBSOCKET
from kikao.live.widget import Widget

Page = Callable[[Message, Receive], Awaitable[Response]]

RESPONSE: Final = "websocket.http.response"
"""The extension of ASGI by which a socket is refused with another status than 403."""

RETRY_AFTER: Final = "1"


class Endpoint:
    """Opens sockets for a hub. `origins` may: see `kikao.channels.socket.handshake.allowed`."""

    def __init__(self, hub: Hub, origins: Sequence[str], seal: Callable[[], Seal] | None = None) -> None:
        """`seal` is for what several processes say to each other of clients that poll; None where there is one."""
        self._hub = hub
        self._origins = tuple(origins)
        self._path = f"{hub.live.path}/websocket"
        self.pages: dict[str, Page] = {
            f"{hub.live.path}/widget": Widget(hub.live.path),
            f"{hub.live.path}/longpoll": LongPoll(hub, origins, seal),
        }
        """What is answered over HTTP beside them, by how its paths begin. Each raises `Denied`."""

    def opens(self, path: str) -> bool:
        """Whether sockets are opened at a path."""
        return path == self._path

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """One socket, from its handshake to its end."""
        message = await receive()
        if message["type"] != "websocket.connect":
            return
        hub = self._hub
        asked = self._asked(scope)
        if isinstance(asked, Refusal):
            await self._refuse(scope, send, asked.status, asked.reason)
            return
        try:
            if hub.leaving:
                raise NotAdmitted(503, LEAVING)
            if asked.token is None:
                raise NotAdmitted(403, "no token")
            user, claims = await hub.admission.admit(asked.token.reveal().decode(errors="replace"))
        except NotAdmitted as refused:
            await self._refuse(scope, send, refused.status, refused.reason)
            return
        accepted: Message = {"type": "websocket.accept"}
        if asked.protocol is not None:
            accepted["subprotocol"] = asked.protocol
        hub.tally.connects[WEBSOCKET, "101"] += 1
        await serve(hub, user, claims, scope, receive, send, accepted)

    def _asked(self, scope: Message) -> Refusal | Handshake:
        query, protocols = scope.get("query_string", b""), scope.get("subprotocols", ())
        return handshake(query, scope["headers"], protocols, origins=self._origins)

    async def _refuse(self, scope: Message, send: Send, status: int, reason: str) -> None:
        """Without a word to the caller. Where the server cannot say another status it is 403."""
        self._hub.tally.connects[WEBSOCKET, str(status)] += 1
        self._hub.publish(RequestRefused(channel="socket", gateway="phoenix", status=status, reason=reason))
        if status == 403 or RESPONSE not in scope.get("extensions", {}):
            await send({"type": "websocket.close", "code": 1008})
            return
        headers = [(b"content-length", b"0"), (b"retry-after", RETRY_AFTER.encode())]
        await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
        await send({"type": "websocket.http.response.body", "body": b""})
