"""Techsavanna (Kenya): `GET /ussd/techsavanna`.

Contract: the provider's page for developers; nothing was checked on a live line.

- A request is a query: SESSIONID, USSDCODE (`*468`, without its `#`), MSISDN, INPUT, NETWORK (`saf`). INPUT is empty at
  first. Of what it is then the page shows nothing: that it grows is how others of this shape do.
- The reply is plain text that begins with `CON ` or `END `.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names


class Techsavanna(Accumulated):
    """The gateway `techsavanna`: accumulated text, a redelivery known by session id and text."""

    slug = "techsavanna"
    methods = ("GET",)
    names = Names("SESSIONID", "MSISDN", "USSDCODE", "INPUT", "NETWORK")
    whole_codes = True
    contract = Contract(
        provider="Techsavanna",
        places="Kenya",
        certainty="documented",
        source="the provider's page for developers",
        new="`INPUT` is empty, or `SESSIONID` is new (a long dial)",
        reply="`INPUT` grows",
        copies="the same `SESSIONID` and `INPUT`",
        notes=(
            "Requests are not signed.",
            "Nothing is told when a member hangs up.",
            "`USSDCODE` has no `#`: kikao writes the service code as it is dialled, `*468#`.",
        ),
        on_a_phone=(
            "a second and a third answer: if every one leads to the same screen again, `INPUT` is the last answer only",
        ),
        wanted=(
            "`INPUT` of a second answer: kikao expects everything typed since the dial, joined by `*`",
            "whether a shared code's extension is in `USSDCODE` or in `INPUT`",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )
