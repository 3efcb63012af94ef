"""The events of addresses: linked to members, closed to what we write, open again. None says whose address it is."""

from __future__ import annotations

from typing import Literal

from kikao.events.event import Event, GatewayEvent, Name, Problem


class MembersLinked(Event, frozen=True, kw_only=True, tag="members.linked"):
    """Addresses that had to wait were linked to their members, or taken from them. Nobody is named."""

    made: int
    """How many came into force in this round."""
    error: Problem = ""
    """What kept one of them, or ended the round early; the next round, a minute later, tries again."""


class AddressStopped(GatewayEvent, frozen=True, kw_only=True, tag="address.stopped"):
    """An address is not written to any more on this line, until what opens it again. Nobody is named."""

    what: Literal["blocked", "gone", "stopped"]
    """`blocked` by the member, or `gone` (deleted, not on this channel): until the member writes; `stopped` with STOP:
    until START."""
    reason: Name = ""
    """The provider's code for it: `131026`, `forbidden`."""


class AddressResumed(GatewayEvent, frozen=True, kw_only=True, tag="address.resumed"):
    """An address is open again on this line: the member wrote, came back, or sent START. Nobody is named."""

    was: Literal["blocked", "gone", "stopped"]
    """What it was before."""


class AddressMarketing(GatewayEvent, frozen=True, kw_only=True, tag="address.marketing"):
    """Whether an address gets marketing on this line changed. Nobody is named."""

    what: Literal["refused", "allowed", "paused"]
    """The member refused it, or wants it again; or the provider asked for a pause, mostly of a day."""
    reason: Name = ""
    """The provider's code for it: `131050`, `131049`."""


class AddressesSwept(Event, frozen=True, kw_only=True, tag="addresses.swept"):
    """Open addresses of which nothing was told for 30 days were forgotten; or what is known of them could not be kept
    up, and that is tried again half a minute later."""

    count: int
    """How many addresses on a line."""
    error: Problem = ""
    """What went wrong."""
