"""A page with a web chat on it: a real socket of the server, without a network, and what a member does there.

    asha = stage.webchat("Asha")
    assert await asha.start() == "What would you like?\\n[Tea] [Coffee]"
    await asha.tap("Tea")
    await asha.enter("2580")     # into the field of a message that has one

A member with two devices has two: `stage.webchat("Asha", device="phone")`. What they said on the other one is in
`asha.chat`, by their name.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, NamedTuple

from kikao.channels.emulating.chats import Button, Chat, Media, Message
from kikao.channels.socket.said import PIECE
from kikao.server import Server
from kikao.testing.chat_phone import ChatPhone
from kikao.testing.samples import sample

GOOD_FOR: Final = 3600
"""Seconds that the token of a page lasts."""

WIDE: Final = 40
"""Characters of buttons in a row."""

NAMES: Final = {"photo": "photo.jpg", "voice": "voice.ogg", "audio": "song.mp3", "video": "video.mp4"}


class House(NamedTuple):
    """Where the page is: the stage."""

    server: Callable[[], Server]
    """The process at work. Raises `AssertionError` when there is none."""
    attend: Callable[[Awaitable[Any], object], Awaitable[Any]]
    """Waits for something of the process, as whoever has a connection to it. Raises `OSError` when it dies."""
    push: Callable[[], Awaitable[None]]
    """Has sent what is due."""


class WebChatPhone(ChatPhone):
    """One device of a member. What was not answered is sent again when it is connected again; a secret is not."""

    channel = "socket"

    def __init__(self, house: House, name: str, user: str) -> None:
        super().__init__(name)
        self.user = user
        self.parcels = []
        self.replies: list[dict[str, Any]] = []
        """What each event was answered."""
        self._house = house
        self._chat = Chat(name)
        self._socket: _Socket | None = None
        self._at: tuple[str, int] | None = None
        self._numbers = itertools.count(1)
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._unsent: list[tuple[str, dict[str, Any]]] = []

    @property
    def chat(self) -> Chat:
        return self._chat

    # --- what a member does ---

    async def write(self, text: str, *, to: Message | None = None) -> str:
        seen = [raw["mark"] for message in self._chat.heard if (raw := message.raw)["mark"]]
        return await self._does(self._says("say", text=text, mark=seen[-1] if seen else ""))

    async def start(self, payload: str = "") -> str:
        return await self._does(self._says("open", ahead=payload))

    async def share_location(self, latitude: float = 0.3476, longitude: float = 32.5825) -> str:
        return await self._does(self._says("place", latitude=latitude, longitude=longitude))

    async def share_contact(self, phone: str = "") -> str:
        """Raises `LookupError`."""
        raise LookupError("a browser shares no contact: write the number")

    async def send(self, kind: str, data: bytes | None = None, *, caption: str = "") -> str:
        """A file, in pieces as large as one event takes. A caption is written after it."""
        octets = sample(kind) if data is None else data
        await self._does(self._uploads(NAMES.get(kind, "document.pdf"), octets))
        return await self.write(caption) if caption else self.screen

    async def enter(self, secret: str) -> str:
        """Into the field of the newest message that has one. Raises `LookupError` where none has."""
        marks = [raw["mark"] for message in self._chat.heard if (raw := message.raw)["secret"]]
        if not marks:
            raise LookupError(f"{self.name} is asked for no secret")
        return await self._does(self._says("secret", keeps=False, mark=marks[-1], text=secret))

    async def edit(self, text: str) -> str:
        """Raises `LookupError`."""
        raise LookupError("in a web chat nothing is changed that was said")

    async def block(self) -> None:
        """Raises `LookupError`."""
        raise LookupError("nobody blocks a web chat: they close the page")

    unblock = block

    async def listen(self) -> str:
        """Look whether something came by itself; else the screen is the last one that something came with."""
        return await self._does(self._comes()) or self._show(self._last)

    async def again(self, back: int = 0) -> str:
        """The page sends once more what it sent last, or `back` before that, under the same id; what came of it."""
        return await self._does(self._sends(*self._events[-1 - back]))

    async def leave(self) -> None:
        """Close the page, and lose what it knew of the conversation."""
        await self.lose()
        self._at = None

    async def lose(self) -> None:
        """Lose the connection: the next thing that is done connects again."""
        socket, self._socket = self._socket, None
        if socket is not None:
            await socket.lose()

    async def _tap(self, which: str | int, of: Message | None) -> None:
        message = of or self._chat.with_button(which)
        await self._says("tap", mark=message.raw["mark"], key=message.button(which).value)

    def _toasts(self) -> list[str]:
        return []

    # --- on the wire ---

    async def _says(self, event: str, *, keeps: bool = True, **payload: Any) -> None:
        """An event under an id of its own. Not answered, it is sent again when there is a connection again."""
        payload = {"id": f"{self.name}.{id(self):x}.{next(self._numbers)}", **payload}
        if keeps:
            self._events.append((event, payload))
        try:
            await self._sends(event, payload)
        except OSError:
            self._unsent += [(event, payload)] if keeps else []

    async def _uploads(self, name: str, octets: bytes) -> None:
        id_ = f"{self.name}.{id(self):x}.{next(self._numbers)}"
        for start in range(0, max(len(octets), 1), PIECE):
            data = base64.b64encode(octets[start : start + PIECE]).decode()
            more = start + PIECE < len(octets)
            piece = {"id": id_, "name": name, "data": data, "start": start, "more": more}
            await self._sends("file", piece)

    async def _sends(self, event: str, payload: dict[str, Any]) -> None:
        socket = await self._connected()
        self.replies.append(await self._house.attend(socket.ask("chat", event, payload), socket.asker))
        await self._house.push()
        self._hear(socket)

    async def _comes(self) -> None:
        try:
            socket = await self._connected()
        except OSError:
            return
        await self._house.push()
        self._hear(socket)

    async def _connected(self) -> _Socket:
        """The socket, opened and joined where it is not: what was missed comes with the reply to the join."""
        server = self._house.server()
        if self._socket is not None and self._socket.server is server and self._socket.is_open:
            return self._socket
        assert server.hub is not None, "App(live=Live(...)) has a web chat, and this app is not live"
        socket = _Socket(server, server.hub.tokens.sign(self.user, GOOD_FOR))
        await self._house.attend(socket.open(), socket.asker)
        resume = {} if self._at is None else {"epoch": self._at[0], "last_seq": self._at[1]}
        joined = await self._house.attend(socket.ask("chat", "phx_join", resume), socket.asker)
        assert joined["status"] == "ok", joined
        response = joined["response"]
        self._at = response["epoch"], response["seq"]
        self._socket = socket
        for each in response["messages"]:
            self._take(each["payload"])
        unsent, self._unsent = self._unsent, []
        if resume and not response["recovered"] and not unsent:
            await self._says("open", ahead="")
        for event, payload in unsent:
            await self._sends(event, payload)
        return socket

    def _hear(self, socket: _Socket) -> None:
        for payload in socket.heard("message"):
            self._take(payload)
            assert self._at is not None
            self._at = self._at[0], max(self._at[1], payload["seq"])

    def _take(self, payload: dict[str, Any]) -> None:
        """One message; a copy of one that is there is none."""
        if self._chat.find(payload["id"]) is not None:
            return
        by = self.name if payload.get("mine") else ""
        text = payload["text"]
        text += "\n(a field for a secret)" if payload["secret"] else ""
        text += f"\n(wants: {wants})" if (wants := payload.get("wants")) else ""
        message = Message(payload["id"], by, text, payload["at"], rows=_rows(payload), raw=payload)
        message.opens = payload.get("opens", "")
        for each in payload.get("shows", ()):
            name = each.get("name", "")
            message.media = Media(name, each.get("type", ""), None, each.get("url", ""), each["kind"])
            message.text = "\n".join(filter(None, [each["caption"], message.text]))
        self._chat.add(message)


def _rows(payload: dict[str, Any]) -> list[list[Button]]:
    """Rows of a list one below the other, and buttons beside each other as far as there is room."""
    rows: list[list[Button]] = []
    for choice in payload["choices"]:
        button = Button(choice["label"], choice["key"], "row" if payload["layout"] == "list" else "callback")
        width = sum(len(each.label) + 3 for each in rows[-1]) if rows else WIDE
        if payload["layout"] == "list" or width + len(button.label) > WIDE:
            rows.append([])
        rows[-1].append(button)
    return rows


class _Socket:
    """A client of Phoenix channels in this process."""

    def __init__(self, server: Server, token: str) -> None:
        self.server = server
        self.asker = object()
        """Whoever waits for what this socket asks for."""
        self._said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._comes: asyncio.Queue[MutableMapping[str, Any]] = asyncio.Queue()
        self._frames: list[list[Any]] = []
        self._refs = itertools.count(1)
        self._task: asyncio.Task[None] | None = None
        self._scope: MutableMapping[str, Any] = {
            "type": "websocket",
            "path": f"{server.hub.live.path}/websocket" if server.hub is not None else "",
            "query_string": f"token={token}&vsn=2.0.0".encode(),
            "headers": [(b"host", b"kikao.test")],
            "subprotocols": [],
            "client": ("127.0.0.1", 1),
        }

    @property
    def is_open(self) -> bool:
        return self._task is not None and not self._task.done()

    async def open(self) -> None:
        """Raises `OSError` where it is refused."""
        self._task = asyncio.create_task(self.server(self._scope, self._said.get, self._come))
        await self._said.put({"type": "websocket.connect"})
        if (await self._comes.get())["type"] != "websocket.accept":
            raise ConnectionRefusedError("the socket was refused")

    async def ask(self, topic: str, event: str, payload: dict[str, Any]) -> dict[str, Any]:
        """The reply, `{"status": …, "response": …}`. Raises `OSError` where the socket is closed before."""
        ref = str(next(self._refs))
        join_ref = ref if event == "phx_join" else None
        text = json.dumps([join_ref, ref, topic, event, payload])
        await self._said.put({"type": "websocket.receive", "text": text, "bytes": None})
        while True:
            frame = await self._next()
            if frame[1] == ref and frame[3] == "phx_reply":
                reply: dict[str, Any] = frame[4]
                return reply
            self._frames.append(frame)

    def heard(self, event: str) -> list[dict[str, Any]]:
        """The payloads of what came by itself."""
        while not self._comes.empty():
            message = self._comes.get_nowait()
            self._frames += [json.loads(message["text"])] if message.get("text") else []
        found, self._frames = [frame[4] for frame in self._frames if frame[3] == event], []
        return found

    async def lose(self) -> None:
        """The connection breaks."""
        await self._said.put({"type": "websocket.disconnect", "code": 1006})
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _come(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "websocket.close":
            await self._said.put({"type": "websocket.disconnect", "code": message["code"], "reason": ""})
        await self._comes.put(message)

    async def _next(self) -> list[Any]:
        message = await self._comes.get()
        if message["type"] == "websocket.close":
            raise ConnectionResetError("the socket was closed")
        frame: list[Any] = json.loads(message["text"])
        return frame
