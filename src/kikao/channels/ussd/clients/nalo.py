"""Nalo Solutions, as it calls."""

from __future__ import annotations

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class NaloClient(Client):
    """JSON with the last answer only; numbers of Ghana come without their `+`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange(self.dialled(ahead), begins=True)

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(text, begins=False)

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["MSG"], fields["MSGTYPE"]

    def _exchange(self, typed: str, *, begins: bool) -> Exchange:
        number = self.number.removeprefix("+") if self.number.startswith("+233") else self.number
        fields = {
            "USERID": "KIKAO",
            "MSISDN": number,
            "USERDATA": typed,
            "MSGTYPE": begins,
            "NETWORK": "MTN",
            "SESSIONID": self.dialogue,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))
