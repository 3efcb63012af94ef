"""URLs in the settings that kikao calls: of webhooks, and of gateways that are answered by a call."""

from __future__ import annotations

from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from kikao.config.values import Wrong


def called(value: str) -> SplitResult:
    """A URL that may be called. Raises `Wrong`, which does not repeat it: it may hold a token."""
    try:
        url = urlsplit(value)
        port = url.port
        host = (url.hostname or "").encode("idna").decode() if "[" not in url.netloc else url.hostname or ""
    except (ValueError, UnicodeError):
        raise Wrong("is no URL") from None
    if url.scheme not in ("http", "https") or not host or port == 0:
        raise Wrong("must begin with https:// and a host")
    if url.username is not None or url.password is not None:
        raise Wrong(
            "must not have a name or password before the host; put a token into the path or the query"
        )
    if url.fragment or not value.isascii() or not value.isprintable() or " " in value:
        raise Wrong("must be ASCII, without spaces and without #")
    if _is_forbidden(host):
        raise Wrong("leads to where nothing may connect to: a link-local, multicast or unspecified address")
    return url


def check(value: str) -> None:
    """What an `Option` that is such a URL checks. Raises `ValueError`."""
    try:
        called(value)
    except Wrong as wrong:
        raise ValueError(str(wrong)) from None


def is_loopback(host: str) -> bool:
    """Whether a host of the settings is this machine by its very name."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _is_forbidden(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return False
    return address.is_link_local or address.is_multicast or address.is_unspecified
