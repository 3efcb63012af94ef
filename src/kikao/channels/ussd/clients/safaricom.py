"""Safaricom, as it calls without an aggregator."""

from __future__ import annotations

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.gateways.safaricom import Safaricom


class SafaricomClient(AccumulatedClient):
    """Queries with what was dialled behind the first part of the code, and everything typed since: `7`, then `7*1`."""

    names = Safaricom.names
    method = "GET"
    extended = True

    def sent_code(self) -> str:
        """See `AccumulatedClient.sent_code`."""
        return self._parts()[0]
