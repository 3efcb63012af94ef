"""Long polling, for who gets through no other way: the same sockets, over plain requests of HTTP.

    GET  {path}/longpoll?token=…&vsn=2.0.0      opens one: {"status": 410, "token": T, "messages": []}
    GET  {path}/longpoll?…&token=T              what came: {"status": 200, "token": T, "messages": ["[…]", …]}, or 204
    POST {path}/longpoll?…&token=T              a frame a line: {"status": 200}

HTTP says 200 to all of them, and the body what it is: the official client looks nowhere else. T opens nothing but this
one socket of its user, and ends with it. Source: `phoenix/transports/long_poll.ex` of Phoenix 1.8, client 1.8.16.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from kikao.channels.channel import Request, Response
from kikao.channels.edge import Denied, Guard, Receive, Scope, admit
from kikao.channels.socket.handshake import Refusal, handshake
from kikao.events import RequestRefused
from kikao.live.admission import LEAVING, NotAdmitted
from kikao.live.hub import Hub
from kikao.live.polled import Polled
from kikao.live.relay import Relay, Seal
from kikao.live.socket import ABORT, serve
from kikao.live.tally import LONGPOLL
from kikao.live.wire import NODE

WINDOW: Final = 10.0
"""Seconds that a poll waits for something to come; the official client gives up after 20."""

MARGIN: Final = 3.0
"""Seconds beyond it in which another process answers."""

LINES: Final = 100
"""Of a post; those behind are left out. The official client sends no more."""

PREFIX: Final = "lp."
"""How the tokens of sockets begin here. No JWT does."""

SECRET: Final = 24
"""Random octets of such a token."""

FRAMES: Final = 16
"""Times the octets of a frame that a body may have."""


class LongPoll:
    """Answers what is asked at `{path}/longpoll`. `seal` keeps what goes from process to process secret; None where
    there is one process."""

    def __init__(
        self,
        hub: Hub,
        origins: Sequence[str],
        seal: Callable[[], Seal] | None = None,
        *,
        window: float = WINDOW,
    ) -> None:
        self._hub = hub
        self._origins = tuple(origins)
        self._path = f"{hub.live.path}/longpoll"
        self._window = window
        self._guard = Guard(methods=("GET", "POST"), max_body=FRAMES * hub.limits.frame)
        self._open: dict[bytes, Polled] = {}
        self._waiting = 0
        """Polls that are under way here, whosever process has their socket."""
        self._seal = seal
        self._relay: Relay | None = None
        if seal is not None:
            self._relay = Relay(hub.wire, seal, self._asked_by_others, hub.spawn)

    async def __call__(self, scope: Scope, receive: Receive) -> Response:
        """Raises `Denied` for another path or method, and for a body that is too large or does not come."""
        if scope["path"] != self._path:
            raise Denied(404, "nothing is here")
        if scope["method"] == "OPTIONS":
            return _preflight(scope)
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        token = headers.get("x-phoenix-longpoll-token") or _last(query)
        query = [(name, value) for name, value in query if not value.startswith(PREFIX)]
        shaken = handshake(urlencode(query).encode(), scope["headers"], (), origins=self._origins)
        if isinstance(shaken, Refusal):
            return self._refused(shaken.status, shaken.reason)
        if scope["method"] == "POST" and not self._is_known(token):
            return _answer(410)  # its body is read of nobody else
        request = await admit(scope, receive, guard=self._guard)
        if request.method == "POST":
            return await self._post(token, request)
        if token.startswith(PREFIX):
            return await self._poll(token, receive)
        shown = headers.get("x-phoenix-authtoken")
        if shown is None and shaken.token is not None:
            shown = shaken.token.reveal().decode(errors="replace")
        return await self._begin(shown, scope, urlencode(query).encode())

    def _is_known(self, token: str) -> bool:
        """Whether it is of a socket here, or of one that another process made."""
        return _digest(token) in self._open or self._node(token) is not None

    # --- a socket begins ---

    async def _begin(self, shown: str | None, scope: Scope, query: bytes) -> Response:
        hub = self._hub
        try:
            if hub.leaving:
                raise NotAdmitted(503, LEAVING)
            if len(self._open) >= hub.limits.polls:
                raise NotAdmitted(503, "too many clients that poll")
            if shown is None:
                raise NotAdmitted(403, "no token")
            try:
                async with asyncio.timeout(self._window):  # its client does not wait for long
                    user, claims = await hub.admission.admit(shown)
            except TimeoutError:
                raise NotAdmitted(503, "too many connects at once") from None
        except NotAdmitted as refused:
            return self._refused(refused.status, refused.reason)
        token = self._token()
        key = _digest(token)
        polled = self._open[key] = Polled(self._window, lambda: self._forget(key))
        its = {
            "type": "websocket",
            "path": scope["path"],
            "query_string": query,
            "headers": scope["headers"],
            "client": scope.get("client"),
            "scheme": "wss" if scope.get("scheme") == "https" else "ws",
            "subprotocols": (),
            "extensions": {ABORT: polled.abort},
        }
        hub.tally.connects[LONGPOLL, "101"] += 1
        serving = serve(hub, user, claims, its, polled.receive, polled.send)
        polled.served = hub.spawn(self._serve(serving, polled))
        await asyncio.sleep(0)  # it is counted from now on
        return _answer(410, token, ())

    async def _serve(self, serving: Coroutine[Any, Any, None], polled: Polled) -> None:
        tally = self._hub.tally
        tally.polled += 1
        try:
            await serving
        finally:
            tally.polled -= 1
            polled.finish()

    def _forget(self, key: bytes) -> None:
        self._open.pop(key, None)

    def _refused(self, status: int, reason: str) -> Response:
        """403, or 500 for all that may go well later: the official client knows no others."""
        self._hub.tally.connects[LONGPOLL, str(status)] += 1
        self._hub.publish(RequestRefused(channel="socket", gateway="phoenix", status=status, reason=reason))
        return _answer(403 if status == 403 else 500)

    # --- what its client asks ---

    async def _poll(self, token: str, receive: Receive) -> Response:
        if self._waiting >= self._hub.limits.polls:
            return self._refused(503, "too many clients that poll")
        self._waiting += 1
        polling = asyncio.create_task(self._take(token))
        leaving = asyncio.create_task(_left(receive))
        try:
            await asyncio.wait({polling, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not polling.done() and not leaving.result():
                await asyncio.wait({polling})
            if not polling.done():  # its client left: what comes is for its next poll
                return _answer(204, token, ())
            messages = polling.result()
        finally:
            self._waiting -= 1
            polling.cancel()
            leaving.cancel()
            await asyncio.gather(polling, leaving, return_exceptions=True)
        if messages is None:
            return _answer(410, None, ())
        return _answer(200 if messages else 204, token, messages)

    async def _take(self, token: str) -> Sequence[str] | None:
        polled = self._open.get(_digest(token))
        if polled is not None:
            return await polled.poll()
        answer = await self._elsewhere(token, None)
        return None if answer is None or answer.status == 410 else answer.messages

    async def _post(self, token: str, request: Request) -> Response:
        try:
            lines = request.body.decode().split("\n")
        except UnicodeDecodeError:
            return _answer(400)
        said = [line for line in lines[:LINES] if line]
        polled = self._open.get(_digest(token))
        if polled is not None:
            return _answer(await polled.post([_frame(line) for line in said]))
        answer = await self._elsewhere(token, said)
        return _answer(410 if answer is None else answer.status)

    # --- other processes ---

    def _token(self) -> str:
        """Of a socket here. Others see whose it is, and that it is none that somebody made up."""
        made = secrets.token_bytes(SECRET)
        if self._seal is not None:
            made = self._seal().seal(self._hub.node.encode() + made, _TOKEN, _TOKEN)
        return PREFIX + base64.urlsafe_b64encode(made).decode()

    def _node(self, token: str) -> str | None:
        """Which process made it; None for none of this deployment."""
        if self._seal is None or len(token) > _LONGEST:
            return None
        with contextlib.suppress(Exception):  # whatever is wrong with it
            made = base64.urlsafe_b64decode(token.removeprefix(PREFIX))
            return self._seal().unseal(made, _TOKEN, _TOKEN)[:NODE].decode()
        return None

    async def _elsewhere(self, token: str, said: list[str] | None) -> _Answered | None:
        node = self._node(token)
        if self._relay is None or node is None or node == self._hub.node:
            return None
        asked = _PACK.encode(_Asked(token, said))
        answer = await self._relay.ask(node, asked, self._window + MARGIN)
        with contextlib.suppress(msgspec.MsgspecError):
            return None if answer is None else _ANSWERED.decode(answer)
        return None

    async def _asked_by_others(self, request: bytes) -> bytes:
        try:
            asked = _ASKED.decode(request)
        except msgspec.MsgspecError:  # of another release
            return _PACK.encode(_Answered(410))
        polled = self._open.get(_digest(asked.token))
        if polled is None:
            return _PACK.encode(_Answered(410))
        if asked.said is not None:
            return _PACK.encode(_Answered(await polled.post([_frame(line) for line in asked.said])))
        messages = await polled.poll()
        return _PACK.encode(_Answered(410) if messages is None else _Answered(200, tuple(messages)))


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    """A request that came to another process: a poll, or what was said."""

    token: str
    said: list[str] | None


class _Answered(msgspec.Struct, frozen=True, array_like=True):
    status: int
    messages: tuple[str, ...] = ()


class _Body(msgspec.Struct, frozen=True, omit_defaults=True):
    status: int
    token: str | msgspec.UnsetType | None = msgspec.UNSET
    messages: Sequence[str] | msgspec.UnsetType = msgspec.UNSET


_PACK: Final = msgspec.msgpack.Encoder()
_ASKED: Final = msgspec.msgpack.Decoder(_Asked)
_ANSWERED: Final = msgspec.msgpack.Decoder(_Answered)
_TOKEN: Final = b"live token"
_LONGEST: Final = 300
"""Characters of a token of ours, and some."""

_HEADERS: Final = (
    ("access-control-allow-origin", "*"),  # origins are looked at, and there are no cookies
    ("cache-control", "no-store"),
)
_JSON: Final = (("content-type", "application/json"), *_HEADERS)


def _answer(
    status: int,
    token: str | msgspec.UnsetType | None = msgspec.UNSET,
    messages: Sequence[str] | msgspec.UnsetType = msgspec.UNSET,
) -> Response:
    return Response(200, _JSON, msgspec.json.encode(_Body(status, token, messages)))


def _preflight(scope: Scope) -> Response:
    """Pages of any site may ask; whether they are answered is seen from their origin then."""
    asked = next((v for name, v in scope["headers"] if name == b"access-control-request-headers"), b"")
    return Response(
        204,
        (
            *_HEADERS,
            ("access-control-allow-methods", "GET, POST, OPTIONS"),
            ("access-control-allow-headers", asked.decode("latin-1")[:200]),
            ("access-control-max-age", "600"),
        ),
        b"",
    )


def _last(query: Sequence[tuple[str, str]]) -> str:
    """The client appends its socket's token behind the app's own, which may have the same name."""
    return next((value for name, value in reversed(query) if name == "token"), "")


def _frame(line: str) -> str | bytes:
    """A text frame, or one of octets in base64. What is neither stays as it is, and is found to be none."""
    if line.startswith("["):
        return line
    try:
        return base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        return line


def _digest(token: str) -> bytes:
    """By which sockets are found: how long that takes tells nothing of their tokens."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


async def _left(receive: Receive) -> bool:
    """Waits until the client is gone."""
    message = await receive()
    return bool(message["type"] == "http.disconnect")
