"""Uzo by Mobiverse, Korba and TxtGhana (Ghana), which speak one dialect: `POST /ussd/uzo_korba_txtghana`.

Contract: Uzo's documentation, and an implementation of the other two; nothing was checked on a live line.

- A request is JSON: sessionID, msisdn, network (the operator's MNC), ussdString, ussdServiceOp, code, country. The
  operation is that of SMPP, as a number or in digits: 1 begins a dialogue, with the dialled code in ussdString, 18 is
  an answer, with just that answer, and 29 or greater tells that the dialogue is over.
- The reply is JSON, too: message, and ussdServiceOp, 2 to go on or 17 to end.
- Nothing tells a request that is sent again, requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE
from kikao.channels.ussd.shapes.latest import Latest, Names, whole_code

BEGINS: Final = 1
"""Operation of a request; so are the next two."""
ANSWERS: Final = 18
OVER: Final = 29
"""And whatever is greater."""

GOES_ON: Final = 2
"""Operation of a reply; so is the next."""
ENDS: Final = 17


class UzoKorbaTxtGhana(Latest):
    """The gateway `uzo_korba_txtghana`: the last answer only, a redelivery known by the same body shortly after."""

    slug = "uzo_korba_txtghana"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    names = Names(
        ("sessionID",), "msisdn", "ussdString", "network", ("code",), "ussdServiceOp", others=("country",)
    )
    contract = Contract(
        provider="Uzo, Korba and TxtGhana",
        places="Ghana",
        certainty="documented",
        source="Uzo's documentation; for Korba and TxtGhana, an implementation of both",
        new="`ussdServiceOp` is 1, with the dialled code in `ussdString`",
        reply="`ussdServiceOp` is 18",
        end="`ussdServiceOp` is 29 or greater",
        copies="the same body within a second of its reply",
        notes=(
            "Three providers, one dialect.",
            "`ussdServiceOp` may be a number or its digits.",
            "`network` is the operator's mobile network code, such as `06`.",
            "Uzo sends the service code in `code`; whether Korba and TxtGhana do is not known, and it may be missing.",
        ),
        wanted=(
            "whether `code` has what was dialled behind it: the codes of the settings tell where it ends",
            "an id that tells a request that is sent again",
            "what each operation from 29 tells: why a dialogue is over",
            "how long a reply may take, and how long a member may think",
        ),
    )

    def happening(self, fields: Mapping[str, object]) -> Happening:
        """See `Latest.happening`."""
        operation = self.whole(fields, "ussdServiceOp")
        if operation == BEGINS:
            return "new"
        if operation == ANSWERS:
            return "reply"
        if operation >= OVER:
            return "end"
        raise self.refuse(f"field ussdServiceOp must be {BEGINS}, {ANSWERS}, or {OVER} or greater")

    def status(self, fields: Mapping[str, object]) -> str:
        """See `Latest.status`. An operation has one octet (SMPP 3.4, 5.3.2.44)."""
        operation = self.whole(fields, "ussdServiceOp")
        return f"operation {operation}" if operation < 256 else ""

    def service_code(self, fields: Mapping[str, object]) -> str:
        """The code of the settings that `code` begins with, else what it says; nothing where it is missing."""
        if fields.get("code", "") == "":
            return ""
        said = whole_code(self.token(fields, "code", MAX_CODE))
        return self.known_code(said) or said

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as message; ussdServiceOp 17 closes the dialogue."""
        return {"message": text, "ussdServiceOp": ENDS if ends else GOES_ON}
