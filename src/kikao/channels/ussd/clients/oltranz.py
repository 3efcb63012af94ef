"""Oltranz, as it calls."""

from __future__ import annotations

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class OltranzClient(Client):
    """JSON with the last answer only; newRequest is always 0, as in the provider's example of a first request."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange(self.dialled(ahead) if ahead else "")

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(text)

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["response"], fields["action"] == "CON"

    def _exchange(self, text: str) -> Exchange:
        fields = {
            "sessionId": self.dialogue,
            "serviceCode": self.code.strip("*#"),
            "phoneNumber": self.number.removeprefix("+"),
            "text": text,
            "response": "",
            "action": "CON",
            "transactionId": "",
            "requestTime": "2026-01-05 10:20:30",
            "newRequest": 0,
            "charge": "N",
            "amount": 0.0,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))
