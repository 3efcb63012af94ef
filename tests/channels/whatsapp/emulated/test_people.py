"""What members do comes as signed webhooks, and what a business says is theirs to see, or not wanted."""

import base64
import hashlib
import hmac
import json

import pytest

from kikao.testing import Clock, CloudApi
from tests.channels.whatsapp.emulated.business import (
    HOST,
    Business,
    buttons,
    http,
    interactive,
    post,
    rows,
    say,
    text,
)

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


async def test_no_member_sends_holograms(api: CloudApi) -> None:
    with pytest.raises(LookupError, match="nobody can send 'hologram'"):
        await api.member().send("hologram", b"")


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
