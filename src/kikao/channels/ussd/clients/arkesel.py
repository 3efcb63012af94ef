"""Arkesel, as it calls."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.latest import LatestClient, Told


class ArkeselClient(LatestClient):
    """A flag tells a dial."""

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["message"], fields["continueSession"]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {
            "sessionID": self.dialogue,
            "userID": "KIKAO",
            "newSession": told == "new",
            "msisdn": self.bare,
            "userData": typed,
            "network": "MTN",
        }
