"""WhatsApp, played: a Cloud API that kikao can call, and people who talk to a business.

    api = CloudApi(token="t", app_secret="s", verify_token="v", clock=clock, send=in_process(server))
    asha = api.member("Asha", phone="256772000101")
    await asha.write("hello")
    await asha.tap("Send money")
    assert asha.chat.last.text == "To whom?"
    assert api.refused == []

It takes calls as the object itself (a `kikao.channels.calling.Make`), or over HTTP by `api.application` where
`KIKAO_WHATSAPP_API_URL` leads to it. It checks each against the rules of the Cloud API, and answers as that does. What
members do, and what became of messages (`api.reports`), comes to `send` as signed webhooks.

Moods, and what they are called: `kikao.channels.emulating.moods`. What is not taken comes again by the clock, at
`await api.deliver()`, and so do reports; what can be done to deliveries, such as several in one request:
`api.deliveries`. Where messages go out only after the request of a webhook, set `api.after` to what has them sent.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final
from urllib.parse import urlencode

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.emulating.chats import Media, Message
from kikao.channels.emulating.deliveries import Send
from kikao.channels.emulating.emulator import Refusal, written
from kikao.channels.emulating.wire import JSON, Asked, Upload, answer
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulated.business import Business
from kikao.channels.whatsapp.emulated.contents import Content, content_of
from kikao.channels.whatsapp.emulated.parties import Number, Person
from kikao.channels.whatsapp.emulated.people import Member
from kikao.channels.whatsapp.emulated.rules import (
    LINK,
    OPAQUE,
    SIZES,
    TITLES,
    WINDOW,
    Breach,
    Rates,
    invalid,
    missing,
    object_of,
)
from kikao.channels.whatsapp.emulated.templates import Approved
from kikao.i18n.e164 import is_e164


class CloudApi(Business):
    """A Cloud API with one business, on one number or several.

    `token` is the bearer token of calls, `app_secret` signs webhooks, `verify_token` is shown by `verify`; `path` is
    where the server takes them. `templates` are those that were approved. `rates` are how much may be sent, without an
    end unless given (`CloudApi.RATES` are those of WhatsApp). `reports` is what becomes of each message, in this order.
    """

    RATES: Final = Rates()
    """What WhatsApp says it takes."""

    def __init__(
        self,
        token: str = "emulated-token-of-nobodys-app",  # noqa: S107
        app_secret: str = "emulated-app-secret",  # noqa: S107
        verify_token: str = "emulated-verify-token",  # noqa: S107
        *,
        phone_number_id: str = "104520000000007",
        display: str = "256700000907",
        account: str = "100000000000007",
        templates: Sequence[Approved] = (),
        path: str = "/whatsapp",
        send: Send | None = None,
        clock: Callable[[], float] | None = None,
        chance: random.Random | None = None,
        rates: Rates | None = None,
        reports: Sequence[str] = ("sent", "delivered"),
    ) -> None:
        first = Number(phone_number_id, display, account)
        super().__init__(first, templates, path=path, send=send, clock=clock, chance=chance)
        self.token = token
        self.app_secret = app_secret
        self.verify_token = verify_token
        self.rates = rates
        self.reports = tuple(reports)
        """Of each message that is taken: any of sent, delivered, read and failed, in any order, also twice."""
        self.mixed = 0.0
        """Share of messages whose reports come in an order of their own, one of them twice."""
        self.told_later: set[int] = set()
        """Codes that are told by a report of a message that was taken, not by the answer; see `rules.LATER`."""
        self._links: dict[str, tuple[str, float]] = {}

    def environment(self, api_url: str = "") -> dict[str, str]:
        """The settings with which a server is its first number; `api_url` is where the emulator is served, if it is."""
        found = {
            "PHONE_NUMBER_ID": self.numbers[0].id,
            "TOKEN": self.token,
            "APP_SECRET": self.app_secret,
            "VERIFY_TOKEN": self.verify_token,
            "API_URL": api_url,
        }
        return {f"KIKAO_WHATSAPP_{name}": value for name, value in found.items() if value}

    # --- who is there ---

    def member(self, name: str = "Asha", *, phone: str = "", user_id: str = "", username: str = "") -> Member:
        """A person. `phone` is in digits; of one who has none to show, `user_id` is all that the business gets."""
        if not phone and not user_id:
            phone = str(256_772_000_100 + len(self.people) + 1)
        member = Member(self, name, phone, user_id, username)
        self.people |= {key: member for key in (phone, user_id) if key}
        return member

    def known(self, name: str) -> Member | None:
        """Who has this phone, in digits, or this user id."""
        who = self.people.get(name)
        return who if isinstance(who, Member) else None

    def number(self, phone_number_id: str, display: str, account: str = "") -> Number:
        """One more number of the business, of another account if that is said."""
        number = Number(phone_number_id, display, account or self.numbers[0].account)
        self.numbers.append(number)
        return number

    # --- what it is told ---

    async def tell_raw(self, field: str, value: dict[str, Any]) -> None:
        """What no member here causes: an update of an account or a template, or a field that nobody knows yet."""
        self.deliveries.post((self.numbers[0].account, field, value))
        await self.deliver()

    async def verify(self, token: str | None = None, challenge: str = "1158201444") -> Response:
        """The request with which a webhook is set up; raises `OSError` when no reply came."""
        query = {"hub.mode": "subscribe", "hub.challenge": challenge}
        query["hub.verify_token"] = self.verify_token if token is None else token
        if self.deliveries.send is None:
            raise LookupError("nobody to ask: give `send`")
        return await self.deliveries.send(Exchange(self.path, (), b"", "GET", urlencode(query)))

    # --- calls ---

    async def __call__(self, call: Call) -> Answer:
        """Take a call. Raises `Unanswered`. Moods are for what members get: that they were read is always taken."""
        if _READ(call.body):
            self.calls += 1
            return await self.perform(Asked.of(call))
        return await super().__call__(call)

    async def perform(self, asked: Asked) -> Answer:
        parts = [part for part in asked.path.split("/") if part]
        what = parts[-1] if parts else ""
        try:
            if asked.bearer != self.token:
                raise Breach(190, "Invalid OAuth access token - Cannot parse access token", 401)
            if len(parts) > 1 and parts[-2] == "lookaside":
                return self._download(what)
            return answer(200, self._perform(asked, parts))
        except Breach as breach:
            return self._refuse(what, breach)
        except ValueError as problem:
            return self._refuse(what, Breach(100, f"The request cannot be read: {problem}"))

    def failed(self, status: int) -> Answer:
        error = {"message": "Service temporarily unavailable", "type": "OAuthException", "code": 2}
        return answer(status, {"error": error})

    def limited(self, seconds: float) -> Answer:
        wait = str(max(1, math.ceil(seconds)))
        return answer(429, {"error": Breach(130429, "Rate limit hit").error()}, ("retry-after", wait))

    def packed(self, events: Sequence[Any], changed: bool) -> Exchange:
        """All of them in one request: by account, then by number, the messages of one number together."""
        entries: dict[str, list[dict[str, Any]]] = {}
        for account, field, value in events:
            changes = entries.setdefault(account, [])
            if len(events) > 1 and changes and _same(changes[-1], field, value):
                changes[-1] = {"value": _merged(changes[-1]["value"], value), "field": field}
            else:
                changes.append({"value": value, "field": field})
        body = written(
            {
                "object": "whatsapp_business_account",
                "entry": [{"id": account, "changes": changes} for account, changes in entries.items()],
            },
            changed,
        )
        signature = hmac.new(self.app_secret.encode(), body, hashlib.sha256).hexdigest()
        return Exchange(self.path, (*JSON, ("x-hub-signature-256", f"sha256={signature}")), body)

    def _perform(self, asked: Asked, parts: list[str]) -> Any:
        if _VERSION(parts[0] if parts else ""):
            parts = parts[1:]
        if len(parts) == 2 and asked.method == "POST" and parts[1] in ("messages", "media"):
            number = next((each for each in self.numbers if each.id == parts[0]), None)
            if number is None:
                raise _nothing(parts[0])
            return self._upload(asked) if parts[1] == "media" else self._message(number, asked.fields())
        if len(parts) != 1:
            raise _nothing("/".join(parts))
        number = next((each for each in self.numbers if each.id == parts[0]), None)
        if asked.method == "GET" and number is not None:
            return {"id": number.id, "display_phone_number": number.display, "verified_name": "Kikao"}
        if parts[0] not in self.files:
            raise _nothing(parts[0])
        if asked.method == "DELETE":
            del self.files[parts[0]]
            return {"success": True}
        return self._media(parts[0], asked.base)

    def _message(self, number: Number, given: dict[str, Any]) -> Any:
        if given.get("messaging_product") != "whatsapp":
            raise Breach(100, "The parameter messaging_product is required.")
        if given.get("status") == "read":
            return self._read(given)
        if given.get("recipient_type", "individual") != "individual":
            raise invalid("recipient_type must be individual")
        member, to = self._recipient(number, given)
        opaque = given.get("biz_opaque_callback_data", "")
        if not isinstance(opaque, str) or len(opaque) > OPAQUE:
            raise invalid(f"biz_opaque_callback_data must be a string of at most {OPAQUE} characters")
        if "context" in given and not isinstance(object_of(given, "context").get("message_id"), str):
            raise missing("context.message_id")
        content = content_of(self, given)
        self.ignored |= {f"messages.{name}" for name in given.keys() - _KNOWN - {given.get("type", "text")}}
        problem = self._undeliverable(number, member, content)
        if problem is not None and problem.code not in self.told_later:
            raise problem
        self._limited(number, to)
        return self._taken(number, member, to, given, content, problem)

    def _taken(
        self,
        number: Number,
        member: Person | None,
        to: str,
        given: dict[str, Any],
        content: Content,
        problem: Breach | None,
    ) -> dict[str, Any]:
        name = self.new_id()
        said = {key: value for key, value in given.items() if key != "biz_opaque_callback_data"}
        self.by_method[content.kind] += 1
        seen = problem is None and not self.invisible
        self.accept(to, content.kind, said, name, given.get("biz_opaque_callback_data", ""), seen=seen)
        message = Message(
            name,
            "",
            content.text,
            self.clock(),
            content.kind,
            content.rows,
            content.opens,
            content.media,
            raw=given,
        )
        if member is not None and seen and content.kind != "reaction":
            member.chat_with(number).add(message)
        self._report_all(message, member or Person("", to, "", ""), number, problem)
        contact: dict[str, Any] = {"input": to}
        contact |= {"wa_id": to.removeprefix("+")} if "to" in given else {"user_id": to}
        return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [{"id": name}]}

    def _report_all(self, message: Message, member: Person, number: Number, problem: Breach | None) -> None:
        reports = list(self.reports) if problem is None else ["failed"]
        if self.invisible:
            reports = reports[:1]
        if self.mixed and reports and self.chance.random() < self.mixed:
            reports.append(self.chance.choice(reports))
            self.chance.shuffle(reports)
        for status in reports:
            breach = problem or Breach(131000, "Something went wrong") if status == "failed" else None
            self.report(message, status, member, number, breach)

    def _recipient(self, number: Number, given: dict[str, Any]) -> tuple[Person | None, str]:
        """Who it is for, None for nobody on WhatsApp; and what the call says of them."""
        if given.get("to"):
            to = str(given["to"]).removeprefix("+")
            if not is_e164(f"+{to}"):
                raise invalid("to is no phone number")
            if to == number.display:
                raise Breach(131021, "The recipient is the sender")
            return self.people.get(to), to
        if not given.get("recipient"):
            raise missing("to")
        return self.people.get(str(given["recipient"])), str(given["recipient"])

    def _undeliverable(self, number: Number, member: Person | None, content: Content) -> Breach | None:
        if member is None or member.blocked:
            return Breach(131026, "Message undeliverable.")
        if content.marketing and not member.marketing:
            return Breach(131050, "Recipient has chosen to stop receiving marketing messages")
        if content.free and self.clock() - member.wrote.get(number.id, -math.inf) > WINDOW:
            return Breach(
                131047,
                "Message failed to send because more than 24 hours have passed since the customer last replied to "
                "this number.",
            )
        return None

    def _limited(self, number: Number, to: str) -> None:
        allowed, now = self.rates, self.clock()
        if allowed is None:
            return
        pair = f"{number.id}/{to}"
        for key, rate, code, status in (
            (number.id, allowed.number, 130429, 429),
            (pair, allowed.pair, 131056, 400),
        ):
            if rate is not None and self.windows.wait(key, rate, now):
                self.breaches += 1
                raise Breach(code, TITLES[code], status)
        for key in (number.id, pair):
            self.windows.take(key, now)

    def _read(self, given: dict[str, Any]) -> Any:
        member = self.heard.get(str(given.get("message_id")))
        if member is None:
            raise invalid("message_id is of no message that was received")
        typing = given.get("typing_indicator")
        if typing is not None and (not isinstance(typing, dict) or typing.get("type") != "text"):
            raise invalid("typing_indicator.type must be text")
        member.typing += typing is not None
        for chat in (member.chat_with(number) for number in self.numbers):
            message = chat.find(given["message_id"])
            if message is not None:
                message.ticks = "read"
        self.by_method["read"] += 1
        return {"success": True}

    def _upload(self, asked: Asked) -> Any:
        fields = asked.fields()
        if fields.get("messaging_product") != "whatsapp":
            raise Breach(100, "The parameter messaging_product is required.")
        file = fields.get("file")
        if not isinstance(file, Upload):
            raise Breach(100, "The parameter file is required.")
        mime = str(fields.get("type", file.mime))
        if not file.data or len(file.data) > SIZES.get(mime.partition("/")[0], SIZES["document"]):
            raise Breach(131053, f"{mime} of {len(file.data)} octets")
        self.by_method["media"] += 1
        return {"id": self.file(Media(file.name, mime, file.data))["id"]}

    def _media(self, name: str, base: str) -> Any:
        media, link = self.files[name], f"{self.chance.getrandbits(64):016x}"
        self._links[link] = name, self.clock() + LINK
        return {
            "messaging_product": "whatsapp",
            "url": f"{base}/lookaside/{link}",
            "mime_type": media.mime,
            "sha256": hashlib.sha256(media.data or b"").hexdigest(),
            "file_size": len(media.data or b""),
            "id": name,
        }

    def _download(self, link: str) -> Answer:
        name, until = self._links.get(link, ("", 0.0))
        media = self.files.get(name)
        if media is None or media.data is None or until < self.clock():
            raise Breach(131052, "The URL has expired, or there is no such file", 404)
        return Answer(200, (("content-type", media.mime),), media.data)

    def _refuse(self, what: str, breach: Breach) -> Answer:
        self.refused.append(Refusal(what, breach.code, breach.details))
        return answer(breach.status, {"error": breach.error()})


def _nothing(name: str) -> Breach:
    return Breach(100, f"Unsupported request. Object with ID '{name}' does not exist, or cannot be loaded.")


def _same(change: dict[str, Any], field: str, value: dict[str, Any]) -> bool:
    where = value.get("metadata")
    return where is not None and change["field"] == field and bool(change["value"].get("metadata") == where)


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    lists = {key for each in (one, other) for key, value in each.items() if isinstance(value, list)}
    found = one | other
    for key in lists:
        joined = one.get(key, []) + other.get(key, [])
        found[key] = [each for n, each in enumerate(joined) if key != "contacts" or each not in joined[:n]]
    return found


_READ: Final = re.compile(rb'"status":\s*"read"').search
_VERSION: Final = re.compile(r"v\d+\.\d+").fullmatch
_KNOWN: Final = frozenset(
    "messaging_product recipient_type to recipient type context biz_opaque_callback_data".split()
)
