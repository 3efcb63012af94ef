"""Arkesel (Ghana): `POST /ussd/arkesel`.

Contract: the provider's own sample application, and a second implementation; nothing was checked on a live line.

- A request is JSON: sessionID, userID, newSession, msisdn, userData, network. newSession true begins a dialogue, with
  the dialled code in userData; false is an answer, with just that answer.
- The reply is JSON, too: sessionID, userID and msisdn as they came, message, and continueSession, true or false.
- The sample turns pages with a bare `#` and `*`: they are answers like any other.
- Nothing tells a request that is sent again, nothing is told when a dialogue is over, requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping

from kikao.channels.inbound import Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names


class Arkesel(Latest):
    """The gateway `arkesel`: the last answer only, a redelivery known by the same body shortly after.

    `codes` are needed for long dials: where `*928*01*1*500#` stops being the code only they tell. They are no part of a
    session's key, since an answer does not say which code was dialled: a member has one session here.
    """

    slug = "arkesel"
    names = Names(("sessionID",), "msisdn", "userData", "network", state="newSession")
    echoes = ("userID", "msisdn")
    contract = Contract(
        provider="Arkesel",
        places="Ghana",
        certainty="documented",
        source="the provider's sample application, and a second implementation",
        new="`newSession` is true, with the dialled code in `userData`",
        reply="`newSession` is false",
        copies="the same body within a second of its reply",
        limits=("the provider's sample keeps its state for 120 s",),
        setup=("Long dials: set `KIKAO_USSD_ARKESEL_CODE`, since only the dialled text has the code.",),
        notes=(
            "`userID` names your account, the same in every request: it is no secret and no key of a session.",
            "A bare `#` or `*` is an answer: an app may turn its pages with them.",
            "An answer does not say which code was dialled: a member has one session here, whatever the code.",
            "Nothing is told when a member hangs up.",
        ),
        on_a_phone=("answer with a bare `#`, which some phones cannot type",),
        wanted=("an id that tells a request that is sent again", "how long a reply may take"),
    )

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as message; continueSession false closes the dialogue."""
        return {"sessionID": inbound.dialogue, "message": text, "continueSession": not ends}
