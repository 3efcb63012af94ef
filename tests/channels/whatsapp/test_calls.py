"""Messages as calls: what stands in each, within the provider's limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.chat.ladder import laid_out
from kikao.channels.chat.message import Choice, Link, Message, MessageRefused, Parcel
from kikao.channels.chat.templates import LinkButton, PlainButton, QuickReply, Template, Templates
from kikao.channels.whatsapp.calls import LIMITS, Calls, content, filled, fitted
from kikao.channels.whatsapp.emulated.contents import content_of
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import Hidden
from kikao.config.settings import WhatsAppSettings
from kikao.conversation.screens import Option, Screen
from kikao.i18n import Catalogs, t

CALLS = Calls(WhatsAppSettings(phone_number_id="104520000000007", token=Hidden(b"token-of-ours")))
MARK = "AbCd_-12"
ENGLISH = Catalogs().translate("en")
TEA, COFFEE = Choice("1", "Tea"), Choice("2", "Coffee")


def body(parcel: Parcel) -> dict[str, Any]:
    call = CALLS.send(parcel, "ab" * 16)
    assert call.url.reveal() == b"https://graph.facebook.com/v23.0/104520000000007/messages"
    assert dict(call.headers)["Authorization"] == "Bearer token-of-ours"
    assert "token-of-ours" not in repr(call)
    found: dict[str, Any] = json.loads(call.body)
    return found


def test_a_text_goes_to_a_number_and_shows_no_preview() -> None:
    assert body(Parcel("256772000101", Message("See https://x.example"), 0.0)) == {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        "to": "256772000101",
        "biz_opaque_callback_data": "ab" * 16,
        "type": "text",
        "text": {"body": "See https://x.example", "preview_url": False},
    }


@pytest.mark.parametrize(
    ("to", "field", "value"),
    [("+256772000101", "to", "256772000101"), ("UG.1349120865", "recipient", "UG.1349120865")],
)
def test_who_hides_their_number_is_named_otherwise(to: str, field: str, value: str) -> None:
    found = body(Parcel(to, Message("x"), 0.0))
    assert found[field] == value
    assert len({"to", "recipient"} & found.keys()) == 1


def test_choices_are_named_by_their_screen() -> None:
    found = content(Message("?", (TEA, COFFEE), "buttons"), MARK)["interactive"]
    assert [button["reply"] for button in found["action"]["buttons"]] == [
        {"id": f"{MARK}:1", "title": "Tea"},
        {"id": f"{MARK}:2", "title": "Coffee"},
    ]


def test_a_label_that_is_cut_stands_in_full_below() -> None:
    long = Choice("1", "A label that is longer than a row")
    found = content(Message("", (long, COFFEE), "list", opens="Choose one of these, please"), MARK)[
        "interactive"
    ]
    assert found["body"]["text"] == "…"
    assert found["action"]["button"] == "Choose one of these…"
    assert found["action"]["sections"] == [
        {
            "rows": [
                {"id": f"{MARK}:1", "title": "A label that is longer…", "description": long.label},
                {"id": f"{MARK}:2", "title": "Coffee"},
            ]
        }
    ]


def test_a_link_and_the_asking_for_a_location_leave_no_room_for_choices() -> None:
    for page in (Message("x", (TEA,), "buttons", link=Link("Open", "https://x.example/t0ken")),
                 Message("x", (TEA,), "buttons", wants="location")):  # fmt: skip
        assert fitted(page).text == "x\n1 Tea"
        assert fitted(page).choices == ()
    untouched = Message("x", (TEA,), "buttons", wants="contact")
    assert fitted(untouched) is untouched
    found = content(Message("x", link=Link("Open", "https://x.example/t0ken")), "")["interactive"]
    assert found["action"] == {
        "name": "cta_url",
        "parameters": {"display_text": "Open", "url": "https://x.example/t0ken"},
    }
    assert content(Message("x", wants="location"), "")["interactive"]["action"] == {"name": "send_location"}


@given(st.lists(st.text(min_size=1, max_size=90), max_size=14), st.text(max_size=1100))
def test_whatever_a_screen_holds_the_provider_takes_it(labels: list[str], text: str) -> None:
    options = tuple(Option(str(n), t("{l}", l=label or "-"), str(n)) for n, label in enumerate(labels, 1))
    api = CloudApi()
    for page in laid_out(Screen((text,), options), ENGLISH, LIMITS):
        if not (page.text.strip() or page.choices) or (len(page.text) > 1024 and page.choices):
            continue  # nothing is said; or it is split before it gets here
        content_of(api, {"messaging_product": "whatsapp", **content(page, MARK)})


PAID = Template(
    "paid",
    {"en": "en_US"},
    body=("name", "amount"),
    header="title",
    buttons=(QuickReply("1"), PlainButton(), LinkButton("ref")),
)


def test_a_template_has_its_values_where_they_belong() -> None:
    found = filled(PAID, "en_US", ("Paid", "Asha", "500", "r/7"), MARK)["template"]
    assert (found["name"], found["language"]) == ("paid", {"code": "en_US"})
    assert found["components"] == [
        {"type": "header", "parameters": [{"type": "text", "text": "Paid"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Asha"}, {"type": "text", "text": "500"}]},
        {"type": "button", "sub_type": "quick_reply", "index": "0",
         "parameters": [{"type": "payload", "payload": f"{MARK}:1"}]},
        {"type": "button", "sub_type": "url", "index": "2", "parameters": [{"type": "text", "text": "r/7"}]},
    ]  # fmt: skip
    assert filled(PAID, "en", ("a", "b", "c", "d"), "")["template"]["components"][2]["parameters"] == [
        {"type": "payload", "payload": "1"}
    ]


def test_a_template_may_have_names_media_or_nothing() -> None:
    named = Template("n", {"en": "en"}, body=("name",), header="picture", header_kind="image", named=True)
    assert filled(named, "en", ("https://x.example/a.png", "Asha"), "")["template"]["components"] == [
        {"type": "header", "parameters": [{"type": "image", "image": {"link": "https://x.example/a.png"}}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Asha", "parameter_name": "name"}]},
    ]
    assert "components" not in filled(Template("n", {"en": "en"}), "en", (), "")["template"]


def test_a_parcel_names_its_template() -> None:
    parcel = Parcel("256772000101", Message("x"), 0.0, template=("paid/en_US", ("a", "b", "c", "d")))
    found = json.loads(CALLS.template(parcel, Templates([PAID]), "id").body)
    assert (found["type"], found["to"]) == ("template", "256772000101")
    with pytest.raises(MessageRefused, match="not declared"):
        CALLS.template(parcel, Templates(), "id")


def test_a_message_was_read_and_somebody_is_typing() -> None:
    seen = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    assert json.loads(CALLS.seen("wamid.1").body) == seen
    typing = {**seen, "typing_indicator": {"type": "text"}}
    assert json.loads(CALLS.seen("wamid.1", typing=True).body) == typing
