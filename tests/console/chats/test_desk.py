"""What members do in chats, and what providers do with it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from kikao.channels.emulating.chats import Button
from kikao.server import Server
from kikao.testing import Stage, play
from kikao.transcripts import parse
from tests.console.chat_app import app
from tests.console.chats.table import PACE, Chat, ChatTable, buttons, token_of
from tests.digits import stands_in
from tests.http.asgi import call

CANARY = "7359"
ASKED = "What would you like?"
OLD = "That button is of an older message."
BOTH = pytest.mark.parametrize("endpoint", ["telegram", "whatsapp"])


@BOTH
async def test_a_member_writes_and_taps_through_the_whole_server(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    assert await chat.write("/start" if endpoint == "telegram" else "hello") == ASKED
    (hook,) = (e for e in chat.step["exchanges"] if e["what"])
    (sent,) = (e for e in chat.step["exchanges"] if ASKED in e["request"]["body"])
    assert (hook["way"], hook["status"], hook["what"]) == ("webhook", 200, "asked")
    assert hook["request"]["path"] == f"/{endpoint}"
    assert (sent["way"], sent["status"], sent["what"]) == ("call", 200, "")
    assert await chat.tap("Tea") == "Which size?" or endpoint == "whatsapp"
    assert chat.step["conversation"]["pending"]["key"] == "size#1"
    assert (await chat.tap("Small")).startswith("A cup of tea")


async def test_what_a_list_has_opens_and_statuses_are_ticks(table: ChatTable) -> None:
    chat = await table.chat("whatsapp")
    await chat.write("hello")
    assert (chat.last["opens"], buttons(chat.last)[:2], chat.last["ticks"]) == (
        "Choose",
        ["Tea", "A flavour"],
        "delivered",
    )
    assert chat.wire[-2:] == ["webhook status: sent", "webhook status: delivered"]
    await chat.do("read")
    assert (chat.last["ticks"], chat.wire) == ("read", ["webhook status: read"])


@BOTH
async def test_an_old_button_says_so_and_answers_nothing(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    await chat.write("hello")
    await chat.tap("Tea")
    assert (await chat.tap("Pay")).startswith(OLD)
    assert chat.step["conversation"]["pending"]["key"] == "size#1"
    assert chat.step["chat"]["note"] == (OLD if endpoint == "telegram" else "")


@BOTH
async def test_a_webhook_that_comes_again_is_known(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    assert "write something first" in await chat.error("deliver")
    await chat.write("hello")
    before = len(chat.messages)
    await chat.do("deliver")
    assert (chat.step["exchanges"][0]["repeated"], len(chat.messages)) == (True, before)


async def test_what_is_held_back_comes_in_another_order_or_in_one(table: ChatTable) -> None:
    chat, other = await table.chat("whatsapp"), await table.chat("whatsapp", "+256772000002")
    await chat.do("hold")
    assert await chat.write("Tea") == ""
    await other.write("hello")
    assert chat.step["chat"]["provider"]["is_holding"]
    assert other.step["chat"]["provider"]["held"] == 2
    await chat.do("release", order="in_one")
    assert chat.said == "Which size?\n0 Back\n00 Home"
    assert "webhook text asked" in chat.wire
    assert await other.look() == ASKED
    bot = await table.chat("telegram")
    await bot.do("hold")
    await bot.write("hello", "Tea")
    assert "one thing at a time" in await bot.error("release", order="in_one")
    assert "the orders are" in await bot.error("release", 400, order="sideways")
    await bot.do("release", order="backwards")
    assert [one for one in bot.wire if one.startswith("webhook")] == [
        "webhook message asked",
        "webhook message shown",  # what was written before the other is no answer any more
    ]


async def test_a_closed_window_keeps_a_message_until_the_member_writes(
    table: ChatTable, server: Server
) -> None:
    chat = await table.chat("whatsapp")
    assert (await chat.do("provider", mood="down"), chat.step["chat"]["open_until"]) == ("", 0.0)
    assert await chat.write("hello") == ""
    until = chat.step["chat"]["open_until"]
    assert until == server.sessions.clock() + 86400
    assert [one["is_dead"] for one in chat.step["chat"]["waiting"]] == [False]
    assert [e["status"] for e in chat.step["exchanges"] if e["way"] == "call"][-1] == 503
    await table.post("/clock", advance=90_000)
    await chat.do("provider", mood="well")
    assert chat.said == ""
    assert chat.step["chat"]["open_until"] < server.sessions.clock()
    assert "down, busy" in await chat.error("provider", 400, mood="sad")


async def test_outside_the_window_a_notice_waits_or_is_a_template(table: ChatTable) -> None:
    asha = await table.chat("telegram")
    binta, chidi = [await table.chat("whatsapp", f"+25677200000{n}") for n in (2, 3)]
    await binta.write("hello")
    await chidi.write("hello")
    await table.post("/clock", advance=90_000)
    await asha.write("hello", "Tell a friend", "+256772000002", "In plain words")
    await asha.write("Tell a friend", "+256772000003", "By a template")
    await _until(chidi, lambda: chidi.said == "friend_drinks_tea Asha")
    await _until(binta, lambda: "window_closed" in [one["reason"] for one in binta.step["chat"]["waiting"]])
    await binta.write("hello again")
    await table.post("/clock", advance=4000)
    await _until(binta, lambda: binta.said == "A friend drinks tea here.")


async def _until(chat: Chat, done: Callable[[], bool]) -> None:
    """Look until something came by itself."""
    for _ in range(200):
        await chat.look()
        if done():
            return
        await asyncio.sleep(0)
    raise AssertionError(
        f"nothing came: {chat.step['chat']['waiting']}, {[m['text'] for m in chat.messages]}"
    )


@BOTH
async def test_a_member_shares_what_a_phone_has(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    for what in ("photo", "document", "location", "contact"):
        await chat.do("share", what=what)
    photo, document = (m for m in chat.messages if m["mine"] and m["media"])
    assert (photo["media"]["is_picture"], document["media"]["is_picture"]) == (True, False)
    picture = await table.ask(f"/api/phones/{chat.id}/media?message={photo['id'].replace('+', '%2B')}")
    assert (picture.status, picture.headers["content-type"]) == (200, "image/jpeg")
    await table.error(f"/phones/{chat.id}/media?message=nothing", status=404)
    assert "shares a photo" in await chat.error("share", 400, what="money")


@BOTH
async def test_files_go_both_ways(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    await chat.write("hello", "News")
    await table.post("/clock", advance=5)
    await _until(chat, lambda: any(m["media"] and not m["mine"] for m in chat.messages))
    (shown,) = (m for m in chat.messages if m["media"])
    assert (shown["text"], shown["media"]["is_picture"]) == ("News", True)
    await chat.write("Send a photo")
    await chat.do("share", what="photo")
    await table.post("/clock", advance=5)
    await _until(chat, lambda: "5724 octets of image/jpeg." in chat.said)


async def test_keys_in_place_of_the_letters(table: ChatTable, server: Server) -> None:
    chat = await table.chat("telegram")
    await chat.write("hello")
    assert server.simulator is not None
    phone = server.simulator.chat(chat.id)
    phone.member.chat.keyboard = [[Button("Tea", "", "text")], [Button("Share", "", "contact")]]
    await chat.look()
    assert [[key["label"] for key in row] for row in chat.step["chat"]["keyboard"]] == [["Tea"], ["Share"]]
    await chat.do("tap", button=1)
    assert [m["kind"] for m in chat.messages if m["mine"]][-1] == "contact"
    assert (await chat.do("tap", button=0)).startswith("Which size?")


@BOTH
async def test_a_member_changes_what_they_wrote_and_blocks(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    assert "written nothing" in await chat.error("edit", text="hi")
    await chat.write("hello")
    await chat.do("edit", text="hi")
    assert [(m["text"], m["is_edited"]) for m in chat.messages if m["mine"]] == [("hi", True)]
    await chat.do("block", blocked=True)
    assert chat.step["chat"]["is_blocked"]
    await chat.do("block", blocked=False)
    assert not chat.step["chat"]["is_blocked"]
    if endpoint == "telegram":
        assert "does not tell" in await chat.error("read")


@BOTH
async def test_a_secret_is_entered_behind_its_link_and_stands_nowhere(
    table: ChatTable, server: Server, endpoint: str, caplog: pytest.LogCaptureFixture
) -> None:
    chat = await table.chat(endpoint)
    await chat.write("hello", "Pay")
    path = token_of(await chat.follow("Enter it here"))
    table.clock.advance(PACE)
    form = (("content-type", "application/x-www-form-urlencoded"),)
    page = await call(server, path, f"step=use&secret={CANARY}".encode(), form, method="POST")
    assert page.status == 200
    await server.push()
    assert (await chat.look()).startswith("Paid.")
    token = path.removeprefix("/secret/")
    assert "Asha's PIN is ____." in await table.transcript()
    assert "Asha enters their PIN on the page.\n    Paid.\n" in await table.transcript()
    told = "".join(answer.body.decode() for answer in table.answers)
    assert not stands_in(CANARY, told)
    assert token not in told
    assert "/secret/…" in told
    assert not stands_in(CANARY, caplog.text)


@BOTH
async def test_a_secret_that_is_typed_all_the_same_shows_nowhere(table: ChatTable, endpoint: str) -> None:
    chat = await table.chat(endpoint)
    await chat.write("hello", "Pay")
    assert (await chat.write(CANARY)).startswith("Do not type it here")
    mine = [m["text"] for m in chat.messages if m["mine"]]
    assert mine == ["hello", "Pay"] + ["••••"] * (endpoint == "whatsapp")  # a bot takes it away
    assert any("••••" in e["request"]["body"] for e in chat.step["exchanges"])
    assert "cannot be delivered again" in await chat.error("deliver")
    if endpoint == "whatsapp":
        assert "cannot be changed" in await chat.error("edit", text="x")
    assert "Asha's PIN is ____." in await table.transcript()
    assert not stands_in(CANARY, "".join(answer.body.decode() for answer in table.answers))


async def test_keys_and_tokens_are_shown_to_nobody(table: ChatTable, server: Server) -> None:
    for endpoint in ("telegram", "whatsapp"):
        chat = await table.chat(endpoint)
        await chat.write("hello")
    line = server.settings.whatsapp["cloud-api"]
    bot = server.settings.telegram["bot-api"]
    assert bot.secret is not None
    for key in (line.token, line.app_secrets[0], bot.token, bot.secret):
        assert not table.told(key.reveal().decode())
    assert table.told("bot…/sendMessage")


async def test_what_one_member_does_is_news_in_anothers_chat(table: ChatTable) -> None:
    binta = await table.chat("whatsapp", "+256772000002")
    await binta.write("hello")
    asha = await table.chat("telegram")
    await asha.write("hello", "Tell a friend", "+256772000002", "In plain words")
    await _until(binta, lambda: binta.said == "A friend drinks tea here.")


async def test_who_prefers_another_language(table: ChatTable) -> None:
    chat = await table.chat("telegram")
    await chat.write("hello")
    conversation = await table.post(f"/phones/{chat.id}/language", locale="sw")
    assert conversation["language"] == "sw"


async def test_what_no_phone_does(table: ChatTable) -> None:
    chat, phone = await table.chat(), await table.phone()
    assert "has no chat" in await table.error(f"/phones/{phone.id}/write", {"text": "x"}, status=409)
    assert "dials nothing" in await table.error(f"/phones/{chat.id}/dial", {}, status=409)
    await chat.write("hello")
    for action, given, status in (
        ("write", {"text": ""}, 400),
        ("write", {"text": "\x07"}, 400),
        ("write", {"text": "••••"}, 400),
        ("write", {}, 400),
        ("tap", {"message": "none", "button": 0}, 404),
        ("tap", {"message": chat.last["id"], "button": 99}, 404),
        ("tap", {"button": 0}, 404),
        ("write?since=x", {"text": "x"}, 400),
        ("write?a=1&b=2&c=3&d=4&since=0", {"text": "x"}, 400),
        ("link?message=none", None, 400),
        (f"link?message={chat.last['id']}&button=0", None, 404),
        ("chat", {}, 405),
    ):
        await table.error(f"/phones/{chat.id}/{action}", given, status=status)


async def test_what_was_done_in_chats_is_a_test(table: ChatTable) -> None:
    asha, binta = await table.chat(), await table.chat("whatsapp", "+256772000002")
    await asha.write("/start")
    await asha.tap("Tea")
    await asha.tap("Pay")
    await asha.do("deliver")
    await asha.do("share", what="location")
    await binta.write("hello")
    await binta.tap("A flavour")
    await binta.do("edit", text="hi there")
    await binta.do("read")
    await table.post("/clock", advance=60)
    await binta.do("hold")
    await binta.tap("Mint")
    await binta.do("release", order="backwards")
    await binta.do("provider", mood="well")
    await binta.do("block", blocked=True)
    (transcript,) = parse(await table.transcript())
    async with Stage(app) as stage:
        await play(transcript, stage)
