"""Safaricom, without an aggregator (Kenya): `GET /ussd/safaricom`.

Contract: one open implementation and its tests, nothing from the operator; nothing was checked on a live line.

- A request is a query: ORIG (the member, without `+`), DEST (`167` of `*167*7#`), SESSION_ID, USSD_PARAMS. The latter
  is what was dialled behind DEST and then everything typed, joined by `*`, without a leading one: `7`, then `7*1`.
- A dialogue may begin with the same request twice.
- The reply is plain text that begins with `CON ` or `END `.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names


class Safaricom(Accumulated):
    """The gateway `safaricom`: accumulated text, a redelivery known by session id and text.

    `codes` are needed for a code without an extension, `*167#`, and for extensions of more than one part: what of
    USSD_PARAMS is an extension only they tell.
    """

    slug = "safaricom"
    methods = ("GET",)
    names = Names("SESSION_ID", "ORIG", "DEST", "USSD_PARAMS")
    whole_codes = True
    extended = True
    contract = Contract(
        provider="Safaricom",
        places="Kenya",
        certainty="seen",
        source="an open implementation and its tests",
        new="`SESSION_ID` is new; `DEST` and `USSD_PARAMS` are what was dialled",
        reply="`USSD_PARAMS` grows",
        copies="the same `SESSION_ID` and `USSD_PARAMS`",
        setup=(
            "Set `KIKAO_USSD_SAFARICOM_CODE` to the codes that members dial, such as `*167*7#`. A code without an "
            "extension needs it: without it the first part of `USSD_PARAMS` is taken for one.",
        ),
        notes=(
            "Requests are not signed.",
            "A dialogue may begin with the same request twice: the second one gets the reply of the first.",
            "Nothing is told when a member hangs up.",
            "A code and its extensions (`*167#` and `*167*7#`) cannot be served by one server: the answer `7` on the "
            "first cannot be told from the second. kikao does not start with both.",
        ),
        on_a_phone=("answers that are empty, or nothing but stars",),
        wanted=(
            "the operator's own documentation",
            "`USSD_PARAMS` at the dial of a code without an extension: kikao expects it empty",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )
