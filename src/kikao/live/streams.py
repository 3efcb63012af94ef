"""What is kept of topics for who was away: each broadcast has a number, and nobody gets a part with a gap in it.

The store is the truth. A process that has somebody in a topic knows how far its clients are; what arrives is told on if
it comes next, and otherwise everything behind that place is read from the store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

import msgspec

from kikao.channels.socket import protocol
from kikao.channels.socket.protocol import Frame, Json
from kikao.live.routes import Kept, shown
from kikao.live.stores.epochs import is_of, may_be_one
from kikao.live.stores.store import LiveAway, LiveStore, Position, Recovery

MOST: Final = 300
"""Messages of one recovery, at most."""

LANES: Final = 32
"""Topics that are read at once: all of a process's may have to be, after an outage."""

AGAIN: Final = 1.0
"""Seconds until a store that does not answer is asked again."""

Tell = Callable[[str, Frame, int, str], None]
"""To all of a topic on this process: topic, frame, number, and the socket that does not get it."""


class Resumes(msgspec.Struct, frozen=True):
    """Where a client was in a stream, among what it sends with a join."""

    last_seq: int | None = None
    epoch: str = ""

    @classmethod
    def read(cls, payload: msgspec.Raw | bytes) -> Resumes:
        """Nothing where it says nothing that can be understood."""
        try:
            return _RESUMES.decode(payload) if isinstance(payload, msgspec.Raw) else cls()
        except (msgspec.MsgspecError, RecursionError, UnicodeError):
            return cls()


class Streams:
    """Of one process. `tell` gives a frame to its clients, `insufficient` has those of a topic join anew, and
    `doubtful` has other processes read a topic."""

    def __init__(
        self,
        store: LiveStore,
        tell: Tell,
        insufficient: Callable[[str], None],
        doubtful: Callable[[str], None],
        spawn: Callable[[Coroutine[Any, Any, None]], Any],
        wanted: Callable[[str], bool],
    ) -> None:
        """`wanted` says whether anybody here is in a topic."""
        self._store = store
        self._tell = tell
        self._insufficient = insufficient
        self._doubtful = doubtful
        self._spawn = spawn
        self._wanted = wanted
        self._at: dict[str, Position] = {}
        """How far the clients of this process are, by topic."""
        self._lanes = asyncio.Semaphore(LANES)
        self._reading: dict[str, bool] = {}
        """Topics that are read from the store, and whether more arrived meanwhile."""

    async def append(self, topic: str, event: str, body: Json, keeps: Kept, but: str = "") -> Position:
        """Keep a broadcast; `but` is the id of a socket that does not get it, however late it comes. Raises
        `LiveAway`."""
        kept = msgspec.json.encode(_Kept(event, msgspec.Raw(body.encode()), but))
        try:
            return await self._store.append(topic, kept, keep=keeps.messages, seconds=keeps.seconds)
        except LiveAway:  # it may be there all the same, and nobody would tell of it before the next one
            self.read(topic)
            self._doubtful(topic)
            raise

    async def join(self, topic: str, asked: Resumes) -> Recovery:
        """Where a topic is, and what a client missed who was in it before. Raises `LiveAway`."""
        after = None if asked.last_seq is None else Position(asked.epoch, asked.last_seq)
        found = await self._store.since(topic, after, most=MOST)
        at = self._at.get(topic)
        if not self._wanted(topic):  # whoever joined is gone by now
            return found
        if at is None or (at.seq == found.top.seq == 0 and is_of(found.top.epoch, at.epoch)):
            self._at[topic] = found.top
        elif not may_be_one(found.top.epoch, at.epoch):  # others are in another stream, and have to be told
            self.read(topic)
        return found

    @staticmethod
    def told(found: Recovery, asked: Resumes) -> dict[str, Any]:
        """What stands in the reply to a join."""
        recovered = asked.last_seq is not None and found.messages is not None
        messages = (
            [] if found.messages is None or not recovered else [_read(n, kept) for n, kept in found.messages]
        )
        epoch = (
            asked.epoch if recovered else found.top.epoch
        )  # who goes on does so under the name that they know
        said: dict[str, Any] = {"epoch": epoch, "seq": found.top.seq, "recovered": recovered}
        if asked.last_seq is not None and not recovered:
            said["reason"] = "too far behind" if is_of(found.top.epoch, asked.epoch) else "unknown epoch"
        return {**said, "messages": messages}

    def arrived(self, topic: str, event: str, body: Json, at: Position, but: str = "") -> None:
        """A broadcast of this process, or of another one: it is told on in its place."""
        if topic in self._reading:
            self._reading[topic] = True
            return
        before = self._at.get(topic)
        if before is None:  # nobody's join was answered yet
            self._tell(topic, framed(topic, event, body, at.seq), at.seq, but)
        elif not is_of(at.epoch, before.epoch) or at.seq > before.seq + 1:
            self.read(topic)
        elif at.seq == before.seq + 1:
            self._at[topic] = at
            self._tell(topic, framed(topic, event, body, at.seq), at.seq, but)

    def read(self, topic: str) -> None:
        """Look in the store for what clients of a topic did not get."""
        if topic in self._reading:
            self._reading[topic] = True
        elif topic in self._at:
            self._reading[topic] = False
            self._spawn(self._read(topic))

    def missed(self) -> None:
        """Anything may have been missed."""
        for topic in self._at:
            self.read(topic)

    def forget(self, topic: str) -> None:
        """Nobody is in a topic any more."""
        self._at.pop(topic, None)

    async def _read(self, topic: str) -> None:
        try:
            while (at := self._at.get(topic)) is not None:
                self._reading[topic] = False
                try:
                    async with self._lanes:
                        found = await self._store.since(topic, at, most=MOST)
                except LiveAway:
                    await asyncio.sleep(AGAIN)
                    continue
                if topic not in self._at:
                    break
                self._at[topic] = found.top
                if found.messages is None:
                    self._insufficient(topic)
                for number, kept in found.messages or ():
                    message = _KEPT.decode(kept)
                    body = Json(bytes(message.payload).decode())
                    self._tell(topic, framed(topic, message.event, body, number), number, message.but)
                if not self._reading[topic]:
                    break
        finally:
            self._reading.pop(topic, None)


def framed(topic: str, event: str, body: Json, seq: int) -> Frame:
    """A broadcast with its number in its payload."""
    return protocol.broadcast(shown(topic), event, numbered(body, seq))


def numbered(body: Json, seq: int) -> Json:
    """An object with `seq` in it."""
    return Json(f'{{"seq":{seq}}}' if body == "{}" else f'{{"seq":{seq},{body[1:]}')


class _Kept(msgspec.Struct, omit_defaults=True, gc=False):
    event: str
    payload: msgspec.Raw
    but: str = ""


_KEPT: Final = msgspec.json.Decoder(_Kept)
_RESUMES: Final = msgspec.json.Decoder(Resumes)


def _read(number: int, kept: bytes) -> dict[str, Any]:
    message = _KEPT.decode(kept)
    return {
        "event": message.event,
        "payload": msgspec.Raw(numbered(Json(bytes(message.payload).decode()), number).encode()),
    }
