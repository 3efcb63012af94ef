"""Acme (imaginary): `POST /ussd/acme`.

A request is a form: session, msisdn, input (the last answer only), op (begin, continue or end), and id, the same when a
request is sent again. The reply is plain text; the header `X-Op` says continue or end. Requests are not signed.
"""

from __future__ import annotations

from urllib.parse import urlencode

from kikao import Secret
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.clients.client import FORM, Client, Exchange
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE, Family, UssdGateway

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
        copies="the same `id`",
    )

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`, which names fields and never a value."""
        fields = self.form(request)
        op = self.required(fields, "op")
        if op not in HAPPENINGS:
            raise self.refuse("field op is neither begin, continue nor end")
        phone = self.number(fields, "msisdn", spaced=True)  # a form turns the + of a number into a space
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=HAPPENINGS[op],
            text=Secret(self.typed(fields, "input") if op == "continue" else ""),
            dialogue=self.token(fields, "session", MAX_DIALOGUE),
            msisdn=phone,
            message_id=Secret(self.token(fields, "id", 64)),
            unknown_fields=self.unknown(fields, frozenset({"session", "msisdn", "input", "op", "id"})),
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """One page of a screen."""
        headers = (("content-type", "text/plain; charset=utf-8"), ("x-op", "end" if ends else "continue"))
        return Response(200, headers, text.encode(errors="replace"))

    def acknowledge(self, inbound: Inbound) -> Response:
        """The answer to the end of a dialogue."""
        return Response(200, (), b"")


class AcmeClient(Client):
    """The other side, for phones in tests and in the terminal."""

    count = 0

    def dial(self, dialogue: str, ahead: str = "") -> Exchange:
        """A new dialogue."""
        self.dialogue = dialogue
        return self.exchange("begin")

    def answer(self, text: str) -> Exchange:
        """What the member typed."""
        return self.exchange("continue", text)

    def hang_up(self) -> Exchange:
        """The dialogue is over."""
        return self.exchange("end")

    def read(self, response: Response) -> tuple[str, bool]:
        """The text of a reply, and whether the dialogue goes on."""
        return response.body.decode(), dict(response.headers)["x-op"] == "continue"

    def exchange(self, op: str, text: str = "") -> Exchange:
        """A request."""
        self.count += 1
        fields = {"session": self.dialogue, "msisdn": self.number, "op": op, "id": f"m{self.count}"}
        return Exchange("", FORM, urlencode({**fields, "input": text}).encode())
