"""Moolre, as it calls."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.latest import LatestClient, Told


class MoolreClient(LatestClient):
    """A flag tells a dial; what is dialled behind the code has a field of its own."""

    def dialled(self, ahead: str = "") -> str:
        """Only what stands behind the code."""
        return ahead

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)
        return fields["message"], fields["reply"]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {
            "sessionId": self.dialogue,
            "new": told == "new",
            "msisdn": self.bare,
            "network": 3,
            "message": typed if told == "reply" else "",
            "extension": int(self.code.removesuffix("#").rpartition("*")[2]),
            "data": typed if told == "new" else "",
        }
