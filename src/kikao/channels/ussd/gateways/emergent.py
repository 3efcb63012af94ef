"""Emergent Technology, also Cross-switch (Ghana): `POST /ussd/emergent`.

Contract: two implementations that talk to it, and differ; the shape is Hubtel's. *Experimental* until a live line
confirms it.

- A request is JSON: SessionId, Mobile, Operator, Type, Message, and either USERID, which names the service, or
  ServiceCode. Type is Initiation, with the dialled code in Message, or Response, with just the answer; Release and
  Timeout as at Hubtel. Case does not matter.
- The reply is JSON, too: Message, and Type, Response or Release. A field MaskNextRoute exists; it is not sent.
- Nothing tells a request that is sent again, requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping

from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE
from kikao.channels.ussd.shapes.latest import TYPES, Latest, Names, whole_code


class Emergent(Latest):
    """The gateway `emergent`: the last answer only, a redelivery known by the same body shortly after."""

    slug = "emergent"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "abort", "timeout"})
    names = Names(("SessionId",), "Mobile", "Message", "Operator", ("ServiceCode", "USERID"), "Type")
    states = TYPES
    may_dial_nothing = True
    contract = Contract(
        provider="Emergent (Cross-switch)",
        places="Ghana",
        certainty="seen",
        source="two implementations that talk to it, and differ in how they name the service",
        new="`Type` is `Initiation`, with the dialled code in `Message`",
        reply="`Type` is `Response`",
        abort="`Type` is `Release`",
        timeout="`Type` is `Timeout`",
        copies="the same body within a second of its reply",
        setup=("Long dials: set `KIKAO_USSD_EMERGENT_CODE`, unless `ServiceCode` comes.",),
        notes=(
            "The service is named by `ServiceCode` or by `USERID`; it is part of a session's key. Neither need come.",
            "`Type` is compared without regard to case.",
        ),
        wanted=(
            "the provider's own documentation, and whether it tells `Release` and `Timeout`, as Hubtel does",
            "what `MaskNextRoute` does: it probably hides the next answer, and would belong on PIN prompts only. It is "
            "not sent",
            "an id that tells a request that is sent again",
            "how long a reply may take, and how long a member may think",
        ),
    )

    def service_code(self, fields: Mapping[str, object]) -> str:
        """See `Latest.service_code`."""
        for name in self.names.code:
            if fields.get(name) not in (None, ""):
                return whole_code(self.token(fields, name, MAX_CODE))
        return ""

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as Message; the Type Release closes the dialogue."""
        return {"Message": text, "Type": "Release" if ends else "Response"}
