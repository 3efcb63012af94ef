"""Hollatags, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class HollatagsClient(Client):
    """GETs with the last answer only."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("begin", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("continue", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("end", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["session_msg"], fields["session_type"] == 1

    def _exchange(self, operation: str, typed: str) -> Exchange:
        fields = {
            "session_msisdn": self.number.removeprefix("+"),
            "session_operation": operation,
            "session_msg": typed,
            "session_id": self.dialogue,
            "session_from": self.code,
            "session_type": "1",
            "session_mno": "MTN",
        }
        return Exchange("", (), b"", "GET", urlencode(fields))
