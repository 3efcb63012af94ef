"""What a business sends is checked as WhatsApp would: what is refused, in its words, and what is taken."""

import json
from typing import Any

import pytest

from kikao.testing import CloudApi
from tests.channels.whatsapp.emulated.business import HOST, buttons, http, interactive, post, rows, say, text

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


# --- what is uploaded ---


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
