"""What is known of a provider's dialect, in words: the table of gateways and each one's page are written from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["documented", "seen"]
"""`documented`: by the provider itself, or by several independent sources. `seen`: all of it, or its requests or its
replies, in one implementation that talks to it, or its tests."""

Authentication = Literal["path token", "allow-list", "key", "signature"]
"""How a request can be known to be the provider's. The first two are kikao's own and work with every gateway."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """One provider's. Everything is for people, in Markdown, without a full stop at the end of a field of one line.

    What a gateway signals in a way that is not known, or not at all, is an empty text.
    """

    provider: str
    """Its name as it writes it."""
    places: str
    """Where it serves, countries in full."""
    certainty: Certainty
    source: str
    """What the contract was taken from; nothing was checked on a live line unless it says so."""
    new: str
    """How a request says that a dialogue begins."""
    reply: str
    """How it says that a member answered."""
    end: str = ""
    """How it tells that a dialogue is over; and so on below."""
    abort: str = ""
    timeout: str = ""
    notice: str = ""
    charge_failed: str = ""
    copies: str
    """How a request that is sent again is told from a new one."""
    authentication: tuple[Authentication, ...] = ("path token", "allow-list")
    limits: tuple[str, ...] = ()
    """Times, lengths, characters, as the provider states them."""
    setup: tuple[str, ...] = ()
    """What to do at the provider's side, in order, besides giving it the URL."""
    notes: tuple[str, ...] = ()
    """What somebody who connects it has to know."""
    on_a_phone: tuple[str, ...] = ()
    """What to try on a real phone, besides what is tried on every gateway."""
    wanted: tuple[str, ...] = ()
    """What nobody knows, and kikao does not guess: what would be worst if it is otherwise first."""
