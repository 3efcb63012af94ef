"""MTN MADAPI (MTN in Africa): `POST /ussd/mtn_madapi`, answered in the response or by a call.

Contract: the USSD interface at developers.mtn.com, and programs that use it. It contradicts itself about a reply: what
is required there is `outboundResponse`, what is described is `inboundResponse`, so a reply has both. Nothing was
checked on a live line.

- A request is JSON: sessionId, messageType, msisdn, serviceCode, ussdString, and cellId, language, imsi, which are not
  needed. messageType `0` begins a dialogue, with the dialled code in ussdString; `1` is an answer, with just that
  answer. `2` is an end, `4` a cancellation and `5` a time-out, with a reason in ussdString; `3` is a notification.
- The reply is JSON, too, with the screen in it and messageType 1 to go on or 2 to end. Or the screen is a call to
  `/messages/ussd/outbound` with `x-api-key`, and the reply has none: `KIKAO_USSD_MTN_MADAPI_REPLY=push`.
- Nothing tells a request that is sent again: `dedupe` is "window". Requests are not signed: set a path token.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from kikao.channels.calling import Call
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE, Family
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.config import Hidden, Option
from kikao.config.called import check
from kikao.conversation.secrets import Secret

OUTBOUND: Final = "https://api.mtn.com/v1/messages/ussd/outbound"


def _way(value: str) -> None:
    if value not in ("response", "push"):
        raise ValueError("must be response or push")


class MtnMadapi(CallingGateway):
    """The gateway `mtn_madapi`: the last answer only, a redelivery known by the same body shortly after.

    `codes` are needed for long dials: serviceCode is an id of the provider's, not what a member dials.
    """

    slug = "mtn_madapi"
    family: Family = "last"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end", "abort", "timeout", "notice"})
    bare_numbers = True
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    options = (
        Option(
            "reply",
            "`response`: a screen is the response to its request; `push`: it is a call to the provider",
            "push",
            default="response",
            check=_way,
        ),
        Option("api_key", "the x-api-key that the provider gave, for `push`", "<from the provider>"),
        Option("url", "where screens are sent, for `push`", OUTBOUND, default=OUTBOUND, check=check),
    )
    needs = ("api_key",)
    contract = Contract(
        provider="MTN MADAPI",
        places="Côte d'Ivoire, Ghana, Uganda, Rwanda, Zambia and wherever else MTN opens it",
        certainty="seen",
        source="the USSD interface at developers.mtn.com; the reply rests on programs that use it",
        new='`messageType` is `"0"`',
        reply='`messageType` is `"1"`',
        end='`messageType` is `"2"`',
        abort='`messageType` is `"4"`, with a reason that kikao does not read',
        timeout='`messageType` is `"5"`',
        notice='`messageType` is `"3"`',
        copies="the same `sessionId`, `messageType` and `ussdString` within a second of the reply",
        setup=(
            "Subscribe the service code: `POST https://api.mtn.com/v1/messages/ussd/subscription` with `x-api-key`, "
            "and `serviceCode`, `callbackUrl` (the URL of the gateway) and `targetSystem`.",
        ),
        notes=(
            "The interface contradicts itself about the reply: it has `outboundResponse` and `inboundResponse`.",
            "With `REPLY=push` a request is acknowledged, and the screen is a call with `API_KEY`, sent at least once; "
            "one that cannot be sent within 20 s is given up, and so is one that has a newer one behind it.",
        ),
        on_a_phone=("both ways of replying, where the provider offers both",),
        wanted=(
            "what `transactionId` of a reply should be: kikao gives the session's; and where its `_link` should lead",
            "an id that tells a request that is sent again",
            "how long a dialogue is kept open for a call: kikao gives up after 20 s",
            "whether a call may begin a dialogue (`messageType` 0 or 3), to bring members notices: kikao sends none",
        ),
    )

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        if self.given["reply"] != "push":
            self.pushes = ""

    @property
    def url(self) -> str:
        """See `CallingGateway.url`."""
        return self.given["url"]

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.json(request)
        phone = self.number(fields, "msisdn")
        kind = self.required(fields, "messageType")
        if kind not in _HAPPENINGS:
            raise self.refuse(f"field messageType must be one of {', '.join(_HAPPENINGS)}")
        happening = _HAPPENINGS[kind]
        typed = self.typed(fields, "ussdString") if happening in ("new", "reply") else ""
        note = ""
        if happening == "new":
            typed, note = self.behind_code(typed)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=phone,
            happening=happening,
            text=Secret(typed),
            dialogue=self.token(fields, "sessionId", MAX_DIALOGUE),
            service_code=self.token(fields, "serviceCode", MAX_CODE),
            msisdn=phone,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
            echo=(("msisdn", self.required(fields, "msisdn")),),
        )

    def reply(self, inbound: Inbound, text: str, *, ends: bool) -> Response:
        """The screen, twice, with messageType 2 to close the dialogue; only an acknowledgement where it is pushed."""
        if self.pushes:
            return self.acknowledge(inbound)
        screen = text.encode(errors="replace").decode()
        data = {
            "inboundResponse": screen,
            "outboundResponse": screen,
            "userInputRequired": not ends,
            "messageType": 2 if ends else 1,
            "serviceCode": inbound.service_code,
            **dict(inbound.echo),
        }
        return self._said(inbound, {"data": data, "_link": {"self": {"href": OUTBOUND}}})

    def acknowledge(self, inbound: Inbound) -> Response:
        """Status 0000 and no screen."""
        return self._said(inbound, {})

    def call(self, pushed: Pushed, message: str) -> Call:
        """See `CallingGateway.call`."""
        fields = {
            "sessionId": pushed.dialogue,
            "messageType": "2" if pushed.ends else "1",
            **dict(pushed.echo),
            "serviceCode": pushed.service_code,
            "ussdString": pushed.text,
        }
        headers = (*_HEADERS, ("x-api-key", self.given["api_key"]))
        return Call(Hidden(self.url.encode()), headers, msgspec.json.encode(fields))

    def _said(self, inbound: Inbound, more: Mapping[str, object]) -> Response:
        fields = {"statusCode": "0000", "statusMessage": "", "transactionId": inbound.dialogue, **more}
        return Response(200, _HEADERS, msgspec.json.encode(fields))


_HAPPENINGS: Final[dict[str, Happening]] = {
    "0": "new",
    "1": "reply",
    "2": "end",
    "3": "notice",
    "4": "abort",
    "5": "timeout",
}
_HEADERS: Final = (("content-type", "application/json"),)
_REQUEST: Final = frozenset(
    {"sessionId", "messageType", "msisdn", "serviceCode", "ussdString", "cellId", "language", "imsi"}
)
