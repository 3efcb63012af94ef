"""What a server that is started by hand knows of where it is reached."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from msgspec import structs

from kikao import App, Chat, Flows
from kikao.channels.telegram.emulator import BotApi
from kikao.cli.served import address, of_app, reached
from kikao.cli.serving import announce
from kikao.config import load


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://0.0.0.0:8000", "http://127.0.0.1:8000"),
        ("http://[::]:8000", "http://[::1]:8000"),
    ],
)
def test_links_in_simulated_chats_lead_to_this_machine(tmp_path: Path, url: str, public: str) -> None:
    assert reached(load({}, tmp_path), url).public_url == public


@pytest.mark.parametrize(
    "environ",
    [
        {"KIKAO_SIMULATOR": "off"},
        BotApi().environment(),
    ],
)
def test_beside_a_real_bot_too_a_secret_has_its_page_and_the_start_says_for_whom(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    own = reached(load(environ, tmp_path), "http://127.0.0.1:8000")
    assert "public address: http://127.0.0.1:8000: links in chats open on this machine only" in own.describe()


def test_an_address_that_is_set_stays_and_in_production_none_is_made_up(tmp_path: Path) -> None:
    own = load({"KIKAO_PUBLIC_URL": "https://chat.example"}, tmp_path)
    assert reached(own, "http://127.0.0.1:8000") == own
    assert "public address: https://chat.example" in own.describe()
    production = structs.replace(load({}, tmp_path), env="production")
    assert reached(production, "http://127.0.0.1:8000") == production


def test_where_a_socket_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        assert address(door) == f"http://127.0.0.1:{door.getsockname()[1]}"


def test_a_channel_without_a_line_is_told_at_the_start(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        await chat.end("Hello")

    app = App(flows, entry="hello", channels=["ussd", "telegram", "sms"], members=False)
    what = of_app(app, load(BotApi().environment(), tmp_path))
    assert what.lacking == ("sms",)
    announce(what.settings, what.order, "http://localhost:8000", welcome=False, lacking=what.lacking)
    assert "  sms: the app is meant for it, and the settings have no line" in capsys.readouterr().out
