"""Channel Mobile (South Africa): `GET /ussd/channel_mobile`.

Contract: what one reference says of one implementation, which is thin. Nothing was checked on a live line.

- As `aat_vodacom`, with requestid besides: 0 begins a dialogue. An answer comes to the URL that the page before had.
- The reply is an element `request`: requestid, displaytext, and options as there. Without options the dialogue is over.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from kikao.channels.inbound import Happening, Inbound
from kikao.channels.markup import tag
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.callback import MARK, CallbackGateway, callback


class ChannelMobile(CallbackGateway):
    """The gateway `channel_mobile`: see `CallbackGateway`. A member has a session for each code."""

    slug = "channel_mobile"
    options = (callback(slug),)
    listed = CallbackGateway.listed | {"requestid"}
    contract = Contract(
        provider="Channel Mobile",
        places="South Africa",
        certainty="seen",
        source="what is known of one implementation",
        new="`requestid` is 0, and the query has no `to_addr`",
        reply="the query has the `to_addr` that kikao wrote into the URL for the answer, or `requestid` is not 0",
        copies="the same query within a second of its reply",
        setup=(
            "Keep the query: kikao puts `?to_addr=` behind that URL in each page, and nothing may cut it off",
            "Set `KIKAO_USSD_CHANNEL_MOBILE_CODE` to your codes: without it whatever is dialled is "
            "a code as a whole, is part of that URL, and is no long dial",
        ),
        notes=(
            "Requests are not signed. The path token is part of the callback, so each page has it: use https.",
            "A page's `requestid` is that of its request and one more, so that no answer to it can look like a dial.",
            "An answer without `to_addr` does not tell the code: set `CODE`, so that its session is found.",
            "Nothing is told when a member hangs up.",
        ),
        on_a_phone=("answer twice, and see whether the second answer is taken for a dial",),
        wanted=(
            "what a page's `requestid` has to be, and whether it stands where kikao writes it",
            "whether it reads options as AAT does",
            "times within which a reply must come",
        ),
    )

    def happening(self, fields: Mapping[str, str]) -> Happening:
        """What the URL tells that was called, and else the requestid."""
        dials = self._requestid(fields) == 0 and MARK not in fields
        return "new" if dials else "reply"

    def echoed(self, fields: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        """The requestid of the next request."""
        return (("requestid", str(self._requestid(fields) + 1)),)

    def page(self, inbound: Inbound, text: str) -> str:
        """The text as displaytext, and what the next request has as requestid."""
        return tag("requestid", dict(inbound.echo)["requestid"]) + tag("displaytext", text)

    def _requestid(self, fields: Mapping[str, str]) -> int:
        value = self.required(fields, "requestid")
        if not _NUMBER(value):
            raise self.refuse("field requestid must be a number of 1 to 9 digits")
        return int(value)


_NUMBER = re.compile("[0-9]{1,9}").fullmatch
