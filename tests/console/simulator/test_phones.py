"""What a phone in the simulator does, and what its screen says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, SessionPolicy, t
from kikao.console.simulator.views import MASK
from kikao.sessions.limits import Limits, Rate
from kikao.testing import Stage
from tests.console.simulator.apps import ENTER_PIN, GATEWAYS, endless
from tests.console.table import Table
from tests.testing.shop import CONTINUE, HOW_MANY, PIN


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_two_members_of_the_wallet_side_by_side(town: Table, endpoint: str) -> None:
    sender, recipient = await town.phone(endpoint), await town.phone(endpoint, "+256772000002")
    for phone, name in ((sender, "Amina"), (recipient, "Binta")):
        assert await phone.dial() == "Choose language\n1 English\n2 Luganda\n3 Kiswahili"
        await phone.answer("1", name, "1", PIN)
        assert f"Hello {name}." in await phone.answer(PIN)

    await sender.answer("1", "+256772000002", "1000")
    assert "You sent UGX 1,000" in await sender.answer("1", PIN)
    await recipient.answer("2")

    assert "UGX 101,000" in await recipient.answer(PIN)
    assert not town.told(PIN)


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_step_says_what_is_on_the_screen_and_what_went_over_the_wire(
    shop: Table, endpoint: str
) -> None:
    phone = await shop.phone(endpoint)
    await phone.dial()
    step = phone.step
    assert (step["screen"], step["alive"], step["status"], step["repeated"]) == (HOW_MANY, True, 200, False)
    budget = {"africa-s-talking": 156, "nalo": 160}[endpoint]
    assert step["cost"] == {"alphabet": "gsm7", "used": len(HOW_MANY), "budget": budget}
    assert (step["page"], step["pages"], step["secret"], step["what"]) == (1, 1, False, "asked")

    await phone.answer("2")

    assert phone.step["secret"]
    assert phone.step["navigation"] == [{"key": "0", "label": "Back"}, {"key": "00", "label": "Home"}]
    request, reply = phone.step["request"], phone.step["reply"]
    assert (request["method"], request["headers"]["host"]) == ("POST", "localhost")
    if endpoint == "nalo":
        assert '"USERDATA":"2"' in request["body"]
        assert '"MSG":"Enter PIN' in reply["body"]
    else:
        assert "&text=2" in request["body"]
        assert reply["body"] == f"CON {ENTER_PIN}"
    assert reply["headers"]["content-length"] == str(len(reply["body"].encode()))


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_the_same_request_again_gets_the_same_bytes(shop: Table, endpoint: str) -> None:
    phone = await shop.phone(endpoint)
    await phone.dial()
    await phone.answer("2", PIN)
    first = phone.step

    await phone.again()

    assert (phone.step["repeated"], phone.step["what"]) == (True, "duplicate")
    assert phone.step["reply"] == first["reply"]
    assert phone.step["request"] == first["request"]
    assert phone.step["conversation"]["session"]["version"] == first["conversation"]["session"]["version"]


async def test_a_gateway_without_ids_knows_a_copy_for_a_second_only(shop: Table) -> None:
    phone = await shop.phone("nalo")
    await phone.dial()
    await phone.answer("2")
    await shop.post("/clock", advance=2)

    await phone.again()

    assert not phone.step["repeated"], "it was taken for an answer to the next question"


async def test_the_same_answer_twice_is_two_answers(tmp_path: Path) -> None:
    async with Stage(endless()) as stage:
        phone = await Table(stage.server).phone("nalo")
        await phone.dial()
        await phone.answer("1", "1", "1")
        assert len(phone.step["conversation"]["journal"]) == 3


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_redial_after_the_line_dropped_offers_to_go_on(shop: Table, endpoint: str) -> None:
    phone = await shop.phone(endpoint)
    assert await phone.dial() == HOW_MANY
    await phone.answer("2")
    await phone.drop()
    assert (phone.step["alive"], phone.step["request"], phone.step["status"]) == (False, None, 0)
    assert await shop.error(f"/phones/{phone.id}/answer", {"text": "1"}, status=409)

    assert await phone.dial() == CONTINUE

    assert phone.step["conversation"]["overlay"] == "resume"
    assert not phone.step["secret"], "the engine's own question stands before that for the PIN"
    assert await phone.answer("1") == HOW_MANY


async def test_who_hangs_up_is_told_where_the_gateway_tells(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2", "1111")
    await phone.hang_up()
    assert (phone.step["alive"], phone.step["what"], phone.step["status"]) == (False, "closed", 200)
    assert "status=Incomplete" in phone.step["request"]["body"]
    assert f"input=2%2A{MASK}&" in phone.step["request"]["body"]

    await phone.hang_up()
    assert phone.step["request"] is None, "there was nothing left to end"

    nalo = await shop.phone("nalo")
    await nalo.dial()
    await nalo.hang_up()
    assert (nalo.step["request"], nalo.step["reply"], nalo.step["alive"]) == (None, None, False)


async def test_a_copy_that_comes_late_does_not_bring_a_dialogue_back(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.drop()

    assert await phone.again() == HOW_MANY

    assert not phone.step["alive"]


async def test_pages_and_what_stands_on_each(tmp_path: Path) -> None:
    async with Stage(endless()) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        first = phone.step
        assert (first["page"], first["pages"]) == (1, 4)
        assert [line["key"] for line in first["options"]] == ["1", "2", "3", "4"]
        assert [line["label"] for line in first["navigation"]] == ["More"]

        await phone.answer("98")

        assert phone.step["page"] == 2
        assert [line["key"] for line in phone.step["options"]] == ["5", "6", "7", "8"]
        assert phone.step["options"][0]["label"] == "Something to choose, number 5"
        assert [line["label"] for line in phone.step["navigation"]] == ["More", "Back"]


async def test_a_last_screen_of_several_pages(tmp_path: Path) -> None:
    flows = Flows()

    @flows.flow("terms")
    async def terms(chat: Chat) -> None:
        await chat.end(t("Terms. " * 40))

    async with Stage(App(flows, entry="terms", members=False)) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        pages = phone.step["pages"]
        assert (phone.step["page"], phone.step["alive"]) == (1, True)
        assert pages > 1

        await phone.answer(*["98"] * (pages - 1))
        assert (phone.step["page"], phone.step["pages"], phone.step["alive"]) == (pages, pages, False)
        await phone.again()
        assert (phone.step["page"], phone.step["pages"], phone.step["repeated"]) == (pages, pages, True)


async def test_a_line_that_drops_leaves_the_page_it_was_on(tmp_path: Path) -> None:
    async with Stage(endless()) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        await phone.answer("98")
        await phone.hang_up()
        assert (phone.step["page"], phone.step["pages"]) == (2, 4)


async def test_a_member_prefers_another_language(town: Table) -> None:
    phone = await town.phone()
    await phone.dial()
    await phone.answer("1")

    looked = await town.post(f"/phones/{phone.id}/language", locale="sw")

    assert (looked["language"], looked["session"]["locale"]) == ("sw", "en")
    assert await phone.dial() == "Endelea ulipoishia?\n1 Endelea\n2 Anza tena"
    assert phone.step["conversation"]["session"]["locale"] == "sw"
    wrong = await town.error(f"/phones/{phone.id}/language", {"locale": "fr"})
    assert wrong == "the app has no such language; it has en, lg, sw"


async def test_a_language_can_be_preferred_before_the_first_dial(town: Table) -> None:
    phone = await town.phone()
    assert (await phone.look())["language"] == ""
    await town.post(f"/phones/{phone.id}/language", locale="sw")
    assert (await phone.look())["language"] == "sw"
    assert "Chagua lugha" not in await phone.dial()
    assert (phone.step["conversation"]["session"] or {})["locale"] == "sw"


async def test_an_app_without_members_keeps_no_language(shop: Table) -> None:
    phone = await shop.phone()
    told = await shop.error(f"/phones/{phone.id}/language", {"locale": "en"}, status=409)
    assert told == "this app keeps no members, so it keeps no language of theirs"


async def test_what_is_typed_at_once_is_sent_in_order(tmp_path: Path) -> None:
    async with Stage(endless()) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        await asyncio.gather(*(phone.answer(each) for each in "1234"))
        values = [line["value"] for line in phone.step["conversation"]["journal"]]
        assert values == [1, 2, 3, 4]


async def test_a_reply_that_is_no_screen(tmp_path: Path) -> None:
    policy = SessionPolicy(limits=Limits(overall=Rate(1, burst=1)))
    async with Stage(endless(policy)) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        await phone.answer("1")
        assert (phone.step["status"], phone.step["screen"], phone.step["alive"]) == (429, "", False)
        assert "The server answered with status 429." in await table.transcript()
        await table.post("/clock", advance=3600)

        await phone.again()

        assert (phone.step["status"], phone.step["alive"]) == (200, True)


@pytest.mark.parametrize("text", ["\ud800", "\0", "a\nb", "x" * 1001])
async def test_what_no_phone_types(shop: Table, text: str) -> None:
    phone = await shop.phone()
    await phone.dial()
    answer = await shop.ask(f"/api/phones/{phone.id}/answer", None, method="POST")
    assert answer.status == 400
    body = {"text": text} if text != "\ud800" else None
    if body is not None:
        assert await shop.error(f"/phones/{phone.id}/answer", body)
        assert await shop.error(f"/phones/{phone.id}/dial", {"ahead": text})
