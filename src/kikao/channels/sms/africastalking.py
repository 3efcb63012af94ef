"""Africa's Talking (Kenya, Uganda, Tanzania, Rwanda, Nigeria and more): `POST /sms/africastalking`.

Contract: the provider's pages on sending, on delivery reports and on notifications of its SMS API; the numbers of
`statusCode` also in several of its own client libraries. Documented; nothing was checked on a live line.

- A message is a form to `/version1/messaging`: username, to, message, and from where the account has a short code or a
  name. The key goes in the header `apiKey`. The answer, 201, has one entry for the recipient, with a `statusCode` of
  its own: 1xx taken, 4xx refused, 5xx for another time.
- Three kinds of forms come back, all to the same path if they are set so: a member's message (from, to, text, date, id,
  linkId), how far one of ours came (id, status, phoneNumber, networkCode, failureReason), and that a member stopped a
  name (senderId, phoneNumber).
- Nothing of it is signed: set a path token, and an allow-list where the provider gives its addresses. Its `date` has
  no zone that is stated, so nothing rests on it.
- Not known, and not guessed: whether and how often it sends a form again that was not answered by 200; how many
  messages a second an account may send. Premium messages that are charged by `linkId` are not sent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec

from kikao.channels.calling import Answer, Call, Make, Unanswered, judged
from kikao.channels.channel import BadRequest, Request, Response
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.message import Parcel
from kikao.channels.chat.sender import ChatSender, Sending, Struck
from kikao.channels.chat.told import Changed, Other, Report, Told
from kikao.channels.edge import Guard
from kikao.channels.outbox.sender import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.channels.reading import RequestReader
from kikao.channels.sms.texting import SmsGateway
from kikao.config import Hidden, Settings
from kikao.config.settings import SmsSettings
from kikao.sessions.outgoing import Status

SLUG: Final = "africastalking"

LIVE: Final = "https://api.africastalking.com"
SANDBOX: Final = "https://api.sandbox.africastalking.com"
"""Where the app called `sandbox` is called."""

PATH: Final = "/version1/messaging"

POOR: Final = 300.0
"""Seconds that nothing leaves where the account has no money, or its key is refused: somebody has to see to it."""

AT_ONCE: Final = 32
"""Messages on their way at a time, from one process."""

MAX_ID: Final = 128
"""Characters of the provider's name of a message."""

MAX_ADDRESS: Final = 20
"""Characters of a short code or a name."""

TAKEN_AS: Final = frozenset({100, 101, 102})
"""`Processed`, `Sent`, `Queued`."""

REFUSED: Final = {
    401: "RiskHold",
    402: "InvalidSenderId",
    403: "InvalidPhoneNumber",
    404: "UnsupportedNumberType",
    406: "UserInBlacklist",
    407: "CouldNotRoute",
    409: "DoNotDisturbRejection",
}
"""Statuses of a recipient that stay as they are, however often it is tried."""

BLACKLIST: Final = "406 UserInBlacklist"
"""The member told the operator that they want nothing from this sender."""

NO_MONEY: Final = 405
"""`InsufficientBalance`."""

FAILED: Final = {500: "InternalServerError", 501: "GatewayError", 502: "RejectedByGateway"}
"""Statuses that say nothing against the message."""

STATUSES: Final = {
    "Sent": Status.SENT,
    "Submitted": Status.SENT,
    "Buffered": Status.SENT,
    "Rejected": Status.FAILED,
    "Success": Status.DELIVERED,
    "Failed": Status.FAILED,
    "AbsentSubscriber": Status.FAILED,
    "Expired": Status.FAILED,
}
"""Of delivery reports."""

BLACKLISTED: Final = "UserInBlackList"
"""`failureReason` where the member wants nothing from this sender, and told the operator so."""


class AfricasTalking(SmsGateway, RequestReader):
    """One app there. `settings` have its `username` and `api_key`; `sender` is a short code or a registered name."""

    def __init__(self, settings: SmsSettings) -> None:
        super().__init__(SLUG, settings)

    @property
    def api_url(self) -> str:
        """Where it is called."""
        if self.settings.api_url:
            return self.settings.api_url
        return SANDBOX if self.given["username"] == "sandbox" else LIVE

    def destination(self, make: Make, clock: Callable[[], float]) -> Destination:
        """What sends its parcels."""
        return Destination(sender=_Sender(self, make, clock), pace=self.pace, at_once=AT_ONCE)

    def call(self, parcel: Parcel) -> Call:
        """The call that sends a message. It is answered to the number that the member wrote to, if they did."""
        sender = dict(parcel.echo).get("to") or self.settings.sender
        form = {"username": self.given["username"], "to": parcel.to, "message": parcel.message.text}
        form |= {"from": sender} if sender else {}
        return Call(
            Hidden((self.api_url + PATH).encode()),
            (
                ("apiKey", self.given["api_key"]),
                ("Accept", "application/json"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ),
            urlencode(form, errors="replace").encode(),
        )

    def outcome(self, answer: Answer, now: float) -> Outcome:
        """What the provider's answer says of the message."""
        if answer.status == 401:
            return TryLater("HTTP 401: the key is refused", POOR)
        outcome = judged(answer, now)
        if not isinstance(outcome, Delivered):
            return outcome
        try:
            recipients = _ANSWER.decode(answer.body).SMSMessageData.Recipients
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Delivered()  # it was taken; how it is called nobody will know
        if not recipients:
            return Rejected("no recipient was taken")  # InvalidSenderId, mostly
        code = recipients[0].statusCode
        if code in TAKEN_AS:
            return Delivered(recipients[0].messageId)
        if code == NO_MONEY:
            return TryLater("405 InsufficientBalance", POOR)
        if code in REFUSED:
            return Rejected(f"{code} {REFUSED[code]}")
        return TryLater(f"{code} {FAILED.get(code, '')}".strip())


class Callbacks:
    """The entrance of an account: everything that its app sets as a callback comes to one path."""

    channel = "sms"
    name = SLUG

    def __init__(self, settings: Settings, gateway: AfricasTalking) -> None:
        own = gateway.settings
        bare = own.token is None and not own.allow
        self.guard = Guard(
            token=own.token,
            allow=own.allow,
            trusted=settings.trusted_proxies,
            closed=bare and settings.env == "production",
        )
        self._gateway = gateway

    def greet(self, request: Request) -> Response | None:
        """The provider asks nothing when a callback is set."""
        return None

    def verify(self, request: Request) -> None:
        """Nothing is signed: who came this far had the path token, or an address that is let in."""

    def receive(self, request: Request) -> Received:
        """See `Entrance`."""
        gateway = self._gateway
        fields = gateway.form(request)
        if "text" in fields and "from" in fields:
            return self._message(fields)
        if "status" in fields and "id" in fields:
            return Received(told=self._report(fields))
        if "senderId" in fields and "phoneNumber" in fields:
            number = gateway.number(fields, "phoneNumber", spaced=True)
            return Received(told=(self._stopped(number, "opt_out"),))
        raise gateway.refuse("neither a message, nor a delivery report, nor an opt-out")

    def _message(self, fields: Mapping[str, str]) -> Received:
        gateway = self._gateway
        text = gateway.required(fields, "text")
        try:
            number = gateway.number(fields, "from", spaced=True)
        except BadRequest:  # a name, or a short code: nobody there reads an answer
            return Received(told=(Other(line=gateway.line, note="a message of nobody who has a number"),))
        return gateway.heard(
            number,
            text,
            id_=gateway.token(fields, "id", MAX_ID),
            code=gateway.token(fields, "to", MAX_ADDRESS) if fields.get("to") else "",
            network=fields.get("networkCode", "") if _CODE(fields.get("networkCode", "")) else "",
        )

    def _report(self, fields: Mapping[str, str]) -> tuple[Told, ...]:
        gateway, status = self._gateway, STATUSES.get(fields["status"])
        if status is None:
            return (Other(line=gateway.line, note="a delivery report with a status that is not documented"),)
        number = ""
        if fields.get("phoneNumber"):
            number = gateway.number(fields, "phoneNumber", spaced=True)
        report = Report(
            line=gateway.line,
            reference=gateway.token(fields, "id", MAX_ID),
            status=status,
            at=0.0,
            identity=number,
        )
        if fields.get("failureReason") == BLACKLISTED and number:
            return report, self._stopped(number, "user_in_blacklist")
        return (report,)

    def _stopped(self, number: str, reason: str) -> Changed:
        return Changed(line=self._gateway.line, identity=number, what="stopped", at=0.0, reason=reason)


class _Sender(ChatSender):
    """Sends messages of an account."""

    def __init__(self, gateway: AfricasTalking, make: Make, clock: Callable[[], float]) -> None:
        super().__init__(gateway.line, clock)
        self._gateway = gateway
        self._make = make

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """One call. There are no templates."""
        try:
            answer = await self._make(self._gateway.call(parcel))
        except Unanswered as error:
            return TryLater(str(error))
        outcome = self._gateway.outcome(answer, self.clock())
        if isinstance(outcome, Rejected) and outcome.reason == BLACKLIST:
            return Struck(outcome, "stopped", "user_in_blacklist")
        return outcome


class _Recipient(msgspec.Struct):
    statusCode: int  # noqa: N815 - as the provider writes it
    messageId: str = ""  # noqa: N815


class _Data(msgspec.Struct):
    Recipients: list[_Recipient] = []


class _Answer(msgspec.Struct):
    SMSMessageData: _Data


_ANSWER: Final = msgspec.json.Decoder(_Answer)
_CODE = re.compile("[0-9]{1,10}").fullmatch
