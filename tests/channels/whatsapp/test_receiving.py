"""What webhooks hold, piece by piece: what is an answer, what is told, and what spoils nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.told import Changed, Moved, Other, Report
from kikao.channels.inbound import Inbound
from kikao.channels.media.remote import Remote
from kikao.channels.whatsapp.receiving import MOST_NOTES, received
from kikao.conversation.inputs import Place, SharedContact
from kikao.sessions.outgoing import Status

NUMBERS = {"104520000000001": "cloud-api", "104520000000002": "shop"}
AT = 1_790_000_000
WHO = "256772000101"


def value(number: str = "104520000000001", **held: Any) -> dict[str, Any]:
    metadata = {"display_phone_number": "256700000900", "phone_number_id": number}
    return {"messaging_product": "whatsapp", "metadata": metadata, **held}


def message(type_: str, id_: str = "wamid.1", **held: Any) -> dict[str, Any]:
    return {"from": WHO, "id": id_, "timestamp": str(AT), "type": type_, **held}


def text(said: str, id_: str = "wamid.1", **held: Any) -> dict[str, Any]:
    return message("text", id_, text={"body": said}, **held)


def webhook(*changes: dict[str, Any], field: str = "messages") -> Received:
    entry = {"id": "100000000000001", "changes": [{"field": field, "value": each} for each in changes]}
    return read({"object": "whatsapp_business_account", "entry": [entry]})


def read(body: object) -> Received:
    return received(json.dumps(body).encode(), NUMBERS)


def one(said: dict[str, Any]) -> Inbound:
    found = webhook(value(messages=[said]))
    assert found.told == ()
    (inbound,) = found.inbounds
    return inbound


def notes(found: Received) -> list[str]:
    return [told.note for told in found.told if isinstance(told, Other)]


def test_a_text() -> None:
    inbound = one(text("hello"))
    assert (inbound.channel, inbound.gateway, inbound.identity) == ("whatsapp", "cloud-api", WHO)
    assert inbound.text.reveal() == "hello"
    assert inbound.message_id is not None
    assert inbound.message_id.reveal() == "wamid.1"
    assert (inbound.sent_at, inbound.msisdn, inbound.happening) == (AT, "", "reply")


MEDIA = {"id": "65463453", "mime_type": "image/jpeg", "sha256": "4654+8g="}


@pytest.mark.parametrize(
    ("type_", "kind"),
    [
        ("image", "image"),
        ("sticker", "image"),
        ("video", "video"),
        ("audio", "audio"),
        ("document", "document"),
    ],
)
def test_a_file_is_still_at_the_provider_and_its_caption_is_the_text(type_: str, kind: Any) -> None:
    extra = {"caption": "mine", "filename": "a.pdf", "voice": True, "animated": False}
    inbound = one({**message(type_), type_: {**MEDIA, **extra}})
    assert inbound.chat is not None
    assert inbound.chat.remote == Remote("65463453", kind, "image/jpeg", 0, "4654+8g=", "a.pdf")
    assert inbound.text.reveal() == "mine"


def test_a_place() -> None:
    where = {"latitude": 0.3476, "longitude": 32.5825, "name": "Kampala", "address": "Uganda"}
    inbound = one(message("location", location=where))
    assert inbound.attachment == Place(0.3476, 32.5825)
    assert inbound.text.reveal() == ""


@pytest.mark.parametrize(
    ("phone", "number"),
    [
        ({"phone": "+256 772 000 909", "wa_id": "256772000909"}, "+256772000909"),
        ({"phone": "0772 000 909"}, "0772 000 909"),
    ],
)
def test_a_contact_is_a_number_that_nobody_vouches_for(phone: dict[str, str], number: str) -> None:
    cards = [{"name": {"formatted_name": "Brian"}}, {"phones": [phone, {"phone": "1"}]}]
    assert one(message("contacts", contacts=cards)).attachment == SharedContact(number, own=False)


@pytest.mark.parametrize("type_", ["button_reply", "list_reply"])
def test_a_choice_is_of_the_screen_it_stands_on(type_: str) -> None:
    reply = {"id": "AbCd_-12:7", "title": "Send money", "description": "x"}
    said = {"type": type_, type_: reply}
    inbound = one(message("interactive", interactive=said, context={"from": "256700000900", "id": "wamid.9"}))
    assert inbound.chat is not None
    assert (inbound.text.reveal(), inbound.chat.pressed, inbound.chat.message) == ("7", "AbCd_-12", "wamid.9")
    for context in ({}, {"context": None}, {"context": [1]}):
        again = one(message("interactive", interactive=said, **context))
        assert again.chat is not None
        assert (again.chat.pressed, again.chat.message) == ("AbCd_-12", "")


def test_a_choice_that_somebody_else_sent_is_as_if_its_label_was_typed() -> None:
    said = {"type": "button_reply", "button_reply": {"id": "campaign-7", "title": "Send money"}}
    inbound = one(message("interactive", interactive=said))
    assert inbound.chat is not None
    assert (inbound.text.reveal(), inbound.chat.pressed) == ("Send money", "")


@pytest.mark.parametrize(
    ("button", "said", "pressed"),
    [
        ({"payload": "AbCd_-12:1", "text": "Yes"}, "1", "AbCd_-12"),
        ({"payload": "confirm:42", "text": "Yes"}, "confirm:42", ""),
        ({"text": "Yes"}, "Yes", ""),
    ],
)
def test_a_button_of_a_template(button: dict[str, str], said: str, pressed: str) -> None:
    inbound = one(message("button", button=button))
    assert inbound.chat is not None
    assert (inbound.text.reveal(), inbound.chat.pressed) == (said, pressed)
    assert pressed or inbound.chat.message, "it was tapped, and not typed"


def test_who_hides_their_number_has_an_id_of_this_business() -> None:
    said = text("hello")
    del said["from"]
    assert one({**said, "from_user_id": "UG.13491208655302741918"}).identity == "UG.13491208655302741918"
    assert one({**text("hello"), "from_user_id": "UG.13491208655302741918"}).identity == WHO


@pytest.mark.parametrize(
    ("said", "note"),
    [
        (message("reaction", reaction={"message_id": "wamid.9", "emoji": "x"}), "no answer: reaction"),
        (message("order", order={"product_items": []}), "no answer: order"),
        (message("interactive", interactive={"type": "nfm_reply", "nfm_reply": {"response_json": "{}"}}),
         "no answer: interactive nfm_reply"),
        (message("interactive", interactive={"type": "button_reply"}), "no answer: interactive button_reply"),
        (message("edit", edit={}), "no answer: edit"),
        (message("revoke", revoke={}), "no answer: revoke"),
        (message("hologram", hologram={}), "no answer: hologram"),
        (message("Asha's secret plan", x=1), "no answer: unknown type"),
        (message("unsupported", errors=[{"code": 131051, "title": "x"}]), "no answer: unsupported 131051"),
        (message("unsupported"), "no answer: unsupported"),
        (message("system", system={"type": "user_identity_changed"}), "system: user_identity_changed"),
        (message("text", text={"body": "  \n"}), "no answer: empty text"),
        (message("button", button={}), "no answer: empty choice"),
        (message("image", image={"mime_type": "image/png"}), "no answer: image without an id"),
        (message("location", location={"latitude": 91, "longitude": 0}), "no answer: a location that is nowhere"),
        (message("contacts", contacts=[{"phones": [{"phone": ""}]}]), "no answer: a contact without a number"),
        (text("x", group_id="120363"), "no answer: message in a group"),
        ({**text("x"), "from": "<somebody>"}, "a message of nobody"),
        (text("x", id_=""), "a message without an id"),
        (text("x", id_="w" * 501), "a message without an id"),
        (message("text"), "unreadable message"),
        (message("text", text="hello"), "unreadable message"),
        (message("location", location={"latitude": "north", "longitude": 0}), "unreadable message"),
        ({"id": 5}, "unreadable message"),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_noted_and_takes_nothing_else_along(said: dict[str, Any], note: str) -> None:
    found = webhook(value(messages=[text("before", "wamid.a"), said, text("after", "wamid.b")]))
    assert [inbound.text.reveal() for inbound in found.inbounds] == ["before", "after"]
    assert notes(found) == [note]


def test_where_a_member_came_from_is_told_beside_what_they_wrote() -> None:
    for referral, word in (({"source_type": "ad", "headline": "x"}, "ad"), ("x", "unreadable")):
        found = webhook(value(messages=[text("hi", referral=referral)]))
        assert [inbound.text.reveal() for inbound in found.inbounds] == ["hi"]
        assert notes(found) == [f"referral: {word}"]


def test_a_new_number_takes_nothing_along() -> None:
    system = {"body": "User changed", "type": "user_changed_number", "wa_id": "256772000909"}
    found = webhook(value(messages=[message("system", system=system)]))
    assert found.told == (Moved(line="whatsapp/cloud-api", before=WHO, after="256772000909", what="number"),)


def status(said: str, **held: Any) -> dict[str, Any]:
    return {"id": "wamid.9", "status": said, "timestamp": str(AT), "recipient_id": WHO, **held}


@pytest.mark.parametrize(
    ("said", "meant"),
    [("sent", 10), ("delivered", 30), ("read", 40), ("played", 40), ("failed", 20)],
)
def test_how_far_a_message_came(said: str, meant: int) -> None:
    errors = [{"code": 131050, "title": "x"}]
    found = webhook(value(statuses=[status(said, errors=errors, conversation={}, pricing={})]))
    assert found.told == (
        Report(
            line="whatsapp/cloud-api",
            reference="wamid.9",
            status=Status(meant),
            at=AT,
            codes=(131050,),
            identity=WHO,
        ),
    )


def test_a_status_that_says_nothing_is_noted() -> None:
    said = [status("deleted"), status("sent", id=""), status("sent", errors="x"), status("x y"), "x"]
    found = webhook(value(statuses=[*said, status("read", recipient_id="", recipient_user_id="UG.1")]))
    assert notes(found) == [
        "status: deleted",
        "status: sent",
        "unreadable status",
        "status: unknown",
        "unreadable status",
    ]
    (report,) = [told for told in found.told if isinstance(told, Report)]
    assert report.identity == "UG.1"


@pytest.mark.parametrize(("wish", "what"), [("stop", "refuses_marketing"), ("resume", "allows_marketing")])
def test_who_wants_no_marketing(wish: str, what: Any) -> None:
    said = {"wa_id": WHO, "category": "marketing_messages", "value": wish, "timestamp": AT}
    found = webhook(value(user_preferences=[said]), field="user_preferences")
    assert found.told == (
        Changed(line="whatsapp/cloud-api", identity=WHO, what=what, at=AT, reason="user_preferences"),
    )
    other = [{**said, "category": "other"}, {**said, "wa_id": ""}, "x"]
    assert notes(webhook(value(user_preferences=other), field="user_preferences")) == [
        f"user_preferences: other {wish}",
        f"user_preferences: marketing_messages {wish}",
        "unreadable preference",
    ]


@pytest.mark.parametrize(
    ("field", "said", "note"),
    [
        ("account_update", {"event": "DISABLED_UPDATE"}, "account_update: DISABLED_UPDATE"),
        ("message_template_status_update", {"event": "PAUSED", "message_template_name": "late"},
         "message_template_status_update: PAUSED late"),
        ("calls", value(calls=[{"event": "connect"}, "x"], statuses=[{"status": "RINGING"}, "x"]),
         "calls: connect unreadable RINGING unreadable"),
        ("smb_message_echoes", value(message_echoes=[{"text": "secret"}]), "smb_message_echoes: 1"),
        ("history", value(), "history"),
        ("something new and strange", {}, "unknown field"),
    ],
)  # fmt: skip
def test_what_else_a_provider_tells_is_noted_as_a_kind_and_a_name(
    field: str, said: dict[str, Any], note: str
) -> None:
    found = webhook(said, field=field)
    assert notes(found) == [note]
    assert "secret" not in str(found)


def test_an_error_of_the_number_is_noted() -> None:
    found = webhook(value(errors=[{"code": 130429, "title": "Rate limit hit"}, "x"]))
    assert notes(found) == ["error: 130429", "error: unreadable"]


def test_a_batch_is_read_to_its_end_for_the_number_each_piece_is_for() -> None:
    found = read(
        {
            "object": "whatsapp_business_account",
            "entry": [
                "x",
                {"id": "1", "changes": "x"},
                {
                    "id": "1",
                    "changes": [
                        5,
                        {"field": "messages", "value": value(messages="x")},
                        {"field": "messages", "value": value("999", messages=[text("foreign")])},
                        {"field": "messages", "value": {"messages": [text("nobody's")]}},
                        {"field": "messages", "value": value(messages=None, statuses=[status("sent")])},
                        {
                            "field": "messages",
                            "value": value(messages=[text("one")], statuses=[status("read")]),
                        },
                        {"field": "messages"},
                    ],
                },
                {
                    "id": "2",
                    "changes": [
                        {"field": "messages", "value": value("104520000000002", messages=[text("two")])}
                    ],
                },
            ],
        }
    )
    assert [(inbound.gateway, inbound.text.reveal()) for inbound in found.inbounds] == [
        ("cloud-api", "one"),
        ("shop", "two"),
    ]
    assert notes(found) == [
        "unreadable entry",
        "unreadable entry",
        "unreadable change",
        "unreadable change messages",
        "a number that is not ours",
        "messages of no number",
    ]
    assert [told.status for told in found.told if isinstance(told, Report)] == [Status.SENT, Status.READ]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"object":"page","entry":[]}',
        b"\xff\xfe",
        b'{"object":"\xff"}',
        b"[" * 100_000,
        b'{"object":"whatsapp_business_account","entry":[' + b"[" * 5000 + b"]" * 5001 + b"}",
    ],
)
def test_what_is_no_webhook_of_whatsapp(body: bytes) -> None:
    with pytest.raises(BadRequest):
        received(body, NUMBERS)


NAMES = (
    "from id timestamp type text body button payload interactive button_reply list_reply title location latitude "
    "longitude contacts phones phone wa_id image system errors code context referral statuses status messages metadata "
    "phone_number_id group_id from_user_id recipient_id user_preferences value category"
).split()
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=6,
)
TYPES = st.sampled_from(
    ["text", "button", "interactive", "location", "contacts", "image", "system", "unsupported"]
)


@given(
    st.builds(
        lambda base, more, type_: {**base, **more, "type": type_},
        st.just(text("x")),
        st.dictionaries(st.sampled_from(NAMES), JSON, max_size=5),
        TYPES,
    )
)
def test_whatever_a_message_holds_the_others_are_read(said: dict[str, Any]) -> None:
    found = webhook(
        value(messages=[text("before", "wamid.a"), said, text("after", "wamid.b")], statuses=[said])
    )
    ids = [inbound.message_id.reveal() for inbound in found.inbounds if inbound.message_id is not None]
    assert (ids[0], ids[-1]) == ("wamid.a", "wamid.b")
    assert all(inbound.identity and inbound.message_id is not None for inbound in found.inbounds)


def said_by(found: Received) -> list[tuple[str, str]]:
    return [(inbound.gateway, inbound.text.reveal()) for inbound in found.inbounds]


@settings(max_examples=40)
@given(st.lists(JSON, max_size=3))
def test_all_at_once_or_piece_by_piece_comes_to_the_same(more: list[Any]) -> None:
    messages = [text("one"), *more, text("two")]
    change = {"field": "messages", "value": value(messages=messages, statuses=more)}
    entry = {"id": "1", "changes": [change]}
    at_once = read({"object": "whatsapp_business_account", "entry": [entry]})
    in_pieces = read({"object": "whatsapp_business_account", "entry": [entry, "x"]})
    assert said_by(at_once) == said_by(in_pieces)
    assert [*notes(at_once), "unreadable entry"] == notes(in_pieces)


@settings(max_examples=40)
@given(st.dictionaries(st.sampled_from(["object", "entry", "changes", "field", "value", *NAMES]), JSON))
def test_no_webhook_leads_to_anything_but_a_refusal(body: dict[str, Any]) -> None:
    read(
        {
            "object": "whatsapp_business_account",
            "entry": [{"changes": [{"field": "messages", "value": body}, body]}, body],
        }
    )
    try:
        read(body)
    except BadRequest as error:
        assert str(error).startswith("whatsapp: ")  # noqa: PT017 - most bodies are refused, some are not


def test_a_webhook_of_odd_pieces_does_not_fill_the_log() -> None:
    body = b'{"object": "whatsapp_business_account", "entry": [' + b"1," * 5000 + b"1]}"
    assert notes(received(body, {"1": "shop"})) == ["unreadable entry"] * MOST_NOTES
