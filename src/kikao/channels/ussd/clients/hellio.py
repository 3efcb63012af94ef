"""Hellio Messaging, as it calls."""

from __future__ import annotations

import msgspec

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.channels.ussd.gateways.hellio import Hellio


class HellioClient(AccumulatedClient):
    """JSON with everything typed since the dial, joined by `*`."""

    names = Hellio.names
    network = "62001"

    def _exchange(self) -> Exchange:
        return Exchange("", JSON, msgspec.json.encode(self._fields()))
