"""GSMA OneAPI, as IdeaBiz has it (Sri Lanka): `POST /ussd/oneapi`, and screens by `POST` to the provider.

Contract: docs.ideabiz.lk for both directions. Nothing was checked on a live line.

- A request is JSON, an object `inboundUSSDMessageRequest` with address, sessionID, shortCode, keyword,
  inboundUSSDMessage, clientCorrelator, responseRequest and ussdAction: `moinit` begins a dialogue, `mocont` is an
  answer, and so is `mtcont`, in a dialogue that the network began; `mofin` is an end.
- It is acknowledged with an empty object. The screen is a call with an OAuth token: an object
  `outboundUSSDMessageRequest` with address, sessionID, shortCode, keyword, outboundUSSDMessage, ussdAction `mtcont` to
  go on or `mtfin` to end, and a clientCorrelator of ours, by which the provider knows one that comes twice.
- address is `tel:` and a number, or a token where the provider hides numbers; it goes back as it came.
- A request holds an address for answers (`notifyURL`) that anybody may have written: kikao never repeats it.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

import msgspec

from kikao.channels.calling import Call
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_CODE, MAX_DIALOGUE
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.config import Hidden, Option
from kikao.config.called import check
from kikao.conversation.secrets import Secret

ENVELOPE: Final = "inboundUSSDMessageRequest"

MAX_KEYWORD: Final = 64
"""Characters of a keyword."""

OUTBOUND: Final = "https://ideabiz.lk/apicall/ussd/v1/outbound"


class OneApi(CallingGateway):
    """The gateway `oneapi`: the last answer only, a redelivery known by the same body shortly after."""

    slug = "oneapi"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply", "end"})
    bare_numbers = True
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    options = (
        Option(
            "access_token",
            "the OAuth token with which screens are sent",
            "<from the provider>",
            required=True,
        ),
        Option(
            "url",
            "where screens are sent; behind it comes the address of the member",
            OUTBOUND,
            default=OUTBOUND,
            check=check,
        ),
        Option(
            "notify_url",
            "where the provider sends answers, if not where its subscription says",
            "https://ussd.example.com/ussd/oneapi/<token>",
        ),
    )
    needs = ("access_token",)
    contract = Contract(
        provider="GSMA OneAPI (IdeaBiz)",
        places="Sri Lanka",
        certainty="documented",
        source="docs.ideabiz.lk, USSD v1",
        new="`ussdAction` is `moinit`",
        reply="`ussdAction` is `mocont`, or `mtcont` in a dialogue that the network began",
        end="`ussdAction` is `mofin`",
        copies="the same `sessionID`, `ussdAction` and `inboundUSSDMessage` within a second of the acknowledgement",
        setup=("Subscribe the short code to the URL of the gateway.",),
        notes=(
            "A request is acknowledged; the screen is a call of its own, sent at least once. Its `clientCorrelator` is "
            "the same when it is sent again, by which the provider shows it once.",
            "A screen that cannot be sent within 20 s is given up, and so is one that has a newer one behind it.",
            "`address` may be a token in place of a number: such members are known by it, here only.",
            "A token that the provider no longer takes (401) is not renewed by kikao: set a new one and start again.",
        ),
        on_a_phone=("that a second screen comes after an answer, and that the last one closes the dialogue",),
        wanted=(
            "whether a dialogue that a member began is continued with `mtcont`, as documented, or with `mocont`, as "
            "programs do that answer in the response",
            "how `address` stands in the path of a call: kikao writes it as it came, percent-encoded",
            "an id that tells a request that is sent again",
            "whether `inboundUSSDMessage` of `moinit` has what was dialled: kikao reads it so where it begins with a "
            "code of the settings",
            "how tokens are renewed, and for how long one is good",
            "what a member's answer to `mtinit` begins with: without that kikao begins no dialogue to bring notices",
        ),
    )

    @property
    def url(self) -> str:
        """See `CallingGateway.url`."""
        return self.given["url"]

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        outer = self.json(request)
        fields = outer.get(ENVELOPE)
        if not isinstance(fields, dict):
            raise self.refuse(f"field {ENVELOPE} must be an object")
        address = self.required(fields, "address").strip()
        identity, msisdn = self.sender({"address": address}, "address")
        action = self.required(fields, "ussdAction")
        if action not in _HAPPENINGS:
            raise self.refuse(f"field ussdAction must be one of {', '.join(_HAPPENINGS)}")
        happening, note = _HAPPENINGS[action], ""
        if happening == "reply":
            typed = self.typed(fields, "inboundUSSDMessage")
        else:
            typed = "" if happening == "end" else self._optional(fields, "inboundUSSDMessage")
        if happening == "new":
            typed, note = self.behind_code(typed)
        short_code = self.token(fields, "shortCode", MAX_CODE)
        keyword = self._optional(fields, "keyword")
        if len(keyword) > MAX_KEYWORD:
            raise self.refuse(f"field keyword is longer than {MAX_KEYWORD} characters")
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=identity,
            happening=happening,
            text=Secret(typed),
            dialogue=self.token(fields, "sessionID", MAX_DIALOGUE),
            service_code=short_code.removeprefix("tel:"),
            msisdn=msisdn,
            unknown_fields=self.unknown({**outer, **fields}, _REQUEST),
            note=note,
            echo=(("address", address), ("shortCode", short_code), ("keyword", keyword)),
        )

    def acknowledge(self, inbound: Inbound) -> Response:
        """An empty object."""
        return Response(200, _HEADERS, b"{}")

    def call(self, pushed: Pushed, message: str) -> Call:
        """See `CallingGateway.call`."""
        echo = dict(pushed.echo)
        fields: dict[str, object] = {
            **echo,
            "sessionID": pushed.dialogue,
            "outboundUSSDMessage": pushed.text,
            "clientCorrelator": message,
            "ussdAction": "mtfin" if pushed.ends else "mtcont",
        }
        if self.given["notify_url"]:
            fields["responseRequest"] = {"notifyURL": self.given["notify_url"], "callbackData": ""}
        headers = (
            *_HEADERS,
            ("accept", "application/json"),
            ("authorization", f"Bearer {self.given['access_token']}"),
        )
        url = f"{self.url.rstrip('/')}/{quote(echo['address'], safe='')}"
        return Call(
            Hidden(url.encode()), headers, msgspec.json.encode({"outboundUSSDMessageRequest": fields})
        )

    def _optional(self, fields: dict[str, object], name: str) -> str:
        """A text that may be missing, or null."""
        return self.typed(fields, name) if fields.get(name) is not None else ""


_HAPPENINGS: Final[dict[str, Happening]] = {
    "moinit": "new",
    "mocont": "reply",
    "mtcont": "reply",
    "mofin": "end",
}
_HEADERS: Final = (("content-type", "application/json"),)
_REQUEST: Final = frozenset(
    {
        ENVELOPE,
        "address",
        "sessionID",
        "shortCode",
        "keyword",
        "inboundUSSDMessage",
        "clientCorrelator",
        "responseRequest",
        "ussdAction",
    }
)
