"""What is known about members, as data."""

from __future__ import annotations

from typing import Literal

import msgspec

from kikao.members.addresses import MemberAddress
from kikao.members.reach import Reach

Wish = Literal["link", "unlink"]


class Known(msgspec.Struct, frozen=True):
    """Who is behind an address: what a turn needs to know."""

    id: str
    """32 hexadecimal digits, random: nothing can be told from them."""
    locale: str
    """The language the member chose (BCP 47); empty until then."""
    timezone: str
    """The zone the member chose, else that of the member's first number (IANA); empty where neither tells one."""
    msisdn: str = ""
    """Met in a chat: the first number that was proven to be theirs, E.164; empty where there is none."""


class Linked(msgspec.Struct, frozen=True):
    """An address of a member."""

    address: MemberAddress
    linked_at: float
    """Seconds since the epoch."""


class Reached(msgspec.Struct, frozen=True):
    """What is known of an address of a member on a line."""

    address: MemberAddress
    line: str
    reach: Reach


class PendingLink(msgspec.Struct, frozen=True):
    """A link or unlink that was wished and is not in force yet."""

    member_id: str
    address: MemberAddress
    wish: Wish
    wished_at: float
    """Seconds since the epoch."""


class Move(msgspec.Struct, frozen=True):
    """A session anchor that has to move before a link or an unlink is in force."""

    address: MemberAddress
    to: MemberAddress
    """The address whose sessions it shares from then on: the member's first one; itself where it stands alone."""
    member_id: str
    """The member it belongs to from then on; empty for a member not met yet."""


class Profile(msgspec.Struct, frozen=True):
    """All that the directory knows of a member. Times are seconds since the epoch."""

    id: str
    aliases: tuple[str, ...]
    """Ids of members who turned out to be this one."""
    created_at: float
    erased_at: float | None = None
    """When the member was erased; then nothing else is known but the ids."""
    locale: str = ""
    timezone: str = ""
    """What the member chose; empty for nothing."""
    numbers_timezone: str = ""
    """The zone of the member's first number, which holds while none is chosen."""
    addresses: tuple[Linked, ...] = ()
    pending: tuple[PendingLink, ...] = ()
    reached: tuple[Reached, ...] = ()
