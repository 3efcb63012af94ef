"""An app as an ASGI server sees it: started, asked and stopped; and what it refuses to be made of."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from kikao import App, Chat, Flows, Text
from kikao.events import TurnCommitted
from kikao.testing import Phone, Stage, in_process
from tests.http.asgi import call


def flows() -> Flows:
    made = Flows()

    @made.flow("hello")
    async def hello(chat: Chat) -> None:
        await chat.ask("name", Text(), "Name?")

    return made


def an_app(**options: Any) -> App:
    return App(flows(), entry="hello", members=False, **options)


class Life:
    """What a server that knows ASGI's lifespan hears and says."""

    def __init__(self, app: App) -> None:
        self._heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._running = asyncio.create_task(self._run(app))

    async def says(self, what: str) -> dict[str, Any]:
        """Raises what the app ended with instead of an answer."""
        await self._said.put({"type": f"lifespan.{what}"})
        hears = asyncio.ensure_future(self._heard.get())
        await asyncio.wait((hears, self._running), return_when=asyncio.FIRST_COMPLETED)
        if not hears.done():
            hears.cancel()
            await self._running
        return await hears

    async def _run(self, app: App) -> None:
        await app({"type": "lifespan"}, self._said.get, self._hear)

    async def _hear(self, message: Any) -> None:
        await self._heard.put(message)

    async def over(self) -> None:
        await self._running


@asynccontextmanager
async def living(app: App) -> AsyncIterator[None]:
    life = Life(app)
    assert (await life.says("startup"))["type"] == "lifespan.startup.complete"
    try:
        yield
    finally:
        assert (await life.says("shutdown"))["type"] == "lifespan.shutdown.complete"
        await life.over()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIKAO_STORE", "memory")


async def test_a_server_that_knows_lifespan_starts_asks_and_stops_it() -> None:
    app = an_app()
    async with living(app):
        phone = Phone(in_process(app), "+256772000001")
        assert await phone.dial() == "Name?"
        assert (await call(app, "/healthz")).status == 200  # type: ignore[arg-type]
        said: list[Any] = []

        async def send(message: Any) -> None:
            said.append(message)

        async def receive() -> Any:
            return {"type": "websocket.connect"}

        await app({"type": "websocket", "path": "/socket/websocket"}, receive, send)
        assert said == [{"type": "websocket.close", "code": 1008}]
    with pytest.raises(RuntimeError, match="must support ASGI lifespan"):
        await call(app, "/healthz")  # type: ignore[arg-type]


async def test_why_it_cannot_start_is_told_to_the_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_LOG_EVENTS", "nonsense")
    life = Life(an_app())
    failed = await life.says("startup")
    assert failed["type"] == "lifespan.startup.failed"
    assert failed["message"].startswith("SettingsError: ")
    assert "KIKAO_LOG_EVENTS" in failed["message"]
    await life.over()


async def test_who_is_added_with_on_hears_of_the_app_at_work_too() -> None:
    app, first, then = an_app(), list[object](), list[object]()

    @app.on("turn.*")
    def hears(event: object) -> None:
        first.append(event)

    async with Stage(app) as stage:
        app.on(TurnCommitted, then.append)
        await stage.phone().dial()
    assert [type(event) for event in first] == [type(event) for event in then] == [TurnCommitted]


async def test_an_app_without_a_hook_forgets_nothing_of_its_own() -> None:
    erased: list[object] = []

    async def erase(services: object, msisdns: tuple[str, ...]) -> None:
        erased.append(msisdns)

    await an_app().forget({}, ("+256772000001",))
    assert erased == []
    await an_app(erase=erase).forget({}, ("+256772000001",))
    assert erased == [("+256772000001",)]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"catalogs": "locale"}, "catalogs must be a list of folders: catalogs=\\['locale'\\]"),
        ({"channels": "ussd"}, "channels must be a list: channels=\\['ussd'\\]"),
        ({"channels": ["ussd", "fax"]}, "no such channel: fax. There are: ussd"),
    ],
)
def test_what_it_cannot_be_made_of(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        an_app(**options)
