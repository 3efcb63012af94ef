"""Sends parcels: a message each, in place of another one where that is kinder, to where a group went meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import structs

from kikao.channels.calling import Unanswered
from kikao.channels.chat.message import Parcel
from kikao.channels.chat.sender import ChatSender, Sending, Struck
from kikao.channels.media.errors import FileDamaged, FileError, FileGone
from kikao.channels.outbox.sender import Delivered, Letter, Pace, Rejected, TryLater
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.calls import edited, place, sent, where
from kikao.channels.telegram.errors import Refused, judged
from kikao.channels.telegram.files import BotFiles

PACE: Final = Pace(1 / 24, 4)
"""A bot may send 30 messages a second in all (https://core.telegram.org/bots/faq). However that second is cut, there is
something to spare: what leaves apart may arrive together."""

CHAT: Final = Pace(1.1)
"""One a second to a member, with something to spare: what leaves a second apart may arrive closer together."""

GROUP: Final = Pace(4.5, 4)
"""Twenty a minute to a group, however that minute is cut, and however long one waited for the bot's own pace."""

MOST_MOVED: Final = 1000
"""Groups whose new ids are remembered; of others the Bot API says it again."""


def paces(body: bytes) -> tuple[tuple[str, Pace], ...]:
    """Which chat a parcel is for, and how fast that may get messages. Raises `msgspec.DecodeError`."""
    chat = Parcel.read(body).to.partition("/")[0]
    return ((f"chat:{chat}", GROUP if chat.startswith("-") else CHAT),)


class TelegramSender(ChatSender):
    """Sends to the chats of one bot."""

    def __init__(
        self, line: str, api: Api, clock: Callable[[], float], files: BotFiles | None = None
    ) -> None:
        super().__init__(line, clock)
        self._api = api
        self._files = files
        self._moved: dict[str, str] = {}
        self.tell: Callable[[str], None] = lambda note: None
        """Hears of groups that have another id now."""

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """One message. Where nobody knows whether it arrived it is sent again: Telegram cannot tell copies."""
        try:
            place(parcel.to)
        except ValueError:
            return Rejected("no chat of Telegram")
        try:
            return await self._deliver(parcel)
        except (FileGone, FileDamaged) as error:
            return Rejected(str(error))
        except (Unanswered, FileError) as error:
            return TryLater(str(error))

    async def _deliver(self, parcel: Parcel) -> Sending:
        chat, slash, topic = parcel.to.partition("/")
        if chat in self._moved:
            parcel = structs.replace(parcel, to=self._moved[chat] + slash + topic)
        refused = await self._call(parcel)
        if refused is not None and refused.why == "moved":
            parcel = self._follow(chat, str(refused.to), parcel)
            refused = await self._call(parcel)
        if refused is None:
            return Delivered()
        if refused.why in ("blocked", "gone"):
            return Struck(
                refused.outcome, "blocked" if refused.why == "blocked" else "gone", str(refused.status)
            )
        return refused.outcome

    async def _call(self, parcel: Parcel) -> Refused | None:
        """None where it is in the chat. One that cannot be changed any more is followed by another."""
        if parcel.message.shows and self._files is not None:
            shown = judged(await self._files.send(parcel.message.shows[0], where(parcel)))
            return shown if isinstance(shown, Refused) else None
        if parcel.replaces:
            done = await self._api.call("editMessageText", edited(parcel))
            if not isinstance(done, Refused) or done.why == "unchanged":
                return None
            if done.why not in ("not_there", "wrong"):
                return done
        done = await self._api.call("sendMessage", sent(parcel))
        return done if isinstance(done, Refused) else None

    def _follow(self, before: str, after: str, parcel: Parcel) -> Parcel:
        """A group that goes on under another id: there its messages have other ids, too."""
        if len(self._moved) >= MOST_MOVED:
            self._moved.clear()
        self._moved[before] = after
        self.tell("a group goes on under another id")
        return structs.replace(parcel, to=after, replaces="", answers="")
