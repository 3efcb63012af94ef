"""Phones for chats, before any server: what a member does goes out, and the screen is what came for it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from kikao.channels.calling import Call
from kikao.channels.channel import Response
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import Hidden
from kikao.testing import Clock
from kikao.testing.chat_phone import TelegramPhone, WhatsAppPhone

Says = Callable[..., Awaitable[Any]]


class Echo:
    """A server that answers each webhook with the messages that are next."""

    def __init__(self) -> None:
        self.next: list[list[dict[str, Any]]] = []
        self.told: list[dict[str, Any]] = []
        self.say: Says | None = None

    async def __call__(self, exchange: Exchange) -> Response:
        self.told.append(json.loads(exchange.body))
        for message in self.next.pop(0) if self.next else []:
            assert self.say is not None
            await self.say(**message)
        return Response(200, (), b"")


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def telegram(echo: Echo) -> TelegramPhone:
    api = BotApi(clock=Clock(), send=echo)
    member = api.member("Asha", phone="256772000001")

    async def say(method: str = "sendMessage", **given: Any) -> None:
        url = Hidden(f"https://h/bot{api.token}/{method}".encode())
        body = json.dumps({"chat_id": member.id} | given).encode()
        answer = await api(Call(url, (("content-type", "application/json"),), body))
        assert answer.status == 200, answer.body

    echo.say = say
    return TelegramPhone(api, member)


@pytest.fixture
def whatsapp(echo: Echo) -> WhatsAppPhone:
    api = CloudApi(clock=Clock(), send=echo)
    member = api.member("Asha", phone="256772000001")

    async def say(**given: Any) -> None:
        url = Hidden(f"https://h/v23.0/{api.numbers[0].id}/messages".encode())
        body = json.dumps({"messaging_product": "whatsapp", "to": member.phone} | given).encode()
        headers = (("content-type", "application/json"), ("authorization", f"Bearer {api.token}"))
        answer = await api(Call(url, headers, body))
        assert answer.status == 200, answer.body

    echo.say = say
    return WhatsAppPhone(api, member, api.numbers[0])


def keys(*labels: str) -> dict[str, Any]:
    return {"inline_keyboard": [[{"text": label, "callback_data": label} for label in labels]]}


async def test_a_screen_is_what_came_for_the_last_thing(telegram: TelegramPhone, echo: Echo) -> None:
    echo.next = [
        [{"text": "Welcome"}, {"text": "What?", "reply_markup": keys("Tea", "Coffee")}],
        [],
        [{"text": "Size?", "reply_markup": keys("S", "L")}],
    ]
    assert await telegram.start() == "Welcome\n---\nWhat?\n[Tea] [Coffee]"
    telegram.expect("""
        Welcome
        ---
        What?
        [Tea] ...
    """)
    assert telegram.lines[-1] == "[Tea] [Coffee]"
    assert telegram.ended is False
    assert await telegram.write("hm") == ""
    assert await telegram.tap("Tea") == "Size?\n[S] [L]"
    assert telegram.buttons == ["S", "L"]
    with pytest.raises(AssertionError, match="another screen"):
        telegram.expect("Size?")


async def test_a_message_that_is_changed_is_news_where_it_says_something_else(
    telegram: TelegramPhone, echo: Echo
) -> None:
    echo.next = [
        [{"text": "Page 1", "reply_markup": keys("More")}],
        [{"method": "editMessageText", "message_id": 2, "text": "Page 2", "reply_markup": keys("More")}],
        [{"method": "editMessageReplyMarkup", "message_id": 2}, {"text": "Done"}],
    ]
    await telegram.write("list")
    assert await telegram.tap("More") == "Page 2\n[More]"
    assert await telegram.tap("More") == "Done"


async def test_a_note_is_shown_once(telegram: TelegramPhone, echo: Echo) -> None:
    echo.next = [[{"text": "?", "reply_markup": keys("Yes")}]]
    await telegram.write("hi")
    telegram.member.toasts.append("Saved")
    assert await telegram.tap("Yes") == "(note: Saved)"
    assert await telegram.tap("Yes") == ""


async def test_a_button_of_an_old_screen(telegram: TelegramPhone, echo: Echo) -> None:
    echo.next = [
        [{"text": "1", "reply_markup": keys("Yes", "No")}],
        [{"text": "2", "reply_markup": keys("Yes")}, {"text": "3"}],
    ]
    await telegram.write("hi")
    await telegram.write("hi")
    await telegram.tap_old("No")
    await telegram.tap_old("Yes")
    asked = [each["callback_query"]["message"]["text"] for each in echo.told[2:]]
    assert asked == ["1", "2"]
    with pytest.raises(LookupError, match="no older message has a button 'Maybe'"):
        await telegram.tap_old("Maybe")


async def test_the_provider_delivers_once_more(telegram: TelegramPhone, echo: Echo) -> None:
    with pytest.raises(AssertionError, match="has done 0 things"):
        await telegram.again()
    await telegram.reply("one", "two")
    echo.next = [[{"text": "again"}]]
    assert await telegram.again(1) == "again"
    assert echo.told[2] == echo.told[0]


async def test_what_comes_by_itself(telegram: TelegramPhone, echo: Echo) -> None:
    echo.next = [[{"text": "Wait"}]]
    await telegram.write("go")
    assert await telegram.listen() == "Wait"
    assert echo.say is not None
    await echo.say(text="Done")
    assert await telegram.listen() == "Done"


async def test_everything_else_on_telegram(telegram: TelegramPhone, echo: Echo) -> None:
    await telegram.share_contact()
    await telegram.share_contact("254722000202")
    await telegram.share_location()
    await telegram.send("voice", caption="x")
    await telegram.write("helo")
    await telegram.edit("hello")
    await telegram.block()
    await telegram.unblock()
    group = telegram.api.group("Savings", telegram.member)
    await telegram.write("hi", group=group)
    group.chat.keyboard = []
    kinds = [next(key for key in each if key != "update_id") for each in echo.told]
    assert kinds == [*["message"] * 5, "edited_message", "my_chat_member", "my_chat_member", "message"]
    assert echo.told[1]["message"]["contact"]["phone_number"] == "254722000202"


async def test_a_screen_in_a_group_is_the_groups(telegram: TelegramPhone, echo: Echo) -> None:
    group = telegram.api.group("Savings", telegram.member)
    telegram.member.started = True
    echo.next = [[{"text": "All?", "chat_id": group.id, "reply_markup": keys("Yes")}], [{"text": "Just you"}]]
    assert await telegram.write("/vote", group=group) == "All?\n[Yes]"
    assert await telegram.tap_in(group, "Yes") == ""
    assert await telegram.listen() == "Just you"


async def test_everything_on_whatsapp(whatsapp: WhatsAppPhone, echo: Echo) -> None:
    action = {"buttons": [{"type": "reply", "reply": {"id": "y", "title": "Yes"}}]}
    interactive = {"type": "button", "body": {"text": "Sure?"}, "action": action}
    echo.next = [[{"text": {"body": "Hi"}}, {"type": "interactive", "interactive": interactive}]]
    assert await whatsapp.start() == "Hi\n---\nSure?\n[Yes]"
    await whatsapp.tap("Yes")
    await whatsapp.share_contact()
    await whatsapp.share_location()
    await whatsapp.send("photo", caption="x")
    await whatsapp.start("invite")
    await whatsapp.edit("invited")
    await whatsapp.block()
    assert whatsapp.member.blocked
    await whatsapp.unblock()
    assert await whatsapp.again() == ""
    values = [entry["changes"][0]["value"] for each in echo.told for entry in each["entry"]]
    kinds = [value["messages"][0]["type"] for value in values if "messages" in value]
    assert kinds == ["text", "interactive", "contacts", "location", "image", "text", "edit", "edit"]
    assert whatsapp.chat is whatsapp.member.chat
