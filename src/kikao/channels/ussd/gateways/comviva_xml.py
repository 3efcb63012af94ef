"""Comviva, XML (MTN and Airtel in Uganda): `POST /ussd/comviva_xml`.

Contract: one implementation and the schema it comes with. Nothing was checked on a live line.

- A request is an element `request` of type "pull": sessionId, transactionId, msisdn, newRequest, flowState,
  subscriberInput. newRequest 1 (and flowState FD) begins a dialogue, with the dialled code as input; 0 (and FE) is an
  answer, with just that answer.
- The reply is an element `response`: msisdn, sessionId and transactionId as they came, freeflowState FC to go on or FB
  to end within freeflow, and applicationResponse, the text.
- transactionId was seen empty, so nothing tells a request that is sent again: `dedupe` is "window".
- Nothing is told when a dialogue is over. Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.markup import tag
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret

MAX_TRANSACTION: Final = 128
"""Characters of transactionId."""


class ComvivaXml(UssdGateway):
    """The gateway `comviva_xml`: the last answer only, a redelivery known by the same answer shortly after.

    Only a dial tells the code, so it is no part of a session's key: a member has one session here.
    """

    slug = "comviva_xml"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    bare_numbers = True
    contract = Contract(
        provider="MTN and Airtel (Comviva, XML)",
        places="Uganda",
        certainty="seen",
        source="one implementation of its simulator, and the schema that it comes with",
        new="`newRequest` is 1 (and `flowState` FD)",
        reply="`newRequest` is 0 (and `flowState` FE)",
        copies="the same answer within a second of its reply",
        notes=(
            "Requests are not signed.",
            "Only `newRequest` decides; where `flowState` says something else the log has a note.",
            "Only the first request says which code was dialled: a member has one session, whatever the code.",
            "Nothing is told when a member hangs up.",
        ),
        wanted=(
            "whether `transactionId` differs from request to request: it was seen empty",
            "how it tells that a dialogue is over: only requests of type `pull` are known, and others are refused",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.xml(request, "request")
        if fields.get("@type", "pull") != "pull":
            raise self.refuse("the type of the request must be pull")
        happening = _FLAGS.get(self.required(fields, "newRequest"))
        if happening is None:
            raise self.refuse("field newRequest must be 1 or 0")
        dialogue = self.token(fields, "sessionId", MAX_DIALOGUE)
        phone = self.number(fields, "msisdn")
        transaction = fields.get("transactionId", "")
        if transaction != "":
            transaction = self.token(fields, "transactionId", MAX_TRANSACTION)
        typed = self.typed(fields, "subscriberInput")
        text, note = self.behind_code(typed) if happening == "new" else (typed, "")
        if fields.get("flowState", _STATES[happening]) != _STATES[happening]:
            note = "newRequest and flowState say different things"
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=dialogue,
            service_code=self.code_of(typed if happening == "new" else ""),
            keyed_by_code=False,
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
            echo=(("msisdn", self.required(fields, "msisdn")), ("transactionId", str(transaction))),
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as applicationResponse; freeflowState FB closes the dialogue."""
        echo = dict(inbound.echo)
        body = (
            tag("msisdn", echo["msisdn"])
            + tag("sessionId", inbound.dialogue)
            + tag("transactionId", echo["transactionId"])
            + f"<freeflow>{tag('freeflowState', 'FB' if ends else 'FC')}</freeflow>"
            + tag("applicationResponse", text)
        )
        return Response(200, _HEADERS, f"{_DECLARATION}<response>{body}</response>".encode())

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200; nothing that this gateway sends is a mere notification."""
        return Response(200, (), b"")


_HEADERS: Final = (("content-type", "text/xml; charset=utf-8"),)
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>'
_FLAGS: Final[Mapping[str, Happening]] = {"1": "new", "0": "reply"}
_STATES: Final[Mapping[Happening, str]] = {"new": "FD", "reply": "FE"}
_REQUEST: Final = frozenset(
    {"@type", "sessionId", "transactionId", "msisdn", "newRequest", "flowState", "subscriberInput"}
)
