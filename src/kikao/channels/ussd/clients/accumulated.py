"""Providers that send everything typed since the dial, as they call; see the gateways' shape of that name."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import FORM, Client, Exchange
from kikao.channels.ussd.shapes.accumulated import Names


class AccumulatedClient(Client):
    """Base of the clients of this shape: a form by POST, or a query by GET."""

    names: Names
    """The gateway's own."""
    method = "POST"
    network = ""
    """The operator, as the provider names it; sent where there is such a field."""
    plus = False
    """Whether numbers have their `+`."""
    extended = False
    """Whether the text begins with all parts of the code but the first."""
    _text = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        extension = self._parts()[1] if self.extended else ""
        self.dialogue, self._text = dialogue, "*".join(filter(None, [extension, ahead]))
        return self._exchange()

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        self._text = f"{self._text}*{text}" if self._text else text
        return self._exchange()

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        state, _, text = response.body.decode().partition(" ")
        if state not in ("CON", "END"):
            raise ValueError("a reply begins with CON or END")
        return text, state == "CON"

    def sent_code(self) -> str:
        """The code as the provider writes it."""
        return self.code

    def sent_text(self) -> str:
        """Everything typed, as the provider writes it."""
        return self._text

    def _parts(self) -> tuple[str, str]:
        """Of `*167*7#`: `167`, and `7`."""
        first, _, rest = self.code.strip("*#").partition("*")
        return first, rest

    def _fields(self) -> Mapping[str, str]:
        names = self.names
        return {
            names.dialogue: self.dialogue,
            names.phone: self.number if self.plus else self.number.removeprefix("+"),
            **({names.network: self.network} if names.network else {}),
            names.code: self.sent_code(),
            names.text: self.sent_text(),
        }

    def _exchange(self) -> Exchange:
        if self.method == "GET":
            return Exchange("", (), b"", "GET", urlencode(self._fields()))
        return Exchange("", FORM, urlencode(self._fields()).encode())
