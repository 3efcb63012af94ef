"""Advanta, also Fastmessage (Kenya): `GET /ussd/advanta`, or `POST` with a form.

Contract: the provider's two USSD guides, and the same guide as Kemru, Team Web and JazaAfrica print it; nothing was
checked on a live line.

- A request has SESSIONID, USSDCODE, MSISDN and INPUT; a query, or on request a POST. USSDCODE is the provider's part of
  the code, `*415#`.
- INPUT grows. The newer guide shows the whole dial string, `*415*33*1#`, the older one what follows the provider's
  part, `33` and then `33*2*Dan`. Both are read: one that begins with USSDCODE is a dial string.
- On a shared code the extension (`33` of `*415*33#`) is the first part of INPUT; on a dedicated one there is none.
- The reply is plain text that begins with `CON ` or `END `.
- Nothing is told when a session is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.accumulated import Accumulated, Names


class Advanta(Accumulated):
    """The gateway `advanta`: accumulated text, a redelivery known by session id and text.

    `codes` are needed for a dedicated code, `*415#`, and for extensions of more than one part: what of INPUT is an
    extension only they tell.
    """

    slug = "advanta"
    methods = ("GET", "POST")
    names = Names("SESSIONID", "MSISDN", "USSDCODE", "INPUT")
    whole_codes = True
    extended = True
    contract = Contract(
        provider="Advanta",
        places="Kenya",
        certainty="documented",
        source="the provider's two USSD guides, and the same guide as others print it",
        new="`SESSIONID` is new",
        reply="`INPUT` grows",
        copies="the same `SESSIONID` and `INPUT`",
        setup=(
            "Ask for `USSDCODE` to be the provider's part of the code, `*415#`, not the whole `*415*33#`.",
            "Set `KIKAO_USSD_ADVANTA_CODE` to the codes that members dial, such as `*415*33#`. A dedicated code needs "
            "it: without it the first part of `INPUT` is taken for the extension of a shared one.",
        ),
        notes=(
            "Requests are not signed.",
            "Kemru, Team Web and JazaAfrica print the same guide: this gateway should fit them.",
            "Nothing is told when a member hangs up.",
            "A code and its extensions (`*415#` and `*415*33#`) cannot be served by one server: the answer `33` on the "
            "first cannot be told from the second. kikao does not start with both.",
            "One `#` at the end of a dial string in `INPUT` is not the member's.",
        ),
        on_a_phone=("an answer that ends with `#`, and one that is empty",),
        wanted=(
            "whether every `INPUT` that is a dial string ends with `#`, also behind an answer that does",
            "whether values are escaped twice, as the older guide's sample undoes: kikao refuses a code that is",
            "`INPUT` at the dial of a dedicated code: kikao expects the code, or nothing",
            "`INPUT` where `USSDCODE` is the whole code of a shared one",
            "how long a reply may take, and a member may think",
            "whether the network counts `CON `: kikao counts it",
        ),
    )

    def without_dialled(self, code: str, text: str) -> str:
        """Of `*415*33*1#` what follows `*415*`; what does not begin with the code is that already."""
        base = code[:-1]
        behind = text[len(base) :]
        if not text.startswith(base) or behind[:1] not in ("", "*", "#"):
            return text
        return behind.removesuffix("#").removeprefix("*")
