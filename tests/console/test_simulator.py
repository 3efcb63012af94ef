"""Phones in the simulator: on both gateways, with the wallet and with a shop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kikao import App, Chat, Flows, SessionPolicy, t
from kikao.channels.ussd.registry import SLUGS
from kikao.config import SecretKeys, Settings, load
from kikao.console.simulator.clock import FARTHEST
from kikao.console.simulator.phone import REMEMBERED
from kikao.console.simulator.simulator import MOST
from kikao.console.simulator.views import MASK
from kikao.sessions.limits import Limits, Rate
from kikao.testing import Stage, play
from kikao.testing.timers import let_pass
from kikao.transcripts import parse
from kikao.turn import BUDGET, RESERVE
from tests.console.table import Table
from tests.testing.shop import CLOSING, CONTINUE, HOW_MANY, PIN, MemoryTill, Till, an_app
from tests.wallet.town import Town

GATEWAYS = ("africa-s-talking", "nalo")
CANARY = "7359"
ENTER_PIN = "Enter PIN\n0 Back\n00 Home"


@pytest.fixture
async def shop() -> AsyncIterator[Table]:
    async with Stage(an_app()) as stage:
        yield Table(stage.server)


@pytest.fixture
async def town() -> AsyncIterator[Table]:
    async with Town() as stage:
        yield Table(stage.server)


def settings(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    (tmp_path / "kikao.toml").write_text(text, encoding="utf-8")
    return load({f"KIKAO_{name}": value for name, value in environ.items()}, tmp_path, gateways=SLUGS)


def endless(policy: SessionPolicy | None = None) -> App:
    """An app with a long list, which takes whatever is typed."""
    flows = Flows()

    @flows.flow("list")
    async def listing(chat: Chat) -> None:
        while True:
            await chat.choose(
                "which", t("Which?"), {n: t("Something to choose, number {n}", n=n) for n in range(1, 14)}
            )

    return App(flows, entry="list", members=False, policy=policy)


# --- what a phone does ---


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
        assert request["body"].endswith("&text=2")
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


# --- the conversation ---


async def test_before_the_first_dial_there_is_nothing_to_see(shop: Table) -> None:
    phone = await shop.phone()
    assert (await phone.look())["session"] is None
    assert await shop.error(f"/phones/{phone.id}/again", {}, status=409)


async def test_the_conversation_as_the_engine_sees_it(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2", "1111")
    seen = await phone.look()
    assert seen == phone.step["conversation"]
    assert seen["flow"] == "buy"
    assert seen["journal"] == [
        {"key": "price#1", "kind": "read", "barrier": False, "value": 300},
        {"key": "cups#1", "kind": "ask", "barrier": False, "value": 2},
    ]
    assert seen["pending"]["key"] == "pin#1"
    assert seen["pending"]["error"]
    session = seen["session"]
    assert session["policy"]["idle"] == 300.0
    assert session["idle_expires"] == session["seen"] + 300.0
    assert (len(session["key"]), session["expired"]) == (12, False)

    assert await phone.answer(PIN) == "2 cups sold. Ref S1"

    assert not phone.step["alive"]
    assert (phone.step["options"], phone.step["conversation"]["pending"]) == ([], None)


async def test_what_came_from_a_secret_is_absent(town: Table) -> None:
    phone = await town.phone()
    await phone.dial()
    await phone.answer("1", "Amina", "1", CANARY)

    pin = next(line for line in phone.step["conversation"]["journal"] if line["kind"] == "secret")

    assert pin == {"key": "register#1/pin#1", "kind": "secret", "barrier": True, "absent": True}


async def test_an_effect_that_runs_keeps_its_lease_when_time_is_moved() -> None:
    till = MemoryTill()
    async with Stage(an_app(till)) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        await phone.answer("2")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(phone.answer(PIN))
        await slow.began.wait()
        let_pass(BUDGET * (1 - RESERVE))
        assert await paying == CLOSING
        (intent,) = phone.step["conversation"]["intents"]
        assert (intent["key"], intent["kind"], intent["at_work"]) == ("pin#1", "secret", True)
        asked = till.asked

        await table.post("/clock", advance=3600)

        assert await table.error("/clock", {"advance": -1})
        assert till.asked == asked, "recovery asks about effects that nobody follows"
        assert (await phone.look())["intents"][0]["at_work"]
        slow.release()
        await stage.settle()
        assert "2 cups sold. Ref S1" in await phone.dial()


# --- time ---


async def test_a_session_expires_when_time_is_moved(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2")
    before = phone.step["conversation"]["session"]
    clock = (await shop.get("/setup"))["clock"]

    after = await shop.post("/clock", advance=299)
    assert after["offset"] == 299
    assert after["now"] >= clock["now"] + 299
    assert not (await phone.look())["session"]["expired"]
    await shop.post("/clock", advance=2)
    assert (await phone.look())["session"]["expired"]
    await shop.post("/clock", advance=300)

    assert (await phone.look())["session"] is None, "the sweeper looked"
    assert await phone.dial() == HOW_MANY
    assert phone.step["conversation"]["session"]["created"] > before["created"]


async def test_an_answer_after_the_session_expired_is_told_so(shop: Table) -> None:
    phone = await shop.phone("nalo")
    await phone.dial()
    await shop.post("/clock", advance=86400)
    assert "expired" in await phone.answer("2")


@pytest.mark.parametrize("seconds", [-1, -1e-9, 1e300, 400 * 86400 * 366])
async def test_time_goes_forward_and_not_too_far(shop: Table, seconds: float) -> None:
    assert await shop.error("/clock", {"advance": seconds})
    assert (await shop.get("/setup"))["clock"]["offset"] == 0


async def test_time_is_moved_between_what_phones_do() -> None:
    async with Stage(an_app(), budget=10) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        await phone.answer("2")
        slow = stage.service(Till).slow("pay")
        paying = asyncio.create_task(phone.answer(PIN))
        await slow.began.wait()
        moving = asyncio.create_task(table.post("/clock", advance=3600))
        for _ in range(20):
            await asyncio.sleep(0)
        assert (await table.get("/setup"))["clock"]["offset"] == 0
        slow.release()

        assert await paying == "2 cups sold. Ref S1"
        assert (await moving)["offset"] == 3600


async def test_what_is_typed_at_once_is_sent_in_order(tmp_path: Path) -> None:
    async with Stage(endless()) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        await asyncio.gather(*(phone.answer(each) for each in "1234"))
        values = [line["value"] for line in phone.step["conversation"]["journal"]]
        assert values == [1, 2, 3, 4]


# --- secrets ---


@pytest.mark.parametrize("endpoint", GATEWAYS)
async def test_a_pin_is_in_nothing_that_the_simulator_says(endpoint: str) -> None:
    async with Town() as stage:
        town = Table(stage.server)
        await use_two_pins(town, endpoint)
        for pin in (CANARY, "8642"):
            assert not town.told(pin)
            assert not await stage.holds(pin), "a session or an event has it"
        assert town.told(MASK)
        told = await town.transcript()
        assert "Asha answers their PIN." in told
        assert "Asha's second PIN is ____." in told


async def use_two_pins(town: Table, endpoint: str) -> None:
    """Register with one PIN, change it to the other, and look at everything."""
    phone = await town.phone(endpoint)
    await phone.dial()
    await phone.answer("1", "Amina", "1", CANARY, CANARY)
    assert "Hello Amina." in phone.step["screen"]
    await phone.again()
    await phone.dial()
    await phone.answer("2", "4", CANARY, "8642")
    await phone.look()
    await phone.hang_up()
    await phone.again()
    await town.get("/phones")
    await town.transcript()


async def test_a_command_on_a_screen_for_a_secret_is_shown(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2", "0")
    assert phone.step["request"]["body"].endswith("text=2%2A0")
    assert not phone.step["hidden"]
    assert phone.step["screen"] == HOW_MANY


async def test_a_pin_typed_on_an_old_screen_is_not_shown(shop: Table) -> None:
    one, other = await shop.phone(), await shop.phone()
    await one.dial()
    await one.answer("2")
    await other.dial()

    await one.answer(CANARY)

    assert one.step["request"]["body"].endswith(f"text=2%2A{MASK}")
    assert one.step["hidden"]


async def test_a_pin_typed_before_the_screen_that_another_phone_brought_is_not_shown(shop: Table) -> None:
    one, other = await shop.phone("nalo"), await shop.phone("nalo")
    await one.dial()
    await other.dial()
    await other.answer("2")
    assert other.step["secret"]
    assert not one.step["secret"]

    await one.answer(CANARY)

    assert one.step["hidden"]
    assert not shop.told(CANARY)


@pytest.mark.parametrize("ahead", [f"2*{CANARY}", f"2*{CANARY}*1", f"12*2*{CANARY}"])
async def test_of_a_long_dial_only_what_was_taken_is_shown(shop: Table, ahead: str) -> None:
    phone = await shop.phone()
    await phone.dial(ahead)
    first, *dropped = ahead.split("*")
    masks = "".join(f"%2A{MASK}" for _ in dropped)
    assert phone.step["request"]["body"].endswith(f"text={first}{masks}")
    assert await shop.transcript()
    assert not shop.told(CANARY)


async def test_a_long_dial_that_was_taken_whole_is_shown(tmp_path: Path) -> None:
    own = settings(tmp_path, USSD_NALO_CODE="*920*1806#")
    async with Stage(an_app(), own) as stage:
        table = Table(stage.server)
        phones = [await table.phone(endpoint) for endpoint in GATEWAYS]
        for phone in phones:
            assert await phone.dial("2") == ENTER_PIN
            assert phone.step["secret"]
        assert '"USERDATA":"*920*1806*2#"' in phones[1].step["request"]["body"]
        assert "Asha dials 2." in await table.transcript()


async def test_a_request_is_forgotten_after_a_while(shop: Table) -> None:
    phone = await shop.phone()
    await phone.dial()
    await phone.answer("2")
    let_pass(REMEMBERED + 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await shop.error(f"/phones/{phone.id}/again", {}, status=409)
    assert await phone.answer(PIN) == "2 cups sold. Ref S1", "the dialogue goes on"


# --- the transcript ---


async def test_everything_that_was_done_is_told(shop: Table) -> None:
    assert await shop.transcript() == ""
    phone, other = await shop.phone(), await shop.phone("nalo")
    await phone.dial()
    await phone.answer("2")
    await phone.drop()
    await shop.post("/clock", advance=60)
    await phone.dial()
    await phone.again()
    await phone.hang_up()
    await phone.hang_up()
    await other.dial()
    await other.drop()

    told = await shop.transcript()

    assert told.startswith("# In the simulator\n")
    for line in (
        "Asha is +256772000001 on africastalking dialling *284#.",
        "Binta is +256772000001 on nalo dialling *284#.",
        "Asha answers 2.",
        "Asha's line drops.",
        "1 minute passes.",
        "The gateway sends Asha's request again.",
        "    1 Continue",
        "Asha hangs up.",
        "Binta's line drops.",
    ):
        assert line in told.splitlines()
    assert told.count("Asha hangs up.") == 1
    assert (await shop.ask("/api/transcript", method="DELETE")).status == 200
    assert await shop.transcript() == ""


async def test_what_was_done_is_a_test_once_its_blanks_are_filled_in(shop: Table) -> None:
    asha, binta = await shop.phone(), await shop.phone("nalo", "+256772000002")
    await asha.dial()
    await asha.answer("2")
    await asha.drop()
    await shop.post("/clock", advance=60)
    await asha.dial()
    await asha.answer("1", "3", PIN)
    await asha.again()
    await binta.dial()
    await binta.answer("2", "0", "4", "1111", PIN)
    told = await shop.transcript()

    for blank, pin in (("Asha's PIN", PIN), ("Binta's PIN", "1111"), ("Binta's second PIN", PIN)):
        assert f"{blank} is ____.\n" in told
        told = told.replace(f"{blank} is ____", f"{blank} is {pin}")
    (transcript,) = parse(told)
    async with Stage(an_app()) as another:
        await play(transcript, another)


# --- what the server refuses ---


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


async def test_a_gateway_with_a_token_and_an_allow_list_lets_the_simulator_in(tmp_path: Path) -> None:
    token = "a-secret-part-of-the-path"
    own = settings(
        tmp_path, USSD_AFRICASTALKING_TOKEN=token, USSD_AFRICASTALKING_ALLOW="203.0.113.8/29,10.0.0.1"
    )
    async with Stage(an_app(), own) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        assert await phone.dial() == HOW_MANY
        assert phone.step["request"]["path"] == "/ussd/africastalking/…"
        await table.get("/setup")
        assert not table.told(token)


# --- endpoints and phones ---


async def test_what_there_is_to_choose_from(town: Table) -> None:
    setup = await town.get("/setup")
    at, nalo = setup["endpoints"][:2]
    assert (at["id"], at["gateway"], at["path"], at["code"]) == (
        "africa-s-talking",
        "africastalking",
        "/ussd/africastalking",
        "*284#",
    )
    assert (at["budget"], nalo["budget"]) == ({"septets": 156, "units": 76}, {"septets": 160, "units": 80})
    assert (at["tells_end"], nalo["tells_end"]) == (True, False)
    assert setup["locales"] == {"en": "English", "lg": "Luganda", "sw": "Kiswahili"}
    for number in setup["numbers"]:
        for endpoint in (at, nalo):
            assert await (await town.phone(endpoint["id"], number)).dial()


@pytest.mark.parametrize(("code", "arrives"), [("*284#", True), ("*920*1806#", False)])
async def test_whether_a_long_dial_arrives(tmp_path: Path, code: str, arrives: bool) -> None:
    endpoint = f'[[simulator.endpoints]]\nname = "N"\ngateway = "nalo"\ncode = "{code}"\n'
    async with Stage(an_app(), settings(tmp_path, endpoint, USSD_NALO_CODE="*284#")) as stage:
        table = Table(stage.server)
        assert (await table.get("/setup"))["endpoints"][0]["long_dial"] is arrives
        phone = await table.phone("n")
        assert await phone.dial("2") == (ENTER_PIN if arrives else HOW_MANY)


async def test_tenants_by_host_have_sessions_of_their_own(tmp_path: Path) -> None:
    own = settings(
        tmp_path,
        "\n".join(
            f'[[simulator.endpoints]]\nname = "{name}"\ngateway = "africastalking"\nhost = "{name}.example.com"'
            for name in ("uganda", "kenya")
        ),
    )
    async with Stage(endless(SessionPolicy.per_url()), own) as stage:
        table = Table(stage.server)
        keys = []
        for endpoint in ("uganda", "kenya"):
            phone = await table.phone(endpoint)
            await phone.dial()
            assert phone.step["request"]["headers"]["host"] == f"{endpoint}.example.com"
            keys.append(phone.step["conversation"]["session"]["key"])
        assert keys[0] != keys[1]


async def test_a_session_for_each_dialogue_is_found(tmp_path: Path) -> None:
    async with Stage(endless(SessionPolicy.ephemeral())) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        first = phone.step["conversation"]["session"]["key"]
        await phone.dial()
        assert phone.step["conversation"]["session"]["key"] != first


async def test_phones_on_the_table(shop: Table) -> None:
    first = await shop.phone()
    await first.dial()
    assert await shop.get("/phones") == [
        {
            "id": first.id,
            "endpoint": "africa-s-talking",
            "number": "+256772000001",
            "alive": True,
            "screen": HOW_MANY,
        }
    ]
    for _ in range(MOST):
        await shop.phone()
    assert len(await shop.get("/phones")) == MOST
    assert await shop.error(f"/phones/{first.id}/dial", {}, status=404)

    assert (await shop.ask(f"/api/phones/{(await shop.phone()).id}", method="DELETE")).status == 200
    assert len(await shop.get("/phones")) == MOST - 1


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        ("nowhere", "+256772000001"),
        ("nalo", "0772000001"),
        ("nalo", "+0772000001"),
        ("nalo", "+25677\n2000001"),
    ],
)
async def test_a_phone_that_cannot_be(shop: Table, endpoint: str, number: str) -> None:
    assert await shop.error("/phones", {"endpoint": endpoint, "number": number})


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


# --- when something is away ---


async def test_a_store_that_is_away_hides_everything_that_is_typed() -> None:
    async with Stage(an_app()) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        await phone.dial()
        stage.faults.unavailable = True

        assert "Service unavailable" in await phone.answer("2")

        assert phone.step["request"]["body"].endswith(f"text={MASK}"), "nobody can say what was asked for"
        assert phone.step["conversation"]["problem"]
        assert (await phone.look())["problem"]


async def test_the_last_second_of_ten_years(shop: Table) -> None:
    phone = await shop.phone("nalo")
    await phone.dial()
    await shop.post("/clock", advance=FARTHEST)
    await phone.dial("")
    await phone.answer("x")
    told = await shop.error(f"/phones/{phone.id}/answer", {"text": "x"}, status=409)
    assert told == "the clock can be ten years ahead, no more"


async def test_a_clock_that_cannot_be_kept(tmp_path: Path) -> None:
    own = settings(tmp_path)
    own.data.mkdir()
    (own.data / ".simulated-clock").mkdir()
    keyed = msgspec.structs.replace(own, secret_keys=SecretKeys({"k": bytes(range(32))}))
    async with an_app().serving(keyed, background=False, door=False) as server:
        told = await Table(server).error("/clock", {"advance": 5}, status=503)
        assert told == "the clock cannot be kept in the data folder (Is a directory)"


async def test_time_goes_on_where_it_was_when_the_server_starts_again(tmp_path: Path) -> None:
    keyed = msgspec.structs.replace(settings(tmp_path), secret_keys=SecretKeys({"k": bytes(range(32))}))
    keyed.data.mkdir()
    for offset in (0, 5):
        async with an_app().serving(keyed, background=False, door=False) as server:
            assert (await Table(server).get("/setup"))["clock"]["offset"] == offset
            await Table(server).post("/clock", advance=5)
