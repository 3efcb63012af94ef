"""The providers of JSON with the last answer only, as they call."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Literal

import msgspec

from kikao.channels.ussd.clients.client import JSON, Client, Exchange

Told = Literal["new", "reply", "over"]
"""A dial, an answer, or that the member hung up."""


class LatestClient(Client):
    """Base of the phones of this shape: numbers come without their `+`."""

    @property
    def bare(self) -> str:
        """The number in digits alone."""
        return self.number.removeprefix("+")

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """See `Client.dial`."""
        self.dialogue = dialogue
        return self.exchange("new", self.dialled(ahead))

    def answer(self, text: str) -> Exchange:
        """See `Client.answer`."""
        return self.exchange("reply", text)

    def exchange(self, told: Told, typed: str) -> Exchange:
        """One request."""
        return Exchange("", JSON, msgspec.json.encode(self.fields(told, typed)))

    @abstractmethod
    def fields(self, told: Told, typed: str) -> Mapping[str, object]:
        """The body of a request."""
