"""Uzo, Korba and TxtGhana, as it calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.clients.latest import LatestClient, Told


class UzoKorbaTxtGhanaClient(LatestClient):
    """A number tells what happened."""

    def hang_up(self) -> Exchange:
        """The dialogue is over."""
        return self.exchange("over", "")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["message"], {2: True, 17: False}[fields["ussdServiceOp"]]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {
            "ussdString": typed,
            "msisdn": self.number,
            "ussdServiceOp": _OPERATIONS[told],
            "sessionID": self.dialogue,
            "network": "01",
            "code": self.code,
            "country": "GH",
        }


_OPERATIONS: Final = {"new": "1", "reply": "18", "over": "29"}
