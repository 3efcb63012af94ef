"""Long polling: updates are fetched, confirmed once they are dealt with, and fetched again until then."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import TAKEN, Received, Site
from kikao.channels.refusals import AGAIN
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.bot import Bot
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.telegram.polling import FIRST, GIVEN_UP, LONGEST, LOOK, Polling
from kikao.channels.telegram.receiving import acknowledged
from kikao.config import Hidden
from kikao.testing import Clock
from tests.channels.telegram.rig import TOKEN, talking
from tests.channels.telegram.test_conversation import app
from tests.waiting import until


class Desk:
    """A bot that is polled for, and what becomes of its updates."""

    def __init__(self) -> None:
        self.api = BotApi(TOKEN, clock=Clock(), chance=random.Random(1))
        self.api.polled = True
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.took: list[str] = []
        self.answers: dict[str, Response] = {}
        self.told: list[str] = []
        self.is_mine = True
        self.bot = Bot("bot-api", 7000000001, "kikao_bot")
        site = Site(make=self._make, take=self.take, mine=lambda: self.is_mine, tell=self.told.append)
        self.polling = Polling(
            Api(self._make, "https://api.telegram.example", Hidden(TOKEN.encode())), self.bot, site
        )

    async def _make(self, call: Call) -> Answer:
        said = json.loads(call.body)
        self.calls.append((call.url.reveal().decode().rpartition("/")[2], dict(said)))
        said.pop("timeout", None)  # nobody waits here
        return await self.api(Call(call.url, call.headers, json.dumps(said).encode()))

    async def take(self, received: Received) -> Response:
        for inbound in received.inbounds:
            said = inbound.text.reveal()
            self.took.append(said)
            return self.answers.get(said, TAKEN)
        return TAKEN

    def offsets(self) -> list[int | None]:
        return [said.get("offset") for name, said in self.calls if name == "getUpdates"]


@pytest.fixture
def desk() -> Desk:
    return Desk()


async def test_what_is_dealt_with_is_confirmed_by_the_next_question(desk: Desk) -> None:
    asha, brian = desk.api.member("Asha"), desk.api.member("Brian")
    for member, text in ((asha, "one"), (brian, "two"), (asha, "three")):
        await member.write(text)
    assert await desk.polling.once() == 0.0
    assert sorted(desk.took) == ["one", "three", "two"]
    assert desk.took.index("one") < desk.took.index("three")
    await desk.polling.once()
    assert desk.api.updates == []
    assert desk.offsets() == [None, 880000004]
    await desk.polling.once()
    assert desk.offsets()[-1] is None  # a week later ids may begin anywhere
    assert desk.told == ["polls for updates"]


async def test_what_cannot_be_dealt_with_now_comes_again_and_holds_up_nobody_else(desk: Desk) -> None:
    asha, brian = desk.api.member("Asha"), desk.api.member("Brian")
    for member, text in ((asha, "one"), (asha, "two"), (brian, "three")):
        await member.write(text)
    desk.answers["one"] = AGAIN
    assert await desk.polling.once() == FIRST
    assert sorted(desk.took) == ["one", "three"]
    assert await desk.polling.once() == FIRST * 2
    assert desk.took.count("three") == 1
    desk.answers.clear()
    assert await desk.polling.once() == 0.0
    assert desk.took[-2:] == ["one", "two"]
    await desk.polling.once()
    assert desk.api.updates == []


async def test_one_that_fails_again_and_again_while_others_go_well_is_given_up(desk: Desk) -> None:
    asha, brian = desk.api.member("Asha"), desk.api.member("Brian")
    await asha.write("poison")
    desk.answers["poison"] = AGAIN
    for _ in range(GIVEN_UP):
        await brian.write("well")
        await desk.polling.once()
    assert desk.told[-1] == f"update 880000001 is given up: it failed {GIVEN_UP} times"
    await desk.polling.once()
    assert desk.api.updates == []
    assert desk.took.count("poison") == GIVEN_UP


async def test_where_all_fail_nothing_is_given_up(desk: Desk) -> None:
    asha = desk.api.member("Asha")
    await asha.write("one")
    desk.answers["one"] = AGAIN
    waits = [await desk.polling.once() for _ in range(2 * GIVEN_UP)]
    assert waits[-1] == LONGEST
    assert len(desk.api.updates) == 1


async def test_taps_are_acknowledged(desk: Desk) -> None:
    asha = desk.api.member("Asha", started=True)
    body = {
        "chat_id": asha.id,
        "text": "?",
        "reply_markup": {"inline_keyboard": [[{"text": "A", "callback_data": "m:1"}]]},
    }
    await Api(desk.api, "https://x.example", Hidden(TOKEN.encode())).call("sendMessage", body)
    await asha.tap("A")
    query = desk.api.updates[-1]["callback_query"]["id"]
    desk.answers["1"] = acknowledged(query, "Thank you")
    await desk.polling.once()
    assert asha.toasts == ["Thank you"]


async def test_who_does_not_look_after_the_bot_asks_nothing(desk: Desk) -> None:
    desk.is_mine = False
    assert await desk.polling.once() == LOOK
    assert desk.calls == []


async def test_a_webhook_that_is_set_is_left_alone(desk: Desk) -> None:
    desk.api.polled = False
    assert await desk.polling.once() == LONGEST
    assert await desk.polling.once() == LONGEST
    assert [name for name, _ in desk.calls] == ["getWebhookInfo", "getWebhookInfo"]
    assert desk.told == [
        "no updates: Telegram brings them to https://emulated.example. "
        "To poll instead: kikao telegram webhook delete --bot bot-api"
    ]


async def test_another_program_that_polls_is_told_of(desk: Desk) -> None:
    desk.api._polling = True
    await desk.polling.once()
    assert desk.told[-1].startswith("no updates: another program asks for this bot's.")
    desk.api._polling = False
    await desk.polling.once()
    assert desk.told[-1] == "polls for updates"


async def test_telegram_is_away_for_a_while(desk: Desk) -> None:
    desk.api.fails(1)
    assert await desk.polling.once() == FIRST
    assert desk.told == ["Telegram gives no updates: HTTP 503: Telegram has a problem"]
    assert await desk.polling.once() == 0.0
    desk.api.fails(1)
    assert await desk.polling.once() == FIRST
    desk.api.refuses()
    assert await desk.polling.once() == FIRST * 2
    assert desk.told[-1] == "Telegram is not reached: ConnectError"


async def test_it_waits_as_long_as_it_is_told(desk: Desk) -> None:
    await desk.polling.once()
    desk.api.limits(90.0)
    assert await desk.polling.once() == 90.0


async def test_a_conversation_without_a_webhook(tmp_path: Path) -> None:
    async with talking(app, tmp_path, secret="", background=True) as rig:
        rig.api.polled = True
        asha = rig.api.member("Asha")
        await asha.start()
        await until(lambda: asha.chat.heard, "an answer")
        assert asha.chat.last.text == "What would you like?"
        await asha.tap("Tea")
        await until(lambda: not asha.spinning, "the end of the spinning")
    assert "polls for updates" in rig.notes()
    assert rig.api.refused == []
