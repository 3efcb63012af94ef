"""Africa's Talking: what a member typed is never shown, a redelivery is recognised, and nothing else gets in."""

import string
from urllib.parse import quote_plus, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kikao.channels.channel import BadRequest, Request
from kikao.channels.inbound import Inbound
from kikao.channels.ussd.gateways.africastalking import AfricasTalking
from kikao.channels.ussd.pages import Budget
from kikao.conversation.screens import Screen
from kikao.i18n.gsm7 import cost

GATEWAY = AfricasTalking()
DIAL = {"sessionId": "ATUid_1", "serviceCode": "*384#", "phoneNumber": "+256700123456", "text": ""}


def post(body: bytes | str, content_type: str = "application/x-www-form-urlencoded") -> Request:
    encoded = body.encode() if isinstance(body, str) else body
    return Request("POST", "/ussd/africastalking", b"", {"content-type": content_type}, encoded)


def parse(**changed: str) -> Inbound:
    return GATEWAY.parse(post(urlencode({**DIAL, **changed})))


def message_id(inbound: Inbound) -> str:
    assert inbound.message_id is not None
    return inbound.message_id.reveal()


# --- reading ---


FIELDS = st.sampled_from([*DIAL, "status", "durationInMillis", "input", "other"])
VALUES = st.one_of(st.text(max_size=20), st.sampled_from(list(DIAL.values())), st.just("Success"))


@given(st.lists(st.tuples(FIELDS, VALUES), max_size=8))
def test_no_form_is_too_strange(fields: list[tuple[str, str]]) -> None:
    try:
        inbound = GATEWAY.parse(post("&".join(f"{k}={quote_plus(v, errors='replace')}" for k, v in fields)))
    except BadRequest:
        return
    given_fields = dict(fields)
    assert inbound.identity == given_fields["phoneNumber"]
    assert inbound.text.reveal() == given_fields.get("text", "")


@given(st.text(max_size=60).filter(lambda text: "\0" not in text))
def test_what_is_typed_arrives_as_typed(text: str) -> None:
    assert parse(text=text).text.reveal() == text


def test_a_text_of_four_kilobytes_is_the_longest() -> None:
    assert parse(text="ŋ" * 2048).text.reveal() == "ŋ" * 2048
    for text in ("1" * 4097, "ŋ" * 2049):
        with pytest.raises(BadRequest, match="field text is longer than 4096 octets"):
            parse(text=text)


@pytest.mark.parametrize("dialogue", ["x" * 129, "a b", "tab\t", "ŋ", "\x7f", "line\n"])
def test_a_strange_session_id_is_refused(dialogue: str) -> None:
    with pytest.raises(BadRequest, match="field sessionId must have"):
        parse(sessionId=dialogue)


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "+",
        "256700123456",
        "+0700123456",
        "+25670012345678901",
        "+256 700123456",
        "+٢٥٦٧٠٠١٢٣٤٥٦",
        "  +256700123456",
        "+256700123456\n",
    ],
)
def test_only_an_international_number_is_a_member(phone: str) -> None:
    with pytest.raises(BadRequest, match="phoneNumber"):
        parse(phoneNumber=phone)


def test_a_flood_of_fields_is_refused() -> None:
    with pytest.raises(BadRequest, match="more than 64 fields"):
        parse(**{f"f{n}": "" for n in range(61)})


def test_a_few_unlisted_names_are_kept() -> None:
    names = parse(**{f"f{n}": "" for n in range(40)}).unknown_fields
    assert names == tuple(f"f{n}" for n in range(16))
    assert parse(**{"x" * 41: "1", "a b": "2"}).unknown_fields == ("?", "?")


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded; charset=UTF-8", "Application/X-WWW-Form-Urlencoded"]
)
def test_content_types_are_compared_as_http_does(content_type: str) -> None:
    assert GATEWAY.parse(post(urlencode(DIAL), content_type)).happening == "new"


def test_a_form_without_a_content_type_is_a_form() -> None:
    request = Request("POST", "/ussd/africastalking", b"", {}, urlencode(DIAL).encode())
    assert GATEWAY.parse(request).identity == "+256700123456"


# --- redelivery ---


def test_a_redelivery_has_the_id_of_the_first() -> None:
    first, again = parse(text="1*2"), parse(text="1*2", networkCode="64110")
    assert message_id(first) == message_id(again)
    assert first.accumulated
    assert GATEWAY.dedupe == "exact"


def test_an_empty_answer_is_no_redelivery() -> None:
    assert message_id(parse(text="1*1")) != message_id(parse(text="1*1*"))


PRINTABLE = st.text(string.ascii_letters + string.digits + ":*_-", min_size=1, max_size=12)


@example("ab", "1", "a", "b1")
@example("1:a", "1", "1", "1:a1")
@given(PRINTABLE, PRINTABLE, PRINTABLE, PRINTABLE)
def test_two_messages_never_share_an_id(session: str, text: str, other: str, other_text: str) -> None:
    same = message_id(parse(sessionId=session, text=text)) == message_id(
        parse(sessionId=other, text=other_text)
    )
    assert same == ((session, text) == (other, other_text))


# --- nothing typed is shown ---


def test_an_inbound_does_not_show_what_was_typed() -> None:
    assert "4321" not in repr(parse(text="1*4321", pin="4321"))


@pytest.mark.parametrize(
    ("status", "duration", "note"),
    [
        ("Failed", "900", "Failed, 900 ms"),
        ("1*4321", "4321x", "?"),
        ("", "", "?"),
        ("Success", "1" * 10, "Success"),
    ],
)
def test_the_note_of_an_end_is_a_status_and_a_time(status: str, duration: str, note: str) -> None:
    body = {**DIAL, "status": status, "durationInMillis": duration, "input": "1*4321", "errorMessage": "4321"}
    del body["text"]
    inbound = GATEWAY.parse(post(urlencode(body)))
    assert (inbound.happening, inbound.note) == ("end", note)
    assert "4321" not in repr(inbound)
    assert inbound.message_id is None


def test_a_text_makes_it_a_request_whatever_else_it_has() -> None:
    inbound = parse(text="1", status="Success")
    assert (inbound.happening, inbound.unknown_fields) == ("reply", ("status",))


# --- replying ---


def test_replies_are_plain_text_in_utf8() -> None:
    inbound = parse()
    asked = GATEWAY.reply(inbound, "Ŋŋ?", ends=False)
    assert (asked.status, asked.body.decode()) == (200, "CON Ŋŋ?")
    assert asked.headers == (("content-type", "text/plain; charset=utf-8"),)
    assert GATEWAY.reply(inbound, "Bye", ends=True).body == b"END Bye"


def test_a_notification_is_answered_with_nothing() -> None:
    acknowledged = GATEWAY.acknowledge(parse())
    assert (acknowledged.status, acknowledged.body) == (200, b"")


@pytest.mark.parametrize("word", ["aye ", "ŋaa "])
@pytest.mark.parametrize("budget", [None, Budget(182, 80)])
def test_a_page_with_its_envelope_is_what_the_network_carries(word: str, budget: Budget | None) -> None:
    gateway = AfricasTalking(budget=budget)
    limit = budget or Budget()
    pages = gateway.pages(Screen((word * 100,)), str)
    replies = [gateway.reply(parse(), page, ends=False).body.decode() for page in pages]
    sizes = [cost(reply) for reply in replies]
    most = limit.units if sizes[0].alphabet == "ucs2" else limit.septets
    assert most - 5 < max(size.units for size in sizes) <= most
