"""What members do comes as updates, and what a bot says is theirs to see, or not wanted."""

from typing import Any

import pytest

from kikao.channels.calling import Call
from kikao.channels.telegram.emulator import BotApi
from kikao.config import Hidden
from kikao.testing import Clock
from tests.channels.telegram.emulated.bot import Bot, call, keys
from tests.channels.telegram.rig import SECRET, TOKEN

# --- what members do ---


async def test_a_text_is_an_update_with_the_secret_of_the_webhook(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha", id=700000101, language="sw", username="asha", last_name="N")

    await asha.write("/balance 2026 https://example.com")

    assert bot.paths == ["/telegram"]
    assert bot.headers[0]["x-telegram-bot-api-secret-token"] == SECRET
    said = bot.told[0]["message"]
    assert said["from"] == {
        "id": 700000101,
        "is_bot": False,
        "first_name": "Asha",
        "last_name": "N",
        "username": "asha",
        "language_code": "sw",
    }
    assert said["chat"]["type"] == "private"
    assert said["text"] == "/balance 2026 https://example.com"
    assert said["entities"] == [
        {"type": "bot_command", "offset": 0, "length": 8},
        {"type": "url", "offset": 14, "length": 19},
    ]


async def test_offsets_count_utf16_units(api: BotApi, bot: Bot) -> None:
    await api.member().write("\N{GRINNING FACE} /go")

    assert bot.told[0]["message"]["entities"] == [{"type": "bot_command", "offset": 3, "length": 3}]


async def test_ids_of_updates_rise_and_those_of_messages_are_a_chats_own(api: BotApi, bot: Bot) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")

    for who in (asha, binta, asha):
        await who.write("hi")

    first = bot.told[0]["update_id"]
    assert [each["update_id"] for each in bot.told] == [first, first + 1, first + 2]
    assert [each["message"]["message_id"] for each in bot.told] == [1, 1, 2]


async def test_a_deep_link_starts_with_its_payload(api: BotApi, bot: Bot) -> None:
    await api.member().start("invite_AbC-1")

    assert bot.told[0]["message"]["text"] == "/start invite_AbC-1"
    with pytest.raises(ValueError, match="deep link"):
        await api.member().start("x" * 65)


async def test_a_conversation_with_buttons(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")

    async def answer(update: dict[str, Any]) -> None:
        if "message" in update:
            await call(
                api,
                "sendMessage",
                chat_id=asha.id,
                parse_mode="HTML",
                text="Hello <b>Asha</b> &amp; co",
                reply_markup=keys(("Balance", "Send money"), ("Help",)),
            )
        else:
            query = update["callback_query"]
            await call(api, "answerCallbackQuery", callback_query_id=query["id"], text="A moment")
            await call(
                api,
                "editMessageText",
                chat_id=asha.id,
                text=f"You chose {query['data']}",
                message_id=query["message"]["message_id"],
            )

    bot.on = answer
    came = await asha.start()

    assert [message.text for message in came] == ["Hello Asha & co"]
    assert asha.chat.last.lines == ("Hello Asha & co", "[Balance] [Send money]", "[Help]")
    assert asha.chat.buttons == ["Balance", "Send money", "Help"]
    assert asha.chat.last.raw["entities"] == [{"type": "bold", "offset": 6, "length": 4}]

    came = await asha.tap("send")

    assert [message.text for message in came] == ["You chose k:Send money"]
    assert asha.chat.texts == ["You chose k:Send money"]
    assert asha.chat.buttons == []
    assert asha.chat.last.edited_at is not None
    assert (asha.toasts, asha.spinning) == (["A moment"], set())
    assert api.refused == []


async def test_a_tap_can_be_on_an_old_screen_and_hide_its_message(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha", started=True)
    await call(api, "sendMessage", chat_id=asha.id, text="one", reply_markup=keys(("Yes", "No")))
    await call(api, "sendMessage", chat_id=asha.id, text="two", reply_markup=keys(("Yes",)))
    old = asha.chat.messages[0]

    await asha.tap("Yes")
    await asha.tap("No")
    await asha.tap(0, of=old, shown="inaccessible")
    await asha.tap(1, of=old, shown="inline")
    await asha.tap_resent()

    queries = [each["callback_query"] for each in bot.told]
    assert [q["data"] for q in queries] == ["k:Yes", "k:No", "k:Yes", "k:No", "k:No"]
    assert [q.get("message", {}).get("text") for q in queries[:2]] == ["two", "one"]
    assert queries[2]["message"] == {"chat": asha.wire(), "message_id": 1, "date": 0}
    assert "message" not in queries[3]
    assert queries[4]["id"] == queries[3]["id"]
    assert bot.told[4]["update_id"] != bot.told[3]["update_id"]
    with pytest.raises(LookupError, match="0 buttons say 'Maybe'"):
        await asha.tap("Maybe")
    with pytest.raises(LookupError, match="has tapped nothing"):
        await api.member("Binta").tap_resent()


async def test_a_tap_is_answered_once_and_in_time(api: BotApi, bot: Bot, clock: Clock) -> None:
    asha = api.member("Asha", started=True)
    await call(api, "sendMessage", chat_id=asha.id, text="?", reply_markup=keys(("Yes",)))
    await asha.tap("Yes")
    query = bot.told[-1]["callback_query"]["id"]

    assert await call(api, "answerCallbackQuery", callback_query_id=query) is True
    again = await call(api, "answerCallbackQuery", callback_query_id=query)
    await asha.tap("Yes")
    clock.advance(61)
    late = await call(api, "answerCallbackQuery", callback_query_id=bot.told[-1]["callback_query"]["id"])

    assert again["description"] == late["description"]
    assert "query is too old" in late["description"]
    assert len(asha.spinning) == 1


async def test_a_keyboard_in_place_of_letters(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha", phone="256772000101", started=True)
    rows = [
        [{"text": "My number", "request_contact": True}],
        [{"text": "Here", "request_location": True}, "Later"],
    ]
    await call(api, "sendMessage", chat_id=asha.id, text="?", reply_markup={"keyboard": rows})
    assert asha.chat.buttons == ["My number", "Here", "Later"]
    assert asha.chat.last.lines == ("?", "(keys) [My number]", "(keys) [Here] [Later]")

    await asha.tap("My number")
    await asha.tap("Here")
    await asha.tap("Later")
    await call(api, "sendMessage", chat_id=asha.id, text="!", reply_markup={"remove_keyboard": True})

    said = [each["message"] for each in bot.told]
    assert said[0]["contact"] == {"phone_number": "256772000101", "first_name": "Asha", "user_id": asha.id}
    assert said[1]["location"]["latitude"] == pytest.approx(0.3476)
    assert said[2]["text"] == "Later"
    assert asha.chat.buttons == []


async def test_contacts_of_somebody_else(api: BotApi, bot: Bot) -> None:
    asha, binta = api.member("Asha", phone="256772000101"), api.member("Binta", phone="254722000202")

    await asha.share_contact(of=binta)
    await asha.share_contact(phone="254722000303")

    first, second = (each["message"]["contact"] for each in bot.told)
    assert (first["phone_number"], first["user_id"]) == ("254722000202", binta.id)
    assert "user_id" not in second
    with pytest.raises(LookupError, match="has no number"):
        await api.member("Chidi").share_contact()


@pytest.mark.parametrize(
    "kind", ["photo", "voice", "audio", "video", "video_note", "document", "sticker", "animation"]
)
async def test_files_go_both_ways(api: BotApi, bot: Bot, kind: str, clock: Clock) -> None:
    asha = api.member("Asha")
    await asha.send(kind, b"octets", caption="" if kind in ("sticker", "video_note") else "see /this")
    said = bot.told[0]["message"]
    wire = said[kind][-1] if kind == "photo" else said[kind]

    file = await call(api, "getFile", file_id=wire["file_id"])
    link = Call(Hidden(f"https://h/file/bot{TOKEN}/{file['file_path']}".encode()), (), b"", "GET")
    assert (await api(link)).body == b"octets"
    method = f"send{kind.title().replace('_', '')}"
    back = await call(api, method, chat_id=asha.id, **{kind: wire["file_id"]}, caption="back")
    assert back["message_id"] == 2
    assert asha.chat.last.media is not None
    assert asha.chat.last.media.data == b"octets"
    assert asha.chat.last.lines[0].startswith(f"({kind}: ")
    clock.advance(3601)
    assert (await api(link)).status == 404
    link = Call(Hidden(f"https://h/file/bot1:other/{file['file_path']}".encode()), (), b"", "GET")
    assert (await api(link)).status == 401


async def test_an_unknown_kind_of_file(api: BotApi) -> None:
    with pytest.raises(LookupError, match="nobody can send 'hologram'"):
        await api.member().send("hologram", b"")


async def test_an_edit_and_a_reply_and_a_reaction(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    with pytest.raises(LookupError, match="has written nothing"):
        await asha.edit("x")
    await asha.write("helo /x")
    await asha.edit("hello")
    await call(api, "sendMessage", chat_id=asha.id, text="hi")
    await asha.write("500", to=asha.chat.last)
    await asha.react("\N{THUMBS UP SIGN}")
    await call(api, "deleteWebhook")
    await call(api, "getUpdates", allowed_updates=["message_reaction"])
    await asha.react("\N{THUMBS UP SIGN}")

    assert bot.told[1]["edited_message"]["text"] == "hello"
    assert bot.told[1]["edited_message"]["message_id"] == 1
    assert bot.told[2]["message"]["reply_to_message"]["text"] == "hi"
    assert len(bot.told) == 3
    assert [next(iter(each)) for each in api.updates] == ["update_id"]
    assert api.updates[0]["message_reaction"]["new_reaction"][0]["emoji"] == "\N{THUMBS UP SIGN}"


# --- who does not want it ---


async def test_blocked_deactivated_and_never_started(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    never = await call(api, "sendMessage", chat_id=asha.id, text="x")
    await asha.start()
    await asha.block()
    blocked = await call(api, "sendMessage", chat_id=asha.id, text="x")
    await asha.unblock()
    assert (await call(api, "sendMessage", chat_id=asha.id, text="x"))["text"] == "x"
    asha.leave_telegram()
    gone = await call(api, "sendMessage", chat_id=asha.id, text="x")

    assert [(each["error_code"], each["description"]) for each in (never, blocked, gone)] == [
        (403, "Forbidden: bot can't initiate conversation with a user"),
        (403, "Forbidden: bot was blocked by the user"),
        (403, "Forbidden: user is deactivated"),
    ]
    status = [each["my_chat_member"]["new_chat_member"]["status"] for each in bot.told[1:]]
    assert status == ["kicked", "member"]


async def test_groups_migrate_and_kick(api: BotApi, bot: Bot) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")
    group = api.group("Savings", asha)
    await group.join(binta)
    await binta.write("/balance@kikao_bot 2026", group=group)
    assert bot.told[-1]["message"]["chat"]["type"] == "group"
    assert bot.told[-1]["message"]["entities"] == [{"type": "bot_command", "offset": 0, "length": 18}]
    await call(api, "sendMessage", chat_id=group.id, text="Here", reply_markup=keys(("Yes",)))
    await asha.tap("Yes", group=group)
    assert bot.told[-1]["callback_query"]["from"]["id"] == asha.id

    grown = await group.migrate()
    moved = await call(api, "sendMessage", chat_id=group.id, text="x")
    assert moved["parameters"] == {"migrate_to_chat_id": grown.id}
    assert bot.told[-2]["message"]["migrate_to_chat_id"] == grown.id
    assert bot.told[-1]["message"]["migrate_from_chat_id"] == group.id
    assert (await call(api, "sendMessage", chat_id=grown.id, text="x"))["chat"]["type"] == "supergroup"

    await grown.kick_bot(binta)
    kicked = await call(api, "sendMessage", chat_id=grown.id, text="x")
    assert kicked["description"] == "Forbidden: bot was kicked from the supergroup chat"
    await grown.add_bot()
    assert (await call(api, "getChat", chat_id=grown.id))["title"] == "Savings"
    assert await call(api, "leaveChat", chat_id=grown.id) is True
    assert not grown.bot_is_in
