"""Who a flow talks to."""

from __future__ import annotations

import msgspec


class Member(msgspec.Struct, frozen=True):
    """Who the flow talks to. `id` is the same on every turn; `msisdn` is E.164 where the channel knows it.

    `locale` is the language the member chose, empty before that; `timezone` an IANA name, empty if nothing tells it.
    """

    id: str
    channel: str = ""
    msisdn: str = ""
    locale: str = ""
    timezone: str = ""
