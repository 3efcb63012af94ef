"""Providers that are called with each screen: what one reads from such a call, and what it says to it."""

from __future__ import annotations

from abc import abstractmethod

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Client, Shown


class WaitingClient(Client):
    """The phone of a member whose provider acknowledges, and is called with the screen then.

    `read` reads the body of such a call, as if it had been the reply.
    """

    @property
    def waits(self) -> bool:
        """See `Client.waits`."""
        return True

    @abstractmethod
    def read_pushed(self, call: Call) -> Shown:
        """See `Client.read_pushed`."""

    def taken(self) -> Answer:
        """See `Client.taken`."""
        return Answer(200, (("content-type", "application/json"),), b"{}")

    def read(self, response: Response) -> tuple[str, bool]:
        """See `Client.read`."""
        shown = self.read_pushed(Call.bare(response.headers, response.body))
        return shown.text, shown.alive
