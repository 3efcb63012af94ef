"""A socket of a client that polls: what it posts is received, and what is sent to it waits until it asks again.

To a hub it is a socket like any other: `receive` and `send` are a WebSocket's, by ASGI.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import REPLY, json
from kikao.live.socket import HEARD, Message

HELD: Final = 64 * 1024
"""Characters of frames that wait to be polled, about: who sends more waits, as for a connection that is full."""

LAPSES: Final = 1.5
"""Windows without a poll after which its client is gone. Phoenix has the same."""


HEEDED: Final = 1.0
"""Seconds in which a client hands on what a poll brought. The official one lets all of it go when it hears earlier that
its socket is over, `session_ended` too."""


class Polled:
    """One of them. `window` is how many seconds a poll waits; `gone` is called once, when nothing is left of it."""

    def __init__(self, window: float, gone: Callable[[], None]) -> None:
        self._window = window
        self._gone = gone
        self._said: asyncio.Queue[Message | asyncio.Future[bool]] = asyncio.Queue()
        self._frames: deque[str] = deque()
        self._size = 0
        self._bell, self._room = asyncio.Event(), asyncio.Event()
        self._heeded_at = 0.0
        """By when what the last poll brought was dealt with."""
        self._polls = 0
        """How many there were: the last one counts."""
        self._unread: set[asyncio.Future[bool]] = set()
        self._is_over = self._is_gone = False
        self._lapse: asyncio.TimerHandle | None = None
        self.served: asyncio.Task[Any] | None = None
        """What deals with it."""
        self._expect_poll()

    # --- for the hub, by ASGI ---

    async def receive(self) -> Message:
        """What the client says next."""
        while True:
            said = await self._said.get()
            if not isinstance(said, asyncio.Future):
                return said
            self._read(said, True)

    async def send(self, message: Message) -> None:
        """A frame, which waits here, or the close. Raises `ConnectionError` where nobody will ask for it."""
        if message["type"] == "websocket.close":
            self._end({"code": message.get("code", 1000), "reason": message.get("reason", "")})
            return
        frame = message.get("text") or _in_words(message.get("bytes") or b"")
        while self._size >= HELD and not self._is_over:
            self._room.clear()
            await self._room.wait()
        if self._is_over:
            raise ConnectionError("its client is gone")
        if frame:
            self._frames.append(frame)
            self._size += len(frame)
            self._bell.set()

    def abort(self) -> None:
        """End it at once, with what waits."""
        self._end({"code": 1006})
        self._frames.clear()
        self._leave()

    # --- for its client ---

    async def poll(self) -> list[str] | None:
        """The frames that wait, or the first that come within the window; None where it is over.

        It takes the place of a poll that still waits, which gets nothing.
        """
        if self._is_gone:
            return None
        self._polls = mine = self._polls + 1
        if self._lapse is not None:
            self._lapse.cancel()
        self._said.put_nowait({"type": HEARD})
        self._bell.set()
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._window):
                    while mine == self._polls and not self._frames and not self._is_over:
                        self._bell.clear()
                        await self._bell.wait()
                if self._is_over and not self._frames:
                    await asyncio.sleep(self._heeded_at - asyncio.get_running_loop().time())
            return self._taken() if mine == self._polls else []
        finally:
            if mine == self._polls and not self._is_gone:
                self._expect_poll()

    async def post(self, said: Sequence[str | bytes]) -> int:
        """What the client says: 200 once it was read, 408 where that takes longer than the window, 410 at its end."""
        if self._is_over:
            return 410
        for each in said:
            self._said.put_nowait(
                {"type": "websocket.receive", "text" if isinstance(each, str) else "bytes": each}
            )
        read: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._unread.add(read)
        self._said.put_nowait(read)
        try:
            async with asyncio.timeout(self._window):
                return 200 if await read else 410
        except TimeoutError:
            return 408
        finally:
            self._unread.discard(read)

    def finish(self) -> None:
        """The hub is done with it: what waits may still be polled."""
        self._end({"code": 1006})

    def _taken(self) -> list[str] | None:
        taken = list(self._frames)
        self._frames.clear()
        self._size = 0
        self._room.set()
        if taken:
            self._heeded_at = asyncio.get_running_loop().time() + HEEDED
        elif self._is_over:
            self._leave()
            return None
        return taken

    def _expect_poll(self) -> None:
        self._lapse = asyncio.get_running_loop().call_later(self._window * LAPSES, self.abort)

    def _read(self, post: asyncio.Future[bool], done: bool) -> None:
        if not post.done():
            post.set_result(done)

    def _end(self, how: dict[str, Any]) -> None:
        if self._is_over:
            return
        self._is_over = True
        self._said.put_nowait({"type": "websocket.disconnect", **how})
        self._bell.set()
        self._room.set()
        for each in self._unread:
            self._read(each, False)

    def _leave(self) -> None:
        if self._is_gone:
            return
        self._is_gone = True
        if self._lapse is not None:
            self._lapse.cancel()
        self._gone()


def _in_words(frame: bytes) -> str:
    """Only text goes down. Who waits for a reply hears that; pushes and broadcasts of octets are left out."""
    if frame[:1] != bytes((REPLY,)):
        return ""
    at, names = 5, []
    for size in frame[1:4]:
        names.append(frame[at : at + size].decode())
        at += size
    join_ref, ref, topic = names
    text = protocol.reply(join_ref or None, ref or None, topic, "error", json({"reason": "binary"}))
    assert isinstance(text, str)
    return text
