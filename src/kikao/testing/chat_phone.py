"""A member's phone with a chat on it: what they write, tap and share goes to the bot, and it shows what comes back.

    asha = stage.telegram("Asha")
    assert await asha.start() == "What would you like?\\n[Tea] [Coffee]"
    await asha.tap("Tea")
    asha.expect("Which size?\\n...")

`asha.member` is the person of the emulator, who can do more, and `asha.chat` all that was said.
"""

from __future__ import annotations

import html
import inspect
import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from kikao.channels.chat.secret_links import PATH
from kikao.channels.emulating.chats import Chat, Message
from kikao.channels.emulating.deliveries import Parcel
from kikao.channels.emulating.emulator import Emulator
from kikao.channels.telegram.emulated.people import Group
from kikao.channels.telegram.emulated.people import Member as TelegramMember
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.channels.whatsapp.emulated.parties import Number
from kikao.channels.whatsapp.emulated.people import Member as WhatsAppMember
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.testing.differences import side_by_side
from kikao.testing.samples import sample
from kikao.transcripts import DROPPED, fits, screen_lines

NEXT: Final = "---"
"""The line between two messages that came for one thing that a member did."""

NOTE: Final = "(note: {})"
"""The line that shows the answer to a tap, which disappears by itself."""


class ChatPhone(ABC):
    """What both channels share. Each thing a member does returns the screen: what was said or reworded since."""

    ended: Final = False
    """A chat is never over."""
    channel: str
    api: Emulator
    parcels: list[Parcel]
    """Webhooks of what they did, in order."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.screen = ""
        """What came last: messages as `Message.lines` has them, with `---` between."""
        self.page = ""
        """What the page said last on which they entered a secret."""
        self._seen: dict[Chat, int] = {}
        self._texts: dict[tuple[Chat, str], str] = {}
        self._notes = 0
        self._last = ""

    @property
    @abstractmethod
    def chat(self) -> Chat:
        """That with the bot or business alone."""

    # --- what a member does ---

    @abstractmethod
    async def write(self, text: str, *, to: Message | None = None) -> str:
        """A message; `to` is one that it answers."""

    @abstractmethod
    async def start(self, payload: str = "") -> str:
        """Open the chat, perhaps by a link that carries a payload."""

    @abstractmethod
    async def share_contact(self, phone: str = "") -> str:
        """Their own number, or the contact of another with this number, in digits."""

    @abstractmethod
    async def share_location(self, latitude: float = 0.3476, longitude: float = 32.5825) -> str:
        """Where they are, in degrees."""

    @abstractmethod
    async def send(self, kind: str, data: bytes | None = None, *, caption: str = "") -> str:
        """A file, of a kind that the channel has: `photo` and `voice` are known on all of them. Tiny by default."""

    @abstractmethod
    async def edit(self, text: str) -> str:
        """Change what they wrote last."""

    @abstractmethod
    async def block(self) -> None:
        """Hear no more of it."""

    @abstractmethod
    async def unblock(self) -> None:
        """Hear it again."""

    @abstractmethod
    async def _tap(self, which: str | int, of: Message | None) -> None: ...

    @abstractmethod
    def _toasts(self) -> list[str]: ...

    async def reply(self, *texts: str) -> str:
        """Write one after the other; the last screen."""
        for text in texts:
            await self.write(text)
        return self.screen

    async def tap(self, *labels: str | int) -> str:
        """Buttons or rows, one after the other, each of the newest message that has it; by label or place."""
        for label in labels:
            await self._does(self._tap(label, None))
        return self.screen

    choose = tap

    async def tap_old(self, label: str | int) -> str:
        """One of an older message than the last: the newest that has such a button. Raises `LookupError`."""
        for message in reversed(self.chat.heard[:-1]):
            if message.rows:
                try:
                    message.button(label)
                except LookupError:
                    continue
                return await self._does(self._tap(label, message))
        raise LookupError(f"no older message has a button {label!r}")

    async def open_page(self, **fields: str) -> str:
        """Open the page behind the newest link that the server sent, and send it a form; what the page says.

        Raises `LookupError` where no message has a link to a page of the server.
        """
        rows = [row for message in reversed(self.chat.heard) for row in message.rows]
        urls = [
            button.value for row in rows for button in row if button.kind == "url" and PATH in button.value
        ]
        if not urls or self.api.deliveries.send is None:
            raise LookupError(f"{self.name} was sent no link to a page")
        form = urlencode(fields).encode()
        path, method = urlsplit(urls[0]).path, "POST" if fields else "GET"
        page = await self.api.deliveries.send(Exchange(path, FORM, form, method))
        told = re.sub(r"<title>.*?</title>|<style>.*?</style>|<[^>]+>", " ", page.body.decode())
        return " ".join(html.unescape(told).split())

    async def enter(self, secret: str) -> str:
        """Open that page, enter a secret there, and go back to the chat; the screen."""

        async def entered() -> None:
            await self.open_page(step="open")
            try:
                self.page = await self.open_page(step="use", secret=secret)
            except OSError:
                self.page = DROPPED
            await self.api.deliver()

        return await self._does(entered())

    async def listen(self) -> str:
        """Look whether something came by itself; else the screen is the last one that something came with."""
        return await self._does(self.api.deliver()) or self._show(self._last)

    async def again(self, back: int = 0) -> str:
        """The provider delivers once more what they did last, or `back` before that; what came of it.

        Raises `AssertionError` when they did nothing yet.
        """
        if back >= len(self.parcels):
            raise AssertionError(f"{self.name} has done {len(self.parcels)} things, not {back + 1}")

        async def repeated() -> None:
            await self.api.deliveries.repeat(self.parcels[-1 - back])
            await self.api.deliver()

        return await self._does(repeated())

    # --- what a member sees ---

    @property
    def lines(self) -> tuple[str, ...]:
        """The screen as it stands in a transcript."""
        return screen_lines(self.screen, False)

    @property
    def buttons(self) -> list[str]:
        """The labels that can be tapped below what was said last."""
        return self.chat.buttons

    def expect(self, screen: str) -> None:
        """The screen is this one, written as in a transcript: `...` is any text.

        Indentation that all lines share is left out. Raises `AssertionError` with both screens side by side.
        """
        written = tuple(line.rstrip() for line in inspect.cleandoc(screen).split("\n"))
        if not fits(written, self.lines):
            raise AssertionError("\n".join(["another screen:", *side_by_side(written, self.lines)]))

    async def _does(self, act: Awaitable[Any], chat: Chat | None = None) -> str:
        """Do it; the screen is what came of it there."""
        chat = self.chat if chat is None else chat
        await act
        shown = [message for message in chat.since(self._seen.get(chat, 0)) if self._is_news(chat, message)]
        self._seen[chat] = chat.changes
        self._texts |= {(chat, message.id): message.text for message in shown}
        toasts = self._toasts()
        lines = [NOTE.format(toast) for toast in toasts[self._notes :]]
        self._notes = len(toasts)
        for place, message in enumerate(shown):
            lines += [NEXT] if place else []
            lines += message.lines
        return self._show("\n".join(lines))

    def _is_news(self, chat: Chat, message: Message) -> bool:
        """Whether it is new, or says something else; buttons that go are no news."""
        return self._texts.get((chat, message.id)) != message.text

    def _show(self, screen: str) -> str:
        self.screen = screen
        self._last = screen or self._last
        return screen


class TelegramPhone(ChatPhone):
    """A phone with Telegram. With `group=` its member does something there."""

    channel = "telegram"

    def __init__(self, api: BotApi, member: TelegramMember) -> None:
        super().__init__(member.name)
        self.api: BotApi = api
        self.member = member
        self.parcels = member.parcels

    @property
    def chat(self) -> Chat:
        return self.member.chat

    async def write(self, text: str, *, to: Message | None = None, group: Group | None = None) -> str:
        return await self._does(self.member.write(text, to=to, group=group), group.chat if group else None)

    async def start(self, payload: str = "") -> str:
        return await self._does(self.member.start(payload))

    async def share_contact(self, phone: str = "") -> str:
        return await self._does(self.member.share_contact(phone=phone))

    async def share_location(self, latitude: float = 0.3476, longitude: float = 32.5825) -> str:
        return await self._does(self.member.share_location(latitude, longitude))

    async def send(self, kind: str, data: bytes | None = None, *, caption: str = "") -> str:
        return await self._does(
            self.member.send(kind, sample(kind) if data is None else data, caption=caption)
        )

    async def edit(self, text: str) -> str:
        return await self._does(self.member.edit(text))

    async def block(self) -> None:
        await self._does(self.member.block())

    async def unblock(self) -> None:
        await self._does(self.member.unblock())

    async def tap_in(self, group: Group, which: str | int) -> str:
        """A button of a message in a group."""
        return await self._does(self.member.tap(which, group=group), group.chat)

    async def _tap(self, which: str | int, of: Message | None) -> None:
        await self.member.tap(which, of=of)

    def _toasts(self) -> list[str]:
        return self.member.toasts


class WhatsAppPhone(ChatPhone):
    """A phone with WhatsApp, and a chat with one number of a business."""

    channel = "whatsapp"

    def __init__(self, api: CloudApi, member: WhatsAppMember, number: Number) -> None:
        super().__init__(member.name)
        self.api: CloudApi = api
        self.member = member
        self.number = number
        self.parcels = member.parcels

    @property
    def chat(self) -> Chat:
        return self.member.chat_with(self.number)

    async def write(self, text: str, *, to: Message | None = None) -> str:
        return await self._does(self.member.write(text, to=to, number=self.number))

    async def start(self, payload: str = "") -> str:
        """A link to a chat carries a text, which is written: https://wa.me/256700000900?text=…"""
        return await self.write(payload or "Hello")

    async def share_contact(self, phone: str = "") -> str:
        own = phone or self.member.phone
        return await self._does(self.member.share_contacts((self.name, own), number=self.number))

    async def share_location(self, latitude: float = 0.3476, longitude: float = 32.5825) -> str:
        return await self._does(self.member.share_location(latitude, longitude, number=self.number))

    async def send(self, kind: str, data: bytes | None = None, *, caption: str = "") -> str:
        kind = "image" if kind == "photo" else kind
        return await self._does(
            self.member.send(
                kind, sample(kind) if data is None else data, caption=caption, number=self.number
            )
        )

    async def edit(self, text: str) -> str:
        return await self._does(self.member.edit(text, number=self.number))

    async def block(self) -> None:
        self.member.block()

    async def unblock(self) -> None:
        self.member.unblock()

    async def _tap(self, which: str | int, of: Message | None) -> None:
        await self.member.tap(which, of=of, number=self.number)

    def _toasts(self) -> list[str]:
        return []
