"""Crossgate Solutions, as it calls."""

from __future__ import annotations

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.gateways.crossgate import Crossgate


class CrossgateClient(AccumulatedClient):
    """Queries with everything typed since the dial, joined by `*`."""

    names = Crossgate.names
    method = "GET"
    network = "63902"
