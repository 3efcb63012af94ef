"""Hubtel, as it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.clients.latest import LatestClient, Told


class HubtelClient(LatestClient):
    """A word tells what happened, and requests are counted."""

    _sequence = 0

    def hang_up(self) -> Exchange:
        """The member ended the dialogue."""
        return self.exchange("over", "")

    def exchange(self, told: Told, typed: str) -> Exchange:
        """One request, counted within its dialogue."""
        self._sequence = 1 if told == "new" else self._sequence + 1
        return super().exchange(told, typed)

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["Message"], {"response": True, "release": False}[fields["Type"]]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {
            "Type": _TYPES[told],
            "Message": typed,
            "ServiceCode": self.code.strip("*#"),
            "Operator": "mtn",
            "ClientState": "",
            "Mobile": self.bare,
            "SessionId": self.dialogue,
            "Sequence": self._sequence,
            "Platform": "USSD",
        }


_TYPES: Final = {"new": "Initiation", "reply": "Response", "over": "Release"}
