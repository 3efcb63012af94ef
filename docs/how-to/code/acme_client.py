"""Acme, as it calls: the other side, for phones in tests, in the terminal and in the simulator."""

from __future__ import annotations

from urllib.parse import urlencode

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import FORM, Client, Exchange


class AcmeClient(Client):
    """A form with the last answer only."""

    count = 0

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """A new dialogue, in which the provider counts anew; `ahead` is what was dialled behind the code."""
        self.dialogue, self.count = dialogue, 0
        return self.exchange("begin", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """What the member typed."""
        return self.exchange("continue", text)

    def hang_up(self) -> Exchange:
        """The dialogue is over."""
        return self.exchange("end")

    def read(self, response: Response) -> tuple[str, bool]:
        """The text of a reply, and whether the dialogue goes on."""
        return response.body.decode(), dict(response.headers)["x-op"] == "continue"

    def exchange(self, op: str, text: str = "") -> Exchange:
        """A request."""
        self.count += 1
        fields = {"session": self.dialogue, "msisdn": self.number, "code": self.code, "op": op, "input": text}
        return Exchange("", FORM, urlencode({**fields, "id": f"m{self.count}"}).encode())
