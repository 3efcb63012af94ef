"""`kikao telegram webhook`, against an emulated Bot API over HTTP."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
import uvicorn
from click.testing import CliRunner, Result

from kikao.channels.telegram.emulator import BotApi
from kikao.cli.main import main
from tests.waiting import blocked_until

TOKEN: Final = "7000000001:test-AbCdEfGhIjKlMnOpQrStUvWxYz01234567"
SECRET: Final = "hook-secret-AbCdEfGhIjKlMnOpQrStUvWxYz"

Run = Callable[..., Result]


@contextlib.contextmanager
def listening(api: BotApi) -> Iterator[str]:
    """The address of a Bot API on this machine."""
    config = uvicorn.Config(api.application, port=0, ws="none", lifespan="off", log_level="critical")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        blocked_until(lambda: server.started, "the Bot API")
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def api() -> BotApi:
    return BotApi(TOKEN)


@pytest.fixture(scope="module")
def url(api: BotApi) -> Iterator[str]:
    with listening(api) as found:
        yield found


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)

    def command(*words: str, **settings: str) -> Result:
        env = {"KIKAO_TELEGRAM_TOKEN": TOKEN, "KIKAO_TELEGRAM_API_URL": url, **settings}
        return CliRunner().invoke(main, ["telegram", "webhook", *words], env=env)

    return command


def test_a_webhook_is_set_shown_and_deleted(run: Run, api: BotApi) -> None:
    done = run("set", KIKAO_TELEGRAM_SECRET=SECRET, KIKAO_PUBLIC_URL="https://chat.example.com/eu")
    assert done.output == "Telegram brings the updates of bot-api to https://chat.example.com/eu/telegram\n"
    assert (api.path, api.secret, api.polled) == ("/eu/telegram", SECRET, False)
    assert run("show").output == "webhook: https://emulated.example\nwaiting: 0\n"
    assert run("delete").output == "bot-api has no webhook: its updates wait until they are polled for\n"
    assert api.polled
    assert run("show").output == "webhook: none, updates are polled for\nwaiting: 0\n"


@pytest.mark.parametrize(
    ("words", "settings", "why"),
    [
        (("set",), {}, "KIKAO_TELEGRAM_SECRET: missing"),
        (("set",), {"KIKAO_TELEGRAM_SECRET": SECRET}, "KIKAO_PUBLIC_URL: missing"),
        (("show", "--bot", "shop"), {}, "the settings have no bot called shop. They have bot-api"),
        (("show",), {"KIKAO_TELEGRAM_TOKEN": f"{TOKEN}9"}, "does not take getWebhookInfo: HTTP 401"),
        (
            ("show",),
            {"KIKAO_TELEGRAM_API_URL": "http://127.0.0.1:1"},
            "Telegram is not reached: ConnectError",
        ),
    ],
)
def test_what_keeps_it_from_being_done(
    run: Run, words: tuple[str, ...], settings: dict[str, str], why: str
) -> None:
    done = run(*words, **settings)
    assert done.exit_code == 2
    assert why in done.output
    assert TOKEN not in done.output
    assert SECRET not in done.output
