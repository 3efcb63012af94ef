"""Wigal FROG (Ghana), version 2: `POST /ussd/wigal`.

Contract: the provider's documentation. Nothing was checked on a live line.

- A request is JSON: network, sessionid, mode, msisdn, userdata, username, trafficid, other. Mode START begins a
  dialogue, with the dialled code as userdata; MORE is an answer, with just that answer; END says that it is over.
- The reply is the same object: every field as it came, but mode, MORE to go on or END, and userdata, the screen. What
  the reply has as `other` comes back with the next request; kikao leaves it as it is.
- trafficid is unique to each message, and the same when one is sent again.
- Version 1 has the same fields as a GET; what separates them in its reply is not known, so it is not built.
- Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.echo import kept, repeated
from kikao.channels.ussd.shapes.latest import Latest, Names
from kikao.conversation.secrets import Secret

MAX_TRAFFIC: Final = 128
"""Characters of trafficid."""


class Wigal(Latest):
    """The gateway `wigal`: the last answer only, a redelivery known by the id of the message.

    `codes` are needed for long dials. They are no part of a session's key, since only START tells which code was
    dialled: a member has one session here.
    """

    slug = "wigal"
    dedupe: Dedupe = "exact"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    retention = 600.0
    """Seconds: longer than a USSD session. When the provider sends again is not known."""
    names = Names(
        ("sessionid",),
        "msisdn",
        "userdata",
        "network",
        state="mode",
        others=("username", "trafficid", "other"),
    )
    states: Mapping[str, Happening] = {"start": "new", "more": "reply", "end": "end"}
    contract = Contract(
        provider="Wigal FROG",
        places="Ghana",
        certainty="documented",
        source="the provider's documentation of its USSD API, version 2",
        new="`mode` is `START`",
        reply="`mode` is `MORE`",
        end="`mode` is `END`",
        copies="the same `trafficid`",
        setup=("choose version 2 (POST with JSON)",),
        notes=(
            "Requests are not signed.",
            "Only the first request says which code was dialled: a member has one session, whatever the code.",
        ),
        wanted=(
            "what separates the fields in a reply of version 1, which is not built",
            "what it wants to read in answer to `END`: kikao answers as it ends a dialogue",
            "times within which a reply must come",
        ),
    )

    def goes_back(self, fields: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
        """See `Latest.goes_back`."""
        return kept(self, fields, ("network", "sessionid", "msisdn", "username", "trafficid", "other"))

    def message_id(self, fields: Mapping[str, object], dialogue: str, happening: Happening) -> Secret:
        """The id of the message, in its session."""
        return Secret(f"{len(dialogue)}:{dialogue}{self.token(fields, 'trafficid', MAX_TRAFFIC)}")

    def echoed(self, inbound: Inbound) -> Mapping[str, object]:
        """Every field as it came."""
        return repeated(inbound)

    def answered(self, inbound: Inbound, text: str, *, ends: bool) -> Mapping[str, object]:
        """The screen as userdata; mode END closes the dialogue."""
        return {"mode": "END" if ends else "MORE", "userdata": text}

    def acknowledge(self, inbound: Inbound) -> Response:
        """The fields of an end, without a screen."""
        return self.reply(inbound, "", ends=True)
