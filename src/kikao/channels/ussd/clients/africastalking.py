"""Africa's Talking, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import FORM, Client, Exchange


class AfricasTalkingClient(Client):
    """Form posts with everything typed since the dial, joined by `*`."""

    _text = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue, self._text = dialogue, ahead
        return self._exchange()

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        self._text = f"{self._text}*{text}" if self._text else text
        return self._exchange()

    def hang_up(self) -> Exchange:
        """An end notification. Its `input` repeats everything that was typed, as the provider's does."""
        fields = {
            "date": "2026-01-05 10:20:30",
            "sessionId": self.dialogue,
            "serviceCode": self.code,
            "networkCode": "99999",
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

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        state, _, text = response.body.decode().partition(" ")
        return text, state == "CON"

    def _exchange(self) -> Exchange:
        fields = {
            "sessionId": self.dialogue,
            "phoneNumber": self.number,
            "networkCode": "99999",
            "serviceCode": self.code,
            "text": self._text,
        }
        return Exchange("", FORM, urlencode(fields).encode())
