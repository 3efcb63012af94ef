"""People on Telegram: what they do to a bot, alone or in a group, and what they see of it."""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from kikao.channels.emulating.chats import Button, Chat, Media, Message, utf16
from kikao.channels.emulating.deliveries import Parcel
from kikao.channels.telegram.emulated.bot import Bot
from kikao.channels.telegram.emulated.places import Place
from kikao.channels.telegram.emulated.rules import PAYLOAD

Shown = Literal["message", "inaccessible", "inline"]
"""What a tap says of the message it was below: all of it, that it is too old to say more, or nothing."""

KINDS: Final = {
    "photo": ("image/jpeg", "photo.jpg"),
    "voice": ("audio/ogg", ""),
    "audio": ("audio/mpeg", "song.mp3"),
    "video": ("video/mp4", "video.mp4"),
    "video_note": ("video/mp4", ""),
    "animation": ("video/mp4", "animation.mp4"),
    "document": ("application/pdf", "document.pdf"),
    "sticker": ("image/webp", ""),
}
"""Media, and what it is unless said otherwise."""

FIRST_GROUP: Final = -4_000_000_000
FIRST_SUPERGROUP: Final = -1_002_000_000_000
"""Ids, from which they count down."""


class Member(Place):
    """A person, and their private chat with the bot.

    Each thing they do returns what the bot said or changed by then in the chat they did it in; where it says that only
    later, look at `chat`. With `group=` they do it there.
    """

    def __init__(
        self,
        api: Bot,
        number: int,
        name: str,
        *,
        language: str = "",
        username: str = "",
        last_name: str = "",
        phone: str = "",
    ) -> None:
        super().__init__(number, "private", name)
        self.name = name
        self.language = language
        """As `language_code` says it, `sw` or `pt-br`; empty for an app that does not say."""
        self.username = username
        self.last_name = last_name
        self.phone = phone
        """Digits, which only a shared contact tells."""
        self.blocked = False
        self.deactivated = False
        self.started = False
        """Whether the bot may write: it cannot begin."""
        self.toasts: list[str] = []
        """What the answers to taps said."""
        self.spinning: set[str] = set()
        """Taps that the bot has not answered: the button still spins."""
        self.typing = 0
        """How often the bot was seen typing, or busy otherwise."""
        self.parcels: list[Parcel] = []
        """Webhooks of what they did, in order."""
        self._api = api
        self._last_tap: dict[str, Any] = {}

    def wire(self) -> dict[str, Any]:
        return {"id": self.id, "type": "private", **self._named()}

    def user(self) -> dict[str, Any]:
        """As `User` of the Bot API."""
        spoken = {"language_code": self.language} if self.language else {}
        return {"id": self.id, "is_bot": False, **self._named(), **spoken}

    # --- what they do ---

    async def write(
        self, text: str, *, group: Group | None = None, to: Message | None = None
    ) -> list[Message]:
        """A message; `to` is one that it answers. Commands (`/balance 2026`, `/balance@kikao_bot`) are marked."""
        marks = _marks(text)
        return await self._says(
            group, "text", {"text": text, **({"entities": marks} if marks else {})}, text, to
        )

    async def start(self, payload: str = "", *, group: Group | None = None) -> list[Message]:
        """The Start button of a new chat; with a payload, a link `https://t.me/bot?start=payload`.

        Raises `ValueError` for a payload that no link can have: at most 64 of A-Z a-z 0-9 _ -.
        """
        if not PAYLOAD.fullmatch(payload):
            raise ValueError(f"a deep link cannot carry {payload!r}")
        return await self.write(f"/start {payload}".rstrip(), group=group)

    async def tap(
        self,
        which: str | int,
        *,
        of: Message | None = None,
        group: Group | None = None,
        shown: Shown = "message",
    ) -> list[Message]:
        """A button, by its label or its place, of the newest message that has it, or `of` an older one.

        One in place of the letters writes its label, or shares what it asks for. Raises `LookupError` where there is
        none, and for a link, which leads out of Telegram.
        """
        place = group or self
        button, message = self._button(place.chat, which, of)
        if message is None:
            if button.kind == "contact":
                return await self.share_contact()
            if button.kind == "location":
                return await self.share_location()
            return await self.write(button.label, group=group)
        if button.kind != "callback":
            raise LookupError(f"[{button.label}] tells the bot nothing: {button.value or button.kind}")
        query: dict[str, Any] = {
            "id": str(self._api.chance.getrandbits(62)),
            "from": self.user(),
            "chat_instance": str(place.id * 31 + 7),
            "data": button.value,
        }
        if shown == "message":
            query["message"] = message.raw
        elif shown == "inaccessible":
            query["message"] = {"chat": place.wire(), "message_id": int(message.id), "date": 0}
        else:
            query["inline_message_id"] = f"inline-{message.id}"
        self._last_tap = query
        self.spinning.add(query["id"])
        self._api.asks(query["id"], self)
        return await self._does(place, "callback_query", query)

    async def tap_resent(self) -> list[Message]:
        """The same tap under a new `update_id`, as an app does that lost its connection. Raises `LookupError`."""
        if not self._last_tap:
            raise LookupError(f"{self.name} has tapped nothing")
        return await self._does(self, "callback_query", self._last_tap)

    async def share_contact(
        self, of: Member | None = None, *, phone: str = "", group: Group | None = None
    ) -> list[Message]:
        """Their own number, or that of somebody else: `phone`, or another member's. Raises `LookupError` for none."""
        who = of or self
        number = phone or who.phone
        if not number:
            raise LookupError(f"{who.name} has no number: api.member(..., phone='256772000001')")
        contact: dict[str, Any] = {"phone_number": number, "first_name": who.name}
        if not phone or phone == who.phone:
            contact["user_id"] = who.id
        return await self._says(group, "contact", {"contact": contact}, number)

    async def share_location(
        self, latitude: float = 0.3476, longitude: float = 32.5825, *, group: Group | None = None
    ) -> list[Message]:
        """Where they are, in degrees."""
        where = {"latitude": latitude, "longitude": longitude}
        return await self._says(group, "location", {"location": where}, f"{latitude}, {longitude}")

    async def send(
        self,
        kind: str,
        data: bytes,
        *,
        caption: str = "",
        name: str = "",
        mime: str = "",
        group: Group | None = None,
    ) -> list[Message]:
        """A file: photo, voice, audio, video, video_note, animation, document or sticker. Raises `LookupError`."""
        if kind not in KINDS:
            raise LookupError(f"nobody can send {kind!r}; there are {', '.join(KINDS)}")
        usual_mime, usual_name = KINDS[kind]
        media = Media(name or usual_name, mime or usual_mime, data)
        content: dict[str, Any] = {kind: self._api.file(kind, media)}
        if caption:
            content["caption"] = caption
            content |= {"caption_entities": marks} if (marks := _marks(caption)) else {}
        return await self._says(group, kind, content, caption, media=media)

    async def edit(
        self, text: str, *, of: Message | None = None, group: Group | None = None
    ) -> list[Message]:
        """Change what they wrote, the last of it unless said. Raises `LookupError` when they wrote nothing."""
        place = group or self
        message = of or place.chat.last_by(self.name)
        message.text = text
        message.edited_at = self._api.clock()
        message.raw = message.raw | {"text": text, "edit_date": int(message.edited_at)}
        message.raw.pop("entities", None)
        return await self._does(place, "edited_message", message.raw)

    async def react(self, emoji: str, of: Message | None = None) -> list[Message]:
        """An emoji on a message of the bot, the last one unless said."""
        message = of or self.chat.last
        reaction = {
            "chat": self.wire(),
            "message_id": int(message.id),
            "user": self.user(),
            "date": int(self._api.clock()),
            "old_reaction": [],
            "new_reaction": [{"type": "emoji", "emoji": emoji}],
        }
        return await self._does(self, "message_reaction", reaction)

    async def block(self) -> None:
        """Stop the bot."""
        self.blocked = True
        await self._does(self, "my_chat_member", self._api.membership(self, self.user(), "member", "kicked"))

    async def unblock(self) -> None:
        """Let it write again."""
        self.blocked = False
        await self._does(self, "my_chat_member", self._api.membership(self, self.user(), "kicked", "member"))

    def leave_telegram(self) -> None:
        """Delete the account. Nobody is told."""
        self.deactivated = True

    # --- how it is told ---

    async def _says(
        self,
        group: Group | None,
        kind: str,
        content: dict[str, Any],
        text: str,
        to: Message | None = None,
        media: Media | None = None,
    ) -> list[Message]:
        place = group or self
        if group is None:
            self.started = True
        raw = self._api.message(place, self.user(), content)
        if to is not None:
            raw["reply_to_message"] = to.raw
        message = Message(
            str(raw["message_id"]), self.name, text, self._api.clock(), kind, media=media, raw=raw
        )
        place.chat.add(message)
        return await self._does(place, "message", raw)

    async def _does(self, place: Place, kind: str, said: dict[str, Any]) -> list[Message]:
        before = place.chat.changes
        parcel = await self._api.tell(kind, said, place)
        self.parcels += [parcel] if parcel is not None else []
        return place.chat.since(before)

    def _button(self, chat: Chat, which: str | int, of: Message | None) -> tuple[Button, Message | None]:
        """The button, and its message; None where it is on the keyboard."""
        if of is not None:
            return of.button(which), of
        keys = Message("", "", "", 0.0, rows=chat.keyboard)
        try:
            message = chat.with_button(which)
        except LookupError:
            if not chat.keyboard:
                raise
            return keys.button(which), None
        return message.button(which), message

    def _named(self) -> dict[str, Any]:
        optional = {"last_name": self.last_name, "username": self.username}
        return {"first_name": self.name, **{key: value for key, value in optional.items() if value}}


class Group(Place):
    """Several members and the bot in one chat."""

    def __init__(
        self, api: Bot, number: int, title: str, members: tuple[Member, ...], kind: str = "group"
    ) -> None:
        super().__init__(number, kind, title)
        self.members = list(members)
        self._api = api

    def wire(self) -> dict[str, Any]:
        everybody = {"all_members_are_administrators": True} if self.kind == "group" else {}
        return super().wire() | everybody

    async def join(self, member: Member) -> list[Message]:
        """Somebody comes in."""
        self.members.append(member)
        content = {"new_chat_members": [member.user()]}
        return await self._tell("message", self._api.message(self, member.user(), content))

    async def migrate(self) -> Group:
        """It becomes a supergroup, under another id: calls to this one are told where it went."""
        number = self._api.next_group_id(FIRST_SUPERGROUP)
        grown = Group(self._api, number, self.chat.title, tuple(self.members), "supergroup")
        self._api.places[grown.id] = grown
        self.moved_to = grown.id
        by = self.members[0].user()
        await self._tell("message", self._api.message(self, by, {"migrate_to_chat_id": grown.id}))
        said = self._api.message(grown, ANONYMOUS, {"migrate_from_chat_id": self.id})
        await grown._tell("message", said | {"sender_chat": grown.wire()})
        return grown

    async def kick_bot(self, by: Member | None = None) -> None:
        """The bot is thrown out."""
        self.bot_is_in = False
        await self._tell(
            "my_chat_member", self._api.membership(self, (by or self.members[0]).user(), "member", "kicked")
        )

    async def add_bot(self, by: Member | None = None) -> None:
        """It comes in again."""
        self.bot_is_in = True
        await self._tell(
            "my_chat_member", self._api.membership(self, (by or self.members[0]).user(), "left", "member")
        )

    async def _tell(self, kind: str, said: dict[str, Any]) -> list[Message]:
        before = self.chat.changes
        await self._api.tell(kind, said, self)
        return self.chat.since(before)


ANONYMOUS: Final = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}
"""Who speaks for a group."""


def _marks(text: str) -> list[dict[str, Any]]:
    return [
        {
            "type": "bot_command" if found[0].startswith("/") else "url",
            "offset": utf16(text[: found.start()]),
            "length": utf16(found[0]),
        }
        for found in _MARKED.finditer(text)
    ]


_MARKED: Final = re.compile(r"(?<!\S)/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{1,32})?|https?://\S+")
