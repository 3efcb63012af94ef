"""Mobilesasa (Kenya): `POST /ussd/mobilesasa`.

Contract: the provider's page on its USSD API; nothing was checked on a live line.

- A request has sessionId, serviceCode, phoneNumber and text, as Africa's Talking has. The page says no more of `text`
  than that it is what the member entered, and shows no body: that it grows, in a form, is how others of this shape do.
- The reply is plain text that begins with `CON ` or `END `.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names


class Mobilesasa(Accumulated):
    """The gateway `mobilesasa`: accumulated text, a redelivery known by session id and text."""

    slug = "mobilesasa"
    names = Names("sessionId", "phoneNumber", "serviceCode", "text")
    contract = Contract(
        provider="Mobilesasa",
        places="Kenya",
        certainty="documented",
        source="the provider's page on its USSD API",
        new="`text` is empty, or `sessionId` is new (a long dial)",
        reply="`text` grows",
        copies="the same `sessionId` and `text`",
        notes=("Requests are not signed.", "Nothing is told when a member hangs up."),
        wanted=(
            "whether a body is a form, which kikao expects, or JSON",
            "how a number is written: kikao takes it with or without its `+`",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )
