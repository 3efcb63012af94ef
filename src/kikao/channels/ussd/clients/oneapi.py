"""GSMA OneAPI, as IdeaBiz calls, and as it is called."""

from __future__ import annotations

from typing import Any

import msgspec

from kikao.channels.calling import Answer, Call
from kikao.channels.ussd.clients.client import JSON, Exchange, Shown
from kikao.channels.ussd.clients.waiting import WaitingClient


class OneApiClient(WaitingClient):
    """JSON in an envelope, with the last answer only."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("moinit", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("mocont", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("mofin", "")

    def read_pushed(self, call: Call) -> Shown:
        """See `Client.read_pushed`."""
        shown = dict(call.headers).get("authorization", "").removeprefix("Bearer ")
        if shown != self.setting("access_token", shown):
            raise ValueError("the token is wrong")
        screen = msgspec.json.decode(call.body, type=_Envelope).outboundUSSDMessageRequest
        if screen.ussdAction not in ("mtcont", "mtfin") or not screen.clientCorrelator:
            raise ValueError("ussdAction or clientCorrelator is none")
        return Shown(screen.sessionID, screen.outboundUSSDMessage, screen.ussdAction == "mtcont")

    def taken(self) -> Answer:
        """See `Client.taken`."""
        return Answer(200, JSON, b'{"outboundUSSDMessageRequest":{"deliveryStatus":"SENT"}}')

    def _exchange(self, action: str, typed: str) -> Exchange:
        fields: dict[str, Any] = {
            "address": f"tel:{self.number}",
            "sessionID": self.dialogue,
            "shortCode": "tel:1721",
            "keyword": "123",
            "inboundUSSDMessage": typed,
            "clientCorrelator": "123456",
            "responseRequest": {"notifyURL": "", "callbackData": ""},
            "ussdAction": action,
        }
        return Exchange("", JSON, msgspec.json.encode({"inboundUSSDMessageRequest": fields}))


class _Screen(msgspec.Struct):
    """What the provider demands of a call; names as it writes them."""

    address: str
    sessionID: str  # noqa: N815
    shortCode: str  # noqa: N815
    outboundUSSDMessage: str  # noqa: N815
    clientCorrelator: str  # noqa: N815
    ussdAction: str  # noqa: N815
    keyword: str = ""


class _Envelope(msgspec.Struct):
    outboundUSSDMessageRequest: _Screen  # noqa: N815
