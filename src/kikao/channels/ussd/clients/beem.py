"""Beem, as it calls."""

from __future__ import annotations

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class BeemClient(Client):
    """JSON with the last answer only, each request with the next number in its dialogue."""

    _count = 0

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue, self._count = dialogue, 0
        return self._exchange("initiate", self.dialled(ahead) if ahead else "")

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("continue", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("terminate", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["payload"]["request"], fields["command"] == "continue"

    def _exchange(self, command: str, response: str) -> Exchange:
        fields = {
            "command": command,
            "msisdn": self.number.removeprefix("+"),
            "operator": "vodacom",
            "session_id": self.dialogue,
            "payload": {"request_id": str(self._count), "response": response},
        }
        self._count += 1
        return Exchange("", JSON, msgspec.json.encode(fields))
