"""Hellio Messaging (Ghana): `POST /ussd/hellio`.

Contract: the provider's page on USSD requests; nothing was checked on a live line.

- A request has sessionId, phoneNumber, networkCode, serviceCode and text. The page names `application/json`, and calls
  the rest like Africa's Talking, which sends a form: both are read, by their content type.
- `text` is empty at first, then everything typed since the dial, joined by `*`.
- The reply is plain text that begins with `CON ` or `END `. Anything else ends the session, and so does HTTP 4xx.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names


class Hellio(Accumulated):
    """The gateway `hellio`: accumulated text, a redelivery known by session id and text."""

    slug = "hellio"
    names = Names("sessionId", "phoneNumber", "serviceCode", "text", "networkCode")
    reads_json = True
    contract = Contract(
        provider="Hellio Messaging",
        places="Ghana",
        certainty="documented",
        source="the provider's page on USSD requests",
        new="`text` is empty, or `sessionId` is new (a long dial)",
        reply="`text` grows",
        copies="the same `sessionId` and `text`",
        notes=(
            "Requests are not signed.",
            "HTTP 4xx, or a reply without `CON` or `END`, ends the session.",
            "Nothing is told when a member hangs up.",
        ),
        wanted=(
            "whether a body is JSON, as the page says, or a form: kikao reads both",
            "how a number is written: kikao takes it with or without its `+`",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )
