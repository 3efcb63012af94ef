"""Lines that are played: which there are, with keys that nobody has, beside real ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.app import App
from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import Response
from kikao.channels.chat.lines import lines
from kikao.channels.line import Posted
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.registry import SLUGS
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.config import Hidden, Settings, load
from kikao.console.simulator import PlayedLines
from kikao.console.simulator.chats.endpoints import chat_endpoints
from kikao.console.simulator.chats.phone import ChatPhone
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.clock import Clock
from tests.console.chats.table import ChatTable
from tests.console.table import Table
from tests.testing.shop import an_app

REAL = BotApi("7999999999:a-real-bot-with-members-of-its-own", "a-real-secret-of-a-webhook")
BUSINESS = CloudApi(phone_number_id="104520000000099")
BOTH = ("ussd", "whatsapp", "telegram")


def settings(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    (tmp_path / "kikao.toml").write_text(text, encoding="utf-8")
    return load(environ, tmp_path, gateways=SLUGS, makes_keys=True)


def test_those_that_the_app_is_meant_for(tmp_path: Path) -> None:
    own = settings(tmp_path)
    assert PlayedLines(own, ("ussd",), Clock()).settings == own
    played = PlayedLines(own, BOTH, Clock())
    assert list(lines(played.settings)) == ["whatsapp/cloud-api", "telegram/bot-api", "sms/africastalking"]
    assert {name: line.path for name, line in played.played.items()} == {
        "whatsapp": "/whatsapp",
        "telegram": "/telegram",
    }


def test_both_where_links_lead_to_this_server(tmp_path: Path) -> None:
    own = settings(tmp_path, KIKAO_PUBLIC_URL="http://127.0.0.1:8000")
    assert list(PlayedLines(own, ("ussd",), Clock()).played) == ["whatsapp", "telegram"]


def test_their_keys_are_new_in_each_process(tmp_path: Path) -> None:
    own = settings(tmp_path)
    one, other = (PlayedLines(own, BOTH, Clock()).played for _ in range(2))
    for channel in ("whatsapp", "telegram"):
        assert not set(one[channel].keys) & set(other[channel].keys)


def test_beside_a_real_bot_there_is_another(tmp_path: Path) -> None:
    own = settings(tmp_path, **REAL.environment())
    played = PlayedLines(own, ("ussd",), Clock())
    assert list(played.settings.telegram) == ["bot-api", "simulated"]
    assert played.settings.telegram["bot-api"] == own.telegram["bot-api"]
    assert (list(played.played), played.played["telegram"].path) == (["telegram"], "/telegram/simulated")


def test_those_of_the_settings_where_these_say_which(tmp_path: Path) -> None:
    table = '[[simulator.endpoints]]\nname = "Wallet"\nchannel = "telegram"\ncolour = "#102030"\n'
    own = settings(tmp_path, table)
    played = PlayedLines(own, BOTH, Clock())
    (endpoint,) = chat_endpoints(own, played.played, {"wallet"}).values()
    assert (endpoint.id, endpoint.of.gateway, endpoint.of.icon) == ("wallet-2", "bot-api", "plane")
    assert (endpoint.view.channel, endpoint.view.path, endpoint.view.colour) == (
        "telegram",
        "/telegram",
        "#102030",
    )


async def test_a_simulated_member_never_reaches_the_real_provider(tmp_path: Path) -> None:
    own = settings(tmp_path, **REAL.environment(), **BUSINESS.environment())
    played = PlayedLines(own, (), Clock())
    reached: list[Call] = []

    async def real(call: Call) -> Answer:
        reached.append(call)
        return Answer(200)

    for channel, call in (
        ("telegram", '{{"chat_id": {0}, "text": "hello"}}'),
        ("whatsapp", '{{"messaging_product": "whatsapp", "to": "{0}", "text": {{"body": "hello"}}}}'),
    ):
        (endpoint,) = (
            each for each in chat_endpoints(own, played.played, ()).values() if each.of.channel == channel
        )
        phone = ChatPhone(endpoint, "+256772000001")
        gateway = next(each for each in lines(played.settings).values() if each.channel == channel)
        url = Hidden(
            b"https://api.example/bot1:x/sendMessage" if channel == "telegram" else b"https://x/v/1/messages"
        )
        headers = (("Content-Type", "application/json"), ("Authorization", "Bearer x"))
        make = played.beside(gateway, real)
        phone.member.wrote = {endpoint.played.api.numbers[0].id: Clock()()} if channel == "whatsapp" else {}  # type: ignore[union-attr]
        answer = await make(Call(url, headers, call.format(phone.identity).encode()))
        assert (answer.status, reached) == (200, [])
        assert phone.member.chat.texts == ["hello"]
        assert (await make(Call(url, headers, call.format("256772999999").encode()))).status == 200
        assert len(reached) == 1
        reached.clear()
        phone.forget()
        await make(Call(url, headers, call.format(phone.identity).encode()))
        assert len(reached) == 1
        reached.clear()
    await played.close()


async def test_what_is_not_played_is_not_touched(tmp_path: Path) -> None:
    played = PlayedLines(settings(tmp_path, **REAL.environment()), (), Clock())
    business = PlayedLines(settings(tmp_path, **BUSINESS.environment()), (), Clock())
    gateway = lines(business.settings)["whatsapp/cloud-api"]
    real: Make = BUSINESS
    assert played.plays(gateway) is None
    assert played.beside(gateway, real) is real


async def test_a_provider_that_says_nothing(tmp_path: Path) -> None:
    played = PlayedLines(settings(tmp_path), BOTH, Clock()).played["telegram"]
    played.feels("silent")
    with pytest.raises(Unanswered):
        await played.make(Call(Hidden(f"https://x/bot{played.api.token}/getMe".encode()), (), b""))
    played.feels("busy")
    answer = await played.make(Call(Hidden(f"https://x/bot{played.api.token}/getMe".encode()), (), b""))
    assert answer.status == 429
    await played.close()


async def test_webhooks_wait_until_there_is_a_server(tmp_path: Path) -> None:
    lines_ = PlayedLines(settings(tmp_path), ("telegram",), Clock())
    played = lines_.played["telegram"]
    (endpoint,) = chat_endpoints(lines_.settings, lines_.played, ()).values()
    phone = ChatPhone(endpoint, "+256772000001")
    await phone.write("hello", secret=False)
    assert played.view.held == 1
    got: list[Posted] = []

    async def through(posted: Posted) -> Response:
        got.append(posted)
        return Response(200, (), b"")

    async def push() -> None:
        pass

    lines_.connect(through, push)
    await played.api.deliveries.release()
    await lines_.settle()
    assert ([posted.path for posted in got], played.view.held) == (["/telegram"], 0)
    assert phone.view.changes not in (0, None)


async def test_an_app_for_ussd_alone_has_none(tmp_path: Path) -> None:
    app: App = an_app()
    async with app.serving(settings(tmp_path), store=MemoryStore(), background=False) as server:
        assert dict(server.lines) == {}


async def test_an_sms_shows_on_every_phone_of_its_number_alone(table: ChatTable, server: Server) -> None:
    chat, phone = await table.chat(number="+256772000009"), await table.phone(number="+256772000009")
    other = await table.phone(number="+256772000008")
    await server.messages.send("key", "+256772000009", "Your code is 123456.", over="sms")
    await server.dispatcher.once()
    await server.push()
    texts = {one["id"]: one["texts"] for one in await table.get("/phones")}
    assert (texts[chat.id], texts[phone.id], texts[other.id]) == (
        ["Your code is 123456."],
        ["Your code is 123456."],
        [],
    )


def test_an_account_of_the_settings_is_not_played(tmp_path: Path) -> None:
    account = {
        "KIKAO_SMS_AFRICASTALKING_USERNAME": "sandbox",
        "KIKAO_SMS_AFRICASTALKING_API_KEY": "atsk_of_ours",
    }
    own = settings(tmp_path, **account)
    played = PlayedLines(own, BOTH, Clock())
    assert played.settings.sms == own.sms
    assert played.plays(lines(played.settings)["sms/africastalking"]) is None


async def test_what_a_real_account_sends_to_a_phone_on_the_table_stays_there(tmp_path: Path) -> None:
    account = {
        "KIKAO_SMS_AFRICASTALKING_USERNAME": "sandbox",
        "KIKAO_SMS_AFRICASTALKING_API_KEY": "atsk_of_ours",
        "KIKAO_SMS_AFRICASTALKING_API_URL": "http://127.0.0.1:9",  # where nobody answers
    }

    async def states(server: Server) -> dict[str, str]:
        await server.push()
        return {message.id.hex(): message.state async for message in server.sessions.store.messages()}

    async with an_app().serving(
        settings(tmp_path, **account), store=MemoryStore(), background=False
    ) as server:
        table = Table(server)
        phone = await table.phone(number="+256772000009")
        send = server.messages.send
        here = await send("here", "+256772000009", "To the table.", over="sms")
        away = await send("away", "+256772000008", "To somebody real.", over="sms")
        assert await states(server) == {here: "sent", away: "waiting"}
        (shown,) = await table.get("/phones")
        assert shown["texts"] == ["To the table."]
        assert server.simulator is not None
        server.simulator.remove(phone.id)
        again = await send("again", "+256772000009", "To whoever has it.", over="sms")
        assert (await states(server))[again] == "waiting"
