"""What is known of a connection: the request that opened it, without its token."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from kikao.channels.edge import Network, client_of, is_from

_KEPT: Final = ("traceparent", "tracestate", "user-agent")
_SECRET: Final = ("x-phoenix-authtoken", "x-phoenix-longpoll-token")
"""What clients that poll show."""


DEVICE: Final = 64
"""Characters of the name that a client gives its device; more are not looked at."""


def device_of(scope: MutableMapping[str, Any]) -> str:
    """What a client calls the tab or the phone that it is on, of an ASGI scope; empty where it does not say."""
    query: bytes = scope.get("query_string", b"")
    if b"device=" not in query:
        return ""
    said = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    return said.get("device", "")[:DEVICE]


def agent_of(scope: MutableMapping[str, Any]) -> str:
    """The `User-Agent` of an ASGI scope; empty where it says none."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), "")


class Connection(msgspec.Struct, frozen=True):
    """The request that opened a socket."""

    path: str
    params: Mapping[str, str]
    """Of its query, the token and the version apart."""
    headers: Mapping[str, str]
    """Those that begin with `x-`, tokens apart, and `traceparent`, `tracestate`, `user-agent`; lower case."""
    peer: tuple[str, int] | None
    """Who connected to this server: a proxy, where there is one."""
    client: str
    """The address of the client, as far as the proxies tell it that are trusted (`KIKAO_TRUSTED_PROXIES`); else the
    peer's. Empty where it cannot be known."""
    secure: bool
    """Whether the client's connection is over TLS, which a trusted proxy may have ended (`X-Forwarded-Proto`)."""

    @classmethod
    def of(cls, scope: MutableMapping[str, Any], trusted: tuple[Network, ...] = ()) -> Connection:
        """Of an ASGI scope."""
        query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
        headers = ((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        shown = {name: value for name, value in headers if _is_shown(name)}
        peer = scope.get("client")
        return cls(
            path=scope["path"],
            params={name: value for name, value in query if name not in ("token", "vsn")},
            headers=shown,
            peer=None if peer is None else (peer[0], peer[1]),
            client=str(client_of(scope, trusted) or ""),
            secure=scope.get("scheme") == "wss"
            or (shown.get("x-forwarded-proto") == "https" and is_from(scope, trusted)),
        )


def _is_shown(name: str) -> bool:
    return name in _KEPT or (name.startswith("x-") and name not in _SECRET)
