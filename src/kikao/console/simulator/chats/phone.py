"""A phone with a chat on it: what its member does goes to the provider, and it shows what that has of the chat."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from kikao.channels.chat.secret_links import PATH
from kikao.channels.emulating.chats import Button, Message
from kikao.channels.inbound import Chatted, Inbound
from kikao.console.simulator.chats.endpoints import ChatEndpoint
from kikao.console.simulator.chats.traffic import without
from kikao.console.simulator.chats.views import ButtonView, ChatView, MediaView, MessageView, WaitingView
from kikao.console.simulator.handset import Handset
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.telling import NAMES
from kikao.console.simulator.views import MASK
from kikao.conversation.secrets import Secret

if TYPE_CHECKING:
    from kikao.channels.telegram.emulated.people import Member as TelegramMember
    from kikao.channels.whatsapp.emulated.people import Member as WhatsAppMember

WINDOW: Final = 86_400.0
"""Seconds after a member wrote in which a business may write anything to them on WhatsApp."""

SHOWN: Final = 120
"""Messages of a chat that the page gets: the latest."""

PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/webp", "image/gif"})
"""What a browser shows of files, and the simulator gives it."""

SAMPLE: Final = Path(__file__).parent / "sample.jpg"
"""The photo that members send."""

SHEET: Final = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
"""The document that members send."""


class ChatPhone(Handset[ChatEndpoint]):
    """One with a chat, which does not know whether what is typed in it is a secret; see `hiding`."""

    def __init__(self, endpoint: ChatEndpoint, number: str) -> None:
        super().__init__(endpoint, number)
        digits = number.removeprefix("+")
        self.member: TelegramMember | WhatsAppMember
        self.member = _on_telegram(endpoint, digits) if self.is_telegram else _on_whatsapp(endpoint, digits)
        self.identity = str(getattr(self.member, "id", digits))
        """Of the member, as the app knows them on this channel."""
        self.hiding = ""
        """What is on its way and may be a secret: shown as `MASK`."""
        self.is_entering = False
        """Whether the page of a one-time link was opened, and nothing has come of it yet."""
        self._can_repeat = True
        endpoint.played.traffic.expect(self.identity)

    @property
    def is_telegram(self) -> bool:
        """Else it is WhatsApp."""
        return self.endpoint.of.channel == "telegram"

    @property
    def changes(self) -> int:
        """Grows with whatever happens in the chat, and over its wire."""
        toasts = len(getattr(self.member, "toasts", ()))
        traffic = self.endpoint.played.traffic.last(self.identity)
        return self.member.chat.changes + len(self.member.chat.all) + toasts + traffic

    @property
    def inbound(self) -> Inbound:
        """A message of theirs that says nothing: for whoever looks where they are."""
        of = self.endpoint.of
        return Inbound(of.channel, of.gateway, self.identity, "reply", Secret(""), chat=Chatted())

    def forget(self) -> None:
        """The phone leaves the table; the chat stays where it is, at the provider."""
        self.endpoint.played.traffic.forget(self.identity)

    # --- what the member does ---

    async def write(self, text: str, *, secret: bool) -> None:
        """A message; one that may be a secret shows as `MASK`, and is kept nowhere."""
        member, hidden = self.member, self.endpoint.played.traffic.hidden
        self.hiding = hidden[self.identity] = text if secret else ""
        try:
            await member.write(text)
        finally:
            if secret:
                self._forget_last(text)
            self.hiding = hidden[self.identity] = ""
            self._can_repeat = not secret

    async def tap(self, id_: str, place: int) -> str:
        """A button of a message, or of the keyboard where `id_` is empty; its label. Raises `Problem`."""
        member = self.member
        self._can_repeat = True
        if not id_:
            return await self._press(self._button(member.chat.keyboard, place))
        message = self.find(id_)
        button = self._button(message.rows, place)
        try:
            await member.tap(place, of=message)
        except LookupError as problem:
            raise Problem(409, str(problem)) from None
        return button.label

    def link(self, id_: str, place: int) -> str:
        """Where a button leads. Raises `Problem`."""
        button = self._button(self.find(id_).rows, place)
        if button.kind != "url" or not button.value.startswith(("http://", "https://")):
            raise Problem(404, "that button leads nowhere")
        self.is_entering = PATH in button.value
        return button.value

    async def share(self, what: str) -> None:
        """A photo, a document, where they are, or their own number. Raises `Problem`."""
        member = self.member
        self._can_repeat = True
        if what == "location":
            await member.share_location()
        elif what == "contact" and self.is_telegram:
            await member.share_contact()  # type: ignore[union-attr]
        elif what == "contact":
            await member.share_contacts()  # type: ignore[union-attr]
        elif what == "photo":
            photo = await asyncio.to_thread(SAMPLE.read_bytes)
            await member.send("photo" if self.is_telegram else "image", photo)
        elif what == "document":
            await member.send("document", SHEET, name="statement.pdf")
        else:
            raise Problem(400, "a phone shares a photo, a document, a location or a contact")

    async def edit(self, text: str) -> None:
        """Change what they wrote last. Raises `Problem`."""
        if any(message.text == MASK for message in self._mine()[-1:]):
            raise Problem(409, "what may be a secret is kept nowhere, so it cannot be changed")
        self._can_repeat = True
        try:
            await self.member.edit(text)
        except LookupError as problem:
            raise Problem(409, str(problem)) from None

    async def again(self) -> None:
        """The provider delivers what they did last once more. Raises `Problem`."""
        parcels = self.member.parcels
        if not self._can_repeat:
            raise Problem(409, "what may be a secret is kept nowhere, so it cannot be delivered again")
        if not parcels:
            raise Problem(409, "nothing was done yet: write something first")
        await self.endpoint.played.api.deliveries.repeat(parcels[-1])

    async def read(self) -> None:
        """Look at the chat, which WhatsApp tells."""
        if self.is_telegram:
            raise Problem(409, "Telegram does not tell a bot what was read")
        await self.member.read()  # type: ignore[union-attr]

    async def block(self, blocked: bool) -> None:
        """Hear no more of it, or again: Telegram tells, WhatsApp does not."""
        done = self.member.block() if blocked else self.member.unblock()
        if done is not None:
            await done

    # --- what the member sees ---

    def find(self, id_: str) -> Message:
        """A message of the chat. Raises `Problem`."""
        found = self.member.chat.find(id_)
        if found is None:
            raise Problem(404, "there is no such message in this chat")
        return found

    def shown(self, waiting: Sequence[WaitingView]) -> ChatView:
        """The chat as the page has it."""
        member = self.member
        toasts = getattr(member, "toasts", [])
        return ChatView(
            messages=tuple(self._seen(message) for message in member.chat.messages[-SHOWN:]),
            keyboard=_rows(member.chat.keyboard),
            note=toasts[-1] if toasts else "",
            notes=len(toasts),
            is_spinning=bool(getattr(member, "spinning", ())),
            is_blocked=member.blocked,
            open_until=self._open_until(),
            waiting=tuple(waiting),
            provider=self.endpoint.played.view,
            changes=self.changes,
        )

    def _open_until(self) -> float | None:
        if self.is_telegram:
            return None
        wrote = self.member.wrote.get(self.endpoint.played.api.numbers[0].id)  # type: ignore[union-attr]
        return 0.0 if wrote is None else wrote + WINDOW

    def _seen(self, message: Message) -> MessageView:
        mine, media = bool(message.by), message.media
        is_hidden = mine and self.hiding != "" and message.text == self.hiding
        return MessageView(
            id=message.id,
            mine=mine,
            text=MASK if is_hidden else message.text,
            at=message.at,
            kind=message.kind,
            rows=_rows(message.rows),
            opens=message.opens,
            media=None
            if media is None
            else MediaView(
                media.name,
                media.kind or message.kind,
                media.mime,
                media.data is not None and media.mime in PICTURES,
            ),
            is_edited=message.edited_at is not None,
            ticks=message.ticks,
        )

    async def _press(self, button: Button) -> str:
        """A key in place of the letters: it writes its label, or shares what it asks for."""
        if button.kind in ("contact", "location"):
            await self.share(button.kind)
        else:
            await self.member.write(button.label)
        return button.label

    def _button(self, rows: Sequence[Sequence[Button]], place: int) -> Button:
        flat = [button for row in rows for button in row]
        if not 0 <= place < len(flat):
            raise Problem(404, "there is no such button there any more")
        return flat[place]

    def _mine(self) -> list[Message]:
        return [message for message in self.member.chat.messages if message.by]

    def _forget_last(self, text: str) -> None:
        """What was typed is in no message any more, and in no request that could be delivered again."""
        for message in self.member.chat.all:  # also where the app took it away at once
            if message.by and message.text == text:
                message.text, message.raw = MASK, without(message.raw, {text})
        for parcel in self.member.parcels[-1:]:
            taken = self.endpoint.played.api.deliveries.taken
            if parcel in taken:
                taken.remove(parcel)
                parcel.events = ()
        del self.member.parcels[-1:]


def _rows(rows: Sequence[Sequence[Button]]) -> tuple[tuple[ButtonView, ...], ...]:
    found, place = [], 0
    for row in rows:
        found.append(
            tuple(
                ButtonView(place + n, button.label, button.kind, button.about) for n, button in enumerate(row)
            )
        )
        place += len(row)
    return tuple(found)


def name_of(digits: str) -> str:
    """What whoever has this number is called."""
    return NAMES[int(digits) % len(NAMES)]


def _on_telegram(endpoint: ChatEndpoint, digits: str) -> TelegramMember:
    """Whoever has this number, under the same id each time: sessions outlive the process."""
    from kikao.channels.telegram.emulated.people import Member
    from kikao.channels.telegram.emulator import BotApi

    api = endpoint.played.api
    assert isinstance(api, BotApi)
    number = 7_000_000_000 + int.from_bytes(hashlib.sha256(digits.encode()).digest()[:4])
    known = api.places.get(number)
    if isinstance(known, Member):
        return known
    return api.member(name_of(digits), id=number, phone=digits, started=True)


def _on_whatsapp(endpoint: ChatEndpoint, digits: str) -> WhatsAppMember:
    from kikao.channels.whatsapp.emulator import CloudApi

    api = endpoint.played.api
    assert isinstance(api, CloudApi)
    return api.known(digits) or api.member(name_of(digits), phone=digits)
