"""How often a client may be refused: by address, so that guessing and flooding are slow and cheap to answer.

Only what would be refused anyway is counted and answered 429. Whoever shows the right token and a well-formed request
is let in whatever came from the same address before: behind a proxy or at a provider many share one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from ipaddress import IPv6Address, ip_network
from typing import Final

from kikao.channels.channel import Response
from kikao.channels.edge import Network, Scope, client_of
from kikao.sessions.limits import Rate
from kikao.sessions.meter import Meter

REFUSED: Final = Rate(60, burst=120)
"""Refusals of one client address that are answered with what was wrong."""

SITE: Final = 64
"""Bits of an IPv6 address that tell who it is; a single machine has all of the rest (RFC 6177)."""


class Refusals:
    """Counts refused requests by the address of their client, in memory of constant size.

    `trusted` are the proxies whose X-Forwarded-For is believed; `clock` gives seconds since the epoch.
    """

    def __init__(
        self, trusted: tuple[Network, ...], *, clock: Callable[[], float], rate: Rate = REFUSED
    ) -> None:
        self._trusted = trusted
        self._clock = clock
        self._meter = Meter(rate)

    def answer(self, scope: Scope, response: Response) -> Response:
        """What a refused request is answered: `response`, or 429 where the client had too many."""
        wait = self._meter.take(self._name(scope), self._clock())
        return too_many(wait, ("connection", "close")) if wait else response

    def _name(self, scope: Scope) -> str:
        client = client_of(scope, self._trusted)
        if isinstance(client, IPv6Address):
            return str(ip_network((client, SITE), strict=False))
        return str(client or "unknown")


def too_many(wait: float, *headers: tuple[str, str]) -> Response:
    """429, to be tried again after `wait` seconds, rounded up to whole ones (RFC 9110, 10.2.3; RFC 6585, 4)."""
    retry = ("retry-after", str(max(1, math.ceil(wait))))
    return Response(429, (*_TEXT, retry, *headers), b"too many requests\n")


AGAIN: Final = Response(
    503, (("content-type", "text/plain; charset=utf-8"), ("retry-after", "1")), b"not now: send it again\n"
)
"""Nothing of it was taken, and it is welcome again: for providers that bring it once more by themselves."""

FAILED: Final = Response(AGAIN.status, AGAIN.headers, b"failed: send it again\n")
"""As `AGAIN`, of what may well fail each time: something is wrong with it, with what is stored, or with the code."""


_TEXT: Final = (("content-type", "text/plain; charset=utf-8"),)
