"""Nsano (Ghana): `POST /ussd/nsano`.

Contract: one implementation that talks to it: *experimental* until a live line confirms it.

- A request is UserSessionID, msisdn, network and msg. It was seen as parameters and as JSON: a query, a form and JSON
  are read.
- Nothing says that a dialogue begins: a UserSessionID not met before does, and msg is then the dialled code.
- The reply is JSON: an object USSDResp of action, menus and title. The action is `input` to go on and `prompt` to end.
- Nothing tells a request that is sent again, nothing is told when a dialogue is over, requests are not signed.
"""

from __future__ import annotations

from collections.abc import Mapping

from kikao.channels.channel import Request
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.shapes.latest import Latest, Names


class Nsano(Latest):
    """The gateway `nsano`: the last answer only, a dial and a redelivery known by what came before.

    `codes` are needed for long dials: where `*920*1806*1*500#` stops being the code only they tell. They are no part
    of a session's key, since an answer does not say which code was dialled: a member has one session here.
    """

    slug = "nsano"
    methods = ("POST", "GET")
    spaced = True
    happenings: frozenset[Happening] = frozenset({"reply"})
    names = Names(("UserSessionID",), "msisdn", "msg", "network")
    contract = Contract(
        provider="Nsano",
        places="Ghana",
        certainty="seen",
        source="one implementation that talks to it",
        new="`UserSessionID` was not met before, and `msg` is the dialled code",
        reply="`UserSessionID` was met before",
        copies="the same body within a second of its reply",
        setup=("Long dials: set `KIKAO_USSD_NSANO_CODE`, since only the dialled text has the code.",),
        notes=(
            "Nothing says that a dialogue begins but an id not met before: should it change in the middle of a "
            "dialogue, the member is offered to go on.",
            "A request may be a query, a form or JSON.",
            "An answer does not say which code was dialled: a member has one session here, whatever the code.",
            "Nothing is told when a member hangs up.",
        ),
        on_a_phone=(
            "that the second screen comes: an id that changes with every answer would never leave the first",
        ),
        wanted=(
            "the provider's own documentation",
            "an id that tells a request that is sent again",
            "what the action `showMenu` and the field `menus` are for: kikao writes its menus into `title`",
            "how long a reply may take, and how long a member may think",
        ),
    )

    def fields(self, request: Request) -> Mapping[str, object]:
        """See `Latest.fields`."""
        if request.method == "GET":
            return self.query(request)
        if request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return self.form(request)
        return self.json(request)

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as title; the action `prompt` closes the dialogue."""
        return {"USSDResp": {"action": "prompt" if ends else "input", "menus": "", "title": text}}
