"""The emulated Cloud API: what members do comes as signed webhooks, and calls are checked as WhatsApp would."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from typing import Any
from urllib.parse import parse_qs

import pytest

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulated.rules import LATER
from kikao.config import Hidden
from kikao.testing import Approved, Clock, CloudApi

TOKEN = "token-1"
HOST = "https://graph.example/v23.0"


class Business:
    """A server that keeps what it was told."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.queries: list[str] = []
        self.statuses: list[int] = []

    async def __call__(self, exchange: Exchange) -> Response:
        status = self.statuses.pop(0) if self.statuses else 200
        if status == 0:
            raise ConnectionResetError
        self.queries.append(exchange.query)
        if exchange.method == "GET":
            return Response(200, (), parse_qs(exchange.query)["hub.challenge"][0].encode())
        self.bodies.append(exchange.body)
        self.headers.append(dict(exchange.headers))
        return Response(status, (), b"")

    def values(self, field: str = "messages") -> list[dict[str, Any]]:
        return [
            change["value"]
            for body in self.bodies
            for entry in json.loads(body)["entry"]
            for change in entry["changes"]
            if change["field"] == field
        ]

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [message for value in self.values() for message in value.get("messages", [])]

    @property
    def statuses_told(self) -> list[tuple[str, str]]:
        return [(each["id"], each["status"]) for value in self.values() for each in value.get("statuses", [])]


@pytest.fixture
def business() -> Business:
    return Business()


@pytest.fixture
def clock() -> Clock:
    return Clock()


TEMPLATES = (
    Approved("late", "Hello {{1}}, your {{2}} is late.", header="Note", footer="Kikao",
             buttons=(("quick_reply", "Pay now"), ("url", "Open {{1}}"), ("flow", "Form"))),
    Approved("offer", "Half the price", category="MARKETING"),
    Approved("card", "Yours", header="image"),
    Approved("old", "x", status="PAUSED"),
    Approved("gone", "x", status="DISABLED"),
)  # fmt: skip


@pytest.fixture
def api(business: Business, clock: Clock) -> CloudApi:
    return CloudApi(
        TOKEN,
        "secret-1",
        "verify-1",
        clock=clock,
        send=business,
        templates=TEMPLATES,
        chance=random.Random(1),
    )


async def http(
    api: CloudApi,
    method: str,
    url: str,
    body: bytes = b"",
    kind: str = "application/json",
    token: str = TOKEN,
) -> Answer:
    headers = (("Authorization", f"Bearer {token}"), ("Content-Type", kind))
    return await api(Call(Hidden(url.encode()), headers, body, method))


async def post(api: CloudApi, given: dict[str, Any], number: str = "") -> Answer:
    number = number or api.numbers[0].id
    body = json.dumps({"messaging_product": "whatsapp"} | given).encode()
    return await http(api, "POST", f"{HOST}/{number}/messages", body)


async def say(api: CloudApi, given: dict[str, Any], number: str = "") -> Any:
    answer = await post(api, given, number)
    said = json.loads(answer.body)
    return said["error"] if answer.status != 200 else said


def text(to: str, body: str = "hi") -> dict[str, Any]:
    return {"to": to, "type": "text", "text": {"body": body}}


def interactive(to: str, kind: str, action: dict[str, Any], **more: Any) -> dict[str, Any]:
    said = {"type": kind, "body": {"text": "Choose"}, "action": action, **more}
    return {"to": to, "type": "interactive", "interactive": said}


def buttons(*titles: str) -> dict[str, Any]:
    return {"buttons": [{"type": "reply", "reply": {"id": f"k:{each}", "title": each}} for each in titles]}


def rows(*titles: str) -> dict[str, Any]:
    each = [{"id": f"r{n}", "title": title, "description": "more"} for n, title in enumerate(titles)]
    return {"button": "Open", "sections": [{"title": "All", "rows": each}]}


# --- what members do ---


async def test_a_text_is_a_signed_webhook(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha", phone="256772000101")

    await asha.write("h\N{LATIN SMALL LETTER E WITH ACUTE}llo")

    body = business.bodies[0]
    signature = hmac.new(b"secret-1", body, hashlib.sha256).hexdigest()
    assert business.headers[0]["x-hub-signature-256"] == f"sha256={signature}"
    value = business.values()[0]
    assert value["metadata"] == {
        "display_phone_number": api.numbers[0].display, "phone_number_id": api.numbers[0].id,
    }  # fmt: skip
    assert value["contacts"] == [{"profile": {"name": "Asha"}, "wa_id": "256772000101"}]
    message = value["messages"][0]
    assert message["from"] == "256772000101"
    assert message["text"] == {"body": "h\N{LATIN SMALL LETTER E WITH ACUTE}llo"}
    assert message["timestamp"] == "1750000000"


async def test_a_member_who_hides_the_number(api: CloudApi, business: Business) -> None:
    chidi = api.member("Chidi", user_id="UG.134912086553", username="chidi")

    await chidi.write("hello")
    said = await say(api, {"recipient": "UG.134912086553", "type": "text", "text": {"body": "hi"}})
    await api.deliver()

    assert business.messages[0]["from_user_id"] == "UG.134912086553"
    assert "from" not in business.messages[0]
    assert business.values()[0]["contacts"] == [
        {"profile": {"name": "Chidi", "username": "chidi"}, "user_id": "UG.134912086553"}
    ]
    assert said["contacts"] == [{"input": "UG.134912086553", "user_id": "UG.134912086553"}]
    assert chidi.chat.texts == ["hi"]
    statuses = [each for value in business.values() for each in value.get("statuses", [])]
    assert {each["recipient_user_id"] for each in statuses} == {"UG.134912086553"}


async def test_buttons_and_rows(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    await post(api, interactive(asha.phone, "button", buttons("Balance", "Send money")))
    await post(api, interactive(asha.phone, "list", rows("Pay", "Save"), header={"type": "text", "text": "Top"},
                                footer={"text": "Low"}))  # fmt: skip
    first = asha.chat.heard[0]
    assert first.lines == ("Choose", "[Balance]", "[Send money]")
    assert asha.chat.last.lines == ("Top", "", "Choose", "", "Low", "[Open]", "[Pay] more", "[Save] more")

    await asha.tap("send")
    await asha.tap(1)
    await asha.tap("Balance", of=first)

    tapped = business.messages[1:]
    assert [each["type"] for each in tapped] == ["interactive"] * 3
    assert tapped[0]["interactive"]["button_reply"] == {"id": "k:Send money", "title": "Send money"}
    assert tapped[0]["context"] == {"from": api.numbers[0].display, "id": first.id}
    assert tapped[1]["interactive"]["list_reply"] == {"id": "r1", "title": "Save", "description": "more"}
    assert tapped[2]["interactive"]["button_reply"]["id"] == "k:Balance"
    assert api.refused == []


async def test_a_template_its_button_and_a_form(api: CloudApi, business: Business, clock: Clock) -> None:
    asha = api.member("Asha")
    with pytest.raises(LookupError, match="nobody sent a form"):
        await asha.fill_in({})
    components = [
        {"type": "body", "parameters": [{"type": "text", "text": "Asha"}, {"type": "text", "text": "rent"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "0",
         "parameters": [{"type": "payload", "payload": "p1"}]},
        {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "a7"}]},
    ]  # fmt: skip
    template = {"name": "late", "language": {"code": "en"}, "components": components}
    await post(api, {"to": asha.phone, "type": "template", "template": template})
    assert asha.chat.last.text == "Note\n\nHello Asha, your rent is late.\n\nKikao"
    assert asha.chat.buttons == ["Pay now", "Open", "Form"]
    await asha.tap("Pay")
    assert business.messages[-1]["button"] == {"payload": "p1", "text": "Pay now"}
    with pytest.raises(LookupError, match="tells the business nothing"):
        await asha.tap("Open")
    flow = {"name": "flow", "parameters": {
        "flow_message_version": "3", "flow_id": "1", "flow_cta": "Fill in", "flow_token": "ft-1",
    }}  # fmt: skip
    await post(api, interactive(asha.phone, "flow", flow))
    await asha.fill_in({"amount": "1500"})
    reply = business.messages[-1]["interactive"]["nfm_reply"]
    assert json.loads(reply["response_json"]) == {"flow_token": "ft-1", "amount": "1500"}
    assert api.refused == []


async def test_everything_else_that_members_send(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("ad", referral={"source_url": "https://example.com/ad", "source_type": "ad"})
    await post(api, text(asha.phone))
    await asha.react("\N{THUMBS UP SIGN}")
    await asha.react("")
    await asha.share_location(1.5, 32.5, place="Shop", address="Road 1")
    await asha.share_contacts(("Binta", "254722000202"))
    await asha.share_contacts()
    await asha.order(("SKU-1", 2, 12500), text="after 5")
    await asha.send_unsupported()
    await asha.write("oops", to=asha.chat.last)
    await asha.edit("ok")
    await asha.delete()

    kinds = [each["type"] for each in business.messages]
    assert kinds == ["text", "reaction", "reaction", "location", "contacts", "contacts", "order", "unsupported",
                     "text", "edit", "revoke"]  # fmt: skip
    said = dict(zip(kinds, business.messages, strict=True))
    assert business.messages[0]["referral"]["source_type"] == "ad"
    assert "emoji" in business.messages[1]["reaction"]
    assert "emoji" not in business.messages[2]["reaction"]
    assert said["location"]["location"] == {
        "latitude": 1.5, "longitude": 32.5, "name": "Shop", "address": "Road 1",
    }  # fmt: skip
    assert business.messages[4]["contacts"][0]["phones"][0]["wa_id"] == "254722000202"
    assert business.messages[5]["contacts"][0]["name"]["formatted_name"] == "Asha"
    assert said["order"]["order"]["product_items"][0]["quantity"] == 2
    assert said["unsupported"]["errors"][0]["code"] == 131051
    assert said["edit"]["edit"]["original_message_id"] == said["text"]["id"]
    assert said["revoke"]["revoke"]["original_message_id"] == said["text"]["id"]
    assert [each.text for each in asha.chat.messages if each.kind == "text"] == ["ad", "hi"]
    with pytest.raises(LookupError, match="has written nothing"):
        await api.member("Binta").edit("x")


@pytest.mark.parametrize("kind", ["image", "audio", "voice", "video", "document", "sticker"])
async def test_files_come_by_a_url_that_expires(
    api: CloudApi, business: Business, clock: Clock, kind: str
) -> None:
    asha = api.member("Asha")
    await asha.send(kind, b"octets", caption="" if kind in ("audio", "voice", "sticker") else "see")
    sort = "audio" if kind == "voice" else kind
    media = business.messages[0][sort]
    assert media["sha256"] == base64.b64encode(hashlib.sha256(b"octets").digest()).decode()
    assert media.get("voice", False) == (kind == "voice")

    info = json.loads((await http(api, "GET", f"{HOST}/{media['id']}")).body)
    assert (info["file_size"], info["mime_type"]) == (6, media["mime_type"])
    assert info["url"].startswith("https://graph.example/lookaside/")
    assert (await http(api, "GET", info["url"])).body == b"octets"
    assert (await http(api, "GET", info["url"], token="other")).status == 401
    await post(api, {"to": asha.phone, "type": sort, sort: {"id": media["id"]}})
    assert asha.chat.last.media is not None
    assert asha.chat.last.media.data == b"octets"
    clock.advance(301)
    assert (await http(api, "GET", info["url"])).status == 404
    assert (await http(api, "DELETE", f"{HOST}/{media['id']}")).status == 200
    assert (await http(api, "GET", f"{HOST}/{media['id']}")).status == 400


async def test_an_upload(api: CloudApi) -> None:
    asha = api.member("Asha")
    await asha.write("hi")

    async def upload(data: bytes, mime: str, product: str = "whatsapp") -> Any:
        body = (
            b'--B\r\nContent-Disposition: form-data; name="messaging_product"\r\n\r\n' + product.encode()
            + b'\r\n--B\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: '
            + mime.encode() + b"\r\n\r\n" + data + b"\r\n--B--\r\n"
        )  # fmt: skip
        kind = "multipart/form-data; boundary=B"
        answer = await http(api, "POST", f"{HOST}/{api.numbers[0].id}/media", body, kind)
        return json.loads(answer.body)

    name = (await upload(b"%PDF", "application/pdf"))["id"]
    await post(
        api,
        {"to": asha.phone, "type": "document", "document": {"id": name, "filename": "b.pdf", "caption": "c"}},
    )
    assert asha.chat.last.lines == ("(document: b.pdf)", "c")
    wrong = await say(api, {"to": asha.phone, "type": "image", "image": {"id": name}})
    assert wrong["code"] == 131053
    assert (await upload(b"", "image/png"))["error"]["code"] == 131053
    assert (await upload(bytes(5 * 2**20 + 1), "image/png"))["error"]["code"] == 131053
    assert (await upload(b"x", "image/png", "other"))["error"]["code"] == 100
    bare = await http(api, "POST", f"{HOST}/{api.numbers[0].id}/media", b'{"messaging_product":"whatsapp"}')
    assert bare.status == 400


async def test_no_member_sends_holograms(api: CloudApi) -> None:
    with pytest.raises(LookupError, match="nobody can send 'hologram'"):
        await api.member().send("hologram", b"")


# --- reports ---


async def test_reports_come_with_what_is_due(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    sent = await say(api, text(asha.phone) | {"biz_opaque_callback_data": "ref-1"})
    name = sent["messages"][0]["id"]
    assert business.statuses_told == []

    await api.deliver()
    assert business.statuses_told == [(name, "sent"), (name, "delivered")]
    assert asha.chat.last.ticks == "delivered"
    await asha.read()
    await asha.read()
    assert business.statuses_told[2:] == [(name, "read")]
    told = business.values()[-1]["statuses"][0]
    assert (told["recipient_id"], told["biz_opaque_callback_data"]) == (asha.phone, "ref-1")
    assert api.ledger[0][:3] == (1_750_000_000.0, asha.phone, "text")
    assert (api.ledger[0].id, api.ledger[0].reference) == (name, "ref-1")


async def test_reports_in_bad_order_and_twice(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    api.reports = ("read", "delivered", "failed")
    await post(api, text(asha.phone))
    await api.deliver()
    assert [status for _, status in business.statuses_told] == ["read", "delivered", "failed"]
    api.reports, api.mixed = ("sent", "delivered", "read"), 1.0
    business.bodies.clear()
    for _ in range(20):
        await post(api, text(asha.phone))
    await api.deliver()
    assert len(business.statuses_told) == 80
    orders = {tuple(s for n, s in business.statuses_told if n == each.id) for each in api.ledger[1:]}
    assert len(orders) > 5


async def test_what_fails_later(api: CloudApi, business: Business, clock: Clock) -> None:
    api.told_later |= LATER
    asha = api.member("Asha")
    sent = await say(api, text(asha.phone))
    await api.deliver()
    failed = business.values()[0]["statuses"][0]
    assert (failed["id"], failed["status"]) == (sent["messages"][0]["id"], "failed")
    assert failed["errors"][0]["code"] == 131047
    assert asha.chat.messages == []
    assert not api.ledger[0].seen


async def test_a_message_is_marked_as_read_with_a_sign_of_typing(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    name = business.messages[0]["id"]
    said = {"status": "read", "message_id": name, "typing_indicator": {"type": "text"}}
    assert await say(api, said) == {"success": True}
    assert (asha.typing, asha.chat.messages[0].ticks) == (1, "read")
    assert (await say(api, said | {"message_id": "wamid.x"}))["code"] == 131009
    assert (await say(api, said | {"typing_indicator": {}}))["code"] == 131009
    await post(api, {"to": asha.phone, "type": "reaction", "reaction": {"message_id": name, "emoji": "x"}})
    assert api.by_method == {"read": 1, "reaction": 1}
    assert asha.chat.heard == []


# --- who does not want it ---


async def test_the_window_is_of_each_number(api: CloudApi, clock: Clock) -> None:
    asha = api.member("Asha")
    other = api.number("104520000000008", "254700000908", "100000000000008")
    await asha.write("hi", number=other)
    assert (await say(api, text(asha.phone)))["code"] == 131047
    assert "messages" in await say(api, text(asha.phone), other.id)
    assert asha.chat_with(other).texts == ["hi"]
    clock.advance(24 * 3600)
    assert "messages" in await say(api, text(asha.phone), other.id)
    clock.advance(1)
    assert (await say(api, text(asha.phone), other.id))["code"] == 131047
    await asha.write("again", number=other)
    assert "messages" in await say(api, text(asha.phone), other.id)


async def test_blocked_unknown_and_the_sender(api: CloudApi) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    asha.block()
    assert (await say(api, text(asha.phone)))["code"] == 131026
    asha.unblock()
    assert "messages" in await say(api, text(f"+{asha.phone}"))
    assert (await say(api, text("256772999999")))["code"] == 131026
    assert (await say(api, text(api.numbers[0].display)))["code"] == 131021


async def test_marketing_can_be_refused(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    offer = {"to": asha.phone, "type": "template", "template": {"name": "offer", "language": {"code": "en"}}}
    await asha.stop_marketing()
    assert (await say(api, offer))["code"] == 131050
    await asha.resume_marketing()
    assert "messages" in await say(api, offer)
    told = [each["user_preferences"][0] for each in business.values("user_preferences")]
    assert [(each["wa_id"], each["value"]) for each in told] == [(asha.phone, "stop"), (asha.phone, "resume")]


async def test_a_new_number(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha", phone="256772000101")
    await asha.write("hi")
    await asha.change_number("256772000909")
    system = business.messages[-1]
    assert (system["from"], system["system"]["wa_id"]) == ("256772000101", "256772000909")
    assert (await say(api, text("256772000101")))["code"] == 131026
    assert "messages" in await say(api, text("256772000909"))


# --- what is refused ---

LONG = "\N{ETHIOPIC SYLLABLE HA}"
ROW = {"id": "r", "title": "R"}


@pytest.mark.parametrize(
    ("given", "code", "said"),
    [
        ({"type": "hologram"}, 131051, "unknown"),
        ({"type": "text"}, 131008, "'text' is required"),
        ({"type": "text", "text": "x"}, 131009, "must be an object"),
        ({"text": {}}, 131008, "text.body"),
        ({"text": {"body": 5}}, 131009, "must be a string"),
        ({"text": {"body": LONG * 4097}}, 131009, "at most 4096"),
        ({"text": {"body": "x"}, "recipient_type": "group"}, 131009, "recipient_type"),
        ({"text": {"body": "x"}, "to": "Asha"}, 131009, "no phone number"),
        ({"text": {"body": "x"}, "to": ""}, 131008, "'to' is required"),
        ({"text": {"body": "x"}, "biz_opaque_callback_data": "x" * 513}, 131009, "512"),
        ({"text": {"body": "x"}, "context": {}}, 131008, "context.message_id"),
        ({"type": "image", "image": {}}, 131009, "exactly one of id and link"),
        ({"type": "image", "image": {"id": "7"}}, 131009, "there is no media"),
        ({"type": "image", "image": {"link": "file"}}, 131009, "is no URL"),
        ({"type": "image", "image": {"link": "https://h/a", "caption": "x" * 1025}}, 131009, "1024"),
        ({"type": "audio", "audio": {"link": "https://h/a", "caption": "x"}}, 131009, "no caption"),
        ({"type": "location", "location": {"latitude": 1}}, 131008, "longitude"),
        ({"type": "location", "location": {"latitude": "x", "longitude": 1}}, 131009, "degrees"),
        ({"type": "contacts", "contacts": []}, 131008, "contacts"),
        ({"type": "contacts", "contacts": [{"name": {}}]}, 131008, "formatted_name"),
        ({"type": "contacts", "contacts": {"name": {}}}, 131009, "must be a list"),
        ({"type": "reaction", "reaction": {"message_id": "wamid.x"}}, 131009, "no message"),
        (interactive("", "carousel", {}), 131009, "is not one of"),
        (interactive("", "button", {"buttons": []}), 131008, "buttons"),
        (interactive("", "button", buttons("1", "2", "3", "4")), 131009, "at most 3"),
        (interactive("", "button", buttons("x" * 21)), 131009, "at most 20"),
        (interactive("", "button", buttons("A", "A")), 131009, "titles are not unique"),
        (interactive("", "button", {"buttons": [{"type": "x"}]}), 131009, "of type reply"),
        (interactive("", "button", buttons("A"), body={"text": "x" * 1025}), 131009, "1024"),
        (interactive("", "button", buttons("A"), footer={"text": "x" * 61}), 131009, "60"),
        (interactive("", "button", buttons("A"), header={"type": "hologram"}), 131009, "header.type"),
        (interactive("", "list", rows(*"abcdefghijk")), 131009, "at most 10"),
        (interactive("", "list", rows("x" * 25)), 131009, "at most 24"),
        (interactive("", "list", rows("a") | {"button": "x" * 21}), 131009, "at most 20"),
        (interactive("", "list", {"button": "x", "sections": [{"rows": [ROW, ROW]}]}), 131009, "not unique"),
        (interactive("", "list", {"button": "x", "sections": [{"rows": [ROW]}] * 2}), 131008, "title"),
        (
            interactive("", "list", {"button": "x", "sections": [
                {"title": "T", "rows": [{"id": f"{s}{n}", "title": "R"} for n in range(6)]} for s in "ab"
            ]}),
            131009, "Total row count",
        ),
        (interactive("", "cta_url", {"name": "x"}), 131009, "cta_url"),
        (interactive("", "cta_url", {"name": "cta_url", "parameters": {"display_text": "x" * 21}}), 131009, "20"),
        (interactive("", "flow", {"name": "x"}), 131009, "flow"),
        (interactive("", "location_request_message", {"name": "x"}), 131009, "send_location"),
        ({"type": "template", "template": {"name": "nope", "language": {"code": "en"}}}, 132001, "does not exist"),
        ({"type": "template", "template": {"name": "late", "language": {"code": "sw"}}}, 132001, "does not exist"),
        ({"type": "template", "template": {"name": "late"}}, 131008, "language"),
        ({"type": "template", "template": {"name": "late", "language": {"code": "en"}}}, 132000, "(0) does not match"),
        ({"type": "template", "template": {"name": "old", "language": {"code": "en"}}}, 132015, "PAUSED"),
        ({"type": "template", "template": {"name": "gone", "language": {"code": "en"}}}, 132016, "DISABLED"),
        ({"type": "template", "template": {"name": "card", "language": {"code": "en"}}}, 132000, "header"),
        (
            {"type": "template", "template": {"name": "card", "language": {"code": "en"}, "components": [
                {"type": "header", "parameters": [{"type": "text", "text": "x"}]}]}},
            132012, "IMAGE",
        ),
        (
            {"type": "template", "template": {"name": "card", "language": {"code": "en"}, "components": [
                {"type": "limb"}]}},
            132012, "unknown type",
        ),
        (
            {"type": "template", "template": {"name": "late", "language": {"code": "en"}, "components": [
                {"type": "button", "sub_type": "url", "index": 0}]}},
            132012, "is of type quick_reply",
        ),
        (
            {"type": "template", "template": {"name": "late", "language": {"code": "en"}, "components": [
                {"type": "button", "sub_type": "url", "index": 7}]}},
            132012, "no button at index 7",
        ),
        (
            {"type": "template", "template": {"name": "late", "language": {"code": "en"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "a\nb"}] * 2}]}},
            132012, "new line",
        ),
        (
            {"type": "template", "template": {"name": "late", "language": {"code": "en"}, "components": [
                {"type": "body", "parameters": [{"type": "image"}] * 2}]}},
            132012, "parameter of type",
        ),
        (
            {"type": "template", "template": {"name": "late", "language": {"code": "en"}, "components": [
                {"type": "body", "parameters": [{"type": "text", "text": "x" * 600}] * 2}]}},
            132005, "more than 1024",
        ),
    ],
)  # fmt: skip
async def test_what_whatsapp_refuses(api: CloudApi, given: dict[str, Any], code: int, said: str) -> None:
    asha = api.member("Asha")
    await asha.write("hi")

    error = await say(api, given if given.get("to", "x") in ("", "Asha") and "interactive" not in given
                      else given | {"to": asha.phone})  # fmt: skip

    assert error["code"] == code
    assert said in error["error_data"]["details"]
    assert error["message"].startswith(f"(#{code}) ")
    assert api.refused[-1].code == code
    assert asha.chat.heard == []
    assert api.ledger == []


async def test_what_fits_is_taken(api: CloudApi) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    money = {"type": "currency", "currency": {"fallback_value": "UGX 500"}}
    url = {"name": "cta_url", "parameters": {"display_text": "Open", "url": "https://example.com"}}
    flow = {"flow_message_version": "3", "flow_name": "f", "flow_cta": "Go"}
    image = {"type": "image", "image": {"link": "https://h/a.jpg"}}
    card = {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "B"}, "phones": [{"phone": "+25677"}]}],
    }
    template = {"name": "late", "language": {"code": "en"}, "components": [
        {"type": "body", "parameters": [money, money]},
        {"type": "button", "sub_type": "url", "index": 1, "parameters": [{"type": "text", "text": "x"}]},
    ]}  # fmt: skip
    parts = [{"type": "header", "parameters": [image]}]
    for given in (
        text(asha.phone, LONG * 4096),
        interactive(asha.phone, "cta_url", url, header=image),
        interactive(asha.phone, "flow", {"name": "flow", "parameters": flow}),
        interactive(asha.phone, "location_request_message", {"name": "send_location"}),
        {"to": asha.phone, "type": "template", "template": template},
        {
            "to": asha.phone,
            "type": "template",
            "template": {"name": "card", "language": {"code": "en"}, "components": parts},
        },
        {"to": asha.phone, "type": "location", "location": {"latitude": 0.5, "longitude": 32, "name": "N"}},
        card | {"to": asha.phone},
    ):
        assert "messages" in await say(api, given), given
    assert api.refused == []
    assert asha.chat.heard[1].lines == ("(image: a.jpg)", "Choose", "[Open]")
    assert asha.chat.heard[4].text.splitlines()[2] == "Hello UGX 500, your UGX 500 is late."
    await asha.tap("Send location")
    assert asha.chat.messages[-1].kind == "location"
    await post(api, text(asha.phone) | {"colour": "red"})
    assert api.ignored == {"messages.colour"}


async def test_who_calls_what(api: CloudApi) -> None:
    number = api.numbers[0]
    asha = api.member("Asha")
    assert (
        json.loads((await http(api, "POST", f"{HOST}/{number.id}/messages", token="x")).body)["error"]["code"]
        == 190
    )
    assert (await http(api, "POST", f"{HOST}/999/messages", b"{}")).status == 400
    assert (await http(api, "GET", f"{HOST}/{number.id}/nothing")).status == 400
    assert (await http(api, "POST", f"{HOST}/{number.id}/messages", b"{")).status == 400
    assert (await http(api, "POST", f"{HOST}/{number.id}/messages", b"{}")).status == 400
    assert [each.code for each in api.refused] == [190, 100, 100, 100, 100]
    found = json.loads((await http(api, "GET", f"https://graph.example/{number.id}")).body)
    assert found["display_phone_number"] == number.display
    assert asha.chat.messages == []


# --- limits and moods ---


async def test_limits_of_a_number_and_a_pair(business: Business, clock: Clock) -> None:
    api = CloudApi(TOKEN, clock=clock, send=business, rates=CloudApi.RATES)
    members = [api.member(f"M{n}") for n in range(3)]
    for member in members:
        await member.write("hi")
    for n in range(80):
        assert "messages" in await say(api, text(members[n % 2].phone))
    answer = await post(api, text(members[2].phone))
    assert (answer.status, json.loads(answer.body)["error"]["code"]) == (429, 130429)
    clock.advance(1)
    for _ in range(5):
        assert "messages" in await say(api, text(members[0].phone))
    assert (await say(api, text(members[0].phone)))["code"] == 131056
    assert "messages" in await say(api, text(members[2].phone))
    clock.advance(270)
    assert "messages" in await say(api, text(members[0].phone))
    assert api.breaches == 2
    assert CloudApi.RATES.scaled(0.001).number == (1, 1.0)


async def test_moods(api: CloudApi, business: Business) -> None:
    asha = api.member("Asha")
    await asha.write("hi")
    api.fails()
    api.loses()
    api.does_not_answer()
    assert [(await post(api, text(asha.phone, "a"))).status for _ in range(2)] == [503, 200]
    with pytest.raises(Unanswered):
        await post(api, text(asha.phone, "b"))
    api.limits(7)
    answer = await post(api, text(asha.phone))
    assert (answer.status, answer.header("retry-after")) == (429, "7")
    assert asha.chat.texts == ["b"]
    await api.deliver()
    assert [status for name, status in business.statuses_told if name == api.ledger[0].id] == ["sent"]
    assert [status for name, status in business.statuses_told if name == api.ledger[1].id] == [
        "sent",
        "delivered",
    ]


# --- deliveries ---


async def test_several_messages_of_several_members_in_one_request(api: CloudApi, business: Business) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")
    other = api.number("104520000000008", "254700000908", "100000000000008")
    await asha.write("0")
    await post(api, text(asha.phone))
    business.bodies.clear()
    api.deliveries.held = True
    await asha.write("1")
    await binta.write("2")
    await asha.write("3")
    await binta.write("4", number=other)
    await asha.stop_marketing()
    assert business.bodies == []

    await api.deliveries.release(batch=True)

    assert len(business.bodies) == 1
    said = json.loads(business.bodies[0])
    assert [entry["id"] for entry in said["entry"]] == ["100000000000007", "100000000000008"]
    first = said["entry"][0]["changes"][0]["value"]
    assert [each["text"]["body"] for each in first["messages"]] == ["1", "2", "3"]
    assert [each["profile"]["name"] for each in first["contacts"]] == ["Asha", "Binta"]
    assert [each["status"] for each in first["statuses"]] == ["sent", "delivered"]
    assert said["entry"][0]["changes"][1]["field"] == "user_preferences"
    signature = hmac.new(b"secret-1", business.bodies[0], hashlib.sha256).hexdigest()
    assert business.headers[-1]["x-hub-signature-256"] == f"sha256={signature}"


async def test_what_is_not_taken_comes_again(api: CloudApi, business: Business, clock: Clock) -> None:
    business.statuses = [503, 0]
    await api.member("Asha").write("1")
    await api.member("Binta").write("2")
    assert len(business.bodies) == 1
    for seconds in (1, 0, 2, 1):
        clock.advance(seconds)
        await api.deliver()
    assert [each["text"]["body"] for each in business.messages] == ["1", "1", "2"]
    assert api.deliveries.waiting == []
    assert await api.deliveries.again(changed=True) == [200]
    assert business.bodies[-1] != business.bodies[-2]
    assert json.loads(business.bodies[-1]) == json.loads(business.bodies[-2])


async def test_the_webhook_is_verified(api: CloudApi, business: Business) -> None:
    assert (await api.verify(challenge="42")).body == b"42"
    await api.verify("wrong")
    asked = [parse_qs(query)["hub.verify_token"][0] for query in business.queries]
    assert asked == ["verify-1", "wrong"]
    with pytest.raises(LookupError, match="nobody to ask"):
        await CloudApi().verify()


async def test_what_no_member_causes(api: CloudApi, business: Business) -> None:
    await api.tell_raw("account_update", {"event": "ACCOUNT_DELETED"})
    assert business.values("account_update") == [{"event": "ACCOUNT_DELETED"}]


async def test_many_messages_are_cheap(clock: Clock) -> None:
    async def taken(exchange: Exchange) -> Response:
        return Response(200, (), b"")

    api = CloudApi(TOKEN, clock=clock, send=taken, reports=("sent",))
    members = [api.member(f"M{n}") for n in range(100)]
    for member in members:
        await member.write("hi")
    for n in range(1000):
        await post(api, text(members[n % 100].phone, str(n)))
    assert await api.deliver() == 1000
    assert len(api.ledger) == 1000
    assert api.duplicates() == []


async def test_a_run_with_everything_at_random(clock: Clock) -> None:
    bodies: list[bytes] = []
    under_way, most = 0, 0

    async def take(exchange: Exchange) -> Response:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0)
        under_way -= 1
        bodies.append(exchange.body)
        return Response(500 if len(bodies) % 20 == 0 else 200, (), b"")

    api = CloudApi(TOKEN, clock=clock, send=take, chance=random.Random(7))
    api.ordered = True
    api.deliveries.held = True
    members = [api.member(f"M{n}") for n in range(20)]
    for n in range(300):
        await members[n % 20].write(str(n))
    api.deliveries.disturb(again=0.2, changed=0.5, batched=0.3, late=0.1, spread=5.0)
    api.deliveries.at_once = 4
    api.deliveries.held = False
    while (due := api.deliveries.next_due) is not None:
        clock.now = max(clock.now, due)
        await api.deliver()

    told: dict[str, list[str]] = {}
    for body in bodies:
        for message in json.loads(body)["entry"][0]["changes"][0]["value"]["messages"]:
            heard = told.setdefault(message["from"], [])
            if message["text"]["body"] not in heard:
                heard.append(message["text"]["body"])
    assert sorted(map(len, told.values())) == [15] * 20
    assert all(heard == sorted(heard, key=int) for heard in told.values())
    assert most == 4
    assert len(bodies) < 300
    copies = sum(len(parcel.events) for parcel in api.deliveries.taken if parcel.copy)
    assert 30 < copies < 100


async def test_delivering_goes_on_in_real_time(api: CloudApi, business: Business) -> None:
    business.statuses = [503]
    await api.member("Asha").write("hi")
    rounds = 0

    async def pause(seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        assert isinstance(api.clock, Clock)
        api.clock.advance(1)
        if rounds == 3:
            raise asyncio.CancelledError

    api.pause = pause
    with pytest.raises(asyncio.CancelledError):
        await api.run()
    assert [parcel.answers for parcel in api.deliveries.taken] == [[503, 200]]
