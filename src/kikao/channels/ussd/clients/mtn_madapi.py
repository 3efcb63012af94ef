"""MTN MADAPI, as it calls, and as it is called."""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import JSON, Client, Exchange, Shown

CODE: Final = "321123"
"""The provider's id of the service."""


class MtnMadapiClient(Client):
    """JSON with the last answer only; the screen is in the response, or comes by a call if the settings say so."""

    @property
    def waits(self) -> bool:
        """See `Client.waits`."""
        return self.setting("reply") == "push"

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("0", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("1", text)

    def hang_up(self) -> Exchange:
        """See `Client.hang_up`."""
        return self._exchange("4", "User Abort")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        if self.waits:
            shown = self.read_pushed(Call.bare(response.headers, response.body))
            return shown.text, shown.alive
        data = msgspec.json.decode(response.body, type=_Reply).data
        if data.inboundResponse != data.outboundResponse or data.userInputRequired != (data.messageType == 1):
            raise ValueError("the reply contradicts itself")
        return data.inboundResponse, data.userInputRequired

    def read_pushed(self, call: Call) -> Shown:
        """See `Client.read_pushed`."""
        key = dict(call.headers).get("x-api-key", "")
        if key != self.setting("api_key", key):
            raise ValueError("the x-api-key is wrong")
        screen = msgspec.json.decode(call.body, type=_Screen)
        if screen.messageType not in ("1", "2"):
            raise ValueError("messageType is none")
        return Shown(screen.sessionId, screen.ussdString, screen.messageType == "1")

    def taken(self) -> Answer:
        """See `Client.taken`."""
        return Answer(200, JSON, b'{"statusCode":"0000","statusMessage":""}')

    def _exchange(self, kind: str, typed: str) -> Exchange:
        fields = {
            "sessionId": self.dialogue,
            "messageType": kind,
            "msisdn": self.number.removeprefix("+"),
            "serviceCode": CODE,
            "ussdString": typed,
        }
        return Exchange("", JSON, msgspec.json.encode(fields))


class _Data(msgspec.Struct):
    inboundResponse: str  # noqa: N815 - names as the provider writes them
    outboundResponse: str  # noqa: N815
    userInputRequired: bool  # noqa: N815
    messageType: int  # noqa: N815
    serviceCode: str  # noqa: N815
    msisdn: str


class _Reply(msgspec.Struct):
    statusCode: str  # noqa: N815
    data: _Data


class _Screen(msgspec.Struct):
    """What the provider demands of a call."""

    sessionId: str  # noqa: N815
    messageType: str  # noqa: N815
    msisdn: str
    serviceCode: str  # noqa: N815
    ussdString: str  # noqa: N815
