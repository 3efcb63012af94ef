"""A bot on Telegram: its chats, files, menus and taps, as people and methods find them."""

from __future__ import annotations

import itertools
import random
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, Final

from kikao.channels.emulating.chats import Media
from kikao.channels.emulating.deliveries import Parcel, Send
from kikao.channels.emulating.emulator import Emulator
from kikao.channels.telegram.emulated.places import Place
from kikao.channels.telegram.emulated.rules import Rates

LINK: Final = 3600.0
"""Seconds that the path of a file is good for; https://core.telegram.org/bots/api#getfile says at least so long."""


class Bot(Emulator):
    """What there is of one bot, whoever asks. How it is called and told is for those who derive from it.

    `tap` is how long a tap can be answered, in seconds.
    """

    def __init__(
        self,
        token: str,
        username: str,
        *,
        path: str,
        send: Send | None,
        clock: Callable[[], float] | None,
        chance: random.Random | None,
        rates: Rates | None,
        tap: float,
    ) -> None:
        super().__init__(path=path, send=send, clock=clock, chance=chance)
        self.token = token
        self.username = username
        self.rates = rates
        self.places: dict[int, Place] = {}
        self.files: dict[str, Media] = {}
        """By their ids."""
        self.commands: dict[tuple[str, str], list[dict[str, str]]] = {}
        """Menus by scope and language: `("default", "")` is everybody's."""
        self.done: set[str] = set()
        """Taps that were answered."""
        self._tap = tap
        self._taps: dict[str, tuple[float, Place]] = {}
        self._links: dict[str, tuple[str, float]] = {}
        self._groups = itertools.count(1)

    @abstractmethod
    async def tell(self, kind: str, said: dict[str, Any], place: Place) -> Parcel | None:
        """An update: to the webhook at once, or to whoever asks for it. The parcel, where there is one."""

    @property
    def id(self) -> int:
        """Its own, which its token begins with."""
        head = self.token.partition(":")[0]
        return int(head) if head.isdigit() else 1

    def me(self) -> dict[str, Any]:
        """As `User` of the Bot API."""
        return {"id": self.id, "is_bot": True, "first_name": self.username, "username": self.username}

    def next_group_id(self, first: int) -> int:
        """Of a new group: they count down from `first`."""
        return first - next(self._groups)

    def message(self, place: Place, by: dict[str, Any], content: dict[str, Any]) -> dict[str, Any]:
        """A new message in a chat, as `Message` of the Bot API."""
        return {
            "message_id": place.next_message_id(),
            "from": by,
            "chat": place.wire(),
            "date": int(self.clock()),
            **content,
        }

    def membership(self, place: Place, by: dict[str, Any], before: str, now: str) -> dict[str, Any]:
        """What became of the bot in a chat, as `ChatMemberUpdated`."""
        return {
            "chat": place.wire(),
            "from": by,
            "date": int(self.clock()),
            "old_chat_member": _status(self.me(), before),
            "new_chat_member": _status(self.me(), now),
        }

    def file(self, kind: str, media: Media, known: str = "") -> Any:
        """Keep a file; how a message tells of it."""
        name = known or f"{kind}-{self.chance.getrandbits(64):016x}"
        self.files[name] = media
        size = len(media.data or b"")
        wire: dict[str, Any] = {"file_id": name, "file_unique_id": f"u{name}", "file_size": size}
        if kind == "photo":
            small = wire | {"file_id": f"{name}-s", "file_unique_id": f"u{name}-s", "width": 90, "height": 60}
            self.files[small["file_id"]] = media
            return [small, wire | {"width": 1280, "height": 853}]
        if kind == "sticker":
            return wire | {"type": "regular", "width": 512, "height": 512, "emoji": "\N{WAVING HAND SIGN}"}
        wire |= {"mime_type": media.mime}
        if kind in ("voice", "audio", "video", "video_note", "animation"):
            wire["duration"] = 4
        if kind in ("audio", "video", "animation", "document") and media.name:
            wire["file_name"] = media.name
        return wire

    def opens(self, file: str) -> str:
        """The path of a file, for as long as it is good for."""
        path = f"files/{file}"
        self._links[path] = file, self.clock() + LINK
        return path

    def opened(self, path: str) -> Media | None:
        """The file at a path; None where there is none, or not any more."""
        name, until = self._links.get(path, ("", 0.0))
        return self.files.get(name) if until >= self.clock() else None

    def asks(self, query: str, who: Place) -> None:
        """A tap wants an answer."""
        self._taps[query] = self.clock() + self._tap, who

    def answered(self, query: str) -> Place | None:
        """Who tapped, the first time that is asked and in time."""
        until, who = self._taps.pop(query, (0.0, None))
        if who is not None:
            self.done.add(query)
        return who if until >= self.clock() else None


def _status(bot: dict[str, Any], status: str) -> dict[str, Any]:
    until = {"until_date": 0} if status == "kicked" else {}
    return {"user": bot, "status": status, **until}
