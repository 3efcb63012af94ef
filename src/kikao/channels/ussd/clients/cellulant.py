"""Cellulant, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class CellulantClient(Client):
    """Queries with the last answer only; numbers come without their `+`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("BEG", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("", text)

    def hang_up(self) -> Exchange:
        """An abort."""
        return self._exchange("ABO", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        _, text, _, _, end, _ = response.body.decode().split("|")
        return text, {"null": True, "end": False}[end]

    def _exchange(self, code: str, text: str) -> Exchange:
        fields = {
            "MSISDN": self.number.removeprefix("+"),
            "INPUT": text,
            "opCode": code,
            "ABORT": "0",
            "sessionID": self.dialogue,
        }
        return Exchange("", (), b"", "GET", urlencode(fields))
