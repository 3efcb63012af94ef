"""Comviva with XML, as it calls."""

from __future__ import annotations

from kikao.channels import markup
from kikao.channels.channel import Response
from kikao.channels.markup import tag
from kikao.channels.ussd.clients.client import XML, Client, Exchange


class ComvivaXmlClient(Client):
    """Elements with the last answer only; numbers come without their `+`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self._exchange(self.dialled(ahead), begins=True)

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(text, begins=False)

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = markup.fields(response.body, "response")
        freeflow = fields["freeflow"]
        assert isinstance(freeflow, dict)
        return str(fields["applicationResponse"]), {"FC": True, "FB": False}[freeflow["freeflowState"]]

    def _exchange(self, typed: str, *, begins: bool) -> Exchange:
        fields = {
            "sessionId": self.dialogue,
            "transactionId": "",
            "msisdn": self.number.removeprefix("+"),
            "newRequest": "1" if begins else "0",
            "flowState": "FD" if begins else "FE",
            "subscriberInput": typed,
        }
        inner = "".join(tag(name, value) for name, value in fields.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?><request type="pull">{inner}</request>'
        return Exchange("", XML, body.encode())
