"""IMImobile, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class ImiMobileClient(Client):
    """Queries with the last answer only, and without an id of the dialogue."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        return self.answer(self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        fields = {
            "msisdn": self.number.removeprefix("+"),
            "msg": text,
            "tid": "1",
            "dcs": "15",
            "code": "KIKAO",
        }
        return Exchange("", (), b"", "GET", urlencode(fields))

    def hang_up(self) -> Exchange:
        """What the network says, in place of a text."""
        return self.answer("Map Dialog User Abort User Reason: User specific reason")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        headers = {name.lower(): value for name, value in response.headers}
        return response.body.decode(), {"1": True, "0": False}[headers["x-ussd-session"]]
