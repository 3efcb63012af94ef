"""HTTP: which path leads where, and what each answers. Raw ASGI."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, MutableMapping
from dataclasses import replace
from typing import Any, Final, Protocol

from kikao.channels.channel import BadRequest, Response
from kikao.channels.chat.routes import ChatRoute, chat_path
from kikao.channels.chat.secret_links import PATH
from kikao.channels.edge import Denied, Guard, admit, request_url, respond, ussd_guard, ussd_path
from kikao.channels.operators import admit_operator
from kikao.channels.refusals import Refusals
from kikao.channels.streamed import Streamed
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import gateways
from kikao.config import Settings
from kikao.events import ErrorUncaught, Publish, RequestRefused, described
from kikao.metrics.exposition import CONTENT_TYPE
from kikao.monitor import Monitor
from kikao.readiness import Readiness
from kikao.sessions.policy import MissingIdentifier
from kikao.turn import Turns

Scope = MutableMapping[str, Any]
Receive = Callable[[], Any]
Send = Callable[[MutableMapping[str, Any]], Any]

Page = Callable[[Scope, Receive], Awaitable[Response | Streamed]]
"""Answers the requests to one part of the paths. Raises `Denied`."""


class Sockets(Protocol):
    """Opens WebSockets."""

    @property
    def pages(self) -> Mapping[str, Page]:
        """What is answered beside them, by how its paths begin."""
        ...

    def opens(self, path: str) -> bool:
        """Whether at this path."""
        ...

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One, from its handshake to its end."""
        ...


class Shown(Protocol):
    """Answers what is asked below one path."""

    path: str

    async def __call__(self, scope: Scope, receive: Receive) -> Response | Streamed:
        """Raises `Denied`."""
        ...


SIMULATOR: Final = "/simulator"

HEALTH: Final = ("/healthz", "/readyz")

TEXT: Final = (("content-type", "text/plain; charset=utf-8"),)

NO_UPGRADE: Final = "no WebSocket was asked for: a browser looked there, or a proxy left Upgrade out"

CLOSED: Final = Response(
    503, (*TEXT, ("retry-after", "1"), ("connection", "close")), b"this process is stopping\n"
)
"""Nothing was looked at: the same request is welcome elsewhere, or in a second."""


class Web:
    """Answers the HTTP requests of an app at work."""

    def __init__(
        self,
        settings: Settings,
        turns: Turns,
        monitor: Monitor,
        readiness: Readiness,
        publish: Publish,
        *,
        elsewhere: Collection[str] = (),
        chats: Mapping[str, ChatRoute] | None = None,
    ) -> None:
        """`elsewhere`: gateways whose requests come another way, and that are closed here. `chats` are by path."""
        self._settings = settings
        self._turns = turns
        self._monitor = monitor
        self._readiness = readiness
        self._publish = publish
        self.gateways: dict[str, UssdGateway] = gateways(settings.ussd)
        self._guards: dict[str, Guard] = {
            slug: ussd_guard(settings, slug, methods=gateway.methods, rest=gateway.rest)
            for slug, gateway in self.gateways.items()
        }
        for slug in elsewhere:
            self._guards[slug] = replace(self._guards[slug], closed=True)
        self._refusals = Refusals(settings.trusted_proxies, clock=turns.sessions.clock)
        self._chats = chats or {}
        self.leaving = False
        """Whether it is about to stop: it is not ready, and answers everything still."""
        self.closed = False
        """Whether it stops: what comes now is for another process, or for later."""
        self.secrets: Page | None = None
        """What is answered under `/secret/`; nothing where there are no chats."""
        self.sockets: Sockets | None = None
        """Opens WebSockets; None where the app has no live channels."""
        self.shown: Shown | None = None
        """Files of the web chat; None where the app has no live channels."""
        self.simulator: Page | None = None
        """What is answered under `/simulator`; nothing unless it is on."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False
        try:
            response = await self._answer(scope, receive)
            if isinstance(response, Streamed):
                begun = True
                await response.send(scope["method"], receive, send)
                return
        except Exception as error:  # noqa: BLE001 - whoever runs us would print its text
            self._publish(ErrorUncaught(where="request", error=described(error)))
            if begun:
                return  # whoever runs us closes a connection whose answer is not whole
            response = Response(500, TEXT, b"internal error\n")
        await respond(send, response)

    async def socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        """A WebSocket, from its handshake to its end; one that leads nowhere is refused (403)."""
        if self.sockets is None or not self.sockets.opens(scope["path"]):
            await receive()
            await send({"type": "websocket.close", "code": 1008})
            return
        await self.sockets(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response | Streamed:
        path: str = scope["path"]
        if self.closed and path not in HEALTH:
            return CLOSED
        route = ussd_path(path)
        if route is not None and route[0] in self.gateways:
            return await self._ussd(scope, receive, *route)
        if self._chats and (chat := chat_path(path)) is not None and chat[0] in self._chats:
            return await self._chat(scope, receive, self._chats[chat[0]], chat[1])
        if self.secrets is not None and path.startswith(PATH):
            return await self._of_page(self.secrets, scope, receive, "secret", "page")
        if self.shown is not None and path.startswith(self.shown.path):
            return await self._of_page(self.shown, scope, receive, "socket", "files")
        if path in HEALTH:
            return await self.health(ready=path == "/readyz")
        if path == "/metrics":
            return await self._metrics(scope)
        if self.sockets is not None:
            if self.sockets.opens(path):
                plain = Response(400, TEXT, b"a WebSocket is opened here\n")
                return self._refuse(scope, "socket", "phoenix", plain, NO_UPGRADE)
            page = next(
                (page for begins, page in self.sockets.pages.items() if path.startswith(begins)), None
            )
            if page is not None:
                return await self._of_page(page, scope, receive, "socket", "phoenix")
        if self.simulator is not None and (path == SIMULATOR or path.startswith(f"{SIMULATOR}/")):
            return await self._of_page(self.simulator, scope, receive, "operator", "simulator")
        # Answered and limited as a gateway that is closed is.
        nowhere = Denied(404, "no such gateway")
        if path.lower().startswith("/ussd/"):  # misspelt by whoever set it at the provider, mostly
            return self._refuse(scope, "ussd", "", nowhere.response, nowhere.reason)
        return self._refusals.answer(scope, nowhere.response)

    async def _ussd(self, scope: Scope, receive: Receive, slug: str, rest: str) -> Response:
        gateway = self.gateways[slug]
        self._monitor.inbounds += 1
        try:
            request = await admit(scope, receive, rest=rest, guard=self._guards[slug])
            gateway.verify(request)
            inbound = gateway.parse(request)
            wants_url = self._turns.sessions.policies[gateway.channel].wants_url
            return await self._turns.handle(inbound, gateway, url=request_url(request) if wants_url else "")
        except Denied as denied:
            response, reason = denied.response, denied.reason
        except (BadRequest, MissingIdentifier) as error:
            response, reason = Response(400, TEXT, f"{error}\n".encode()), str(error)
        finally:
            self._monitor.inbounds -= 1
        return self._refuse(scope, gateway.channel, slug, response, reason)

    async def _chat(self, scope: Scope, receive: Receive, route: ChatRoute, rest: str) -> Response:
        entrance = route.entrance
        self._monitor.inbounds += 1
        try:
            request = await admit(scope, receive, rest=rest, guard=entrance.guard)
            return await route.answer(request)
        except Denied as denied:
            response, reason = denied.response, denied.reason
        except BadRequest as error:
            response, reason = Response(400, TEXT, f"{error}\n".encode()), str(error)
        finally:
            self._monitor.inbounds -= 1
        return self._refuse(scope, entrance.channel, entrance.name, response, reason)

    async def _metrics(self, scope: Scope) -> Response:
        try:
            admit_operator(scope, self._settings)
        except Denied as denied:
            return self._refuse(scope, "operator", "metrics", denied.response, denied.reason)
        return Response(200, (("content-type", CONTENT_TYPE),), await self._monitor.exposition())

    async def _of_page(
        self, page: Page, scope: Scope, receive: Receive, channel: str, name: str
    ) -> Response | Streamed:
        try:
            return await page(scope, receive)
        except Denied as denied:
            return self._refuse(scope, channel, name, denied.response, denied.reason)

    async def health(self, *, ready: bool) -> Response:
        """Whether this process is alive, and whether it can answer members."""
        if not ready:
            return Response(200, TEXT, b"ok\n")
        if self.leaving:
            return Response(503, TEXT, b"stopping\n")
        state = await self._readiness.state()
        return Response(200 if state.ready else 503, TEXT, state.text.encode())

    def _refuse(self, scope: Scope, channel: str, gateway: str, response: Response, reason: str) -> Response:
        response = self._refusals.answer(scope, response)
        self._publish(RequestRefused(channel=channel, gateway=gateway, status=response.status, reason=reason))
        return response
