"""Emergent, as it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.clients.latest import LatestClient, Told


class EmergentClient(LatestClient):
    """A word tells what happened."""

    def hang_up(self) -> Exchange:
        """The member ended the dialogue."""
        return self.exchange("over", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["Message"], {"Response": True, "Release": False}[fields["Type"]]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {
            "SessionId": self.dialogue,
            "Mobile": self.bare,
            "USERID": "KIKAO",
            "Operator": "MTN",
            "Type": _TYPES[told],
            "Message": typed,
        }


_TYPES: Final = {"new": "Initiation", "reply": "Response", "over": "Release"}
