"""A phone as seen through a provider: what it sends for a member, and what it reads from a reply."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final, NamedTuple

import msgspec

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Request, Response
from kikao.channels.line import Posted
from kikao.config import UssdSettings

FORM: Final = (("content-type", "application/x-www-form-urlencoded"),)
JSON: Final = (("content-type", "application/json"),)
_DEFAULTS: Final = UssdSettings()

XML: Final = (("content-type", "text/xml; charset=utf-8"),)


class Exchange(msgspec.Struct, frozen=True):
    """One request, as the provider would make it.

    `path` is where the server has the gateway, token included; who knows the server fills it in. `rest` is what the
    provider writes behind that (`session/1/start`), `query` what follows a `?`, percent-encoded.
    """

    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    method: str = "POST"
    query: str = ""
    rest: str = ""

    @property
    def full_path(self) -> str:
        """The path without the query."""
        return f"{self.path}/{self.rest}" if self.rest else self.path

    @property
    def target(self) -> str:
        """Path and query, as in the first line of a request (RFC 9112, 3.2.1)."""
        return f"{self.full_path}?{self.query}" if self.query else self.full_path

    def posted(self, peer: str) -> Posted:
        """As it comes over a line, from an address."""
        return Posted(self.full_path, self.headers, self.body, peer, self.method, self.query)

    def request(self, path: str = "") -> Request:
        """As the gateway gets it, behind the edge; `path` is the gateway's, without a token."""
        return Request(
            self.method, path or self.path, self.query.encode(), dict(self.headers), self.body, self.rest
        )


class Shown(NamedTuple):
    """A screen that came by a call."""

    dialogue: str
    text: str
    alive: bool
    """Whether the dialogue goes on."""


class Client(ABC):
    """The phone of one member, E.164, on one service code (`*284#`). A secret that it does not know it takes for right.

    `settings` are those of the server's gateway, for what the provider has to show there.
    """

    def __init__(self, number: str, code: str, settings: UssdSettings = _DEFAULTS) -> None:
        self.number = number
        self.code = code
        self.settings = settings
        self.dialogue = ""
        """The provider's id of the present dialogue."""

    @abstractmethod
    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """A new dialogue, with the provider's id for it; `ahead` is what was dialled behind the code."""

    @abstractmethod
    def answer(self, text: str) -> Exchange:
        """What the member typed on the present screen."""

    def hang_up(self) -> Exchange | None:
        """The member ended the dialogue: what the provider tells of it, None where it tells nothing."""
        return None

    @abstractmethod
    def read(self, response: Response) -> tuple[str, bool]:
        """The text of a reply with status 200, and whether the dialogue goes on.

        Raises `ValueError`, `LookupError` or `TypeError` for what is no reply.
        """

    @property
    def waits(self) -> bool:
        """Whether a reply only acknowledges, and the screen comes by a call of its own."""
        return False

    def read_pushed(self, call: Call) -> Shown:
        """What the provider is called with for a member who waits.

        Raises `ValueError`, `LookupError` or `TypeError` for what it would refuse.
        """
        raise ValueError("this provider is not called")

    def taken(self) -> Answer:
        """What the provider says to such a call."""
        return Answer(200)

    def setting(self, name: str, default: str = "") -> str:
        """A setting of the gateway's own, in clear."""
        found = self.settings.options.get(name)
        return default if found is None else found.reveal().decode()

    def dialled(self, ahead: str = "") -> str:
        """The service code with what was dialled behind it: `*284*1*500#`."""
        return f"{self.code.removesuffix('#')}*{ahead}#" if ahead else self.code
