"""The gateways whose screens go out as calls of their own, as destinations of the outbox."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Final
from urllib.parse import urlsplit

from kikao.channels.callers import caller
from kikao.channels.calling import Answer, Call, Make
from kikao.channels.outbox.sender import Destination, Letter, Rejected
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.pushing import CONNECTIONS, TIMEOUT, CallingGateway, destination
from kikao.channels.ussd.registry import gateways
from kikao.config import Settings, SettingsError
from kikao.config.called import is_loopback

Network = Callable[[UssdGateway], Make]
"""What makes the calls of a gateway, in place of a network."""

Beside = Callable[[UssdGateway, Make], Make]
"""Given what makes the calls of a gateway; makes them itself, or has them made."""

HELD_UP: Final = 1.0
"""Seconds that a screen may wait for its turn once it was taken."""

SLACK: Final = 3.0
"""Seconds that a process has to store what became of a screen. One that dies holds it up for all of these."""


def screens(
    settings: Settings,
    clock: Callable[[], float],
    stack: contextlib.AsyncExitStack,
    network: Network | None = None,
    beside: Beside | None = None,
) -> dict[str, Destination]:
    """By full name; `stack` closes their connections. `beside` may make some of the calls in place of the network.

    Raises `SettingsError` for a gateway that cannot be called, or in production must not be.
    """
    found = {}
    for slug, gateway in gateways(settings.ussd).items():
        if not isinstance(gateway, CallingGateway) or not gateway.pushes:
            continue
        if network is not None:
            make = network(gateway)
        elif gateway.connects and slug in settings.ussd:
            continue  # its connection is the server's
        elif slug not in settings.ussd:
            make = _no_call
        else:
            _refuse_bare(gateway)
            _refuse_plain(gateway, production=settings.env == "production")
            make = _caller(gateway, stack)
        if slug in settings.ussd or network is not None or beside is not None:
            make = make if beside is None else beside(gateway, make)
            found[gateway.pushes] = gateway.destination(make, clock)
        else:
            found[gateway.pushes] = destination(_Nowhere())
    return found


def _caller(gateway: CallingGateway, stack: contextlib.AsyncExitStack) -> Make:
    return caller(
        gateway.url,
        settings=f"KIKAO_USSD_{gateway.slug.upper()}_…",
        called=gateway.slug,
        timeout=TIMEOUT,
        connections=CONNECTIONS,
        stack=stack,
    )


def _refuse_bare(gateway: CallingGateway) -> None:
    missing = [
        f"KIKAO_USSD_{gateway.slug.upper()}_{name.upper()}"
        for name in gateway.needs
        if not gateway.given[name]
    ]
    if missing:
        raise SettingsError([f"{', '.join(missing)}: missing, and screens are sent with it"])


def _refuse_plain(gateway: CallingGateway, *, production: bool) -> None:
    url = urlsplit(gateway.url)
    if production and url.scheme != "https" and not is_loopback(url.hostname or ""):
        raise SettingsError(
            [
                f"KIKAO_USSD_{gateway.slug.upper()}_URL: http is read and changed by whoever is on the way. Use https."
            ]
        )


async def _no_call(call: Call) -> Answer:
    """Of a gateway that is not in the settings."""
    return Answer(404)


class _Nowhere:
    """Sends nothing: the gateway is not in the settings."""

    async def send(self, letter: Letter) -> Rejected:
        """See `Sender`."""
        return Rejected("not in the settings")
