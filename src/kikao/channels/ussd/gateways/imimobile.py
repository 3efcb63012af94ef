"""IMImobile (India): `GET /ussd/imimobile`.

Contract: one implementation and its tests. Nothing was checked on a live line.

- A request is a query: msisdn, msg, tid, dcs, code. Neither a flag nor an id tells whether a dialogue begins: a msg
  that looks like a dialled code does, an empty one, and the first after a dialogue was closed; else it is an answer.
- A msg that begins with `Map Dialog User Abort User Reason` tells that the member hung up: that closes it, too.
- The reply is plain text, and a header `X-USSD-SESSION`: 1 goes on, 0 ends.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

import re
from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import Family, UssdGateway
from kikao.conversation.secrets import Secret

ABORT: Final = "Map Dialog User Abort User Reason"
"""How a msg begins that nobody typed."""


class ImiMobile(UssdGateway):
    """The gateway `imimobile`: the last answer only, a redelivery known by the same query shortly after.

    There is no id of a dialogue: a member has one, as long as the session lasts.
    """

    slug = "imimobile"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "abort"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    methods = ("GET",)
    bare_numbers = True
    contract = Contract(
        provider="IMImobile",
        places="India",
        certainty="seen",
        source="one implementation that talks to it, and its tests",
        new="`msg` is empty or looks like a dialled code; or it is the member's first, or the first after a last word "
        "or after a hang-up",
        reply="any other request of a member whose dialogue goes on",
        abort="`msg` begins with `Map Dialog User Abort User Reason`",
        copies="the same query within a second of its reply",
        notes=(
            "Requests are not signed.",
            "There is no session id. A member who comes back after a silence with a text that looks like no code is "
            "taken to answer, until the session has expired, unless the provider told that they hung up.",
            "Nothing tells an answer that comes late, from a dialogue before: it is one to the present question.",
            "No answer that begins with `*` and ends in `#` can be given.",
        ),
        on_a_phone=(
            "hang up in the middle and dial again: the first screen, or the offer to go on, must come",
        ),
        wanted=(
            "whether `msisdn` always has its country code: kikao reads it so",
            "what `msg` is at a dial",
            "what `tid` and `code` are: an id of the dialogue, of the message, or of the service",
            "what the values of `dcs` mean",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.query(request)
        phone = self.number(fields, "msisdn", spaced=True)
        typed = self.typed(fields, "msg")
        happening: Happening = "reply"
        text, note, dialled = typed, "", None
        if typed.startswith(ABORT):
            happening, text, dialled = "abort", "", Secret("")
        elif not typed.strip() or _CODE(typed.strip()):
            happening = "new"
            text, note = self.behind_code(typed)
        else:
            dialled = Secret("")
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            service_code=self.code_of(typed if happening == "new" else ""),
            keyed_by_code=False,
            msisdn=phone,
            dialled=dialled,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as plain text; `X-USSD-SESSION: 0` closes the dialogue."""
        return Response(200, _GONE if ends else _GOES_ON, text.encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200 that closes the dialogue."""
        return Response(200, _GONE, b"")


_PLAIN: Final = ("content-type", "text/plain; charset=utf-8")
_GOES_ON: Final = (_PLAIN, ("X-USSD-SESSION", "1"))
_GONE: Final = (_PLAIN, ("X-USSD-SESSION", "0"))
_REQUEST: Final = frozenset({"msisdn", "msg", "tid", "dcs", "code"})
_CODE = re.compile(r"\*[^\s#]*#").fullmatch
