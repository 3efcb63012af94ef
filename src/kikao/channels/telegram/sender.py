"""Sends parcels: a message each, in place of another one where that is kinder, to where a group went meanwhile."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import msgspec
from msgspec import structs

from kikao.channels.calling import Unanswered
from kikao.channels.chat.message import Parcel
from kikao.channels.chat.told import Changed, Moved, Told
from kikao.channels.media.errors import FileDamaged, FileError, FileGone
from kikao.channels.outbox.sender import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.channels.telegram.api import Api
from kikao.channels.telegram.calls import edited, place, sent, where
from kikao.channels.telegram.errors import Refused, judged
from kikao.channels.telegram.files import BotFiles

MOST_MOVED: Final = 1000
"""Groups whose new ids are remembered; of others the Bot API says it again."""

Hears = Callable[[Told], Awaitable[object]]


async def nobody(told: Told) -> None:
    """Hears nothing."""


class Sender:
    """Sends to the chats of one bot. `hears` is told what a refusal says of a chat."""

    def __init__(
        self,
        api: Api,
        line: str,
        *,
        clock: Callable[[], float] = time.time,
        hears: Hears = nobody,
        files: BotFiles | None = None,
    ) -> None:
        self._api = api
        self._line = line
        self._clock = clock
        self.hears = hears
        self._files = files
        self._moved: dict[str, str] = {}

    async def send(self, letter: Letter) -> Outcome:
        """One message. Where nobody knows whether it arrived it is sent again: Telegram cannot tell copies."""
        try:
            parcel = Parcel.read(letter.body)
            place(parcel.to)
        except (msgspec.DecodeError, ValueError):
            return Rejected("not a message to a chat of Telegram")
        if parcel.until <= self._clock():
            return Rejected("of no use any more")
        try:
            return await self._send(parcel)
        except (FileGone, FileDamaged) as error:
            return Rejected(str(error))
        except (Unanswered, FileError) as error:
            return TryLater(str(error))

    async def _send(self, parcel: Parcel) -> Outcome:
        chat, slash, topic = parcel.to.partition("/")
        if chat in self._moved:
            parcel = structs.replace(parcel, to=self._moved[chat] + slash + topic)
        refused = await self._call(parcel)
        if refused is not None and refused.why == "moved":
            parcel = await self._follow(chat, str(refused.to), parcel)
            refused = await self._call(parcel)
        if refused is None:
            return Delivered()
        if refused.why in ("blocked", "gone"):
            what: Literal["blocked", "gone"] = "blocked" if refused.why == "blocked" else "gone"
            who = parcel.to.partition("/")[0]
            await self.hears(
                Changed(
                    line=self._line,
                    identity=who,
                    what=what,
                    at=self._clock(),
                    reason=f"HTTP {refused.status}",
                )
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
            if done.why not in ("not_there", "wrong", "moved"):
                return done
        done = await self._api.call("sendMessage", sent(parcel))
        return done if isinstance(done, Refused) else None

    async def _follow(self, before: str, after: str, parcel: Parcel) -> Parcel:
        """A group that goes on under another id: there its messages have other ids, too."""
        if len(self._moved) >= MOST_MOVED:
            self._moved.clear()
        self._moved[before] = after
        await self.hears(Moved(line=self._line, before=before, after=after, what="group"))
        return structs.replace(parcel, to=after, replaces="", answers="")
