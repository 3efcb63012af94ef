"""Infobip's session API, as it calls."""

from __future__ import annotations

from typing import Any

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class InfobipClient(Client):
    """JSON to a path with the id of the dialogue; numbers come without their `+`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._said("start", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._said("response", text)

    def hang_up(self) -> Exchange:
        """An end, which does not say of whom."""
        return self._exchange("end", {"reason": "ok", "exitCode": 0}, "PUT")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["ussdMenu"], not fields["shouldClose"]

    def _said(self, what: str, text: str) -> Exchange:
        fields = {
            "msisdn": self.number.removeprefix("+"),
            "imsi": "641100000000001",
            "shortCode": self.code,
            "optional": "",
            "ussdGwId": "live2",
            "language": None,
            "text": text,
        }
        return self._exchange(what, fields, "POST")

    def _exchange(self, what: str, fields: dict[str, Any], method: str) -> Exchange:
        path = f"session/{self.dialogue}/{what}"
        return Exchange("", JSON, msgspec.json.encode(fields), method, rest=path)
