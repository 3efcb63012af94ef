"""Advanta, as it calls."""

from __future__ import annotations

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.gateways.advanta import Advanta


class AdvantaClient(AccumulatedClient):
    """Queries with the whole dial string, which grows: `*415*33#`, then `*415*33*1#`."""

    names = Advanta.names
    method = "GET"
    extended = True

    def sent_code(self) -> str:
        """See `AccumulatedClient.sent_code`."""
        return f"*{self._parts()[0]}#"

    def sent_text(self) -> str:
        """See `AccumulatedClient.sent_text`."""
        base = f"*{self._parts()[0]}"
        return f"{base}*{self._text}#" if self._text else f"{base}#"
