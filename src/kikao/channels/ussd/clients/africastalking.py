"""Africa's Talking, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.ussd.clients.accumulated import AccumulatedClient
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.channels.ussd.gateways.africastalking import AfricasTalking


class AfricasTalkingClient(AccumulatedClient):
    """Form posts with everything typed since the dial, joined by `*`."""

    names = AfricasTalking.names
    network = "99999"
    plus = True

    def hang_up(self) -> Exchange:
        """An end notification. Its `input` repeats everything that was typed, as the provider's does."""
        fields = {
            "date": "2026-01-05 10:20:30",
            "sessionId": self.dialogue,
            "serviceCode": self.code,
            "networkCode": self.network,
            "phoneNumber": self.number,
            "status": "Incomplete",
            "cost": "0",
            "durationInMillis": "20000",
            "hopsCount": "2",
            "input": self._text,
            "lastAppResponse": "",
            "errorMessage": "",
        }
        return Exchange("", FORM, urlencode(fields).encode())
