"""Techsavanna, as it calls."""

from __future__ import annotations

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.gateways.techsavanna import Techsavanna


class TechsavannaClient(AccumulatedClient):
    """Queries with everything typed since the dial, joined by `*`, and the code without its `#`."""

    names = Techsavanna.names
    method = "GET"
    network = "saf"

    def sent_code(self) -> str:
        """See `AccumulatedClient.sent_code`."""
        return self.code.removesuffix("#")
