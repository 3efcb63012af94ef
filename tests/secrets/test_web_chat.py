"""A PIN in a web chat, over a real socket: in the field, as a message, in what is no event, too late; it is nowhere."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import logging
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec
import websockets

from kikao import App, Chat, Done, ErrorCode, Flows, Pin, Refused, Secret, Text, t
from kikao.cli.ending import Ending
from kikao.cli.serving import listen
from kikao.cli.web_server import WebServer
from kikao.config import load
from kikao.events import Event
from kikao.live import Live, anyone
from kikao.live.routes import OWN
from kikao.live.stores.store import Position
from kikao.server import Server
from kikao.sessions.operating import Operator
from kikao.sessions.posting import opened as letter
from kikao.sessions.views import Listing, Named
from tests.secrets.needles import Canary
from tests.secrets.places import files, opened
from tests.secrets.witness import Witness, published
from tests.waiting import PATIENCE

USER: Final = "asha"
PIN: Final = "48915326"
LATE: Final = "59216437"
TYPED: Final = "60327548"
BROKEN: Final = "71438659"

SILENT: Final = logging.getLogger("the client")
SILENT.propagate = False

flows = Flows()


@flows.flow("send", title=t("Send"))
async def send(chat: Chat) -> None:
    name = await chat.ask("name", Text(), t("Whom to?"))

    async def use(pin: Secret, key: str) -> Any:
        return Done("R1") if pin.reveal() == PIN else Refused(ErrorCode.WRONG_SECRET)

    await chat.secret("pin", Pin(8), t("Enter your PIN"), use=use)
    await chat.end(t("Sent to {name}.", name=name))


class Page:
    """A client on a real connection."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._numbers = itertools.count(1)
        self.heard: list[dict[str, Any]] = []
        self.frames: list[str] = []

    async def does(self, event: str, payload: Any) -> dict[str, Any]:
        ref = str(next(self._numbers))
        join = ref if event == "phx_join" else None
        if isinstance(payload, dict) and event != "phx_join":
            payload = {"id": f"{id(self):x}-{ref}", **payload}
        await self._connection.send(json.dumps([join, ref, "chat", event, payload]))
        while True:
            frame = await self._frame()
            if frame[1] == ref:
                return dict(frame[4])

    async def message(self) -> dict[str, Any]:
        """The next that is said to the user."""
        while not self.heard:
            await self._frame()
        return self.heard.pop(0)

    async def _frame(self) -> list[Any]:
        text = await asyncio.wait_for(self._connection.recv(), PATIENCE)
        self.frames.append(text)
        frame: list[Any] = json.loads(text)
        if frame[3] == "message" and not frame[4].get("mine"):
            self.heard.append(frame[4])
        return frame


@contextlib.asynccontextmanager
async def page(server: Server, port: int) -> AsyncIterator[Page]:
    assert server.hub is not None
    token = server.hub.tokens.sign(USER, 600)
    url = f"ws://127.0.0.1:{port}/socket/websocket?vsn=2.0.0&token={token}"
    async with websockets.connect(url, logger=SILENT) as connection:  # what a client logs is its own
        found = Page(connection)
        assert (await found.does("phx_join", {}))["status"] == "ok"
        yield found


async def entered(server: Server, port: int) -> list[str]:
    """All that a member may do with a PIN; the frames that both of their devices got."""
    async with page(server, port) as one, page(server, port) as two:
        await one.does("open", {})
        assert (await one.message())["text"] == "Whom to?"
        await one.does("say", {"text": "Binta"})
        asked = await one.message()
        assert asked["secret"]
        await one.does("say", {"text": TYPED})
        assert "as a message" in (await one.message())["text"]
        assert (await one.does("secret", {"mark": "another", "text": LATE}))["status"] == "ok"
        assert "is over" in (await one.message())["text"]
        for wrong in (
            {"text": BROKEN},
            {"mark": asked["mark"], "text": [BROKEN]},
            {"mark": 1, "text": BROKEN},
        ):
            assert (await one.does("secret", wrong))["response"]["reason"] == "invalid payload"
        assert (await one.does("jump", {"text": BROKEN}))["response"]["reason"] == "unknown event"
        await one.does("secret", {"mark": asked["mark"], "text": LATE})
        asked = await one.message()
        assert "Wrong PIN" in asked["text"]
        assert (await one.does("secret", {"mark": asked["mark"], "text": PIN}))["status"] == "ok"
        assert (await one.message())["text"] == "Sent to Binta."
        await one.does("secret", {"mark": asked["mark"], "text": PIN})  # once more, too late
        await one.message()
        while "Sent to Binta." not in (await two.message())["text"]:
            pass
        frames = one.frames + two.frames
    for broken in (f'["1","1","chat","secret",{{"text":"{BROKEN}"', f'["1",{BROKEN}]'):
        async with page(server, port) as one:
            await one._connection.send(broken)
            await one._connection.wait_closed()
    return frames


async def kept(server: Server) -> AsyncIterator[tuple[str, bytes]]:
    """What the store, the outbox and the stream have, opened, and what operators are shown."""
    assert server.hub is not None
    ring = server.sessions.ring
    async for message in server.sessions.store.messages():
        with contextlib.suppress(Exception):
            yield "outbox", letter(ring, message)
    name = f"chat{OWN}{USER}"
    top = (await server.hub.store.since(name, None)).top
    found = await server.hub.store.since(name, Position(top.epoch, 0))
    assert found.messages
    for _, message_ in found.messages:
        yield "stream", message_
    operator = Operator(server.sessions, server.publish, flow="send")
    async for line in operator.lines(Listing()):
        yield "sessions list", msgspec.json.encode(line)
        async for detail in operator.show(Named(line.key)):
            yield "sessions show", msgspec.json.encode(detail)


async def test_a_pin_in_a_web_chat_is_nowhere_afterwards(tmp_path: Path) -> None:
    canary, events = Canary(), list[Event]()
    for secret in (PIN, LATE, TYPED, BROKEN):
        canary.watch(secret, USER, called=f"PIN {secret}")
    data = tmp_path / "data"
    app = App(flows, entry="send", live=Live(users=anyone), members=False)
    settings = load({"KIKAO_DATA": str(data), "KIKAO_SIMULATOR": "off"}, tmp_path, makes_keys=True)
    on_bus: list[tuple[str, bytes]] = []

    async def listens(server: Server) -> None:
        async with server.bus.subscribe("live") as heard:
            async for each in heard:
                on_bus.append(("bus", getattr(each, "payload", b"")))  # noqa: PERF401 - it never ends

    with Witness() as witness, listen("127.0.0.1", 0) as door:
        async with app.serving(settings, subscribers=[events.append]) as server:
            listening = asyncio.create_task(listens(server))
            answering, ending = asyncio.Event(), Ending()
            web = WebServer(server, ending, answering.set, drain=0.0, last_call=0.0)
            serving = asyncio.create_task(web.serve([door]))
            await answering.wait()
            frames = await entered(server, door.getsockname()[1])
            shown = [each async for each in kept(server)]
            records = [*opened(data / "sessions.db", server.sessions.ring)]
            found = canary.search(files(tmp_path))
            ending.told = signal.SIGTERM
            await serving
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)
    found += canary.search(files(tmp_path))
    found += canary.search([*shown, *records, *on_bus, *witness.said(), *published(events)])
    found += canary.search([("frame", frame.encode()) for frame in frames])
    assert not found, found
    for places in (shown, on_bus, [("frame", frame.encode()) for frame in frames]):
        assert any(b"Binta" in octets for _, octets in places), "was anything searched?"
    searched = {place for place, _ in (*shown, *records, *on_bus)}
    assert searched >= {"state", "reply", "outbox", "stream", "bus", "sessions list", "sessions show"}
