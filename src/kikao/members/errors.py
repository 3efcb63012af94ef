"""What can be wrong with a member or an address. No error carries an address: it names the member's id."""

from __future__ import annotations


class UnknownMember(LookupError):
    """There is no member of this id, or it was erased."""

    SAFE = True
    """The text names an id, never an address."""


class LastAddress(ValueError):
    """A member's only address cannot be unlinked: nobody could reach the member any more. Erase the member instead."""

    SAFE = True
    """The text names an id, never an address."""
