"""The contract of every gateway there is: what it declares, and what its fixtures hold it to.

A new gateway brings `fixtures/<slug>.json` (see `told`) and a client. What nobody should send is in `test_hostile`, a
conversation over each gateway in `test_talking`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from kikao.channels.channel import BadRequest, Request
from kikao.channels.edge import Denied
from kikao.channels.inbound import TURNS, Inbound
from kikao.channels.ussd.contract import Contract
from kikao.channels.ussd.gateway import UssdGateway, UssdReader
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.channels.ussd.registry import SLUGS, UNSERVED, client, gateway, gateways, kind
from kikao.config import UssdSettings
from kikao.conversation.screens import Screen
from kikao.conversation.secrets import Secret
from kikao.i18n.gsm7 import cost
from tests.channels.ussd.told import (
    CANARY,
    CODE,
    EVERY,
    FIXTURES,
    NUMBER,
    Case,
    asked_by,
    cases,
    fixtures,
    made,
    reading,
    reads,
    request_of,
    settings_of,
    shows,
)

MESSAGE = "00" * 16
"""The id of a message in the outbox."""

TOLD = {"end", "abort", "timeout", "notice", "charge_failed"}
"""Happenings for which a contract has words where the gateway tells them."""


def plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    return [plain(each) for each in value] if isinstance(value, tuple) else value


def read(found: UssdReader, request: Request) -> Inbound:
    found.verify(request)
    return found.parse(request)


# --- what a gateway declares ---


@pytest.mark.parametrize("slug", EVERY)
def test_every_gateway_declares_what_it_is(slug: str) -> None:
    each = reading(slug)
    assert isinstance(each, UssdGateway) == (slug in SLUGS), "who cannot reply is served to nobody"
    assert (each.slug, each.channel) == (slug, "ussd"), "`slug` is the name in the registry"
    assert each.family in ("accumulated", "last", "async"), f"no family: {each.family!r}"
    if each.family == "async":
        assert isinstance(each, CallingGateway), "a screen that answers no request goes out by a call"
    assert each.dedupe in ("exact", "window", "none"), f"no way to tell copies: {each.dedupe!r}"
    assert "reply" in each.happenings, "members answer"
    assert each.retention > 0, "seconds in which a request may come again"
    assert set(each.methods) <= {"GET", "POST", "PUT"}, f"not let in by the edge: {each.methods}"


@pytest.mark.parametrize("slug", EVERY)
def test_every_contract_is_complete(slug: str) -> None:
    each, contract = kind(slug), kind(slug).contract
    for name in ("provider", "places", "source", "new", "reply", "copies"):
        assert getattr(contract, name).strip(), f"contract.{name} says nothing"
    for name in TOLD:
        told, declared = bool(getattr(contract, name)), name in each.happenings
        assert told == declared, f"{name}: the contract says {told}, `happenings` says {declared}"
    for field in fields(Contract):
        value = getattr(contract, field.name)
        if isinstance(value, str):
            assert "\n" not in value, field.name
            assert not value.endswith("."), f"contract.{field.name} is no sentence"
    if each.dedupe == "window":
        assert "second" in contract.copies, "say that a copy is known for a moment only"
    keyed = {"key", "signature"} & set(contract.authentication)
    assert bool(keyed) == any(option.guards for option in each.options), (
        "an option guards ⇔ a key or a signature"
    )


@pytest.mark.parametrize("slug", EVERY)
def test_every_setting_of_a_gateway_is_explained(slug: str) -> None:
    for option in kind(slug).options:
        assert option.name.islower(), f"{option.name}: lower case, the variable has it in capitals"
        assert option.about, f"{option.name}: `about` says nothing"
        assert not option.about.endswith("."), f"{option.name}: `about` is no sentence"
        assert option.example, f"{option.name}: an example, for the page and for phones"
        if option.check is not None:
            option.check(option.example)


def test_every_gateway_has_fixtures_and_nothing_else_has() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(EVERY)


def test_an_unknown_gateway_is_told_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no gateway 'yo'.*africastalking.*nalo"):
        gateway("yo")


def test_a_gateway_that_nobody_can_be_served_over_is_read_and_no_more() -> None:
    assert set(UNSERVED) == {"ontech"}
    assert not set(UNSERVED) & set(SLUGS)
    for slug, why in UNSERVED.items():
        assert why.startswith(f"{kind(slug).contract.provider} cannot be served")
        assert "replies" not in fixtures(slug), "then it can be served"
        with pytest.raises(LookupError, match=f"'{slug}' only reads. {why[:30]}"):
            gateway(slug)
        with pytest.raises(LookupError, match=f"no phone speaks '{slug}'. {why[:30]}"):
            client(slug, NUMBER, CODE)


def test_settings_reach_their_gateway() -> None:
    found = gateways({"nalo": UssdSettings(septets=182, codes=("*380*77#",), region="GH")})
    nalo, other = found["nalo"], found["africastalking"]
    assert (nalo.budget.septets, nalo.codes, nalo.region) == (182, ("*380*77#",), "GH")
    assert (other.budget.septets + other.envelope, other.codes, other.region) == (160, (), "")


# --- what it reads ---


@pytest.mark.parametrize(("slug", "case"), cases("requests"))
def test_a_request_is_read_as_its_fixture_says(slug: str, case: Case) -> None:
    found, request = reading(slug, case), request_of(slug, case)
    if "refused" in case:
        with pytest.raises((BadRequest, Denied)) as refused:
            read(found, request)
        assert case["refused"] in str(refused.value)
        assert isinstance(refused.value, Denied) or str(refused.value).startswith(f"ussd/{slug}: ")
        assert CANARY not in str(refused.value)
        return
    inbound = read(found, request)
    assert (inbound.channel, inbound.gateway) == ("ussd", slug)
    assert CANARY not in repr(inbound)
    for name, expected in case["inbound"].items():
        assert plain(getattr(inbound, name)) == expected, name
    if inbound.happening in TURNS:
        assert inbound.accumulated == (found.family == "accumulated")
        if found.dedupe == "exact" and case["inbound"].get("message_id", "") is not None:
            assert inbound.message_id is not None, "what tells a copy? Or say message_id: null in the case"


@pytest.mark.parametrize(("slug", "case"), cases("requests"))
def test_a_request_of_a_fixture_passes_the_edge_and_no_answer_repeats_what_was_typed(
    slug: str, case: Case
) -> None:
    if "refused" in case or slug in UNSERVED:
        return
    found, request = made(slug, case), request_of(slug, case)
    assert request.method in found.methods
    assert not request.rest or (found.rest is not None and found.rest.fullmatch(request.rest))
    inbound = found.parse(request)
    answers = [found.acknowledge(inbound)]
    if inbound.happening in TURNS:
        answers += [found.reply(inbound, "Thank you", ends=ends) for ends in (False, True)]
    for answer in answers:
        assert answer.status < 300
        assert CANARY not in f"{answer.headers} {answer.body.decode()}"


@pytest.mark.parametrize("slug", EVERY)
def test_there_is_a_fixture_for_everything_a_gateway_can_tell(slug: str) -> None:
    requests = fixtures(slug)["requests"]
    told = {case["inbound"]["happening"] for case in requests if "happening" in case.get("inbound", {})}
    assert told == reading(slug).happenings, "a case of `requests` for each of `happenings`, and for no other"
    turns = [case for case in requests if "refused" not in case]
    parsed = [reading(slug, case).parse(request_of(slug, case)) for case in turns]
    unsaid = [each for each in parsed if each.accumulated or each.dialled is not None]
    assert "new" in told or unsaid, "nothing would tell a dial"
    by_id = [each for each in unsaid if not each.accumulated]
    assert all(each.happening in TURNS or not plain(each.dialled) for each in by_id), (
        "nothing is dialled behind an end: `dialled` is empty there"
    )
    assert len({bool(each.dialogue) for each in by_id}) <= 1, "an id with every request, or with none"
    refused = sum("refused" in case for case in requests)
    assert refused >= 5, f"five cases that are `refused` at least, there are {refused}"
    assert any("unknown_fields" in case.get("inbound", {}) for case in requests), (
        "a case whose `inbound` says its `unknown_fields`"
    )
    canaries = sum(CANARY in shows(request_of(slug, case)) for case in requests)
    assert canaries >= 3, (
        f"nothing would show a leak: {CANARY} is in {canaries} requests, and three should have it"
    )


# --- what it answers ---


@pytest.mark.parametrize(("slug", "case"), cases("replies"))
def test_a_reply_is_what_its_fixture_says(slug: str, case: Case) -> None:
    asked, request = asked_by(slug, case)
    found = made(slug, asked)
    response = found.reply(found.parse(request), case["text"], ends=case["ends"])
    assert (response.status, dict(response.headers)) == (case["status"], case["headers"])
    assert response.body.decode() == case["body"]
    assert CANARY not in response.body.decode()
    screen = reads(slug, found, found.parse(request), case["text"], ends=case["ends"])
    read = client(slug, NUMBER, CODE, settings_of(slug, asked)).read(screen)
    assert read == (case.get("reads", case["text"]), not case["ends"])


@pytest.mark.parametrize(("slug", "case"), cases("replies"))
def test_a_screen_is_pushed_as_its_fixture_says(slug: str, case: Case) -> None:
    asked, request = asked_by(slug, case)
    found = made(slug, asked)
    assert ("pushed" in case) == bool(found.pushes), "`pushed` where screens go by a call, and only there"
    if isinstance(found, CallingGateway) and found.pushes:
        body = found.pushed(found.parse(request), case["text"], ends=case["ends"], until=0.0)[0]
        call, expected = found.call(Pushed.read(body), MESSAGE), case["pushed"]
        assert (call.method, call.url.reveal().decode()) == ("POST", expected["url"])
        assert dict(call.headers) == expected["headers"]
        assert call.body.decode() == expected["body"]
        assert CANARY not in f"{call} {Pushed.read(body)}"


@pytest.mark.parametrize("slug", SLUGS)
def test_there_is_a_fixture_for_a_screen_and_for_a_last_one(slug: str) -> None:
    ends = {case["ends"] for case in fixtures(slug)["replies"]}
    assert ends == {False, True}, "a case of `replies` that goes on, and one that ends"


@pytest.mark.parametrize("septets", [80, 160, 182])
@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_at_the_limit_is_whole_and_one_character_more_is_two(slug: str, septets: int) -> None:
    found, phone = made(slug, septets=septets), client(slug, NUMBER, CODE, settings_of(slug))
    dialled = found.parse(phone.dial("d1").request(f"/ussd/{slug}"))
    assert found.budget.septets + found.envelope <= septets
    assert found.budget.units + found.envelope <= 80
    for character, most in (
        ("a", found.budget.septets),
        ("ŋ", found.budget.units),
        ("€", found.budget.septets // 2),
    ):
        if found.spelled(character) != character:  # never shown there
            continue
        assert found.pages(Screen((character * most,)), str) == [character * most]
        assert len(found.pages(Screen((character * (most + 1),)), str)) == 2
        reply = reads(slug, found, dialled, character * most, ends=False)
        assert phone.read(reply) == (character * most, True)
        taken = cost("x" * found.envelope + character * most)
        assert taken.units <= (80 if taken.alphabet == "ucs2" else septets)
