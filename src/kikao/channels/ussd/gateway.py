"""What every USSD gateway shares: a screen written as pages, and the size of a page.

There are three families. *accumulated*: each request carries everything typed since the dial; *last*: only the latest
answer; *async*: the request is acknowledged and the screen goes out as a call of its own.

How a dialogue begins is told in one of three ways. A provider with a flag or a state says it: `happening` is "new" or
"reply", whatever its id. Accumulated text says it by its id and what it extends: "new" where it is empty, else "reply".
Where neither is so the id alone tells: `parse` gives "reply" and, in `Inbound.dialled`, what was dialled behind the
code should the id be one not met before (`Secret("")` if nothing can be). "new" is then no part of `happenings`, unless
some requests say so. The id must be there: demand a `token` of 1 to `MAX_DIALOGUE` characters.

An asynchronous gateway is a `pushing.CallingGateway`, and answers in two halves. `reply` gives the provider's
acknowledgement, whatever the screen. The screen itself is a `Pushed`: the turn commits it to the outbox (`pushes`) with
the session and the dedupe record, and a dispatcher of the server gives it, as the body of a letter, to the sender of
the gateway's `destination`. It is sent at least once, those of a member one after the other, for as long as `patience`
lasts, under the same id (`letter.id`) each time.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Final, Literal

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.reading import RequestReader
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.numbered import numbered
from kikao.channels.ussd.pages import Budget
from kikao.channels.ussd.pushed import Pushed
from kikao.config import Hidden, Option
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import normalise
from kikao.i18n.messages import Translate
from kikao.i18n.money import Amount

Family = Literal["accumulated", "last", "async"]

MAX_DIALOGUE: Final = 128
"""Characters of a provider's session id."""

PATIENCE: Final = 20.0
"""Seconds that a network keeps a dialogue open for a screen, where the provider says nothing."""

MAX_CODE: Final = 64
"""Characters of a service code."""

ANOTHER_CODE: Final = "dialled a code that is not in the settings"
"""For the log: what was dialled behind it is not known, or it is not ours."""

NO_CODE: Final = "no CODE in the settings, so nothing behind it is taken"
"""For the log: of a long dial nobody knows where its code ends."""


class UssdReader(RequestReader, ABC):
    """What reads the requests of a provider. Of one whose replies nobody knows there is no more than that.

    `codes` are the service codes served there, as members dial them (`*920*1806#`); most gateways tell with each
    request and need none. `region` is the country whose national numbers (`0772000001`) it may send, ISO 3166-1 (`UG`).
    `given` are its own settings, those of `options`, by name.
    """

    slug: str
    contract: Contract
    options: tuple[Option, ...] = ()
    """The settings that this gateway has besides those of all."""
    channel: str = "ussd"
    family: Family
    dedupe: Dedupe
    retention: float
    happenings: frozenset[Happening]
    """What a request of this gateway can be; without "new" where only the id tells, see above."""
    methods: tuple[str, ...] = ("POST",)
    """What the edge lets in."""
    rest: re.Pattern[str] | None = None
    """What the provider writes in the path behind the gateway's own, None for nothing."""
    connects: bool = False
    """Whether requests come on a connection that kikao makes, and screens go on it."""

    def __init__(
        self,
        *,
        codes: Sequence[str] = (),
        region: str = "",
        options: Mapping[str, Hidden] = {},
    ) -> None:
        self.codes = tuple(codes)
        self.region = region
        self.given = {option.name: option.default for option in self.options}
        self.given |= {name: value.reveal().decode() for name, value in options.items()}

    @property
    def experimental(self) -> bool:
        """Whether the contract rests on less than the provider's own documentation or a live trace."""
        return self.contract.certainty != "documented"

    def verify(self, request: Request) -> None:
        """Whether the provider sent it, as far as it signs requests or shows a key: before anything is parsed.

        Compares in constant time. Raises `Denied` (403) without a word of what was wrong.
        """
        return

    @abstractmethod
    def parse(self, request: Request) -> Inbound:
        """Raises `BadRequest`."""

    def code_of(self, dialled: str = "") -> str:
        """The code of the settings with which a dialled text begins, the longest; else the one that there is alone.

        Nothing that was dialled is in it but a code that the settings have: behind a code there may be anything.
        """
        found = [code for code in self.codes if dialled_ahead(dialled, (code,)) is not None]
        return max(found, key=len, default=self.codes[0] if len(self.codes) == 1 else "")

    def behind_code(self, dialled: str, code: str = "") -> tuple[str, str]:
        """What was dialled behind a code of the settings, or behind the one that the request tells; and a note.

        `code` may lack its `*` and `#`. The note, for the log, says that a code was dialled that nobody set.
        """
        told = (f"*{code.strip('*#')}#",) if code else ()
        found = dialled_ahead(dialled, (*told, *self.codes))
        if found is not None:
            return found, ""
        return "", self.untaken(dialled, told)

    def untaken(self, dialled: str, told: Sequence[str] = ()) -> str:
        """For the log: why nothing is taken of what was dialled, with a code that is in neither settings nor request.

        Empty where what came is no dial, or, as far as anybody knows, a code alone: `*920#`, `*920*1806#`.
        """
        if not dialled.startswith("*"):
            return ""
        if self.codes or told:
            return ANOTHER_CODE
        return NO_CODE if dialled.strip("*#").count("*") > 1 else ""


class UssdGateway(UssdReader):
    """Base of the USSD gateways: screens to pages. A gateway adds `parse`, `reply` and `acknowledge`.

    `budget` is what one page may take, without what the gateway's envelope costs (`envelope`).
    """

    pushes: str = ""
    """Where in the outbox its screens go; empty where a screen is the answer to its request."""
    patience: float = PATIENCE
    """Seconds in which a screen that is pushed is of use. A member does not wait for longer, nor does the network."""
    chats: bool = False
    """A dialogue ends with its last screen."""
    envelope: int = 0
    """Characters that the provider's syntax adds to the text and that the network may see."""

    def __init__(
        self,
        *,
        budget: Budget | None = None,
        codes: Sequence[str] = (),
        region: str = "",
        options: Mapping[str, Hidden] = {},
    ) -> None:
        super().__init__(codes=codes, region=region, options=options)
        budget = budget or Budget()
        self.budget = Budget(budget.septets - self.envelope, budget.units - self.envelope)

    @abstractmethod
    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The answer to the request, with one page; `ends` closes the dialogue."""

    def charged(self, response: Response, amount: Amount) -> Response | None:
        """A reply that also asks the operator to charge, in the provider's words; None where it has none."""
        return None

    @abstractmethod
    def acknowledge(self, inbound: Inbound) -> Response:
        """The answer to a notification that wants none."""

    def spelled(self, text: str) -> str:
        """A text of a screen as this gateway shows it: by default, what would leave GSM-7 for nothing is normalised.

        Twice changes nothing.
        """
        return normalise(text)

    def pushed(
        self, inbound: Inbound, page: str, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        """A page as the outbox keeps it for the sender of an asynchronous gateway: a `Pushed`, written."""
        return [Pushed.of(inbound, page, ends=ends, until=until).written()]

    def pages(self, screen: Screen, translate: Translate) -> list[str]:
        """The screen as texts of at most one page each; see `numbered` for what is where.

        Text that would leave GSM-7 for nothing is normalised. Raises `TooLong` when a `whole` screen needs more than a
        page.
        """
        return numbered(screen, translate, self.spelled, self.budget)


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
