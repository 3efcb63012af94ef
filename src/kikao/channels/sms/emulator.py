"""Africa's Talking's SMS API, in this process: it checks what it is called with, keeps it, tells how far it came, and
can be in a bad mood. Members with phones are at its other end.

api = SmsApi()
async with app.serving(settings, chat_network=api.network) as server:
    api.calls_back(server)
    await api.texts("+256772000001", "Hello")          # a member writes; kikao is called
    api.inbox("+256772000001")                         # what their phone shows
    api.fails(2); api.limits(5.0); api.loses(); api.does_not_answer()
    await api.reports(api.sent[-1].id, "Success")      # a delivery report; twice, or out of order, as a test likes
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.line import Application, through
from kikao.channels.sms.segments import Segments, segments
from kikao.channels.ussd.clients.client import Exchange
from kikao.i18n.e164 import is_e164

PATH: Final = "/version1/messaging"

FIELDS: Final = frozenset(
    {
        "username",
        "to",
        "message",
        "from",
        "bulkSMSMode",
        "enqueue",
        "keyword",
        "linkId",
        "retryDurationInHours",
    }
)
"""What the provider's page on sending lists."""

MOST: Final = 10
"""Segments of a message that it takes. The provider states no number; no handset is known to join more than these."""

SHORT_CODE: Final = "22384"
PEER: Final = "127.0.0.1"


Send = Callable[[Exchange], Awaitable[Response]]


class Sent(msgspec.Struct, frozen=True):
    """A message that it took."""

    id: str
    to: str
    text: str
    sender: str
    """The short code or name that it came from; empty for the account's own."""

    @property
    def segments(self) -> Segments:
        """What it costs."""
        return segments(self.text)


class SmsApi:
    """The provider. `api_key` and `username` are those of the account; another key is refused.

    `send` is the way to the server, `path` where its callbacks come in, token included; or `calls_back` says so.
    """

    def __init__(
        self,
        *,
        username: str = "sandbox",
        api_key: str = "atsk_test",
        send: Send | None = None,
        path: str = "/sms/africastalking",
    ) -> None:
        self.username = username
        self.api_key = api_key
        self.sent: list[Sent] = []
        """What was taken and reached a phone, in order; of what was lost, nothing."""
        self.calls = 0
        """How often it was called, whatever came of it."""
        self.refused: list[str] = []
        """What was wrong with calls that are not what the contract says."""
        self.held: asyncio.Event | None = None
        """Calls wait for it, where it is set."""
        self.answered: list[Response] = []
        """What it heard for each of its own calls."""
        self.refusing: dict[str, int] = {}
        """Numbers, and the `statusCode` that each is refused with."""
        self._answers: list[Answer] = []
        self._lost = 0
        self._unheard = 0
        self._poor = 0
        self._ids = itertools.count(1)
        self._send = send
        self._path = path
        self.after: Callable[[], Awaitable[object]] | None = None
        """Awaited after what a member did was delivered: have it send what is due, `stage.push` say."""

    # --- moods ---

    def fails(self, times: int = 1, status: int = 503) -> None:
        """The next calls get this status."""
        self._answers += [Answer(status)] * times

    def limits(self, seconds: float, times: int = 1) -> None:
        """The next calls are too many: 429, to be tried again after so many seconds."""
        self._answers += [Answer(429, (("retry-after", f"{seconds:.0f}"),))] * times

    def runs_out_of_money(self, times: int = 1) -> None:
        """The next calls are answered by `InsufficientBalance`."""
        self._poor += times

    def loses(self, times: int = 1) -> None:
        """The next calls are taken, and nothing of them ever reaches a phone."""
        self._lost += times

    def does_not_answer(self, times: int = 1) -> None:
        """The next calls reach the phone, and their answer is lost."""
        self._unheard += times

    def recovers(self) -> None:
        """Whatever mood was left: none is."""
        self._answers.clear()
        self.refusing.clear()
        self._lost = self._unheard = self._poor = 0

    # --- what phones show ---

    def inbox(self, number: str) -> list[str]:
        """The texts that a phone has, in order."""
        return [sent.text for sent in self.sent if sent.to == number]

    def shows(self, number: str, text: str) -> None:
        """A phone has one more text, that came some other way."""
        self.sent.append(Sent(f"ATXid_{next(self._ids)}", number, text, ""))

    # --- what it is called with ---

    def network(self, gateway: ChatGateway) -> Make:
        """For `App.serving(chat_network=…)`."""
        return self

    async def __call__(self, call: Call) -> Answer:
        """One call. Raises `Unanswered`."""
        self.calls += 1
        if self.held is not None:
            await self.held.wait()
        if self._answers:
            return self._answers.pop(0)
        if {name.lower(): value for name, value in call.headers}.get("apikey") != self.api_key:
            return Answer(401, (), b"The supplied authentication is invalid")
        form = dict(parse_qsl(call.body.decode(), keep_blank_values=True))
        wrong = self._wrong(call, form)
        if wrong:
            self.refused.append(wrong)
            return Answer(400, (), b"Request is missing required form field")
        return self._take(form)

    def _take(self, form: dict[str, str]) -> Answer:
        number, id_ = form["to"], f"ATXid_{next(self._ids)}"
        code, status = 101, "Success"
        if number in self.refusing:
            code, status, id_ = self.refusing[number], "Failed", "None"
        elif self._poor:
            self._poor -= 1
            code, status, id_ = 405, "InsufficientBalance", "None"
        elif self._lost:
            self._lost -= 1
        else:
            self.sent.append(Sent(id_, number, form["message"], form.get("from", "")))
            if self._unheard:
                self._unheard -= 1
                raise Unanswered("no answer in time")
        taken = int(code == 101)
        recipient = {"statusCode": code, "number": number, "status": status, "cost": "0", "messageId": id_}
        data = {"Message": f"Sent to {taken}/1 Total Cost: KES 0.8000", "Recipients": [recipient]}
        return Answer(
            201, (("content-type", "application/json"),), json.dumps({"SMSMessageData": data}).encode()
        )

    def _wrong(self, call: Call, form: dict[str, str]) -> str:
        """What the contract does not have; empty where nothing is."""
        headers = {name.lower(): value for name, value in call.headers}
        count = segments(form.get("message", "")).count
        found = {
            "the path": urlsplit(call.url.reveal().decode()).path != PATH,
            "the method": call.method != "POST",
            "the content type": headers.get("content-type") != "application/x-www-form-urlencoded",
            "what is accepted": headers.get("accept") != "application/json",
            "the username": form.get("username") != self.username,
            "the number": not is_e164(form.get("to", "")),
            "an empty message": not form.get("message", "").strip(),
            f"{count} segments": count > MOST,
            f"fields {sorted(form.keys() - FIELDS)}": bool(form.keys() - FIELDS),
        }
        return ", ".join(name for name, is_wrong in found.items() if is_wrong)

    # --- what it calls ---

    def calls_back(self, server: Application, path: str = "/sms/africastalking", token: str = "") -> None:
        """Where it posts what comes, in this process."""
        line = through(server)

        async def send(exchange: Exchange) -> Response:
            return await line(exchange.posted(PEER))

        self._send, self._path = send, f"{path}/{token}" if token else path

    async def texts(self, number: str, text: str, *, to: str = SHORT_CODE, id_: str = "") -> Response:
        """A member writes. With an `id_` that was there before it is the same message once more."""
        fields = {"from": number, "to": to, "text": text, "date": "2026-03-04 10:30:00"}
        fields |= {"id": id_ or f"mo-{next(self._ids)}", "linkId": "SampleLinkId123", "networkCode": "64110"}
        return await self.posts(fields)

    async def reports(self, id_: str, status: str, *, reason: str = "", number: str = "") -> Response:
        """A delivery report about a message."""
        number = number or next((sent.to for sent in self.sent if sent.id == id_), "+256772000001")
        fields = {
            "id": id_,
            "status": status,
            "phoneNumber": number,
            "networkCode": "64110",
            "retryCount": "0",
        }
        return await self.posts(fields | ({"failureReason": reason} if reason else {}))

    async def opts_out(self, number: str, sender: str = "KIKAO") -> Response:
        """A member stopped a name, at the provider."""
        return await self.posts({"senderId": sender, "phoneNumber": number})

    async def posts(self, fields: dict[str, str]) -> Response:
        """Any form, as the provider would post it; what was answered."""
        if self._send is None:
            raise LookupError("nobody to post to: calls_back(server) says where")
        headers = (("content-type", "application/x-www-form-urlencoded"),)
        response = await self._send(Exchange(self._path, headers, urlencode(fields).encode()))
        self.answered.append(response)
        if self.after is not None:
            await self.after()
        return response
