"""AAT, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from kikao.channels import markup
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class AatVodacomClient(Client):
    """Queries with the last answer only, which goes where the page before said."""

    text = "headertext"
    """The element with the text of a page."""
    _query = ""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue, self._query = dialogue, urlencode({"to_addr": self.code})
        return self._exchange("", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange(self._query, text)

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        fields = markup.fields(response.body, "request")
        options = fields.get("options")
        if isinstance(options, dict):
            self._query = urlsplit(options["option@callback"]).query
        return str(fields[self.text]), options is not None

    def _exchange(self, query: str, said: str) -> Exchange:
        fields = {
            "ussdSessionId": self.dialogue,
            "msisdn": self.number.removeprefix("+"),
            "provider": "vodacom",
            "request": said,
            **self.others(),
        }
        return Exchange("", (), b"", "GET", "&".join(filter(None, (query, urlencode(fields)))))

    def others(self) -> dict[str, str]:
        """What a request has besides."""
        return {}
