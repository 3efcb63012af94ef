"""Channel Mobile, as it calls."""

from __future__ import annotations

from kikao.channels.ussd.clients.aat_vodacom import AatVodacomClient
from kikao.channels.ussd.clients.client import Exchange


class ChannelMobileClient(AatVodacomClient):
    """As AAT, with a number that says which request of the dialogue it is."""

    text = "displaytext"
    _requests = 0

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self._requests = 0
        return super().dial(dialogue, ahead)

    def others(self) -> dict[str, str]:
        """The requestid."""
        self._requests += 1
        return {"requestid": str(self._requests - 1)}
