"""Where kikao may connect to, a webhook say: what its name means is looked up here, and looked at, for each connection.

What is called is the operator's, not a member's, and systems in the same network are what many are for: so
private addresses are allowed. Never allowed is what no receiver has, and an attacker who controls a name would want:
link-local addresses (where clouds serve credentials), multicast, unspecified and reserved ones; and the machine itself
only where the settings say so by name.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any

import httpcore

Address = IPv4Address | IPv6Address

CLOUD = frozenset(
    map(ip_address, ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254"))
)
"""Where clouds serve credentials beside the link-local addresses."""


NAT64 = ip_network("64:ff9b::/96")
"""IPv6 for hosts of IPv4, whose addresses stand at the end: RFC 6052."""


class Forbidden(httpcore.ConnectError):
    """A name leads to where nothing may connect to."""


def allowed(address: Address, *, loopback: bool) -> bool:
    """Whether kikao may connect to an address; `loopback` when the settings name this machine."""
    if isinstance(address, IPv6Address):
        behind = address.ipv4_mapped or address.sixtofour
        if behind is None and address in NAT64:
            behind = IPv4Address(address.packed[12:])
        if behind is not None:
            return allowed(behind, loopback=loopback)
    if address.is_loopback:
        return loopback
    if address in CLOUD:
        return False
    reserved = address.version == 4 and address.is_reserved
    return not (address.is_link_local or address.is_multicast or address.is_unspecified or reserved)


def public(address: Address) -> bool:
    """Whether an address is one of the whole internet, for what others say where to connect to."""
    if isinstance(address, IPv6Address):
        behind = address.ipv4_mapped or address.sixtofour
        if behind is None and address in NAT64:
            behind = IPv4Address(address.packed[12:])
        if behind is not None:
            return public(behind)
        if address.is_site_local:
            return False
    return allowed(address, loopback=False) and address.is_global


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to addresses that are allowed, and to no other that the same name leads to."""

    def __init__(self, *, loopback: bool, only_public: bool = False) -> None:
        self._may: Callable[[Address], bool] = public if only_public else partial(allowed, loopback=loopback)
        self._backend = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `Forbidden`, and `httpcore.ConnectError` where there is no such name."""
        try:
            async with asyncio.timeout(timeout):
                found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except TimeoutError:
            raise httpcore.ConnectTimeout("the name was not found in time") from None
        except OSError:
            raise httpcore.ConnectError("there is no such name") from None
        addresses = dict.fromkeys(str(each[4][0]).partition("%")[0] for each in found)
        usable = [each for each in addresses if self._may(ip_address(each))]
        if not usable:
            raise Forbidden("the name leads to where nothing may connect to")
        error: Exception = httpcore.ConnectError("no address")
        for each in usable[:4]:
            try:
                return await self._backend.connect_tcp(each, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                error = problem
        raise error

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Raises `Forbidden`."""
        raise Forbidden("what is called has no socket in the file system")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
