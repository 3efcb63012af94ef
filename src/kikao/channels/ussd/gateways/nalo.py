"""Nalo Solutions (Ghana): `POST /ussd/nalo`.

Contract: the provider's public request collection. It is documented, except that ids were seen to rotate; nothing was
checked on a live line.

- A request is JSON: USERID, MSISDN, USERDATA, MSGTYPE, NETWORK, and SESSIONID, which old accounts leave out. MSGTYPE
  true begins a dialogue, with the dialled code in USERDATA; false is an answer, with just that answer.
- The reply is JSON, too: USERID and MSISDN as they came, MSG, and MSGTYPE, which means something else here: true goes
  on, false ends. USERDATA is sent empty: what was typed may be a PIN.
- USERID is the provider's name for the company, the same in every request: no part of any key.
- Ids rotate (on a timeout, it was seen), and nothing else tells a request that is sent again from the same answer
  given twice: `dedupe` is "window". Whether a dialogue begins is what MSGTYPE says; the id only tells a late copy.
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.inbound import Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names

GHANA: Final = ("233", 9)
"""Country code, and how many digits follow it."""


class Nalo(Latest):
    """The gateway `nalo`: the last answer only, a redelivery known by the same body shortly after.

    `codes` are needed for long dials: where `*920*1806*1*500#` stops being the code only they tell. They are no part
    of a session's key, since an answer does not say which code was dialled: a member has one session here.

    MSISDN may come without its `+` only as a number of Ghana, 233 and nine digits, or as a national one where the
    settings say of which country: of other digits nobody knows whether they begin with a country code, and a wrong
    guess would be another member.
    """

    slug = "nalo"
    names = Names(("SESSIONID",), "MSISDN", "USERDATA", "NETWORK", state="MSGTYPE")
    echoes = ("USERID", "MSISDN")
    country = GHANA
    needs_dialogue = False
    contract = Contract(
        provider="Nalo",
        places="Ghana",
        certainty="documented",
        source="the provider's public request collection",
        new="`MSGTYPE` is true",
        reply="`MSGTYPE` is false",
        copies="the same body within a second of its reply",
        notes=(
            "`USERID` names your company, the same in every request: it is no secret and no key of a session.",
            "`SESSIONID` is missing on old accounts, and was seen to change in the middle of a dialogue.",
            "Nothing is told when a member hangs up.",
        ),
        wanted=("an id that tells a request that is sent again",),
    )

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as MSG; MSGTYPE false closes the dialogue."""
        return {"USERDATA": "", "MSG": text, "MSGTYPE": not ends}
