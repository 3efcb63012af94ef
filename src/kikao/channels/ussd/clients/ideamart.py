"""Ideamart and bdapps, as they call, and as they are called."""

from __future__ import annotations

import msgspec

from kikao.channels.calling import Answer, Call
from kikao.channels.ussd.clients.client import JSON, Exchange, Shown
from kikao.channels.ussd.clients.waiting import WaitingClient


class IdeamartClient(WaitingClient):
    """JSON with the last answer only; what is dialled comes as message."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("mo-init", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("mo-cont", text)

    def read_pushed(self, call: Call) -> Shown:
        """See `Client.read_pushed`."""
        screen = msgspec.json.decode(call.body, type=_Screen)
        if screen.password != self.setting("password", screen.password):
            raise ValueError("the password is wrong")
        if screen.ussdOperation not in ("mt-cont", "mt-fin"):
            raise ValueError("ussdOperation is none")
        return Shown(screen.sessionId, screen.message, screen.ussdOperation == "mt-cont")

    def taken(self) -> Answer:
        """See `Client.taken`."""
        return Answer(200, JSON, b'{"statusCode":"S1000","statusDetail":"Success"}')

    def _exchange(self, operation: str, typed: str) -> Exchange:
        fields = {
            "version": "1.0",
            "applicationId": self.setting("app_id", "APP_000001"),
            "message": typed,
            "sessionId": self.dialogue,
            "ussdOperation": operation,
            "sourceAddress": f"tel:{self.number.removeprefix('+')}",
            "encoding": "440",
        }
        return Exchange("", JSON, msgspec.json.encode(fields))


class _Screen(msgspec.Struct):
    """What the provider demands of a call; names as it writes them."""

    applicationId: str  # noqa: N815
    password: str
    message: str
    sessionId: str  # noqa: N815
    ussdOperation: str  # noqa: N815
    destinationAddress: str  # noqa: N815
