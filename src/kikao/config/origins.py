"""Origins: the pages that may open a live session in a browser, as settings write them."""

from __future__ import annotations

import re
from ipaddress import IPv6Address
from typing import Final

import msgspec

EVERY: Final = "*"
LOCAL: Final = ("//localhost", "//127.0.0.1", "//[::1]")
"""Pages of this machine, at any port: what development lets in where nothing is set."""

FORMS: Final = "https://host, https://host:port, //host, //host:port or //*.host"


class LiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What live sessions run with."""

    origins: tuple[str, ...] = ()
    """In small letters: `https://host[:port]` (without a port, that of the scheme), `//host` (any scheme and port),
    `//host:port`, `//*.host` (that host and any below), and `*` for every page. Who sends no Origin is no page."""
    same_host: bool = False
    """Whether a page of the very host that it connects to may, too: in development, where no origins are set."""

    def describe(self) -> str:
        """A line for the start."""
        own = ", and of the host they connect to" if self.same_host else ""
        return f"pages that may open live sessions: {', '.join(self.origins)}{own}"


def origin(value: str) -> str:
    """An origin in small letters. Raises `ValueError` for what is none of the forms."""
    found = value.lower()
    if found == EVERY:
        return found
    match = _ORIGIN(found)
    if match is None:
        raise ValueError(f"must be {FORMS}, without a path")
    scheme, wild, host, port = match["scheme"], match["wild"], match["host"], match["port"]
    if wild and (scheme or port or "." not in host or _IPV4(host)):
        raise ValueError("must be //*.host where it stands for hosts: no scheme, no port, no country's all")
    if port and not 0 < int(port) < 65536:
        raise ValueError("has a port that there is not")
    if host.startswith("["):
        _check_ipv6(host[1:-1])
    return found


def _check_ipv6(address: str) -> None:
    try:
        IPv6Address(address)
    except ValueError:
        raise ValueError("has an address that is none of IPv6") from None


_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_ORIGIN = re.compile(
    rf"((?P<scheme>[a-z][a-z0-9+.-]{{0,31}}):)?//(?P<wild>\*\.)?(?P<host>{_LABEL}(\.{_LABEL}){{0,10}}|\[[0-9a-f:.]{{2,45}}\])"
    r"(:(?P<port>[0-9]{1,5}))?"
).fullmatch
_IPV4 = re.compile(r"[0-9.]+").fullmatch
