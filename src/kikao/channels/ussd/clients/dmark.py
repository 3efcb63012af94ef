"""DMARK, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class DmarkClient(Client):
    """GETs with the last answer only."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange(self.dialled(ahead), answers="false")

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(text, answers="true")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["responseString"], fields["action"] == "request"

    def _exchange(self, typed: str, *, answers: str) -> Exchange:
        fields = {
            "transactionId": self.dialogue,
            "msisdn": self.number.removeprefix("+"),
            "ussdServiceCode": self.code,
            "transactionTime": "1767608430",
            "ussdRequestString": typed,
            "creationTime": "1767608430",
            "response": answers,
        }
        return Exchange("", (), b"", "GET", urlencode(fields))
