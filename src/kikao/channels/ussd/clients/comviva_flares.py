"""Comviva Flares, as it calls."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Exchange


class ComvivaFlaresClient(Client):
    """Queries with the last answer only; a dialled code comes without its first `*` and its `#`."""

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self.answer(self.dialled(ahead).strip("*#"))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self._exchange({"MSISDN": self.number.removeprefix("+"), "MSC": "msc", "input": text})

    def hang_up(self) -> Exchange:
        """A clean-up."""
        return self._exchange(
            {"msisdn": self.number.removeprefix("+"), "clean": "clean-session", "error": "522"}
        )

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        headers = {name.lower(): value for name, value in response.headers}
        return response.body.decode(), {"FC": True, "FB": False}[headers["freeflow"]]

    def _exchange(self, fields: dict[str, str]) -> Exchange:
        options = self.settings.options
        keys = {name: options[name].reveal().decode() for name in ("userid", "password") if name in options}
        query = urlencode({"SessionID": self.dialogue, **fields, **keys})
        return Exchange("", (), b"", "GET", query)
