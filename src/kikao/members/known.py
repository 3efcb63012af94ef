"""What is known about members, as data."""

from __future__ import annotations

import msgspec


class Known(msgspec.Struct, frozen=True):
    """Who is behind an address: what a turn needs to know."""

    id: str
    """32 hexadecimal digits, random: nothing can be told from them."""
    locale: str
    """The language the member chose (BCP 47); empty until then."""
    timezone: str
    """The zone the member chose, else that of the member's first number (IANA); empty where neither tells one."""
