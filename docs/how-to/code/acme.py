"""Acme (imaginary): `POST /ussd/acme`.

A request is a form: session, msisdn, code, op (begin, continue or end), input (what was dialled, then the last answer
only), and id, which counts the requests of a session, and is the same when one is sent again. The reply is plain text;
the header `X-Op` says continue or end. Requests are not signed.
"""

from __future__ import annotations

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE, Family, UssdGateway
from kikao.conversation.secrets import Secret

REQUEST = frozenset({"session", "msisdn", "code", "op", "input", "id"})
HAPPENINGS: dict[str, Happening] = {"begin": "new", "continue": "reply", "end": "end"}


class Acme(UssdGateway):
    """The gateway `acme`: the last answer only, a redelivery known by its id."""

    slug = "acme"
    family: Family = "last"
    dedupe: Dedupe = "exact"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    retention = 600.0  # seconds in which a request may come again
    contract = Contract(
        provider="Acme",
        places="nowhere",
        certainty="seen",
        source="this page",
        new="`op` is `begin`",
        reply="`op` is `continue`",
        end="`op` is `end`",
        copies="the same `session` and `id`",
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`, which names fields and never a value."""
        fields = self.form(request)
        op = self.required(fields, "op")
        if op not in HAPPENINGS:
            raise self.refuse("field op is neither begin, continue nor end")
        phone = self.number(fields, "msisdn", spaced=True)  # a form turns the + of a number into a space
        dialogue, code = self.token(fields, "session", MAX_DIALOGUE), self.token(fields, "code", MAX_CODE)
        typed, note = self.typed(fields, "input"), ""
        if op == "begin":  # of `*284*1*500#` what is behind the code: a long dial
            typed, note = self.behind_code(typed, code)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=HAPPENINGS[op],
            text=Secret("" if op == "end" else typed),
            dialogue=dialogue,
            service_code=code,
            msisdn=phone,
            # It counts within its session, so the session is part of what tells a copy. No two pairs read the same.
            message_id=Secret(f"{len(dialogue)}:{dialogue}{self.token(fields, 'id', 64)}"),
            unknown_fields=self.unknown(fields, REQUEST),
            note=note,
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """One page of a screen."""
        headers = (("content-type", "text/plain; charset=utf-8"), ("x-op", "end" if ends else "continue"))
        return Response(200, headers, text.encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """The answer to the end of a dialogue."""
        return Response(200, (), b"")
