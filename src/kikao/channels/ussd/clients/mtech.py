"""Mtech, as it calls."""

from __future__ import annotations

from kikao.channels import markup
from kikao.channels.channel import Response
from kikao.channels.markup import tag
from kikao.channels.ussd.clients.client import XML, Client, Exchange


class MtechClient(Client):
    """Elements with the last answer only; the number comes with the first one alone."""

    _page = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        number = self.number.removeprefix("+")
        self.dialogue, self._page = dialogue, f"index{number}"
        return self._exchange(
            {"mobile_number": number, "page_id": "0", "data": self.dialled(ahead), "gate": "gateid"}
        )

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange({"page_id": self._page, "data": text})

    def hang_up(self) -> Exchange:
        """A cancellation."""
        return self._exchange({"status": "1"})

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = markup.fields(response.body.replace(b"<br />", b"&#10;"), "page")
        navigation = fields.get("navigation")
        if isinstance(navigation, dict):
            self._page = navigation["link@pageId"]
        return str(fields["div"]), navigation is not None

    def _exchange(self, fields: dict[str, str]) -> Exchange:
        inner = "".join(tag(name, value) for name, value in {"session_id": self.dialogue, **fields}.items())
        body = f'<?xml version="1.0" encoding="UTF-8"?>\n<page version="2.0">{inner}</page>'
        return Exchange("", XML, body.encode())
