"""What a bot does at the start: it learns its name, and its webhook is set where there is none."""

from __future__ import annotations

import msgspec
import pytest

from kikao.channels.calling import Answer, Call
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import TAKEN, Received, Served, Site
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.bot import Bot
from kikao.channels.telegram.commands import menus
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.telegram.introducing import FIRST, LONGEST, Introduction
from kikao.channels.telegram.polling import LOOK
from kikao.config import Hidden
from kikao.i18n import Catalogs
from kikao.i18n.messages import t
from tests.channels.telegram.rig import SECRET, TOKEN

HERE = "https://chat.example.com"


async def take(received: Received) -> Response:
    return TAKEN


class Start:
    """A bot that starts, and what it says; `leads` is where its webhook leads already."""

    def __init__(self, leads: str = "") -> None:
        self.api = BotApi(TOKEN)
        self.leads = leads
        self.told: list[str] = []
        self.waits: list[float] = []
        self.mine_after = 0

    async def run(self, *, secret: str = SECRET, public_url: str = HERE) -> Bot:
        bot = Bot("bot-api")
        site = Site(make=self._make, take=take, mine=self._mine, tell=self.told.append, public_url=public_url)
        api = Api(self._make, "https://api.telegram.example", Hidden(TOKEN.encode()))
        hidden = Hidden(secret.encode()) if secret else None
        await Introduction(api, bot, None, site, hidden, "/telegram", pause=self._pause).run()
        return bot

    def _mine(self) -> bool:
        self.mine_after -= 1
        return self.mine_after < 0

    async def _pause(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def _make(self, call: Call) -> Answer:
        answer = await self.api(call)
        if call.url.reveal().endswith(b"/getWebhookInfo") and answer.status == 200:
            said = {"ok": True, "result": {"url": self.leads}}
            return Answer(200, (), msgspec.json.encode(said))
        return answer


async def test_it_learns_its_name_and_sets_a_webhook_where_there_is_none() -> None:
    start = Start()
    bot = await start.run()
    assert (bot.username, bot.id, bot.link("x")) == (
        "kikao_bot",
        7000000001,
        "https://t.me/kikao_bot?start=x",
    )
    assert (start.api.path, start.api.secret) == ("/telegram", SECRET)
    assert start.api.allowed == {"message", "callback_query", "my_chat_member"}
    assert start.told == ["the webhook is set: Telegram brings updates here"]


@pytest.mark.parametrize(
    ("leads", "public_url", "told"),
    [
        (f"{HERE}/telegram", HERE, []),
        (f"{HERE}/telegram", "", []),
        (
            "https://user:pass@other.example:8443/secret-path",
            HERE,
            [
                "no updates: Telegram brings them to https://other.example:8443. "
                "To have them here: kikao telegram webhook set --bot bot-api"
            ],
        ),
        (
            "",
            "",
            [
                "no updates: there is no webhook. "
                "Set KIKAO_PUBLIC_URL, then: kikao telegram webhook set --bot bot-api"
            ],
        ),
    ],
)
async def test_a_webhook_that_leads_elsewhere_is_left_alone(
    leads: str, public_url: str, told: list[str]
) -> None:
    start = Start(leads)
    await start.run(public_url=public_url)
    assert start.told == told
    assert "setWebhook" not in start.api.by_method


async def test_what_fails_is_tried_again_later_and_later() -> None:
    start = Start()
    start.api.fails(10)
    await start.run(secret="")
    assert start.waits == [FIRST * 2**power for power in range(9)] + [LONGEST]
    assert start.told == ["Telegram does not say what the bot is called: HTTP 503: Telegram has a problem"]


async def test_what_one_process_does_the_others_leave() -> None:
    start = Start()
    start.mine_after = 3
    await start.run()
    assert start.waits == [LOOK] * 3


def test_a_menu_in_each_language() -> None:
    translate = Catalogs(default="en").translate
    app = Served(translate, ("en", "sw-TZ", "x-klingon"), {f"c{n}": t("Back") for n in range(120)}, "member")
    found = menus(app)
    assert found.keys() == {"", "en", "sw"}
    assert {len(menu) for menu in found.values()} == {100}
    assert found["sw"][0].command == "c0"
    named = Served(translate, ("en",), {"pay": "x" * 300, "empty": ""}, "member")
    (pay, empty) = menus(named)[""]
    assert (len(pay.description), empty.description) == (256, "empty")


def test_a_bot_without_a_name_has_no_link() -> None:
    bot = Bot("bot-api")
    assert bot.link("x") == ""
    assert not bot.is_called("")
    assert bot.translate("sw")(t("Back")) == "Back"
