"""People on WhatsApp: what they do to a business, and what they see of it."""

from __future__ import annotations

import json
from typing import Any, Final

from kikao.channels.emulating.chats import Button, Chat, Media, Message
from kikao.channels.emulating.deliveries import Parcel
from kikao.channels.whatsapp.emulated.business import Business
from kikao.channels.whatsapp.emulated.parties import Number, Person

KINDS: Final = {
    "image": "image/jpeg",
    "audio": "audio/mpeg",
    "voice": "audio/ogg; codecs=opus",
    "video": "video/mp4",
    "document": "application/pdf",
    "sticker": "image/webp",
}
"""Media, and what it is unless said otherwise."""


class Member(Person):
    """A person, and their chats with the numbers of a business.

    Each thing they do returns what the business said by then in the chat they did it in; where it says that only
    later, look at `chat`. With `number=` they do it to another number of the business than its first.
    """

    def __init__(self, api: Business, name: str, phone: str, user_id: str, username: str) -> None:
        super().__init__(name, phone, user_id, username)
        self.parcels: list[Parcel] = []
        """Webhooks of what they did, in order."""
        self._api = api

    @property
    def chat(self) -> Chat:
        """That with the first number."""
        return self.chat_with()

    def chat_with(self, number: Number | None = None) -> Chat:
        """That with a number, the first unless said."""
        return super().chat_with(number or self._api.numbers[0])

    # --- what they do ---

    async def write(
        self,
        text: str,
        *,
        number: Number | None = None,
        to: Message | None = None,
        referral: dict[str, Any] | None = None,
    ) -> list[Message]:
        """A message; `to` is one that it answers, `referral` the advertisement that it came from."""
        extra = {"referral": referral} if referral else {}
        return await self._says(number, "text", {"text": {"body": text}, **extra}, text, to)

    async def tap(
        self, which: str | int, *, of: Message | None = None, number: Number | None = None
    ) -> list[Message]:
        """A button, or a row of a list, by its label or its place: of the newest message that has it, or `of` an older.

        Raises `LookupError` where there is none, and for what tells the business nothing, such as a link.
        """
        message = of or self.chat_with(number).with_button(which)
        button = message.button(which)
        if button.kind == "location":
            return await self.share_location(number=number, to=message)
        kind, content = _tapped(button)
        return await self._says(number, kind, content, button.label, message)

    async def fill_in(
        self, answers: dict[str, Any], *, of: Message | None = None, number: Number | None = None
    ) -> list[Message]:
        """The form of a Flow, of the newest message with one. Raises `LookupError` where there is none."""
        chat = self.chat_with(number)
        forms = [each for each in chat.heard if each.rows and each.rows[0][0].kind == "flow"]
        if of is None and not forms:
            raise LookupError("nobody sent a form")
        message = of or forms[-1]
        said = json.dumps({"flow_token": message.rows[0][0].value} | answers)
        reply = {"type": "nfm_reply", "nfm_reply": {"name": "flow", "body": "Sent", "response_json": said}}
        return await self._says(number, "interactive", {"interactive": reply}, "Sent", message)

    async def react(
        self, emoji: str, of: Message | None = None, *, number: Number | None = None
    ) -> list[Message]:
        """An emoji on a message, the last one of the business unless said; an empty one takes it away."""
        message = of or self.chat_with(number).last
        reaction = {"message_id": message.id} | ({"emoji": emoji} if emoji else {})
        return await self._says(number, "reaction", {"reaction": reaction}, emoji)

    async def share_location(
        self,
        latitude: float = 0.3476,
        longitude: float = 32.5825,
        *,
        place: str = "",
        address: str = "",
        number: Number | None = None,
        to: Message | None = None,
    ) -> list[Message]:
        """Where they are, in degrees, or a place with a name."""
        named = {key: value for key, value in (("name", place), ("address", address)) if value}
        where = {"latitude": latitude, "longitude": longitude, **named}
        return await self._says(number, "location", {"location": where}, f"{latitude}, {longitude}", to)

    async def share_contacts(self, *contacts: tuple[str, str], number: Number | None = None) -> list[Message]:
        """Names with their numbers; their own when none are given."""
        told = contacts or ((self.name, self.phone),)
        cards = [
            {
                "name": {"formatted_name": name, "first_name": name},
                "phones": [{"phone": f"+{phone}", "wa_id": phone, "type": "CELL"}],
            }
            for name, phone in told
        ]
        text = ", ".join(name for name, _ in told)
        return await self._says(number, "contacts", {"contacts": cards}, text)

    async def send(
        self,
        kind: str,
        data: bytes,
        *,
        caption: str = "",
        name: str = "",
        mime: str = "",
        number: Number | None = None,
    ) -> list[Message]:
        """A file: image, audio, voice, video, document or sticker. Raises `LookupError` for another kind."""
        if kind not in KINDS:
            raise LookupError(f"nobody can send {kind!r}; there are {', '.join(KINDS)}")
        media = Media(name or ("document.pdf" if kind == "document" else ""), mime or KINDS[kind], data)
        content = self._api.file(media)
        content |= {"caption": caption} if caption else {}
        content |= {"filename": media.name} if kind == "document" else {}
        content |= {"voice": kind == "voice"} if kind in ("audio", "voice") else {}
        content |= {"animated": False} if kind == "sticker" else {}
        sort = "audio" if kind == "voice" else kind
        return await self._says(number, sort, {sort: content}, caption, media=media)

    async def order(
        self,
        *items: tuple[str, int, float],
        text: str = "",
        currency: str = "UGX",
        number: Number | None = None,
    ) -> list[Message]:
        """Products from a catalogue: each with its quantity and the price of one."""
        said = {
            "catalog_id": "900000000000007",
            "text": text,
            "product_items": [
                {"product_retailer_id": name, "quantity": count, "item_price": price, "currency": currency}
                for name, count, price in items
            ],
        }
        return await self._says(number, "order", {"order": said}, text)

    async def send_unsupported(self, *, number: Number | None = None) -> list[Message]:
        """What the Cloud API tells no business about, a poll say."""
        error = {
            "code": 131051,
            "title": "Message type unknown",
            "message": "Message type unknown",
            "error_data": {"details": "Message type is currently not supported."},
        }
        return await self._says(number, "unsupported", {"errors": [error]}, "")

    async def edit(
        self, text: str, *, of: Message | None = None, number: Number | None = None
    ) -> list[Message]:
        """Change what they wrote, the last of it unless said. Raises `LookupError` when they wrote nothing."""
        message = of or self.chat_with(number).last_by(self.name)
        message.text, message.edited_at = text, self._api.clock()
        changed = {"original_message_id": message.id, "message": {"type": "text", "text": {"body": text}}}
        return await self._says(number, "edit", {"edit": changed}, "")

    async def delete(self, *, of: Message | None = None, number: Number | None = None) -> list[Message]:
        """Take back what they wrote, for everybody. Raises `LookupError` when they wrote nothing."""
        message = of or self.chat_with(number).last_by(self.name)
        message.deleted = True
        return await self._says(number, "revoke", {"revoke": {"original_message_id": message.id}}, "")

    async def read(self, *, number: Number | None = None) -> None:
        """Look at what the business said: it is told so, of all that was not read yet."""
        for message in self.chat_with(number).heard:
            if message.ticks not in ("read", "failed"):
                self._api.report(message, "read", self, number or self._api.numbers[0])
        await self._api.deliver()

    async def change_number(self, phone: str, *, number: Number | None = None) -> None:
        """Take another number; the business is told from the old one."""
        old, self.phone = self.phone, phone
        self._api.renumbered(old, self)
        body = f"User {self.name} changed from {old} to {phone}"
        system = {"body": body, "wa_id": phone, "type": "user_changed_number"}
        said = self._api.message({"from": old}, "system", {"system": system})
        await self._api.tell("messages", number, {"messages": [said]})

    async def stop_marketing(self, *, number: Number | None = None) -> None:
        """Want no more of it."""
        await self._prefer("stop", number)

    async def resume_marketing(self, *, number: Number | None = None) -> None:
        """Want it again."""
        await self._prefer("resume", number)

    def block(self) -> None:
        """Block the business: what it sends cannot be delivered, and it is not told why."""
        self.blocked = True

    def unblock(self) -> None:
        """Let it write again."""
        self.blocked = False

    # --- how it is told ---

    async def _prefer(self, value: str, number: Number | None) -> None:
        self.marketing = value == "resume"
        preference = {
            "wa_id": self.phone,
            "detail": f"User requested to {value} marketing messages",
            "category": "marketing_messages",
            "value": value,
            "timestamp": int(self._api.clock()),
        }
        said = {"contacts": [self.contact], "user_preferences": [preference]}
        await self._api.tell("user_preferences", number, said)

    async def _says(
        self,
        number: Number | None,
        kind: str,
        content: dict[str, Any],
        text: str,
        to: Message | None = None,
        media: Media | None = None,
    ) -> list[Message]:
        business = number or self._api.numbers[0]
        sender = {"from": self.phone} if self.phone else {"from_user_id": self.user_id}
        if to is not None:
            sender["context"] = {"from": business.display, "id": to.id}  # type: ignore[assignment]
        raw = self._api.message(sender, kind, content)
        self.wrote[business.id] = self._api.clock()
        chat = self.chat_with(business)
        before = chat.changes
        if kind not in ("reaction", "edit", "revoke"):
            chat.add(Message(raw["id"], self.name, text, self._api.clock(), kind, media=media, raw=raw))
        self._api.heard[raw["id"]] = self
        said = {"contacts": [self.contact], "messages": [raw]}
        self.parcels.append(await self._api.tell("messages", business, said))
        return chat.since(before)


def _tapped(button: Button) -> tuple[str, dict[str, Any]]:
    """The type of the message that a tap sends, and what is in it."""
    if button.kind == "callback":
        reply = {"id": button.value, "title": button.label}
        return "interactive", {"interactive": {"type": "button_reply", "button_reply": reply}}
    if button.kind == "row":
        row = {"id": button.value, "title": button.label}
        row |= {"description": button.about} if button.about else {}
        return "interactive", {"interactive": {"type": "list_reply", "list_reply": row}}
    if button.kind == "text":
        return "button", {"button": {"payload": button.value, "text": button.label}}
    raise LookupError(f"[{button.label}] tells the business nothing: it is a {button.kind}")
