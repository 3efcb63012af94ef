"""The event of a charge that a flow asked for."""

from __future__ import annotations

from kikao.events.event import Name, SessionEvent


class ChargeAsked(SessionEvent, frozen=True, kw_only=True, tag="charge.asked"):
    """A flow asked the member's operator to charge for a screen. Whether it did, no gateway tells."""

    currency: Name
    """ISO 4217."""
    minor: int
    """How much, in the smallest unit of the currency."""
    carried: bool
    """Whether the gateway has a way to pass it on; else nobody heard of it."""
