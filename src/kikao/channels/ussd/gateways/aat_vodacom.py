"""AAT, Vodacom Messaging (South Africa): `GET /ussd/aat_vodacom`.

Contract: two implementations and their tests. Nothing was checked on a live line.

- A request is a query: ussdSessionId, msisdn, provider, request. At a dial, request is the dialled code. An answer
  comes to the URL that the page before had, with what was typed as request. An empty answer may leave it out.
- The reply is an element `request`: headertext, and options with one option that is not displayed, whose callback is
  the URL for the answer. Without options the dialogue is over.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.inbound import Inbound
from kikao.channels.markup import tag
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.callback import CallbackGateway, callback


class AatVodacom(CallbackGateway):
    """The gateway `aat_vodacom`: see `CallbackGateway`. A member has a session for each code."""

    slug = "aat_vodacom"
    options = (callback(slug),)
    contract = Contract(
        provider="AAT (Vodacom Messaging)",
        places="South Africa",
        certainty="seen",
        source="two implementations that talk to it, and the tests of one",
        new="the query has no `to_addr`, and `request` is the dialled code",
        reply="the query has the `to_addr` that kikao wrote into the URL for the answer",
        copies="the same query within a second of its reply",
        setup=(
            "Keep the query: kikao puts `?to_addr=` behind that URL in each page, and nothing may cut it off",
            "Set `KIKAO_USSD_AAT_VODACOM_CODE` to your codes: without it whatever is dialled is "
            "a code as a whole, is part of that URL, and is no long dial",
        ),
        notes=(
            "Requests are not signed. The path token is part of the callback, so each page has it: use https.",
            "Whatever is typed is an answer if it came to the callback, also what looks like a code.",
            "Should the provider call back without the `to_addr`, a known `ussdSessionId` makes it an answer; "
            "set `CODE`, so that its session is found.",
            "A number of fewer than 7 digits, as the provider's web simulator sends, is a token.",
            "Nothing is told when a member hangs up.",
        ),
        on_a_phone=(
            "answer with `*`, with `#` and with nothing at all: which of them the provider sends on",
        ),
        wanted=(
            "whether `display` and `command` of an option mean anything where whatever is typed is wanted",
            "times within which a reply must come",
        ),
    )

    def page(self, inbound: Inbound, text: str) -> str:
        """The text as headertext."""
        return tag("headertext", text)
