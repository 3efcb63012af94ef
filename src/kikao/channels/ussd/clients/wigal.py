"""Wigal FROG, as it calls."""

from __future__ import annotations

import itertools
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange


class WigalClient(Client):
    """JSON with the last answer only. What a reply has as `other` comes back with the next request."""

    _other = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue, self._other = dialogue, ""
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
        fields = {
            "network": "wigal_mtn_gh",
            "sessionid": self.dialogue,
            "mode": mode,
            "msisdn": self.number.removeprefix("+"),
            "userdata": typed,
            "username": "kikao",
            "trafficid": f"{self.dialogue}-{next(_TRAFFIC)}",
            "other": self._other,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))


_TRAFFIC: Final = itertools.count(1)
