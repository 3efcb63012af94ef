"""Nsano, as it calls."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.latest import LatestClient, Told


class NsanoClient(LatestClient):
    """Nothing but the id tells a dial."""

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = msgspec.json.decode(response.body)["USSDResp"]
        return fields["title"], {"input": True, "prompt": False}[fields["action"]]

    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """See `LatestClient.fields`."""
        return {"UserSessionID": self.dialogue, "msisdn": self.bare, "network": "MTN", "msg": typed}
