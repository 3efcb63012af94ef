"""Ontech (Zambia): read, but not served, since nobody knows what its reply has to look like.

Contract: the provider's integration guide, of which the part on replies was not at hand.

- A request is JSON: session_id, msisdn, user_input, is_new_request, mno, shortcode, request_id, session_data.
  is_new_request true begins a dialogue, with the dialled code as user_input and as shortcode, both without their `*`
  and `#`; false is an answer, with just that.
- request_id is the same when a request is sent again.
- It waits 10 s for a reply, and recommends 160 characters at most.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe
from kikao.channels.inbound import Happening
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import LatestReader, Names
from kikao.conversation.secrets import Secret

MAX_REQUEST: Final = 128
"""Characters of request_id."""


class Ontech(LatestReader):
    """What reads the requests of `ontech`: there is no route to it, and no reply."""

    slug = "ontech"
    dedupe: Dedupe = "exact"
    retention = 600.0
    """Seconds: longer than a USSD session. When the provider sends again is not known."""
    names = Names(
        ("session_id",),
        "msisdn",
        "user_input",
        "mno",
        ("shortcode",),
        "is_new_request",
        others=("request_id", "session_data"),
    )
    contract = Contract(
        provider="Ontech",
        places="Zambia",
        certainty="documented",
        source="the provider's integration guide, as far as it tells of requests",
        new="`is_new_request` is true",
        reply="`is_new_request` is false",
        copies="the same `request_id`",
        limits=("a reply may take 10 s", "160 characters are recommended"),
        wanted=(
            "what the body of a reply has to look like",
            "how it tells that a dialogue is over",
        ),
    )

    def message_id(self, fields: Mapping[str, object], dialogue: str, happening: Happening) -> Secret:
        """The id of the request, in its session."""
        return Secret(f"{len(dialogue)}:{dialogue}{self.token(fields, 'request_id', MAX_REQUEST)}")

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """See `LatestReader.ahead`; `388*10` is dialled as `*388*10#`."""
        dialled = self.typed(fields, self.names.text)
        starred = {**fields, self.names.text: dialled if dialled.startswith("*") else f"*{dialled}"}
        return super().ahead(starred, code)[0], ""
