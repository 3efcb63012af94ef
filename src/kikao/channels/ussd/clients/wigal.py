"""Wigal FROG, as it calls."""

from __future__ import annotations

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class WigalClient(Client):
    """JSON with the last answer only. What a reply has as `other` comes back with the next request."""

    _other = ""
    _requests = 0
    """Of the present dialogue."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue, self._other, self._requests = dialogue, "", 0
        return self._exchange("START", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("MORE", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("END", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        self._other = fields["other"]
        return fields["userdata"], fields["mode"] == "MORE"

    def _exchange(self, mode: str, typed: str) -> Exchange:
        self._requests += 1
        fields = {
            "network": "wigal_mtn_gh",
            "sessionid": self.dialogue,
            "mode": mode,
            "msisdn": self.number.removeprefix("+"),
            "userdata": typed,
            "username": "kikao",
            "trafficid": f"{self.dialogue}-{self._requests}",
            "other": self._other,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))
