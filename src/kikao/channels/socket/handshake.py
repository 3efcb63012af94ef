"""The request that opens a socket: its version, its origin, and the token that it shows. Pure.

The official client sends `vsn=2.0.0`, and the token either as a parameter or as a subprotocol that stands beside
`phoenix`: `base64url.bearer.phx.` and the token in plain base64 without padding, for which only `phoenix` is answered.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kikao.config import Hidden

PROTOCOL: Final = "phoenix"

BEARER: Final = "base64url.bearer.phx."

LONGEST: Final = 8 * 1024
"""Octets of a query, or of a token."""


class Refusal(msgspec.Struct, frozen=True):
    """The socket is not opened."""

    status: int
    reason: str
    """For the log: nothing that the caller sent is in it."""


class Handshake(msgspec.Struct, frozen=True):
    """A request that may be authenticated."""

    token: Hidden | None
    params: Mapping[str, str]
    """All others of its query, the version apart: a client's own."""
    protocol: str | None
    """What has to be answered as the subprotocol."""


def handshake(
    query: bytes,
    headers: Sequence[tuple[bytes, bytes]],
    protocols: Sequence[str],
    *,
    origins: Sequence[str],
) -> Handshake | Refusal:
    """What a request asks for, or why it is refused. `origins` as `allowed` has them."""
    if len(query) > LONGEST:
        return Refusal(403, "the query is too long")
    found = dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=None))
    if (wrong := _version(found.pop("vsn", "1.0.0"))) is not None:
        return Refusal(403, wrong)
    origin = _first(headers, b"origin")
    if origin and not allowed(origin, origins, _first(headers, b"host")):
        return Refusal(403, "the origin is not allowed. See KIKAO_LIVE_ORIGINS")
    bearers = [each[len(BEARER) :] for each in protocols if each.startswith(BEARER)]
    others = [each for each in protocols if not each.startswith(BEARER)]
    if protocols and PROTOCOL not in others:
        return Refusal(403, f"none of the subprotocols is {PROTOCOL}")
    token = found.pop("token", None)
    if len(bearers) == 1:
        token = _decoded(bearers[0]) or token
    return Handshake(
        None if token is None else Hidden(token.encode(errors="replace")),
        found,
        PROTOCOL if protocols else None,
    )


def allowed(origin: str, origins: Sequence[str], host: str) -> bool:
    """Whether pages of this origin may open sockets.

    `https://a.example` is that very origin, `//a.example` any scheme and port, `//*.a.example` that host and those
    below it, `//a.example:8080` that port of any scheme, `self` the host that was asked, `*` anybody.
    """
    try:
        parts = urlsplit(origin)
        port = parts.port or _PORTS.get(parts.scheme)
    except ValueError:
        return False
    name = (parts.hostname or "").lower()
    if not name:
        return "*" in origins
    return any(_matches(each, parts.scheme, name, port, host) for each in origins)


def _matches(allowed: str, scheme: str, name: str, port: int | None, host: str) -> bool:
    if allowed == "*":
        return True
    if allowed == "self":
        own, _, own_port = host.lower().rpartition(":") if _ENDS_IN_PORT(host) else (host.lower(), "", "")
        return name == own.strip("[]") and (own_port == "" or port == int(own_port))
    wanted = urlsplit(allowed)
    wanted_name = (wanted.hostname or "").lower()
    if wanted_name.startswith("*."):
        if not (name == wanted_name[2:] or name.endswith(wanted_name[1:])):
            return False
    elif name != wanted_name:
        return False
    if wanted.scheme:
        return wanted.scheme == scheme and (wanted.port or _PORTS.get(wanted.scheme)) == port
    return wanted.port is None or wanted.port == port


def _version(said: str) -> str | None:
    """What is wrong with a version of the protocol; None for 2.0."""
    match = _VERSION(said)
    if match is None:
        return "vsn is no version"
    return None if match[1] == "2" and match[2] == "0" else "only vsn 2.0 is spoken"


def _first(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> str:
    """The value of a header, empty where there is none."""
    for name, value in headers:
        if name == wanted:
            return value.decode("latin-1")
    return ""


def _decoded(text: str) -> str | None:
    if len(text) > LONGEST * 2:
        return None
    try:
        padded = text + "=" * (-len(text) % 4)
        return base64.b64decode(padded, validate=True).decode("ascii")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return None


_PORTS: Final = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_VERSION = re.compile(r"(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:[-+][0-9A-Za-z.+-]*)?", re.ASCII).fullmatch
_ENDS_IN_PORT = re.compile(r".*:\d{1,5}", re.ASCII).fullmatch
