"""The contract of every gateway there is: it is held by its fixtures, and survives what nobody should send.

A new gateway brings `fixtures/<slug>.json` and a client. Its `requests` say how each is read ("inbound") or why not
("refused"); at least one for each thing the gateway can tell. Its `replies` say what goes back, octet for octet. In
all of them "4321" is what must never be shown.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao import App, Chat, Flows, Text
from kikao.channels.channel import BadRequest, Request
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import SLUGS, client, gateway, gateways
from kikao.config import UssdSettings, load
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.gsm7 import cost
from kikao.testing import Stage

FIXTURES = Path(__file__).parent / "fixtures"
CANARY = "4321"
HOSTILE = 30
"""How often each request of the fixtures is spoilt."""


def fixtures(slug: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{slug}.json").read_text(encoding="utf-8"))
    return found


def cases(part: str) -> list[Any]:
    return [
        pytest.param(slug, case, id=f"{slug}: {case['case']}")
        for slug in SLUGS
        for case in fixtures(slug)[part]
    ]


def request_of(slug: str, case: dict[str, Any], body: bytes | None = None) -> Request:
    headers = case.get("headers", fixtures(slug)["headers"])
    encoded = case["body"].encode() if body is None else body
    return Request(
        case.get("method", "POST"), f"/ussd/{slug}", case.get("query", "").encode(), headers, encoded
    )


def made(slug: str, case: dict[str, Any] | None = None) -> UssdGateway:
    return gateway(slug, UssdSettings(codes=tuple((case or {}).get("codes", ()))))


def plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return [plain(each) for each in value] if isinstance(value, tuple) else value


# --- what a gateway declares ---


def test_every_gateway_declares_its_contract() -> None:
    for slug, each in gateways().items():
        assert isinstance(each, UssdGateway)
        assert each.slug == slug
        assert each.channel == "ussd"
        assert each.family in ("accumulated", "last", "async")
        assert each.dedupe in ("exact", "window", "none")
        assert "reply" in each.happenings
        assert each.retention > 0


def test_every_gateway_has_fixtures_and_a_client_and_nothing_else_has() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(SLUGS)
    assert set(SLUGS) == set(SLUGS)


def test_an_unknown_gateway_is_told_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no gateway 'yo'.*africastalking, nalo"):
        gateway("yo")


def test_settings_reach_their_gateway() -> None:
    found = gateways({"nalo": UssdSettings(septets=182, codes=("*380*77#",))})
    nalo, other = found["nalo"], found["africastalking"]
    assert isinstance(nalo, UssdGateway)
    assert isinstance(other, UssdGateway)
    assert (nalo.budget.septets, nalo.codes) == (182, ("*380*77#",))
    assert (other.budget.septets + other.envelope, other.codes) == (160, ())


# --- what it reads ---


@pytest.mark.parametrize(("slug", "case"), cases("requests"))
def test_a_request_is_read_as_its_fixture_says(slug: str, case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(BadRequest) as refused:
            made(slug, case).parse(request_of(slug, case))
        assert case["refused"] in str(refused.value)
        assert str(refused.value).startswith(f"ussd/{slug}: ")
        assert CANARY not in str(refused.value)
        return
    inbound = made(slug, case).parse(request_of(slug, case))
    assert (inbound.channel, inbound.gateway) == ("ussd", slug)
    assert CANARY not in repr(inbound)
    for name, expected in case["inbound"].items():
        assert plain(getattr(inbound, name)) == expected, name


@pytest.mark.parametrize("slug", SLUGS)
def test_there_is_a_fixture_for_everything_a_gateway_can_tell(slug: str) -> None:
    requests = fixtures(slug)["requests"]
    told = {case["inbound"]["happening"] for case in requests if "happening" in case.get("inbound", {})}
    assert told == made(slug).happenings
    read = [made(slug, case).parse(request_of(slug, case)) for case in requests if "refused" not in case]
    unsaid = [each for each in read if each.accumulated or each.dialled is not None]
    assert "new" in told or unsaid, "nothing would tell a dial"
    assert all(each.happening == "reply" and each.dialogue for each in unsaid if not each.accumulated)
    assert sum("refused" in case for case in requests) >= 5
    assert any("unknown_fields" in case.get("inbound", {}) for case in requests)
    assert sum(CANARY in case["body"] for case in requests) >= 3, "nothing would show a leak"


# --- what it answers ---


@pytest.mark.parametrize(("slug", "case"), cases("replies"))
def test_a_reply_is_what_its_fixture_says(slug: str, case: dict[str, Any]) -> None:
    found = made(slug, case)
    asked = found.parse(request_of(slug, {"body": case["to"]}))
    response = found.reply(asked, case["text"], ends=case["ends"])
    assert (response.status, dict(response.headers)) == (case["status"], case["headers"])
    assert response.body.decode() == case["body"]
    assert CANARY not in response.body.decode()
    assert client(slug, "+256772000001", "*284#").read(response) == (case["text"], not case["ends"])


@pytest.mark.parametrize("slug", SLUGS)
def test_there_is_a_fixture_for_a_screen_and_for_a_last_one(slug: str) -> None:
    assert {case["ends"] for case in fixtures(slug)["replies"]} == {False, True}


@pytest.mark.parametrize("septets", [80, 160, 182])
@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_at_the_limit_is_whole_and_one_character_more_is_two(slug: str, septets: int) -> None:
    found = gateway(slug, UssdSettings(septets=septets))
    dialled = found.parse(as_sent(slug, client(slug, "+256772000001", "*284#").dial("d1")))
    for character, limit in (("a", septets), ("ŋ", 80), ("€", septets // 2)):
        most = limit - (found.envelope if character != "€" else (found.envelope + 1) // 2)
        assert found.pages(Screen((character * most,)), str) == [character * most]
        assert len(found.pages(Screen((character * (most + 1),)), str)) == 2
        reply = found.reply(dialled, character * most, ends=False)
        assert client(slug, "", "").read(reply) == (character * most, True)
        assert cost("x" * found.envelope + character * most).units <= limit * (2 if character == "€" else 1)


# --- what nobody should send ---


@pytest.mark.parametrize("slug", SLUGS)
@given(body=st.binary(max_size=300))
def test_no_body_is_too_strange(slug: str, body: bytes) -> None:
    read_or_refused(slug, request_of(slug, {}, body))


@pytest.mark.parametrize("slug", SLUGS)
def test_no_spoilt_request_is_too_strange_and_no_refusal_shows_a_value(slug: str) -> None:
    chance = random.Random(f"spoilt {slug}")
    for case in fixtures(slug)["requests"]:
        for _ in range(HOSTILE):
            read_or_refused(slug, request_of(slug, case, spoilt(case["body"].encode(), chance)))


@pytest.mark.parametrize("slug", SLUGS)
@pytest.mark.parametrize("content_type", ["", ";", "text/plain", "application/jsonp", "multipart/form-data"])
def test_another_content_type_is_refused(slug: str, content_type: str) -> None:
    case = next(case for case in fixtures(slug)["requests"] if "inbound" in case)
    request = request_of(slug, {**case, "headers": {"content-type": content_type}})
    with pytest.raises(BadRequest, match="the content type must be"):
        made(slug).parse(request)


@pytest.mark.parametrize("slug", SLUGS)
def test_half_a_character_in_a_text_does_not_break_a_reply(slug: str) -> None:
    found = made(slug)
    dialled = found.parse(as_sent(slug, client(slug, "+256772000001", "*284#").dial("d1")))
    reply = found.reply(dialled, "half \ud83d of it", ends=True)
    assert client(slug, "", "").read(reply) == ("half ? of it", False)


def read_or_refused(slug: str, request: Request) -> None:
    inbound, refusal = None, ""
    try:
        inbound = made(slug).parse(request)
    except BadRequest as refused:
        refusal = str(refused)
    if inbound is None:
        assert CANARY not in refusal
        assert refusal.startswith(f"ussd/{slug}: ")
        assert len(refusal) < 2000
    else:
        assert inbound.identity
        assert inbound.happening in made(slug).happenings


def spoilt(body: bytes, chance: random.Random) -> bytes:
    """A body after one to three of the things that happen to bodies."""
    for _ in range(chance.randint(1, 3)):
        start, end = sorted(chance.choices(range(len(body) + 1), k=2))
        part = body[start:end]
        body = chance.choice(
            [
                body[:start] + body[start + 1 :],
                body[:end],
                body[start:],
                body[:start] + chance.randbytes(1) + body[start:],
                body[:start]
                + chance.choice([b'"', b"\\", b"&", b"=", b"%", b"{", b"[", b"null,"])
                + body[start:],
                body[:end] + part + body[end:],
                body + body,
                body[:start] + part.swapcase() + body[end:],
                body.replace(b"true", b"[[[{}]]]").replace(b"=", b"=="),
            ]
        )
    return body


def as_sent(slug: str, exchange: Exchange) -> Request:
    return exchange.request(f"/ussd/{slug}")


# --- a conversation over it ---


@pytest.mark.parametrize("slug", SLUGS)
def test_a_client_says_what_its_gateway_reads(slug: str) -> None:
    found, phone = made(slug, {"codes": ["*284#"]}), client(slug, "+233241234567", "*284#")
    dialled = found.parse(as_sent(slug, phone.dial("d1", "1*2")))
    answered = found.parse(as_sent(slug, phone.answer("ŋ*3")))
    assert dialled.identity == answered.identity == "+233241234567"
    assert (dialled.text if dialled.dialled is None else dialled.dialled).reveal() == "1*2"
    assert answered.text.reveal() == ("1*2*ŋ*3" if answered.accumulated else "ŋ*3")
    assert dialled.dialogue == answered.dialogue == "d1"
    told = phone.hang_up()
    assert (told is not None) == ("end" in found.happenings)
    if told is not None:
        assert found.parse(as_sent(slug, told)).happening == "end"


@pytest.mark.parametrize("slug", SLUGS)
async def test_a_conversation_is_held_over_it(slug: str, tmp_path: Path) -> None:
    flows = Flows()

    @flows.flow("names")
    async def names(chat: Chat) -> None:
        first = await chat.ask("first", Text(), "Your first name?")
        last = await chat.ask("last", Text(), "Your last name?")
        await chat.end(f"Thank you, {first} {last}.")

    settings = load({f"KIKAO_USSD_{slug.upper()}_CODE": "*284#"}, tmp_path, gateways=SLUGS)
    async with Stage(App(flows, entry="names"), settings) as stage:
        phone = stage.phone("+233241234567", gateway=slug)
        assert await phone.dial() == "Your first name?"
        assert (await phone.reply("Ama")).startswith("Your last name?")
        await phone.hang_up()
        assert (await phone.dial()).startswith("Continue where you stopped?")
        assert (await phone.reply("1")).startswith("Your last name?")
        assert await phone.reply("Mensah") == "Thank you, Ama Mensah."
        assert phone.ended
        assert (await phone.dial("Kofi")).startswith("Your last name?"), "a long dial"
