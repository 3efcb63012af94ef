"""Ideamart (Dialog, Sri Lanka): `POST /ussd/ideamart`, and screens by `POST` to the provider.

Contract: docs.ideamart.io for what is sent to the provider; what it sends is known from programs that take it. Nothing
was checked on a live line.

- A request is JSON: applicationId, message, sessionId, ussdOperation, sourceAddress, and version, encoding, requestId
  and vlrAddress, which are not needed. `mo-init` begins a dialogue, with the dialled code in message; `mo-cont` is an
  answer, with just that answer.
- It is acknowledged with statusCode S1000. The screen is a call: applicationId, password, message, sessionId,
  destinationAddress, and ussdOperation `mt-cont` to go on or `mt-fin` to end.
- sourceAddress is `tel:` and a number, or a token where the provider hides numbers; it goes back as it came.
- Nothing is told when a dialogue is over, and nothing tells a request that is sent again: `dedupe` is "window".
"""

from __future__ import annotations

import re
from typing import Final

import msgspec

from kikao.channels.calling import Answer, Call, judged
from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Happening, Inbound
from kikao.channels.outbox.sender import Delivered, Outcome, Rejected
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import MAX_DIALOGUE
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.config import Hidden, Option
from kikao.config.called import check
from kikao.conversation.secrets import Secret

MAX_APPLICATION: Final = 64
"""Characters of an applicationId."""

APP_ID: Final = Option("app_id", "the applicationId that the provider gave", "APP_000001", required=True)
PASSWORD: Final = Option(
    "password",
    "the password of the application, shown with each screen",
    "<from the provider>",
    required=True,
)


class Ideamart(CallingGateway):
    """The gateway `ideamart`: the last answer only, a redelivery known by the same body shortly after.

    `codes` are needed for long dials, as with every provider that sends the dialled code and no other. They are no part
    of a session's key, since an answer does not say which code was dialled.
    """

    slug = "ideamart"
    dedupe: Dedupe = "window"
    happenings: frozenset[Happening] = frozenset({"new", "reply"})
    bare_numbers = True
    retention = 1.0
    """Seconds, see `kikao.turn.WINDOW`."""
    options = (
        APP_ID,
        PASSWORD,
        Option(
            "url",
            "where screens are sent, if not to the provider itself",
            "https://api.ideamart.io/ussd/send",
            default="https://api.ideamart.io/ussd/send",
            check=check,
        ),
    )
    contract = Contract(
        provider="Ideamart",
        places="Sri Lanka",
        certainty="seen",
        source="docs.ideamart.io for screens; programs that use it for requests",
        new="`ussdOperation` is `mo-init`",
        reply="`ussdOperation` is `mo-cont`",
        copies="the same `sessionId`, `ussdOperation` and `message` within a second of the acknowledgement",
        setup=(
            "Set the message-receiving URL of the application to that of the gateway.",
            "Allow the server's address to send, if the provider keeps a list of them.",
        ),
        notes=(
            "A request is acknowledged with `S1000`; the screen is a call of its own, sent at least once.",
            "A screen that cannot be sent within 20 s is given up, and so is one that has a newer one behind it.",
            "`sourceAddress` may be a token in place of a number: such members are known by it, here only.",
            "A request of another `applicationId` than `APP_ID` is refused.",
            "Nothing is told when a member hangs up.",
        ),
        on_a_phone=("that a second screen comes after an answer, and that the last one closes the dialogue",),
        wanted=(
            "how long the provider keeps a dialogue open for a screen: kikao gives up after 20 s",
            "an id that tells a request that is sent again: whether `requestId` stays the same",
            "which of the codes that refuse a screen are passing: kikao tries none of them again",
            "how the end of a dialogue is told",
        ),
    )

    @property
    def url(self) -> str:
        """See `CallingGateway.url`."""
        return self.given["url"]

    def parse(self, request: Request) -> Inbound:
        """One request. Raises `BadRequest`."""
        fields = self.json(request)
        application = self.token(fields, "applicationId", MAX_APPLICATION)
        if application != self.given["app_id"] and self.given["app_id"]:
            raise self.refuse("field applicationId is not APP_ID of the settings")
        identity, msisdn = self.sender(fields, "sourceAddress")
        typed = self.typed(fields, "message")
        operation = self.required(fields, "ussdOperation")
        if operation not in _HAPPENINGS:
            raise self.refuse(f"field ussdOperation must be one of {', '.join(_HAPPENINGS)}")
        code, note = self.code_of(), ""
        if _HAPPENINGS[operation] == "new":
            code = self.code_of(typed)
            typed, note = self.behind_code(typed)
        return Inbound(
            channel=self.channel,
            gateway=self.slug,
            identity=identity,
            happening=_HAPPENINGS[operation],
            text=Secret(typed),
            dialogue=self.token(fields, "sessionId", MAX_DIALOGUE),
            service_code=code,
            keyed_by_code=False,
            msisdn=msisdn,
            unknown_fields=self.unknown(fields, _REQUEST),
            note=note,
            echo=(
                ("applicationId", application),
                ("destinationAddress", self.required(fields, "sourceAddress")),
            ),
        )

    def acknowledge(self, inbound: Inbound) -> Response:
        """Status S1000."""
        return Response(200, _HEADERS, b'{"statusCode":"S1000","statusDetail":"Success"}')

    def call(self, pushed: Pushed, message: str) -> Call:
        """See `CallingGateway.call`."""
        echo = dict(pushed.echo)
        fields = {
            "applicationId": echo["applicationId"],
            "password": self.given["password"],
            "message": pushed.text,
            "sessionId": pushed.dialogue,
            "ussdOperation": "mt-fin" if pushed.ends else "mt-cont",
            "destinationAddress": echo["destinationAddress"],
        }
        return Call(Hidden(self.url.encode()), _HEADERS, msgspec.json.encode(fields))

    def outcome(self, answer: Answer, now: float) -> Outcome:
        """By its status; of 2xx also by the provider's statusCode: anything but S1000 was refused."""
        judgement = judged(answer, now)
        if not isinstance(judgement, Delivered):
            return judgement
        code = _status(answer.body)
        return judgement if code in ("", "S1000") else Rejected(code)


def _status(body: bytes) -> str:
    """The statusCode in an answer, "refused" for one that looks like none, empty where there is none."""
    try:
        code = msgspec.json.decode(body, type=_Status).statusCode
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""
    return code if not code or _CODE(code) else "refused"


class _Status(msgspec.Struct):
    statusCode: str = ""  # noqa: N815 - as the provider writes it


_HAPPENINGS: Final[dict[str, Happening]] = {"mo-init": "new", "mo-cont": "reply"}
_HEADERS: Final = (("content-type", "application/json"),)
_CODE = re.compile("[A-Z][0-9]{4}").fullmatch
_REQUEST: Final = frozenset(
    {
        "applicationId",
        "message",
        "sessionId",
        "ussdOperation",
        "sourceAddress",
        "version",
        "encoding",
        "requestId",
        "vlrAddress",
    }
)
