"""A web chat over sockets: several devices, what is secret, who comes back, and files."""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

import pytest

from kikao import App, Chat, Files, Flows, Media, Pin, Secret, Text
from kikao.channels.channel import Response
from kikao.channels.chat.messages import Messages
from kikao.channels.line import Posted, through
from kikao.channels.media.sealing import PIECE
from kikao.config import load
from kikao.conversation.attached import Attached
from kikao.conversation.outcomes import Done
from kikao.events import ErrorUncaught, Event
from kikao.i18n import t
from kikao.live import Live, anyone
from kikao.live.chat import forget
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing.samples import sample
from tests.live.inside import InsideSocket, inside
from tests.waiting import until

PIN: Final = "4711"

KEYS: Final = {
    "KIKAO_JWT_KEYS": f"k1:HS256:{base64.b64encode(bytes(range(32))).decode()}",
    "KIKAO_SECRET_KEYS": f"s1:{base64.b64encode(bytes(range(32, 64))).decode()}",
}

flows = Flows()


@flows.flow("menu", title=t("Menu"))
async def menu(chat: Chat) -> None:
    what = await chat.choose("what", t("What?"), {"send": t("Send money"), "photo": t("Photo")})
    await chat.goto(what)


@flows.flow("send", title=t("Send money"))
async def send(chat: Chat) -> None:
    name = await chat.ask("name", Text(), t("Whom to?"))

    async def use(pin: Secret, key: str) -> Any:
        return Done("R1")

    await chat.secret("pin", Pin(), t("Enter your PIN"), use=use)
    await chat.end(t("Sent to {name}.", name=name))


@flows.flow("photo", title=t("Photo"))
async def photo(chat: Chat) -> None:
    file = await chat.ask("photo", Media(("image",)), t("Send a photo."))
    await chat.show(Attached.image(file, caption=t("You")))
    await chat.end(t("Thank you."))


@contextlib.asynccontextmanager
async def serving(folder: Path, hear: Callable[[Event], None] = lambda event: None) -> AsyncIterator[Server]:
    app = App(flows, entry="menu", live=Live(users=anyone), members=False)
    settings = load({**KEYS, "KIKAO_DATA": str(folder)})
    async with app.serving(settings, store=MemoryStore(), subscribers=[hear]) as server:
        yield server


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    async with serving(tmp_path) as server:
        yield server


class Device:
    """A page that is open, with what it was told."""

    def __init__(self, socket: InsideSocket) -> None:
        self.socket = socket
        self._ids = itertools.count(1)
        self._told: deque[dict[str, Any]] = deque()

    async def join(self, **params: Any) -> dict[str, Any]:
        reply = await self.socket.ask("chat", "phx_join", params)
        assert reply["status"] == "ok", reply
        response: dict[str, Any] = reply["response"]
        return response

    async def does(self, event: str, **payload: Any) -> dict[str, Any]:
        """The reply."""
        number = next(self._ids)
        await self.socket.say(None, f"d{number}", "chat", event, {"id": f"{id(self):x}.{number}", **payload})
        while True:
            frame = await self.socket.frame()
            if frame[3] == "message":
                self._told.append(frame[4])
            elif frame[1] == f"d{number}":
                return dict(frame[4])

    async def hears(self, count: int = 1) -> list[dict[str, Any]]:
        """What comes next of what is said."""
        while len(self._told) < count:
            self._told.append(await self.socket.until("message"))
        return [self._told.popleft() for _ in range(count)]


OK: Final = {"status": "ok", "response": {}}


async def test_a_conversation_over_a_socket_and_what_other_devices_see(server: Server) -> None:
    async with inside(server, "asha") as one, inside(server, "asha") as two, inside(server, "brian") as other:
        phone, page, stranger = Device(one), Device(two), Device(other)
        greeting = await phone.join()
        assert (greeting["recovered"], greeting["seq"], greeting["locale"]) == (False, 0, "en")
        assert greeting["texts"]["send"] == "Send"
        await page.join()
        await stranger.join()
        assert await phone.does("open") == OK
        ((asked,), (same,)) = await phone.hears(), await page.hears()
        assert asked == same
        assert (asked["seq"], asked["text"]) == (1, "What?")
        assert await phone.does("tap", mark=asked["mark"], key="1") == OK
        said, asked = await page.hears(2)
        assert (said["text"], said["mine"], said["id"].partition(".")[2]) == ("Send money", True, "2")
        assert (asked["seq"], asked["text"]) == (3, "Whom to?")
        assert await stranger.does("open") == OK
        (first,) = await stranger.hears()  # of a conversation of their own, in a stream of their own
        assert (first["seq"], first["text"]) == (1, "What?")


async def test_a_secret_reaches_nothing_but_its_turn(server: Server) -> None:
    async with inside(server, "asha") as one, inside(server, "asha") as two:
        phone, page = Device(one), Device(two)
        await phone.join()
        await page.join()
        await phone.does("open")
        (asked,) = await phone.hears()
        await phone.does("tap", mark=asked["mark"], key="1")
        await phone.does("say", text="Binta")
        asked = (await phone.hears(4))[-1]
        assert asked["secret"]
        assert await phone.does("secret", mark=asked["mark"], text=PIN) == OK
        (done,) = await phone.hears()
        assert done["text"] == "Sent to Binta."
        assert PIN not in str(await page.hears(6))


async def test_who_comes_back_has_what_they_missed_and_else_asks_where_we_are(server: Server) -> None:
    async with inside(server, "asha") as one:
        phone = Device(one)
        greeting = await phone.join()
        await phone.does("open")
        (asked,) = await phone.hears()
    messages = server.services[Messages]
    await messages.send("k1", "asha", "You have mail.", over="socket")
    await server.push()
    async with inside(server, "asha") as one:
        again = await Device(one).join(last_seq=asked["seq"], epoch=greeting["epoch"])
        assert again["recovered"]
        assert [each["payload"]["text"] for each in again["messages"]] == ["You have mail."]
        assert [each["payload"]["aside"] for each in again["messages"]] == [True]
        assert [each["event"] for each in again["messages"]] == ["message"]
    async with inside(server, "asha") as one:
        page = Device(one)
        anew = await page.join(last_seq=7, epoch="another")
        assert (anew["recovered"], anew["messages"], anew["reason"]) == (False, [], "unknown epoch")
        await page.does("open")
        assert (await page.hears())[0]["text"] == "What?"


async def test_what_does_not_fit_is_refused_and_says_nothing_of_what_was_typed(server: Server) -> None:
    async with inside(server, "asha") as one:
        phone = Device(one)
        await phone.join()
        for event, payload in (
            ("say", {"text": ""}),
            ("say", {"text": "hi", "id": "a b"}),
            ("say", {"text": ["hi"]}),
            ("tap", {"mark": "", "key": "1"}),
            ("secret", {"text": PIN}),
            ("secret", {"mark": "m", "text": PIN * 100}),
            ("place", {"latitude": 91, "longitude": 0}),
            ("file", {"data": "x" * 61_000}),
            ("file", {"start": -1}),
        ):
            reply = await phone.does(event, **payload)
            assert (reply["status"], reply["response"]["reason"]) == ("error", "invalid payload")
            assert PIN not in str(reply)
        assert (await phone.does("show", ref="made up"))["response"] == {"reason": "gone"}
        assert (await phone.does("jump"))["response"] == {"reason": "unknown event"}


async def test_a_name_between_processes_is_no_topic_that_anybody_can_join(server: Server) -> None:
    async with inside(server, "mallory") as one:
        for topic in ("chat\x1fasha", "chat:asha", "chat\x1fmallory"):
            reply = await one.ask(topic, "phx_join", {})
            assert reply["response"] == {"reason": "unmatched topic"}


async def got(server: Server, path: str, method: str = "GET", **headers: str) -> Response:
    return await through(server)(Posted(path, tuple(headers.items()), b"", "203.0.113.7", method))


async def test_a_photo_comes_and_is_shown_to_its_user_alone(server: Server) -> None:
    async with inside(server, "asha") as one, inside(server, "brian") as two:
        phone, stranger = Device(one), Device(two)
        await phone.join()
        await stranger.join()
        await phone.does("say", text="Photo")
        _, asked = await phone.hears(2)
        assert asked["wants"] == "media"
        data = base64.b64encode(sample("photo")).decode()
        first, rest = data[:80], data[80:]
        assert await phone.does("file", id="f", data=first, more=True) == OK
        assert await phone.does("file", id="f", data=rest, start=60, name="me.jpg", type="image/jpeg") == OK
        said, shown, done = await phone.hears(3)
        assert (said["mine"], said["id"], said["shows"][0]["name"]) == (True, "f", "me.jpg")
        assert done["text"] == "Thank you."
        (card,) = shown["shows"]
        assert (card["kind"], card["caption"], card["type"]) == ("image", "You", "image/jpeg")
        assert (await stranger.does("show", ref=card["ref"]))["response"] == {"reason": "gone"}
        found = (await phone.does("show", ref=card["ref"]))["response"]
    response = await got(server, f"/socket/{found['url']}")
    assert (response.status, response.body) == (200, sample("photo"))
    assert (await got(server, f"/socket/{found['url']}", "POST")).status == 405
    assert (await got(server, f"/socket/{found['url'][:-2]}")).status == 410
    assert (await got(server, "/socket/files/")).status == 410
    part = await got(server, f"/socket/{found['url']}", range="bytes=10-19")
    assert (part.status, part.body) == (206, sample("photo")[10:20])


async def test_a_file_that_is_damaged_ends_where_it_is_and_the_log_says_so(tmp_path: Path) -> None:
    heard: list[Event] = []
    async with serving(tmp_path, heard.append) as server:
        files = server.services[Files]
        file = await files.put(bytes(2 * PIECE), filename="film.mp4")
        assert server.webchat is not None
        shown = server.webchat._showing
        assert shown is not None
        url = shown.address("asha", shown.described("asha", Attached.document(file))["ref"])
        (path,) = (p for p in (tmp_path / "media" / "files").rglob("*") if p.is_file())
        octets = bytearray(path.read_bytes())
        octets[-1] ^= 1
        path.write_bytes(octets)
        cut = await got(server, f"/socket/{url}")
        assert (cut.status, len(cut.body)) == (200, PIECE)
        assert dict(cut.headers)["content-length"] == str(2 * PIECE)
    (told,) = (event for event in heard if isinstance(event, ErrorUncaught))
    assert (told.where, told.error.split(" ")[0]) == ("request", "FileDamaged")


def kept_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_a_file_that_is_left_in_the_middle_leaves_nothing(server: Server, tmp_path: Path) -> None:
    async with inside(server, "asha") as one:
        phone = Device(one)
        await phone.join()
        await phone.does("say", text="Photo")
        data = base64.b64encode(bytes(3000)).decode()
        assert await phone.does("file", id="f", data=data, more=True) == OK
        began = kept_in(tmp_path)
        assert began
    async with inside(server, "asha") as one:
        phone = Device(one)
        await phone.join()
        reply = await phone.does("file", id="f", data=data, start=3000)
        assert reply["response"] == {"reason": "start again"}
    await until(lambda: len(kept_in(tmp_path)) < len(began), "what came of the file to be gone")


async def test_who_is_erased_leaves_nothing_in_their_stream(server: Server) -> None:
    assert server.hub is not None
    async with inside(server, "asha") as one:
        phone = Device(one)
        joined = await phone.join()
        await phone.does("open")
        await phone.hears()
        await forget(server.hub, "asha")
        assert (await one.until("session_ended"))["reason"] == "stopped"
    async with inside(server, "asha") as one:
        assert not (await Device(one).join(last_seq=0, epoch=joined["epoch"]))["recovered"]
    async with inside(server, "asha") as one:
        again = await Device(one).join(last_seq=1, epoch=joined["epoch"])
        assert [each["event"] for each in again["messages"]] == ["forgotten"]


def test_the_web_chat_has_its_name_for_itself() -> None:
    with pytest.raises(ValueError, match="chat is the web chat"):
        Live(users=anyone).channel("chat")
