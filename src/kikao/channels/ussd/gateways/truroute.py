"""TruTeq TruRoute over HTTP (Namibia, South Africa): `POST /ussd/truroute`.

Contract: the interface specification of a provider that serves it. Nothing was checked on a live line.

- A request is an element `ussd`: msisdn, sessionid, type, msg. Type 1 begins a dialogue, with the dialled code as msg;
  2 is an answer, with just that answer; 3 tells that it was released, 4 that the member was too slow, 10 that the
  member could not be charged, each with a reason as msg.
- The reply is an element `ussd`: type 2 to go on or 3 to end, and msg. (5 hands the member to another application: not
  built.)
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import TURNS, Happening, Inbound
from kikao.channels.markup import tag
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret


class TruRoute(UssdGateway):
    """The gateway `truroute`: the last answer only, a redelivery known by the same answer shortly after.

    Only a dial tells the code, so it is no part of a session's key: a member has one session here.
    """

    slug = "truroute"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end", "timeout", "charge_failed"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    bare_numbers = True
    contract = Contract(
        provider="TruTeq TruRoute (HTTP)",
        places="Namibia, South Africa",
        certainty="seen",
        source="the interface specification of a provider that serves it (SMS.COM.NA)",
        new="`type` is 1",
        reply="`type` is 2",
        end="`type` is 3 (released; by whom is not told)",
        timeout="`type` is 4",
        charge_failed="`type` is 10",
        copies="the same answer within a second of its reply",
        notes=(
            "Requests are not signed.",
            "Only the first request says which code was dialled: a member has one session, whatever the code.",
            "Type 5 of a reply, which hands the member to another application, is not built.",
        ),
        on_a_phone=("dial without airtime where the service costs something: the log tells `charge_failed`",),
        wanted=(
            "what it wants to read in answer to types 3, 4 and 10: kikao sends a release without a text",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.xml(request, "ussd")
        happening = _TYPES.get(self.required(fields, "type"))
        if happening is None:
            raise self.refuse(f"field type must be one of {', '.join(_TYPES)}")
        phone = self.number(fields, "msisdn")
        said, text, note = "", "", ""
        if happening in TURNS:
            said = text = self.typed(fields, "msg")
            if happening == "new":
                text, note = self.behind_code(said)
        else:
            reason = fields.get("msg", "")
            note = reason if isinstance(reason, str) and _REASON(reason) else ""
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=self.token(fields, "sessionid", MAX_DIALOGUE),
            service_code=self.code_of(said if happening == "new" else ""),
            keyed_by_code=False,
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as msg; type 3 closes the dialogue."""
        body = tag("type", "3" if ends else "2") + tag("msg", text)
        return Response(200, _HEADERS, f"{_DECLARATION}<ussd>{body}</ussd>".encode())

    def acknowledge(self, inbound: Inbound) -> Response:
        """A release without a text: what is over stays over."""
        return self.reply(inbound, "", ends=True)


_HEADERS: Final = (("content-type", "text/xml; charset=utf-8"),)
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_TYPES: Final[Mapping[str, Happening]] = {
    "1": "new",
    "2": "reply",
    "3": "end",
    "4": "timeout",
    "10": "charge_failed",
}
_REQUEST: Final = frozenset({"msisdn", "sessionid", "type", "msg"})
# Words: digits could be what was typed.
_REASON = re.compile("[A-Za-z][A-Za-z _-]{0,39}").fullmatch
