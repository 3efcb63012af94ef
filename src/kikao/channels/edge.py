"""The edge: the one function every request passes before a route sees it, raw ASGI.

In this order, each step cheaper than what it protects: path token, allow-list, method, body size, body. Nothing of a
request is parsed before its token was compared in constant time. A refusal tells the caller nothing that it did not
know; `Denied.reason` is for our log, and never holds a token.
"""

from __future__ import annotations

import asyncio
import hmac
import re
import types
from collections.abc import Awaitable, Callable, Coroutine, Generator, MutableMapping
from dataclasses import dataclass
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Any, Final, NamedTuple

from kikao.channels.channel import Request, Response
from kikao.config import Hidden, Settings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

MAX_BODY: Final = 64 * 1024
"""Octets of a body: a USSD request has a few hundred."""

PATIENCE: Final = 10.0
"""Seconds a body may take to arrive."""

MAX_FORWARDED: Final = 2048
"""Characters of X-Forwarded-For: some 40 proxies. With more the client is unknown."""


@dataclass(frozen=True, slots=True, eq=False)  # no eq: by identity it is a cheap key of a cache
class Guard:
    """What a route demands of a request.

    `token` is the secret last segment of the path, None where there is none. `allow` are the networks a client may
    come from, empty for all. `trusted` are the proxies whose X-Forwarded-For is believed. A `closed` route answers as
    if it did not exist.
    """

    methods: tuple[str, ...] = ("POST",)
    token: Hidden | None = None
    allow: tuple[Network, ...] = ()
    trusted: tuple[Network, ...] = ()
    max_body: int = MAX_BODY
    """Octets."""
    patience: float = PATIENCE
    """Seconds."""
    closed: bool = False
    rest: re.Pattern[str] | None = None
    """What the path may have behind the token; None for nothing."""


class Denied(Exception):
    """A request that is not let in. `reason` is for the log; `response` says no more than its status."""

    def __init__(self, status: int, reason: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
        self.headers = headers

    @property
    def response(self) -> Response:
        """What to answer. It closes the connection, since a body may still be on its way."""
        text = f"{HTTPStatus(self.status).phrase.lower()}\n"
        return Response(self.status, (*_TEXT, *self.headers, ("connection", "close")), text.encode())


class UssdPath(NamedTuple):
    """`/ussd/{gateway}`, and the segments behind it: a path token, and what the provider adds. Do not log it."""

    gateway: str
    rest: str


def ussd_path(path: str) -> UssdPath | None:
    """What a path names, None if it is no USSD path."""
    if not path.startswith("/ussd/"):
        return None
    gateway, _, rest = path[6:].partition("/")
    return None if _SLUG(gateway) is None else UssdPath(gateway, rest)


def request_url(request: Request) -> str:
    """Host and path as a policy's url boundary takes them: lower-case host, no default port, no path token.

    Empty without a host: tenants that differ in nothing else would share sessions.
    """
    host = request.headers.get("host", "").lower().removesuffix(":443").removesuffix(":80")
    return host + request.path if host else ""


def ussd_guard(
    settings: Settings,
    gateway: str,
    *,
    methods: tuple[str, ...] = ("POST",),
    rest: re.Pattern[str] | None = None,
) -> Guard:
    """The guard of a USSD gateway. In production one that is not configured is closed."""
    own = settings.ussd.get(gateway)
    if own is None:
        return Guard(
            methods, trusted=settings.trusted_proxies, closed=settings.env == "production", rest=rest
        )
    return Guard(methods, token=own.token, allow=own.allow, trusted=settings.trusted_proxies, rest=rest)


async def admit(scope: Scope, receive: Receive, *, guard: Guard, rest: str = "") -> Request:
    """The request, read to its end. Raises `Denied`.

    `rest` is what the path has behind the route's own (`ussd_path`): the token, and then what the guard lets the
    provider add; the request's `path` is without both. Header names are lower
    case; values of a header given more than once are joined by `, ` (RFC 9110, 5.3).
    """
    given, slash, added = rest.partition("/") if guard.token is not None else ("", "", rest)
    expected = guard.token.reveal() if guard.token is not None else b""
    if not hmac.compare_digest(expected, given.encode(errors="replace")) or guard.closed:
        raise Denied(404, "path token wrong or missing" if not guard.closed else "not configured")
    if (slash or added) and (guard.rest is None or guard.rest.fullmatch(added) is None):
        raise Denied(404, "a path token that is not set, or what the provider does not add to the path")
    headers = _headers(scope["headers"])
    if guard.allow:
        peer = scope.get("client")
        forwarded = headers.get("x-forwarded-for", "")[: MAX_FORWARDED + 1]
        client, allowed = _judge(guard, peer[0] if peer else "", forwarded)
        if not allowed:
            raise Denied(403, f"client address {client or 'unknown'} is not on the allow-list")
    method = scope["method"]
    if method not in guard.methods:
        raise Denied(405, "method not allowed", (("allow", ", ".join(guard.methods)),))
    body = await _within(guard.patience, _body(receive, headers.get("content-length"), guard.max_body))
    path: str = scope["path"]
    if rest:
        path = path.removesuffix(f"/{rest}")
    return Request(method, path, scope["query_string"], headers, body, added)


async def respond(send: Send, response: Response) -> None:
    """Send a response. A caller that left gets nothing and is no error: it will ask again."""
    body = response.body
    headers = [*_encoded(response.headers), (b"content-length", b"%d" % len(body))]
    try:
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
    except OSError:  # ASGI 2.4: the client disconnected
        return


def client_address(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> Address | None:
    """Where a request comes from; None if that cannot be known.

    `peer` is the other end of the connection. If it is a trusted proxy, `forwarded` (X-Forwarded-For) is read from
    the right, skipping trusted proxies; the first other address is the client, and what stands left of it is only
    what the client claims. Something there that is no address is not trusted, and nobody.
    """
    address = _address(peer)
    if not forwarded or address is None or not _is_in(address, trusted):
        return address
    if len(forwarded) > MAX_FORWARDED:
        return None
    for hop in reversed(forwarded.split(",")):
        address = _address(hop.strip())
        if address is None or not _is_in(address, trusted):
            return address
    return address


def client_of(scope: Scope, trusted: tuple[Network, ...]) -> Address | None:
    """Where the request of an ASGI scope comes from; see `client_address`."""
    peer = scope.get("client")
    forwarded = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    return client_address(peer[0] if peer else "", b", ".join(forwarded).decode("latin-1"), trusted)


def is_from(scope: Scope, trusted: tuple[Network, ...]) -> bool:
    """Whether one of these proxies brought the request of an ASGI scope."""
    peer = scope.get("client")
    address = _address(peer[0]) if peer else None
    return address is not None and _is_in(address, trusted)


async def _body(receive: Receive, declared: str | None, most: int) -> bytes:
    length = -1
    if declared is not None:
        if not (declared.isascii() and declared.isdigit() and len(declared) <= 12):
            raise Denied(400, "content-length is not one number")
        length = int(declared)
        if length > most:
            raise Denied(413, f"a body of more than {most} octets")
    chunks: list[bytes] = []
    size = 0
    more = True
    while more and size <= most:
        message = await receive()
        if message["type"] != "http.request":
            raise Denied(400, "the client left before its request was complete")
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        more = message.get("more_body", False)
    if size > most:
        raise Denied(413, f"a body of more than {most} octets")
    if length not in (-1, size):
        raise Denied(400, "the body has not as many octets as content-length says")
    return b"".join(chunks)


async def _within(seconds: float, reading: Coroutine[Any, Any, bytes]) -> bytes:
    """Await within a time. Most bodies are there already: what ends at once needs no timer."""
    try:
        waits_for = reading.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]
    try:
        async with asyncio.timeout(seconds):
            return await _rest(reading, waits_for)
    except TimeoutError:
        raise Denied(408, f"the body did not arrive within {seconds:g} s") from None


@types.coroutine
def _rest(begun: Coroutine[Any, Any, bytes], waits_for: Any) -> Generator[Any, Any, bytes]:
    """A coroutine from where it began to wait."""
    try:
        while True:
            try:
                value = yield waits_for
            except BaseException as error:  # noqa: BLE001 - whatever is thrown in belongs to it
                waits_for = begun.throw(error)
            else:
                waits_for = begun.send(value)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]


def _headers(raw: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Header names are lower case in ASGI."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw}
    if len(headers) < len(raw):
        values: dict[str, list[str]] = {}
        for name, value in raw:
            values.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
        headers = {name: ", ".join(several) for name, several in values.items()}
    return headers


class _AsWritten(bytes):
    """A header's name that a provider may read with its capitals: servers put `lower()` of a name on the wire."""

    def lower(self) -> bytes:
        return self


@lru_cache(maxsize=256)
def _encoded(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((_name(name), value.encode("latin-1")) for name, value in headers)


def _name(name: str) -> bytes:
    return name.encode("latin-1") if name.islower() else _AsWritten(name.encode("latin-1"))


@lru_cache(maxsize=4096)
def _judge(guard: Guard, peer: str, forwarded: str) -> tuple[Address | None, bool]:
    client = client_address(peer, forwarded, guard.trusted)
    return client, client is not None and _is_in(client, guard.allow)


def _is_in(address: Address, networks: tuple[Network, ...]) -> bool:
    return any(address in network for network in networks)


def _address(text: str) -> Address | None:
    """An address as proxies write it: also with a port, and an IPv4 one in IPv6 clothes."""
    with_port = _WITH_PORT(text)
    if with_port:
        text = with_port[1] or with_port[2]
    if "%" in text:  # a zone means something on one machine only
        return None
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


_TEXT: Final = (("content-type", "text/plain; charset=utf-8"),)
_SLUG = re.compile("[a-z0-9][a-z0-9_-]{0,39}").fullmatch
_WITH_PORT = re.compile(r"(\d+\.\d+\.\d+\.\d+):\d{1,5}|\[([0-9A-Fa-f:.]+)\](?::\d{1,5})?").fullmatch
