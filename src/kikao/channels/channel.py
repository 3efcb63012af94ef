"""What a gateway is to the rest of kikao: parse a request into an inbound, write a screen into a reply."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, TypeVar

import msgspec

from kikao.channels.inbound import Inbound
from kikao.conversation.screens import Screen
from kikao.i18n.messages import Translate
from kikao.i18n.money import Amount


class Request(msgspec.Struct, frozen=True):
    """An HTTP request as it came, after the edge let it in. Header names are lower case."""

    method: str
    path: str
    query: bytes
    headers: Mapping[str, str]
    body: bytes
    rest: str = ""
    """What the provider wrote in the path behind the gateway's own, and behind its token."""

    def __repr__(self) -> str:
        """Without what a member typed, which whoever prints a traceback with its variables would print."""
        return f"<{self.method} {self.path}, {len(self.body)} octets>"


class Response(msgspec.Struct, frozen=True, array_like=True):
    """The bytes that answer a request. Kept, sealed, with the dedupe record: a redelivery gets the same ones."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class BadRequest(Exception):
    """A request that is not what the gateway's contract says: answered 400.

    The text names the gateway and the field, never a value.
    """


Dedupe = Literal["exact", "window", "none"]


P = TypeVar("P")
"""A page as a dialect has it: a text, or a message with choices. `str(page)` is what the member reads."""


class Dialect(Protocol[P]):
    """A provider's dialect of a channel. One file and its fixtures; the slug names both."""

    slug: str
    channel: str
    methods: tuple[str, ...]
    """HTTP methods the provider uses."""
    dedupe: Dedupe
    """`exact`: a redelivery is recognised by its id or text; `window`: by the same body shortly after; `none`."""
    retention: float
    """Seconds a dedupe record is kept: at least as long as the provider may redeliver."""
    pushes: str
    """Where in the outbox its screens go, empty where a screen is the answer to its request."""
    patience: float
    """Seconds in which a screen that goes there is of use: no dialogue waits for longer."""
    chats: bool
    """Whether members of it read back what was said and answer when they like: no dialogue is ever closed, and what
    cannot be dealt with now the provider brings again."""

    def pages(self, screen: Screen, translate: Translate) -> Sequence[P]:
        """The screen as pages of which a member sees one at a time, in order; never empty.

        Raises `TooLong` when a confirmation does not fit into one.
        """
        ...

    def reply(self, inbound: Inbound, page: P, *, ends: bool) -> Response:
        """The answer to the request, with one page of a screen; `ends` closes the dialogue.

        Where screens are pushed it only says that the request arrived.
        """
        ...

    def pushed(
        self, inbound: Inbound, page: P, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """A page as it is kept until its sender takes it, of no use after `until`; see `pushes`.

        In a chat it may take several messages; `mark` is what a tap on its choices will name it by, and `over` the
        message in whose place it may be put.
        """
        ...

    def charged(self, response: Response, amount: Amount) -> Response | None:
        """A reply that also asks the member's operator to charge; None where the gateway has no way to say so."""
        ...

    def acknowledge(self, inbound: Inbound) -> Response:
        """The answer to a notification that wants none."""
        ...


Gateway = Dialect[Any]
