"""Cellulant (Kenya and others): `GET /ussd/cellulant`.

Contract: one implementation and its tests. Nothing was checked on a live line.

- A request is a query: MSISDN, INPUT, opCode, ABORT, sessionID. opCode BEG begins a dialogue, with the dialled code as
  INPUT; ABO tells that the member hung up, and so does an ABORT that is neither 0 nor null; anything else is an answer,
  with just that answer.
- The reply is six values joined by `|`: the level of the menu, the text, two nulls, `end` to end or null, a null. A `|`
  in a text would begin the next value: it is sent as `/`.
- Nothing tells a request that is sent again from the same answer given twice: `dedupe` is "window".
- Requests are not signed: set a path token.
"""

from __future__ import annotations

from typing import Final

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret

LEVEL: Final = 1
"""kikao keeps its own place in a menu: the provider's is the first one, always."""


class Cellulant(UssdGateway):
    """The gateway `cellulant`: the last answer only, a redelivery known by the same query shortly after.

    Only a dial tells the code, so it is no part of a session's key: a member has one session here.
    """

    slug = "cellulant"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "abort"})
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    methods = ("GET",)
    bare_numbers = True
    contract = Contract(
        provider="Cellulant",
        places="Kenya and other countries of Africa",
        certainty="seen",
        source="one implementation that talks to it, and its tests",
        new="`opCode` is `BEG`",
        reply="`opCode` is anything else, mostly empty",
        abort="`opCode` is `ABO`, or `ABORT` is neither `0` nor `null`",
        copies="the same query within a second of its reply",
        limits=("a text must not contain `|`: kikao sends `/` in its place",),
        notes=(
            "Requests are not signed.",
            "The level of the menu is always 1: kikao keeps its own place.",
            "Only the first request says which code was dialled: a member has one session, whatever the code.",
        ),
        wanted=(
            "how a timeout is told",
            "whether a text may have line ends: kikao sends them",
            "times within which a reply must come",
        ),
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.query(request)
        code = self.required(fields, "opCode")
        happening: Happening = "new" if code == "BEG" else "reply"
        if code == "ABO" or self.required(fields, "ABORT") not in _GOES_ON:
            happening = "abort"
        phone = self.number(fields, "MSISDN", spaced=True)
        said, text, note = "", "", ""
        if happening != "abort":
            said = text = self.typed(fields, "INPUT")
            if happening == "new":
                text, note = self.behind_code(said)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(text),
            dialogue=self.token(fields, "sessionID", MAX_DIALOGUE),
            service_code=self.code_of(said if happening == "new" else ""),
            keyed_by_code=False,
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
        )

    def spelled(self, text: str) -> str:
        """See `UssdGateway.spelled`: without `|`."""
        return super().spelled(text).replace("|", "/")

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The page as the second value; `end` as the fifth closes the dialogue."""
        shown = text.replace("|", "/")  # whoever made it: a value more would be another reply
        body = f"{LEVEL}|{shown}|null|null|{'end' if ends else 'null'}|null"
        return Response(200, _PLAIN, body.encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty 200."""
        return Response(200, _PLAIN, b"")


_PLAIN: Final = (("content-type", "text/plain; charset=utf-8"),)
_GOES_ON: Final = frozenset({"0", "null"})
_REQUEST: Final = frozenset({"MSISDN", "INPUT", "opCode", "ABORT", "sessionID"})
