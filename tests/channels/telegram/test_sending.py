"""What members see of messages: keyboards, pages in place, keys that share; and who may bring updates."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Shortcut
from kikao.channels.channel import Request
from kikao.channels.chat.message import Choice, Link, Message, Parcel
from kikao.channels.edge import Denied
from kikao.channels.inbound import Chatted, Inbound
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.calls import edited, sent
from kikao.channels.telegram.gateway import TelegramEntrance, TelegramGateway
from kikao.config import Hidden
from kikao.config.settings import TelegramSettings
from kikao.conversation.answers import Location
from kikao.conversation.own_number import OwnNumber
from kikao.conversation.secrets import Secret
from kikao.i18n import t
from tests.channels.telegram.rig import SECRET, TOKEN, talking

flows = Flows()


@flows.flow("wares", title=t("Wares"))
async def wares(chat: Chat) -> None:
    goods = [f"Ware {number}" for number in range(1, 72)]
    await chat.choose("ware", t("Which?"), goods)
    where = await chat.ask("where", Location(), t("Where?"))
    await chat.choose("sure", t("At {lat}?", lat=str(where.latitude)), {"yes": t("Yes")})
    number = await chat.ask("number", OwnNumber(), t("Your number?"))
    await chat.end(t("Thank you, {number}.", number=number.number))


app = App(
    flows,
    entry="wares",
    members=False,
    channels=("telegram",),
    shortcuts={"wares": Shortcut("wares", "ware")},
    locales={"en": "English", "sw": "Kiswahili"},
)


async def test_pages_turn_in_place_and_an_old_button_says_so(tmp_path: Path) -> None:
    async with talking(app, tmp_path) as rig:
        asha = rig.api.member("Asha")
        (asked,) = await asha.start()
        assert "Ware 30" in asked.text
        assert "Ware 31" not in asked.text
        (turned,) = await asha.tap("More")
        assert turned.id == asked.id
        assert "Ware 31" in turned.text
        old = turned.rows[0][0].value
        asha.chat.last.deleted = True
        (anew,) = await asha.tap("More", of=turned)
        assert anew.id != asked.id
        assert "Ware 71" in anew.text
        assert rig.api.refused[0].code == 400
        (where,) = await asha.write("71")
        assert where.text == "Where?"
        assert old
        (again,) = await asha.tap("Back", of=anew)
        assert again.text.endswith("Where?")
        assert asha.toasts == ["That button is of an older message."]
        assert asha.spinning == set()


async def test_keys_share_what_is_wanted_and_go_again(tmp_path: Path) -> None:
    async with talking(app, tmp_path) as rig:
        asha = rig.api.member("Asha", phone="256772000001")
        (asked,) = await asha.start("wares_5")
        assert (asked.text, asha.chat.keyboard[0][0].label) == ("Where?", "Share my location")
        cleared, asked = await asha.share_location(0.5, 32.25)
        assert cleared.text == "✓"
        assert asha.chat.keyboard == []
        assert asked.text == "At 0.5?"
        (asked,) = await asha.tap("Yes")
        assert asha.chat.keyboard[0][0].label == "Share my number"
        (told,) = await asha.share_contact()
        assert told.text.startswith("Thank you, +256772000001")
        assert asha.chat.keyboard == []
        assert rig.api.refused == []
        assert rig.api.ignored == set()


async def test_commands_are_offered_in_each_language_once(tmp_path: Path) -> None:
    async with talking(app, tmp_path, username="") as rig:
        gateway = rig.server.lines["telegram/bot-api"]
        assert isinstance(gateway, TelegramGateway)
        await rig.server.start()
        for _ in range(200):
            if len(rig.api.commands) == 3 and gateway.bot.username:
                break
            await asyncio.sleep(0.005)
        assert rig.api.commands["default", "sw"] == [{"command": "wares", "description": "Wares"}]
        assert rig.api.commands.keys() == {("default", ""), ("default", "en"), ("default", "sw")}
        assert (gateway.bot.username, gateway.bot.id) == ("kikao_bot", 7000000001)


def parcel(message: Message, **more: Any) -> Parcel:
    return Parcel(**{"to": "4711", "message": message, "until": 1.0, "mark": "m", **more})


def test_short_labels_stand_side_by_side() -> None:
    labels = ["Yes", "No", "Something that is longer", "Back", "Home"]
    choices = tuple(Choice(str(place), label) for place, label in enumerate(labels, 1))
    found = sent(parcel(Message("?", choices, "buttons", link=Link("Open", "https://x.example"))))
    rows = [[button["text"] for button in row] for row in found["reply_markup"]["inline_keyboard"]]
    assert rows == [["Open"], ["Yes", "No"], ["Something that is longer"], ["Back", "Home"]]
    assert found["link_preview_options"] == {"is_disabled": True}
    assert "parse_mode" not in found


def test_in_a_topic_of_a_group() -> None:
    message = Message("?", (Choice("1", "Yes"),), "buttons")
    found = sent(parcel(message, to="-1001/7", owner="4711", answers="5"))
    assert (found["chat_id"], found["message_thread_id"]) == (-1001, 7)
    assert found["reply_parameters"] == {"message_id": 5, "allow_sending_without_reply": True}
    assert found["reply_markup"]["inline_keyboard"][0][0]["callback_data"] == "m:1@4711"
    asked = sent(parcel(Message("?"), to="-1001", owner="4711", answers="5"))
    assert asked["reply_markup"] == {"force_reply": True, "selective": True}
    assert edited(parcel(message, replaces="9"))["message_id"] == 9


@pytest.fixture
def gateway() -> TelegramGateway:
    return TelegramGateway(
        "shop", TelegramSettings(token=Hidden(TOKEN.encode()), secret=Hidden(SECRET.encode()))
    )


def inbound(**chat: Any) -> Inbound:
    return Inbound("telegram", "shop", "4711", "reply", Secret("x"), chat=Chatted(**chat))


def test_what_a_button_cannot_send_is_typed(gateway: TelegramGateway) -> None:
    page = Message("?", (Choice("k" * 60, "Yes"),), "buttons")
    (body,) = gateway.pushed(inbound(), page, ends=False, until=1.0, mark="12345678")
    assert Parcel.read(body).message == Message(f"?\n{'k' * 60} Yes")


def test_a_long_text_has_its_buttons_at_the_end(gateway: TelegramGateway) -> None:
    page = Message("😀" * 3000, (Choice("1", "Yes"),), "buttons", clears=True)
    bodies = gateway.pushed(inbound(), page, ends=False, until=1.0, mark="m", over="9")
    first, last = (Parcel.read(body) for body in bodies)
    assert (len(first.message.text), len(last.message.text)) == (2048, 952)
    assert (first.message.choices, last.message.choices) == ((), page.choices)
    assert first.message.clears
    assert (first.replaces, last.replaces) == ("", "")


@pytest.mark.parametrize(
    ("secret", "shown"), [(SECRET, ""), (SECRET, "other"), (SECRET, f"{SECRET}é"), (None, ""), (None, SECRET)]
)
def test_who_does_not_show_the_secret_is_not_let_in(secret: str | None, shown: str) -> None:
    of = TelegramSettings(token=Hidden(TOKEN.encode()), secret=Hidden(secret.encode()) if secret else None)
    door = TelegramEntrance(TelegramGateway("shop", of))
    headers = {"x-telegram-bot-api-secret-token": shown} if shown else {}
    request = Request("POST", "/telegram/shop", b"", headers, b"no json")
    with pytest.raises(Denied) as denied:
        door.verify(request)
    assert denied.value.response.body == b"forbidden\n"
    assert SECRET not in str(denied.value)


def test_who_shows_it_is(gateway: TelegramGateway) -> None:
    door = TelegramEntrance(gateway)
    request = Request("POST", "/telegram/shop", b"", {"x-telegram-bot-api-secret-token": SECRET}, b"{}")
    door.verify(request)
    assert door.greet(request) is None


async def test_what_should_not_stay_can_be_taken_away(tmp_path: Path) -> None:
    async with talking(app, tmp_path) as rig:
        asha = rig.api.member("Asha")
        (asked,) = await asha.start()
        api = Api(rig.api, "https://api.telegram.example", Hidden(TOKEN.encode()))
        assert await api.delete(str(asha.id), asked.id)
        assert asked.deleted
        assert TOKEN not in repr(api)


async def test_blocked_is_dead_at_once_and_a_crowd_waits_for_as_long_as_it_is_told(tmp_path: Path) -> None:
    async with talking(app, tmp_path) as rig:
        asha, brian = rig.api.member("Asha"), rig.api.member("Brian")
        asha.blocked = True
        await asha.start()
        assert [json.loads(json.dumps(each.code)) for each in rig.api.refused] == [403]
        rig.api.limits(30.0)
        await brian.start()
        assert brian.chat.heard == []
        rig.clock.advance(31.0)
        await rig.server.push()
        assert len(brian.chat.heard) == 1
