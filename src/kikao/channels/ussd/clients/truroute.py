"""TruTeq TruRoute, as it calls."""

from __future__ import annotations

from kikao.channels import markup
from kikao.channels.channel import Response
from kikao.channels.markup import tag
from kikao.channels.ussd.clients.client import XML, Client, Exchange


class TruRouteClient(Client):
    """Elements with the last answer only; numbers come without their `+`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange("1", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange("2", text)

    def hang_up(self) -> Exchange:
        """A release."""
        return self._exchange("3", "released")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = markup.fields(response.body, "ussd")
        return str(fields["msg"]), {"2": True, "3": False}[str(fields["type"])]

    def _exchange(self, kind: str, said: str) -> Exchange:
        fields = {
            "msisdn": self.number.removeprefix("+"),
            "sessionid": self.dialogue,
            "type": kind,
            "msg": said,
        }
        inner = "".join(tag(name, value) for name, value in fields.items())
        return Exchange("", XML, f"<ussd>{inner}</ussd>".encode())
