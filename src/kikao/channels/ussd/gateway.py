"""What every USSD gateway shares: a screen written as pages, and the size of a page.

There are three families. *accumulated*: each request carries everything typed since the dial; *last*: only the latest
answer; *async*: the request is acknowledged and the screen goes out as a call of its own.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Final, Literal

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.reading import RequestReader
from kikao.channels.ussd.pages import Budget, paginate
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import fits, normalise
from kikao.i18n.messages import Translate

Family = Literal["accumulated", "last", "async"]

MAX_DIALOGUE: Final = 128
"""Characters of a provider's session id."""

MAX_CODE: Final = 64
"""Characters of a service code."""


class UssdGateway(RequestReader, ABC):
    """Base of the USSD gateways: screens to pages. A gateway adds `parse`, `reply` and `acknowledge`.

    `budget` is what one page may take, without what the gateway's envelope costs (`envelope`). `codes` are the service
    codes served there, as members dial them (`*920*1806#`); most gateways tell with each request and need none.
    """

    slug: str
    channel: str = "ussd"
    family: Family
    dedupe: Dedupe
    retention: float
    happenings: frozenset[Happening]
    """What a request of this gateway can be."""
    methods: tuple[str, ...] = ("POST",)
    """What the edge lets in."""
    experimental: bool = True
    """True until the contract rests on the provider's own documentation, or on a live trace."""
    envelope: int = 0
    """Characters that the provider's syntax adds to the text and that the network may see."""

    def __init__(self, *, budget: Budget | None = None, codes: Sequence[str] = ()) -> None:
        budget = budget or Budget()
        self.budget = Budget(budget.septets - self.envelope, budget.units - self.envelope)
        self.codes = tuple(codes)

    @abstractmethod
    def parse(self, request: Request) -> Inbound:
        """Raises `BadRequest`."""

    @abstractmethod
    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The answer to the request, with one page; `ends` closes the dialogue."""

    @abstractmethod
    def acknowledge(self, inbound: Inbound) -> Response:
        """The answer to a notification that wants none."""

    def pages(self, screen: Screen, translate: Translate) -> list[str]:
        """The screen as texts of at most one page each; see `paginate` for what is where.

        Paragraphs and options have a line each (`1 Send money`), navigation lines (`0 Back`) stand below; those that
        turn the page (`98 More`) only where there is a page to turn to. Text that would leave GSM-7 for nothing is
        normalised. Raises `TooLong` when a `whole` screen needs more than a page.
        """
        lines = [translate(text) for text in screen.body]
        lines += [f"{option.key} {translate(option.label)}" for option in screen.options]
        turns: dict[object, str] = {}
        footer: list[str] = []
        for option in screen.navigation:
            line = f"{option.key} {translate(option.label)}"
            if option.value in _TURNS:
                turns[option.value] = line
            else:
                footer.append(line)
        text = normalise("\n".join(filter(None, [*lines, *footer])))
        if fits(text, self.budget):
            return [text]
        body = len(screen.body)
        pages = paginate(
            normalise("\n".join(filter(None, lines[:body]))),
            [normalise(line) for line in lines[body:]],
            [normalise(line) for line in footer],
            budget=self.budget,
            more=normalise(turns.get("more", "")),
            previous=normalise(turns["previous"]) if "previous" in turns else None,
            whole=screen.whole,
        )
        return [page.text for page in pages]


def dialled_ahead(dialled: str, codes: Sequence[str]) -> str | None:
    """What was dialled behind a service code: `1*500` of `*920*1806*1*500#`. None when it is none of `codes`.

    No standard defines this; every operator writes it so.
    """
    said = dialled.strip().removesuffix("#")
    for code in sorted(codes, key=len, reverse=True):
        base = code.removesuffix("#")
        if said == base:
            return ""
        if said.startswith(f"{base}*"):
            return said[len(base) + 1 :]
    return None


_TURNS: Final = frozenset({"more", "previous"})
"""Lines whose place depends on the page."""
