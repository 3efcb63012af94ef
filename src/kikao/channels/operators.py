"""Who may see what is for operators: metrics, and whatever else is not for members.

With an operator token, whoever shows it as `Authorization: Bearer` (RFC 6750, 2.1). Without one nobody in production;
in development a program on this machine that asks for it by the machine's own name. A request that came through a
proxy or a tunnel is not from this machine, and a page of a stranger that a browser here was led to (DNS rebinding) asks
by the stranger's name.
"""

from __future__ import annotations

import hmac
import re
from ipaddress import ip_address

from kikao.channels.edge import Denied, Scope, client_of
from kikao.config import Settings


def admit_operator(scope: Scope, settings: Settings) -> None:
    """Returns if the request may be answered. Raises `Denied`: 404, as if there were nothing, or 405."""
    if settings.operator_token is not None:
        if not hmac.compare_digest(settings.operator_token.reveal(), _bearer(scope)):
            raise Denied(404, "operator token wrong or missing")
    elif settings.env == "production":
        raise Denied(404, "no operator token is set")
    elif not is_local(scope):
        raise Denied(404, "no operator token is set, and the request is not from this machine")
    if scope["method"] != "GET":
        raise Denied(405, "method not allowed", (("allow", "GET"),))


def _bearer(scope: Scope) -> bytes:
    """The token that a request shows; empty if it shows none, or several."""
    shown = [value for name, value in scope["headers"] if name == b"authorization"]
    scheme, _, token = (shown[0] if len(shown) == 1 else b"").partition(b" ")
    return bytes(token.strip(b" ")) if scheme.lower() == b"bearer" else b""


def is_local(scope: Scope) -> bool:
    """Whether a program on this machine asks, by the machine's own name and past no proxy."""
    headers: list[tuple[bytes, bytes]] = scope["headers"]
    hosts = [value.decode("latin-1") for name, value in headers if name == b"host"]
    client = client_of(scope, ())
    return (
        client is not None
        and client.is_loopback
        and not any(name in _FORWARDED or name.startswith(b"x-forwarded-") for name, _ in headers)
        and len(hosts) == 1
        and _is_this_machine(hosts[0])
    )


def _is_this_machine(host: str) -> bool:
    """Whether a Host header names the loopback, with or without a port (RFC 9110, 7.2)."""
    match = _HOST(host)
    if match is None:
        return False
    name = match["v6"] or match["name"]
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name.lower() == "localhost"


_HOST = re.compile(r"(?:\[(?P<v6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9.-]+))(?::[0-9]{0,5})?").fullmatch
_FORWARDED = frozenset({b"forwarded", b"via", b"x-real-ip"})
