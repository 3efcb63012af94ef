"""DMARK (Uganda): `GET /ussd/dmark`. Experimental.

Contract: an open-source transport that spoke to it, and its tests. Nothing was checked on a live line.

- A request is a GET: transactionId (of the dialogue), msisdn, ussdServiceCode, transactionTime, ussdRequestString,
  creationTime, response. response `false` begins a dialogue, with the dialled code as ussdRequestString; `true` is an
  answer, with just that. A `true` in a dialogue not met before begins one as well.
- The reply is JSON: responseString, and action `request` or `end`. Only HTTP 200 counts.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping

from kikao.channels.channel import Request
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names


class Dmark(Latest):
    """The gateway `dmark`: the last answer only, a redelivery known by the same fields shortly after."""

    slug = "dmark"
    methods = ("GET",)
    spaced = True
    whole_codes = False
    id_tells = True
    names = Names(
        ("transactionId",),
        "msisdn",
        "ussdRequestString",
        code=("ussdServiceCode",),
        state="response",
        others=("transactionTime", "creationTime"),
    )
    states: Mapping[str, Happening] = {"false": "new", "true": "reply"}
    contract = Contract(
        provider="DMARK",
        places="Uganda",
        certainty="seen",
        source="an open-source transport that spoke to it, and its tests",
        new="`response` is `false`, or `transactionId` was not met before",
        reply="`response` is `true`",
        copies="the same fields within a second of their reply, and the first request of a dialogue once more",
        notes=(
            "Requests are not signed.",
            "Only HTTP 200 counts: every reply of kikao to a request of the contract is one.",
            "Nothing is told when a member hangs up.",
        ),
        wanted=(
            "an id that tells a request that is sent again",
            "what `transactionTime` and `creationTime` are of, and in which zone",
            "times within which a reply must come",
        ),
    )

    def fields(self, request: Request) -> Mapping[str, object]:
        """See `Latest.fields`."""
        return self.query(request)

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as responseString; action `end` closes the dialogue."""
        return {"responseString": text, "action": "end" if ends else "request"}
