"""What a bot calls is checked as Telegram would: what is refused, in its words, and what is taken."""

from typing import Any

import pytest

from kikao.channels.calling import Call
from kikao.channels.telegram.emulator import BotApi
from kikao.config import Hidden
from kikao.testing import Clock
from tests.channels.telegram.emulated.bot import Bot, asked, call, keys
from tests.channels.telegram.rig import TOKEN

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


# --- what is taken ---


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
