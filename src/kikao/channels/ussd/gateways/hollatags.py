"""Hollatags (Nigeria): `GET /ussd/hollatags`.

Contract: the provider's documentation. Nothing was checked on a live line.

- A request is a GET: session_msisdn, session_operation, session_msg, session_id, session_from (the service code),
  session_type, session_mno. The operation is begin, continue with the last answer as session_msg, or end.
- The reply is JSON: session_operation, session_type (1 asks, 4 notifies and ends), session_id, session_msg.
- A screen has at most 160 characters.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names

ASKS: Final = 1
"""session_type of a screen that waits for an answer."""

ENDS: Final = 4
"""session_type of a last screen."""


class Hollatags(Latest):
    """The gateway `hollatags`: the last answer only, a redelivery known by the same fields shortly after."""

    slug = "hollatags"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    methods = ("GET",)
    spaced = True
    names = Names(
        ("session_id",),
        "session_msisdn",
        "session_msg",
        "session_mno",
        ("session_from",),
        "session_operation",
        others=("session_type",),
    )
    states: Mapping[str, Happening] = {"begin": "new", "continue": "reply", "end": "end"}
    contract = Contract(
        provider="Hollatags",
        places="Nigeria",
        certainty="documented",
        source="the provider's documentation of inbound USSD",
        new="`session_operation` is `begin`",
        reply="`session_operation` is `continue`",
        end="`session_operation` is `end`",
        copies="the same fields within a second of their reply",
        limits=("a screen has at most 160 characters: leave `KIKAO_USSD_HOLLATAGS_SEPTETS` at 160",),
        notes=("Requests are not signed.",),
        wanted=(
            "whether `session_id` of a reply is a number: kikao sends the text that came",
            "an id that tells a request that is sent again",
            "what `session_msg` of `begin` is: kikao reads it where it begins with the service code (a long dial)",
            "what it wants to read in answer to `end`: kikao answers as it ends a dialogue",
            "what `session_type` of a request means",
            "times within which a reply must come",
        ),
    )

    def fields(self, request: Request) -> Mapping[str, object]:
        """See `Latest.fields`."""
        return self.query(request)

    def ahead(self, fields: Mapping[str, object], code: str) -> tuple[str, str]:
        """See `Latest.ahead`. What does not begin with the code is some message, and says nothing."""
        return super().ahead(fields, code)[0], ""

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as session_msg; type 4 closes the dialogue."""
        return {
            "session_operation": "end" if ends else "continue",
            "session_type": ENDS if ends else ASKS,
            "session_id": inbound.dialogue,
            "session_msg": text,
        }

    def acknowledge(self, inbound: Inbound) -> Response:
        """The fields of an end, without a screen."""
        return self.reply(inbound, "", ends=True)
