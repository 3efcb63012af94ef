"""Web chats on the simulator's table, in this process: the sockets that the page opens, and what is shown of them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from kikao import App
from kikao.channels.socket.tokens import BadToken, Fault
from kikao.config import Settings
from kikao.console.simulator.web.face import WebFace
from kikao.console.simulator.web.tokens import MintedTokens
from kikao.testing import Stage
from tests.console.simulator.apps import settings
from tests.console.table import Table
from tests.digits import stands_in
from tests.live.inside import InsideSocket
from tests.live.shop_app import app as shop
from tests.testing.shop import an_app

USER = "asha"
PIN = "7359"
SOCKET = "/socket/websocket"


class Browser:
    """A web chat on the table, with its socket."""

    def __init__(self, table: Table, stage: Stage, id_: str) -> None:
        self.table = table
        self.stage = stage
        self.id = id_
        self.socket: InsideSocket = None  # type: ignore[assignment]
        self._said = 0

    async def connect(self) -> int:
        token = (await self.table.post(f"/phones/{self.id}/token"))["token"]
        self.socket = InsideSocket(self.stage.server, SOCKET, token)
        return await self.socket.open()

    async def join(self) -> dict[str, Any]:
        assert await self.connect() == 101
        joined = await self.socket.ask("chat", "phx_join")
        assert joined["status"] == "ok"
        return dict(joined["response"])

    async def does(self, event: str, **payload: object) -> Any:
        """Say something, and what the app says to it."""
        self._said += 1
        reply = await self.socket.ask("chat", event, {"id": f"n{self._said}", **payload})
        assert reply == {"status": "ok", "response": {}}, reply
        await self.stage.server.push()
        while True:
            message = await self.socket.until("message")
            if not message.get("mine"):
                return message

    async def look(self, since: int = 0) -> Any:
        return await self.table.get(f"/phones/{self.id}/chat?since={since}")


@contextlib.asynccontextmanager
async def at_table(app: App, **options: Any) -> AsyncIterator[Browser]:
    async with Stage(app, **options) as stage:
        table = Table(stage.server)
        added = await table.post("/phones", endpoint="web-chat", number=USER)
        browser = Browser(table, stage, added["id"])
        yield browser
        if browser.socket is not None and browser.socket.is_open:
            await browser.socket.leave()


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with at_table(shop) as browser:
        yield browser


async def test_an_app_with_live_channels_has_a_web_chat_on_the_table(browser: Browser) -> None:
    setup = await browser.table.get("/setup")
    assert setup["is_live"]
    found = setup["endpoints"][-1]
    assert (found["id"], found["channel"], found["path"]) == ("web-chat", "socket", SOCKET)


async def test_what_is_said_is_seen_as_the_engine_and_the_wire_have_it(browser: Browser) -> None:
    joined = await browser.join()
    assert joined["texts"]["send"] == "Send"
    asked = await browser.does("open")
    assert asked["text"].startswith("What would you like?")
    await browser.does("tap", mark=asked["mark"], key="1")
    seen = await browser.look()
    assert seen["conversation"]["pending"]["key"] == "size#1"
    assert [(each["way"], each["name"], each["status"]) for each in seen["exchanges"]] == [
        ("event", "phx_join", 200),
        ("event", "open", 200),
        ("push", "message", 200),
        ("event", "tap", 200),
        ("push", "message", 200),
        ("push", "message", 200),
    ]
    later = await browser.look(since=5)
    assert [each["n"] for each in later["exchanges"]] == [6]
    assert (await browser.table.get("/phones"))[0]["changes"] == 6
    assert not (await browser.look())["secret"]


async def test_nothing_secret_is_shown_of_the_wire(browser: Browser) -> None:
    await browser.join()
    asked = await browser.does("open")
    pin = await browser.does("tap", mark=asked["mark"], key="3")
    assert pin["secret"]
    assert "Paid." in (await browser.does("secret", mark=pin["mark"], text=PIN))["text"]
    await browser.socket.ask("chat", "token", {"token": "a.secret.token"})
    await browser.socket.ask("chat", "file", {"id": "f1", "name": "a", "data": "QUJD"})
    await browser.socket.ask("chat", "show", {"ref": "nonsense"})
    await browser.socket.ask("phoenix", "heartbeat")
    seen = await browser.look()
    assert seen["exchanges"][-1]["name"] == "show"
    assert [seen["exchanges"][at]["status"] for at in (-1, -3)] == [409, 409]
    said = msgspec.json.encode(seen).decode()
    assert not stands_in(PIN, said)
    for secret in ("a.secret.token", "QUJD"):
        assert secret not in said
    assert "(4 characters)" in said
    assert not browser.table.told(PIN)


async def test_what_is_no_frame_is_passed_on_and_not_written_down(browser: Browser) -> None:
    assert await browser.connect() == 101
    await browser.socket.say("not", "a", "frame")
    assert await browser.socket.frame() is None
    await browser.socket.over()
    assert (await browser.look())["exchanges"] == []


async def test_a_connection_that_breaks_and_a_user_who_logs_out(browser: Browser) -> None:
    path = f"/phones/{browser.id}"
    await browser.table.post(f"{path}/drop")  # nobody is there
    await browser.table.post(f"{path}/connect")
    await browser.join()
    await browser.table.post(f"{path}/drop")
    assert await browser.socket.frame() is None
    assert browser.socket.closed is not None
    assert browser.socket.closed["code"] == 1012
    await browser.socket.over()
    for _ in range(2):  # with the token it had, and with another one
        assert await browser.socket.open() == 403
        assert await browser.connect() == 403
    await browser.table.post(f"{path}/connect")
    assert await browser.socket.open() == 101
    await browser.socket.leave()
    await browser.join()
    token = (await browser.table.post(f"/phones/{browser.id}/token"))["token"]
    await browser.table.post(f"/phones/{browser.id}/log_out")
    assert (await browser.socket.until("session_ended"))["reason"] == "logged_out"
    assert await InsideSocket(browser.stage.server, SOCKET, token).open() == 403
    browser.stage.clock.advance(1)
    assert await browser.connect() == 101


async def test_only_the_line_of_that_phone_is_down(browser: Browser) -> None:
    added = await browser.table.post("/phones", endpoint="web-chat", number=USER)
    other = Browser(browser.table, browser.stage, added["id"])
    await browser.join()
    await other.join()
    await browser.table.post(f"/phones/{other.id}/drop")
    assert await other.socket.frame() is None
    await other.socket.over()
    asked = await browser.does("open")
    await browser.does("tap", mark=asked["mark"], key="1")
    assert await other.connect() == 403
    await browser.table.post(f"/phones/{other.id}/connect")
    assert await other.connect() == 101
    seen = (await other.socket.ask("chat", "phx_join"))["response"]
    assert seen["seq"] == 3
    await other.socket.leave()


async def test_time_that_moves_ends_no_token(browser: Browser) -> None:
    await browser.join()
    asked = await browser.does("open")
    await browser.table.post("/clock", advance=86_400.0)
    assert (await browser.does("open"))["text"] == asked["text"]


async def test_a_phone_that_leaves_takes_its_tokens_along(browser: Browser) -> None:
    token = (await browser.table.post(f"/phones/{browser.id}/token"))["token"]
    await browser.table.ask(f"/api/phones/{browser.id}", {}, method="DELETE")
    assert await InsideSocket(browser.stage.server, SOCKET, token).open() == 403
    assert "no such phone" in await browser.table.error(f"/phones/{browser.id}/token", {}, status=404)


async def test_what_such_a_phone_does_not_do(browser: Browser) -> None:
    path = f"/phones/{browser.id}"
    assert "dials nothing" in await browser.table.error(f"{path}/dial", {}, status=409)
    assert "its own socket" in await browser.table.error(f"{path}/write", {"text": "a"}, status=409)
    assert "since" in await browser.table.error(f"{path}/chat?since=x")
    assert "128" in await browser.table.error("/phones", {"endpoint": "web-chat", "number": "\n"})


async def test_another_language_is_chosen_for_a_user(browser: Browser) -> None:
    await browser.join()
    await browser.does("open")
    assert (await browser.table.post(f"/phones/{browser.id}/language", locale="sw"))["language"] == "sw"
    assert "language" not in await browser.table.transcript()


async def test_an_app_without_live_channels_gets_one_of_the_simulators_own(tmp_path: Path) -> None:
    own = settings(tmp_path, PUBLIC_URL="http://127.0.0.1:8000")
    async with at_table(an_app(), settings=own) as browser:
        assert not (await browser.table.get("/setup"))["is_live"]
        await browser.join()
        assert (await browser.does("open"))["text"]
        assert await InsideSocket(browser.stage.server, SOCKET, "a.b.c").open() == 403


def face(tmp_path: Path, text: str = "", channels: tuple[str, ...] = (), **environ: str) -> WebFace | None:
    return WebFace.of(None, channels, settings(tmp_path, text, **environ), lambda: 0.0)


def test_where_the_simulator_has_one_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    web = '[[simulator.endpoints]]\nname = "Shop"\nchannel = "socket"\n'
    ussd = '[[simulator.endpoints]]\nname = "Line"\ngateway = "nalo"\n'
    assert face(tmp_path) is None
    assert face(tmp_path, channels=("socket",)) is not None
    assert face(tmp_path, PUBLIC_URL="http://127.0.0.1:8000") is not None
    assert face(tmp_path, ussd, PUBLIC_URL="http://127.0.0.1:8000") is None
    own: Settings = settings(tmp_path, web)
    found = face(tmp_path, web)
    assert found is not None
    (endpoint,) = found.endpoints(own, {"shop"}).values()
    assert (endpoint.id, endpoint.view.name, endpoint.view.gateway) == ("shop-2", "Shop", "phoenix")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert face(tmp_path, channels=("socket",)) is None


def test_a_token_that_nobody_minted_opens_nothing() -> None:
    tokens = MintedTokens(lambda: 1.0)
    token = tokens.mint(USER)
    assert tokens.verify(token).user == USER
    assert token not in repr(tokens)
    assert tokens.verify(tokens.sign("binta")).user == "binta"
    with pytest.raises(BadToken) as bad:
        tokens.verify("a.b.c")
    assert bad.value.fault is Fault.MALFORMED
