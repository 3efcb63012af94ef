"""Moolre (Ghana): `POST /ussd/moolre`.

Contract: the provider's documentation of its USSD callback; nothing was checked on a live line.

- A request is JSON: sessionId (the table of the documentation prints sessionid), new, msisdn, network (3, 5 or 6),
  message, extension, data. `new` true begins a dialogue; `data` is what was dialled behind the code, of
  `*203*109*11005#` it is `11005`. `new` false is an answer, in `message`.
- A code of the provider is `*203*` and the extension: extension 109 is `*203*109#`.
- The reply is JSON, too: message, and reply, true or false.
- Nothing tells a request that is sent again, nothing is told when a dialogue is over, requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping

from kikao.channels.inbound import Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names


class Moolre(Latest):
    """The gateway `moolre`: the last answer only, a redelivery known by the same body shortly after.

    Each request has the extension, so the code is known without settings, and so is what was dialled behind it.
    """

    slug = "moolre"
    names = Names(
        ("sessionId", "sessionid"), "msisdn", "message", "network", ("extension",), "new", others=("data",)
    )
    contract = Contract(
        provider="Moolre",
        places="Ghana",
        certainty="documented",
        source="the provider's documentation of its USSD callback",
        new="`new` is true",
        reply="`new` is false",
        copies="the same body within a second of its reply",
        notes=(
            "The documentation writes `sessionId` in its sample and `sessionid` in its table: either is read.",
            "What was dialled behind the code comes in `data`: long dials need no settings.",
            "Codes are `*203*` and your extension.",
            "Nothing is told when a member hangs up.",
        ),
        wanted=(
            "an id that tells a request that is sent again",
            "what `message` holds at a dial: it is not read then",
            "how long a reply may take, and how long a member may think",
        ),
    )

    def service_code(self, fields: Mapping[str, object]) -> str:
        """`*203*109#` of the extension 109, a number or its digits: `007` is another than 7."""
        self.whole(fields, "extension")
        return f"*203*{fields['extension']}#"

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """What `data` says. Nothing may be missing, empty or null."""
        if fields.get("data") in (None, ""):
            return "", ""
        return self.typed(fields, "data").removesuffix("#"), ""

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as message; reply false closes the dialogue."""
        return {"message": text, "reply": not ends}
