"""The emulated Bot API: what members do comes as updates, and what a bot calls is checked as Telegram would."""

import asyncio
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.channel import Response
from kikao.channels.telegram.emulated.rules import Rates
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.config import Hidden
from kikao.testing import Clock

TOKEN = "7000000001:test"
SECRET = "hook-secret_1"


class Bot:
    """A server that keeps what it was told; `status` is what it answers, and `on` what it does then."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.status = 200
        self.statuses: list[int] = []
        self.on: Callable[[dict[str, Any]], Any] | None = None

    async def __call__(self, exchange: Exchange) -> Response:
        status = self.statuses.pop(0) if self.statuses else self.status
        if status == 0:
            raise ConnectionResetError
        self.told.append(json.loads(exchange.body))
        self.bodies.append(exchange.body)
        self.headers.append(dict(exchange.headers))
        self.paths.append(exchange.full_path)
        if self.on is not None:
            await self.on(self.told[-1])
        return Response(status, (), b"")


@pytest.fixture
def bot() -> Bot:
    return Bot()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def api(bot: Bot, clock: Clock) -> BotApi:
    return BotApi(TOKEN, SECRET, clock=clock, send=bot, chance=random.Random(1))


async def asked(api: BotApi, method: str, token: str = TOKEN, **given: Any) -> Answer:
    body = json.dumps(given).encode()
    url = Hidden(f"https://api.telegram.example/bot{token}/{method}".encode())
    return await api(Call(url, (("Content-Type", "application/json"),), body))


async def call(api: BotApi, method: str, **given: Any) -> Any:
    answer = await asked(api, method, **given)
    said = json.loads(answer.body)
    assert answer.status == (200 if said["ok"] else said["error_code"])
    return said["result"] if said["ok"] else said


def keys(*rows: tuple[str, ...]) -> dict[str, Any]:
    return {
        "inline_keyboard": [[{"text": label, "callback_data": f"k:{label}"} for label in row] for row in rows]
    }


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


async def test_uploads_are_multipart(api: BotApi) -> None:
    asha = api.member(started=True)
    head = b'--B\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n%d\r\n' % asha.id
    part = b'--B\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    url = Hidden(f"https://h/bot{TOKEN}/sendPhoto".encode())
    kind = (("content-type", "multipart/form-data; boundary=B"),)

    async def post(data: bytes) -> int:
        return (await api(Call(url, kind, head + part + data + b"\r\n--B--\r\n"))).status

    assert await post(b"\xff\xd8 picture") == 200
    assert asha.chat.last.media is not None
    assert asha.chat.last.media.data == b"\xff\xd8 picture"
    assert await post(b"") == 400
    assert await post(bytes(10 * 2**20 + 1)) == 400
    assert api.refused[-1].said == "Bad Request: file is too big"


async def test_forms_and_queries_say_the_same_as_json(api: BotApi) -> None:
    asha = api.member(started=True)
    form = (("content-type", "application/x-www-form-urlencoded"),)
    markup = '{"inline_keyboard":[[{"text":"A","url":"https://example.com"}]]}'
    body = f"chat_id={asha.id}&text=one+two&reply_markup={markup}".encode()
    await api(Call(Hidden(f"https://h/bot{TOKEN}/sendMessage".encode()), form, body))
    await api(
        Call(Hidden(f"https://h/bot{TOKEN}/SENDMESSAGE?chat_id={asha.id}&text=3".encode()), (), b"", "GET")
    )

    assert asha.chat.texts == ["one two", "3"]
    with pytest.raises(LookupError, match="tells the bot nothing"):
        await asha.tap("A")


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


# --- what is refused ---

LONG = "\N{ETHIOPIC SYLLABLE HA}"


@pytest.mark.parametrize(
    ("method", "given", "said"),
    [
        ("sendMessage", {"text": ""}, "message text is empty"),
        ("sendMessage", {"text": " \n"}, "message text is empty"),
        ("sendMessage", {"text": LONG * 4097}, "message is too long"),
        ("sendMessage", {"text": {"a": 1}}, "parameter text must be a string"),
        ("sendMessage", {"text": "x", "chat_id": None}, "chat_id is empty"),
        ("sendMessage", {"text": "x", "chat_id": "@nowhere"}, "chat not found"),
        ("sendMessage", {"text": "x", "chat_id": True}, 'invalid parameter "chat_id": must be an integer'),
        ("sendMessage", {"text": "x", "parse_mode": "Markdown"}, "parse_mode markdown is not emulated here"),
        ("sendMessage", {"text": "x", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
        ("sendMessage", {"text": "x", "reply_markup": []}, "object expected as reply markup"),
        ("sendMessage", {"text": "x", "reply_markup": {"buttons": 1}}, "unknown reply markup"),
        ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": ["A"]}}, "Array of Arrays"),
        ("sendMessage", {"text": "x", "reply_markup": {"inline_keyboard": [["A"]]}}, "expected an Object"),
        ("sendMessage", {"text": "x", "reply_markup": keys(("",))}, "non-empty String"),
        ("sendMessage", {"text": "x", "reply_markup": keys((LONG * 21,))}, "BUTTON_DATA_INVALID"),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "A"}]]}},
            "Text buttons",
        ),
        (
            "sendMessage",
            {"text": "x", "reply_markup": {"inline_keyboard": [[{"text": "A", "url": "ftp:x"}]]}},
            "wrong HTTP URL",
        ),
        ("sendMessage", {"text": "x", "reply_markup": {"keyboard": [[{"text": ""}]]}}, "keyboard button"),
        (
            "sendMessage",
            {"text": "x", "reply_parameters": {"message_id": 9}},
            "message to be replied not found",
        ),
        ("sendPhoto", {}, "there is no photo in the request"),
        ("sendPhoto", {"photo": "nothing"}, "wrong remote file identifier"),
        ("sendPhoto", {"photo": "https://h/a.jpg", "caption": "x" * 1025}, "message caption is too long"),
        ("sendLocation", {"latitude": 91, "longitude": 0}, "wrong location"),
        ("sendLocation", {"latitude": 1}, 'invalid parameter "longitude"'),
        ("sendContact", {"first_name": "A"}, "not enough parameters"),
        ("sendChatAction", {"action": "dance"}, "wrong parameter action"),
        ("editMessageText", {"text": "x"}, "message identifier is not specified"),
        ("editMessageText", {"text": "x", "message_id": 99}, "message to edit not found"),
        ("editMessageText", {"text": "x", "message_id": 1}, "message can't be edited"),
        ("editMessageText", {"text": " ", "message_id": 2}, "message text is empty"),
        ("editMessageText", {"text": "A & B", "message_id": 2}, "message is not modified"),
        ("editMessageText", {"text": "x", "message_id": 3}, "there is no text in the message"),
        (
            "editMessageText",
            {"text": "x", "message_id": 2, "reply_markup": {"keyboard": []}},
            "inline keyboard",
        ),
        ("editMessageCaption", {"caption": "x", "message_id": 2}, "there is no caption"),
        ("deleteMessage", {"message_id": 99}, "message to delete not found"),
        ("answerCallbackQuery", {"callback_query_id": "1", "text": "x" * 201}, "MESSAGE_TOO_LONG"),
        ("answerCallbackQuery", {"callback_query_id": "1"}, "query is too old"),
        ("setMyCommands", {"commands": {}}, "expected an Array of BotCommand"),
        (
            "setMyCommands",
            {"commands": [{"command": "a", "description": "b"}] * 101},
            "BOT_COMMANDS_TOO_MUCH",
        ),
        ("setMyCommands", {"commands": [{"command": "Send", "description": "b"}]}, "BOT_COMMAND_INVALID"),
        ("setMyCommands", {"commands": [{"command": "s"}]}, "BOT_COMMAND_DESCRIPTION_INVALID"),
        ("setMyCommands", {"commands": [], "scope": 1}, "can't parse BotCommandScope"),
        ("getFile", {"file_id": "x"}, "invalid file_id"),
        ("setWebhook", {"url": "telegram"}, "bad webhook"),
        ("setWebhook", {"url": "https://h/t", "secret_token": "a b"}, "unallowed characters"),
        ("setWebhook", {"url": "https://h/t", "allowed_updates": "{}"}, "must be an Array of String"),
    ],
)
async def test_what_telegram_refuses(api: BotApi, method: str, given: dict[str, Any], said: str) -> None:
    asha = api.member("Asha")
    await asha.start()
    await call(api, "sendMessage", chat_id=asha.id, text="A &amp; B", parse_mode="HTML")
    await call(api, "sendPhoto", chat_id=asha.id, photo="https://example.com/a.jpg")
    taken = len(api.ledger)

    answer = await call(api, method, **({"chat_id": asha.id} | given))

    assert answer["error_code"] == 400
    assert answer["description"].startswith("Bad Request: ")
    assert said in answer["description"]
    assert api.refused[-1] == (method, 400, answer["description"])
    assert len(api.ledger) == taken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a < b", "Unclosed start tag at byte offset 2"),
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("<span>x</span>", 'Unsupported start tag "span"'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
    ],
)
async def test_html_that_cannot_be_read(api: BotApi, text: str, said: str) -> None:
    asha = api.member(started=True)
    answer = await call(api, "sendMessage", chat_id=asha.id, text=text, parse_mode="HTML")
    assert answer["description"].startswith("Bad Request: can't parse entities: ")
    assert said in answer["description"]


async def test_html_as_members_see_it(api: BotApi) -> None:
    asha = api.member(started=True)
    text = (
        '<a href="https://e.com/?a=1&amp;b=2">x</a> <i><b>1 &lt; 2</b></i> &#39;&#x41;&quot; &nope; <b></b>'
    )
    await call(api, "sendMessage", chat_id=asha.id, text=text, parse_mode="HTML")
    assert asha.chat.last.text == "x 1 < 2 'A\" &nope; "
    kinds = [(each["type"], each["offset"], each["length"]) for each in asha.chat.last.raw["entities"]]
    assert kinds == [("text_link", 0, 1), ("bold", 2, 5), ("italic", 2, 5)]


async def test_a_text_is_measured_without_its_tags(api: BotApi) -> None:
    asha = api.member(started=True)
    await call(api, "sendMessage", chat_id=asha.id, text=f"<b>{LONG * 4096}</b>", parse_mode="HTML")
    assert api.refused == []


async def test_who_calls_must_have_the_token_and_know_the_method(api: BotApi) -> None:
    assert (await asked(api, "getMe", "7000000001:other")).status == 401
    assert (await asked(api, "danceAround")).status == 404
    nowhere = Call(Hidden(b"https://h/nothing"), (), b"", "GET")
    assert (await api(nowhere)).status == 404
    broken = Call(Hidden(f"https://h/bot{TOKEN}/getMe".encode()), (("content-type", "text/plain"),), b"x")
    assert (await api(broken)).status == 400
    assert [each.code for each in api.refused] == [401, 404, 404, 400]
    assert (await call(api, "getMe"))["username"] == "kikao_bot"


async def test_a_parameter_that_nobody_knows_is_noted(api: BotApi) -> None:
    asha = api.member(started=True)
    await call(api, "sendMessage", chat_id=asha.id, text="x", disable_notification=True, colour="red")
    assert api.ignored == {"sendMessage.colour"}


async def test_the_menu_of_commands(api: BotApi) -> None:
    menu = [{"command": "balance", "description": "What you have"}]
    await call(api, "setMyCommands", commands=menu)
    await call(api, "setMyCommands", commands=menu, language_code="sw", scope={"type": "chat", "chat_id": 5})
    assert await call(api, "getMyCommands") == menu
    assert ("chat/5", "sw") in api.commands
    await call(api, "deleteMyCommands")
    assert await call(api, "getMyCommands") == []


async def test_editing_captions_markup_and_deleting(api: BotApi) -> None:
    asha = api.member(started=True)
    sent = await call(api, "sendPhoto", chat_id=asha.id, photo="https://h/a.jpg", reply_markup=keys(("A",)))
    where = {"chat_id": asha.id, "message_id": sent["message_id"]}
    await call(api, "editMessageCaption", **where, caption="new", reply_markup=keys(("A",)))
    assert asha.chat.last.lines == ("(photo: a.jpg)", "new", "[A]")
    await call(api, "editMessageReplyMarkup", **where)
    again = await call(api, "editMessageReplyMarkup", **where)
    assert "not modified" in again["description"]
    await call(api, "sendChatAction", chat_id=asha.id, action="typing")
    assert asha.typing == 1
    assert await call(api, "deleteMessage", **where) is True
    assert asha.chat.messages == []
    with pytest.raises(LookupError, match="nobody has said anything"):
        _ = asha.chat.last


# --- limits and moods ---


async def test_limits_of_a_chat_a_bot_and_a_group(bot: Bot, clock: Clock) -> None:
    api = BotApi(TOKEN, SECRET, clock=clock, send=bot, rates=Rates())
    members = [api.member(f"M{n}", started=True) for n in range(31)]
    for member in members[:30]:
        assert "message_id" in await call(api, "sendMessage", chat_id=member.id, text="x")
    everybody = await call(api, "sendMessage", chat_id=members[30].id, text="x")
    clock.advance(0.5)
    one = await call(api, "sendMessage", chat_id=members[0].id, text="x")
    assert [each["parameters"] for each in (everybody, one)] == [{"retry_after": 1}] * 2
    assert api.breaches == 2
    group = api.group("Savings", members[0])
    for _ in range(20):
        clock.advance(1)
        assert "message_id" in await call(api, "sendMessage", chat_id=group.id, text="x")
    clock.advance(1)
    assert (await call(api, "sendMessage", chat_id=group.id, text="x"))["parameters"] == {"retry_after": 40}
    assert Rates().scaled(10).bot == (300, 1.0)


async def test_moods(api: BotApi, clock: Clock) -> None:
    asha = api.member(started=True)

    async def send(text: str) -> Answer:
        return await asked(api, "sendMessage", chat_id=asha.id, text=text)

    api.fails(2)
    api.loses()
    api.does_not_answer()
    api.refuses()
    assert [(await send("a")).status for _ in range(3)] == [503, 503, 200]
    with pytest.raises(Unanswered, match="no answer in time"):
        await send("unheard")
    with pytest.raises(Unanswered, match="ConnectError"):
        await send("refused")
    assert asha.chat.texts == ["unheard"]
    assert [each.seen for each in api.ledger] == [False, True]
    api.limits(5)
    clock.advance(2)
    limited = await send("x")
    assert json.loads(limited.body)["parameters"] == {"retry_after": 3}
    assert api.breaches == 1
    clock.advance(3)
    assert (await send("x")).status == 200
    api.fails(9)
    api.recovers()
    assert (await send("x")).status == 200
    assert [each.id for each in api.duplicates()] == [api.ledger[-1].id]
    assert api.calls == 8


async def test_a_slow_provider(clock: Clock) -> None:
    waits: list[float] = []

    async def pause(seconds: float) -> None:
        waits.append(seconds)

    api = BotApi(TOKEN, clock=clock)
    api.pause = pause
    api.held = asyncio.Event()
    task = asyncio.create_task(asked(api, "getMe"))
    await asyncio.sleep(0)
    assert not task.done()
    api.recovers()
    assert (await task).status == 200
    api.slow(0.25)
    await asked(api, "getMe")
    assert waits == [0.25]


async def test_shaky_by_its_seed() -> None:
    async def run(seed: int) -> list[int]:
        api = BotApi(TOKEN, chance=random.Random(seed), clock=Clock())
        api.shaky(failing=0.2, limiting=0.2, losing=0.1, silent=0.2, refusing=0.1)
        found = []
        for _ in range(60):
            try:
                found.append((await asked(api, "getMe")).status)
            except Unanswered:
                found.append(0)
        return found

    assert await run(1) == await run(1)
    assert await run(1) != await run(2)
    assert set(await run(1)) == {0, 200, 429, 503}
    with pytest.raises(ValueError, match="at most 1"):
        BotApi(TOKEN).shaky(failing=0.9, silent=0.2)


# --- deliveries ---


async def test_what_is_not_taken_comes_again_and_holds_up_its_chat_alone(
    api: BotApi, bot: Bot, clock: Clock
) -> None:
    asha, binta = api.member("Asha"), api.member("Binta")
    bot.statuses = [500]
    await asha.write("1")
    await asha.write("2")
    await binta.write("3")
    assert [each["message"]["text"] for each in bot.told if "message" in each] == ["1", "3"]
    clock.advance(1)
    bot.statuses = [0]
    await api.deliver()
    assert [each["message"]["text"] for each in bot.told][1:] == ["3"]
    assert api.deliveries.next_due == clock.now + 2
    clock.advance(2)
    await api.deliver()
    assert [each["message"]["text"] for each in bot.told][1:] == ["3", "1", "2"]
    assert [parcel.answers for parcel in api.deliveries.taken] == [[200], [500, 0, 200], [200]]


async def test_redelivery_has_the_same_id_and_other_bytes(api: BotApi, bot: Bot) -> None:
    await api.member("Asha").write("Ni \N{ETHIOPIC SYLLABLE HA}")
    assert await api.deliveries.again(changed=True) == [200]
    assert bot.told[0] == bot.told[1]
    assert bot.bodies[0] != bot.bodies[1]
    assert await api.deliveries.again(times=2) == [200, 200]
    with pytest.raises(LookupError, match="1 requests were taken"):
        await api.deliveries.again(1)


async def test_hold_and_release_in_bad_order(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    for order in ("reversed", "shuffled", "same"):
        api.deliveries.held = True
        for text in "123":
            await asha.write(text)
        assert api.deliveries.next_due is None
        bot.told.clear()
        await api.deliveries.release(order)
        texts = [each["message"]["text"] for each in bot.told]
        assert sorted(texts) == ["1", "2", "3"]
        assert (texts == ["1", "2", "3"]) == (order == "same")
    api.deliveries.held = True
    await asha.write("4")
    await asha.write("5")
    await api.deliveries.release(at_once=True)
    assert len(bot.told) == 5


async def test_a_disturbed_line(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    api.deliveries.disturb(again=0.3, changed=0.5, swapped=0.3)
    api.deliveries.held = True
    for n in range(60):
        await asha.write(str(n))
    await api.deliveries.release()
    ids = [each["update_id"] for each in bot.told]
    assert len(set(ids)) == 60
    assert 65 < len(ids) < 90
    assert ids != sorted(ids)
    assert api.deliveries.waiting == []


async def test_polling_with_offsets(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha")
    conflict = await call(api, "getUpdates")
    assert conflict["error_code"] == 409
    api.deliveries.held = True
    await asha.write("0")
    await call(api, "deleteWebhook")
    await asha.write("1")
    await asha.write("2")
    got = await call(api, "getUpdates", limit=2)
    assert [each["message"]["text"] for each in got] == ["0", "1"]
    again = await call(api, "getUpdates")
    assert [each["message"]["text"] for each in again] == ["0", "1", "2"]
    rest = await call(api, "getUpdates", offset=got[-1]["update_id"] + 1)
    assert [each["message"]["text"] for each in rest] == ["2"]
    assert await call(api, "getUpdates", offset=rest[-1]["update_id"] + 1) == []
    await asha.write("3")
    await asha.write("4")
    assert [each["message"]["text"] for each in await call(api, "getUpdates", offset=-1)] == ["4"]
    assert bot.told == []


async def test_a_bot_without_a_secret_is_polled_for() -> None:
    api = BotApi(TOKEN, "")
    await api.member("Asha").write("hi")
    assert [each["message"]["text"] for each in await call(api, "getUpdates")] == ["hi"]


async def test_a_long_poll_waits_for_somebody(api: BotApi) -> None:
    await call(api, "deleteWebhook", drop_pending_updates=True)
    poll = asyncio.create_task(call(api, "getUpdates", timeout=30))
    await asyncio.sleep(0)
    other = await call(api, "getUpdates", timeout=30)
    assert "terminated by other getUpdates" in other["description"]
    await api.member("Asha").write("hi")
    assert [each["message"]["text"] for each in await poll] == ["hi"]


async def test_webhooks_can_be_set(api: BotApi, bot: Bot) -> None:
    await call(api, "deleteWebhook")
    await api.member("Asha").write("before")
    assert (await call(api, "getWebhookInfo"))["url"] == ""
    await call(
        api,
        "setWebhook",
        url="https://kikao.example/telegram/x",
        secret_token="s-1",
        allowed_updates=["message"],
        max_connections=10,
    )
    asha = api.member("Binta")
    await asha.write("after")
    await asha.block()
    assert bot.paths == ["/telegram/x"] * 2
    assert bot.headers[0]["x-telegram-bot-api-secret-token"] == "s-1"
    assert [each["message"]["text"] for each in bot.told] == ["before", "after"]
    assert (await call(api, "getWebhookInfo"))["url"].endswith("/telegram/x")
    await call(api, "setWebhook", url="")
    assert api.polled
    await asha.write("lost")
    await call(api, "setWebhook", url="https://h/t", drop_pending_updates=True)
    assert api.updates == []


async def test_updates_that_no_member_causes(api: BotApi, bot: Bot) -> None:
    await api.tell_raw("hologram_update", {"id": "1"})
    assert bot.told[0]["hologram_update"] == {"id": "1"}


async def test_nobody_to_deliver_to() -> None:
    with pytest.raises(LookupError, match="nobody to deliver to"):
        await BotApi(TOKEN).member().write("hi")


async def test_what_is_due_afterwards(api: BotApi) -> None:
    asha = api.member("Asha")

    async def push() -> None:
        await call(api, "sendMessage", chat_id=asha.id, text="later")

    api.after = push
    assert [message.text for message in await asha.write("hi")] == ["later"]


# --- over HTTP ---


async def test_as_an_application(api: BotApi) -> None:
    messages = [
        {"type": "http.request", "body": b'{"chat_', "more_body": True},
        {"type": "http.request", "body": b'id":1}'},
    ]
    sent: list[dict[str, Any]] = []

    async def receive() -> Any:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": f"/bot{TOKEN}/getChat",
        "raw_path": f"/bot{TOKEN}/getChat".encode(),
        "query_string": b"x=1",
        "headers": [(b"host", b"h:81"), (b"content-type", b"application/json")],
    }
    await api.application(scope, receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["description"] == "Bad Request: chat not found"
    api.does_not_answer()
    messages[:] = [{"type": "http.request", "body": b"{}"}]
    sent.clear()
    await api.application(scope, receive, send)
    assert sent == []
    messages[:] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]
    await api.application({"type": "lifespan"}, receive, send)
    assert [each["type"] for each in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_files_that_are_too_large(api: BotApi, bot: Bot) -> None:
    asha = api.member("Asha", started=True)
    await asha.send("video", bytes(20 * 2**20 + 1))
    answer = await call(api, "getFile", file_id=bot.told[0]["message"]["video"]["file_id"])
    assert answer["description"] == "Bad Request: file is too big"
    head = b'--B\r\nContent-Disposition: form-data; name="chat_id"\r\n\r\n%d\r\n' % asha.id
    part = b'--B\r\nContent-Disposition: form-data; name="document"; filename="a.bin"\r\n\r\n'
    body = b"".join((head, part, bytes(50 * 2**20 + 1), b"\r\n--B--\r\n"))
    url = Hidden(f"https://h/bot{TOKEN}/sendDocument".encode())
    kind = (("content-type", "multipart/form-data; boundary=B"),)
    assert (await api(Call(url, kind, body))).status == 413


async def test_places_contacts_and_replies(api: BotApi) -> None:
    asha = api.member("Asha")
    await asha.write("where?")
    question = asha.chat.messages[0]
    sent = await call(
        api, "sendLocation", chat_id=asha.id, latitude="0.5", longitude=32,
        reply_parameters={"message_id": int(question.id)},
    )  # fmt: skip
    assert sent["reply_to_message"]["text"] == "where?"
    await call(api, "sendContact", chat_id=asha.id, phone_number="256700000001", first_name="Shop")
    await call(
        api, "sendMessage", chat_id=asha.id, text="x",
        reply_parameters={"message_id": 99, "allow_sending_without_reply": True},
        reply_markup={"force_reply": True},
    )  # fmt: skip
    assert asha.chat.texts == ["0.5, 32.0", "256700000001", "x"]
    assert (await call(api, "sendLocation", chat_id=asha.id, latitude=None, longitude=1))["error_code"] == 400
    assert (await call(api, "sendMessage", chat_id="12x", text="x"))["error_code"] == 400


async def test_an_edit_that_was_made_already(api: BotApi, clock: Clock) -> None:
    asha = api.member("Asha", started=True)
    await call(api, "sendMessage", chat_id=asha.id, text="one")
    where = {"chat_id": asha.id, "message_id": 1}
    assert (await call(api, "editMessageText", **where, text="two"))["edit_date"] == int(clock.now)
    clock.advance(5)
    assert "not modified" in (await call(api, "editMessageText", **where, text="two"))["description"]
    api.loses()
    await call(api, "editMessageText", **where, text="three")
    api.loses()
    await call(api, "deleteMessage", **where)
    assert asha.chat.texts == ["two"]
