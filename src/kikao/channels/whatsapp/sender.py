"""Sends parcels over a number on WhatsApp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.channels.calling import Answer, Make, Unanswered
from kikao.channels.chat.message import MessageRefused, Parcel
from kikao.channels.chat.sender import ChatSender, OutsideWindow, Sending, Struck
from kikao.channels.chat.templates import Templates
from kikao.channels.media.errors import FileDamaged, FileError, FileGone
from kikao.channels.outbox.sender import Letter, Pace, Rejected, TryLater
from kikao.channels.whatsapp.calls import Calls
from kikao.channels.whatsapp.errors import STRIKES, judge
from kikao.channels.whatsapp.files import CloudFiles

PACE: Final = Pace(1 / 64, 8)
"""A number sends 80 messages a second unless Meta raised that ("Throughput", Cloud API overview). However that second
is cut, there is something to spare: what leaves apart may arrive together."""

PAIR: Final = Pace(11.5, 20)
"""To one member goes one message in 6 s; up to 45 may go ahead of that, and then none until their time has come ("Pair
rate limits"; error 131056): 45 in 270 s, however these are cut. A burst of 20 leaves some of that for what follows, so
that whoever answers fast waits for seconds, and not for minutes."""


def paces(body: bytes) -> tuple[tuple[str, Pace], ...]:
    """Whom a parcel is for, and how fast they may get messages. Raises `msgspec.DecodeError`."""
    return ((f"pair:{Parcel.read(body).to}", PAIR),)


class WhatsAppSender(ChatSender):
    """A `Sender` of one number. `templates` are those that the app declares, `files` what it shows."""

    def __init__(
        self,
        line: str,
        calls: Calls,
        templates: Templates,
        make: Make,
        clock: Callable[[], float],
        files: CloudFiles | None = None,
    ) -> None:
        super().__init__(line, clock)
        self._calls = calls
        self._templates = templates
        self._make = make
        self._files = files

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """One call. What is wrong with a template is known before it."""
        name = letter.id.hex()
        try:
            call = (
                self._calls.template(parcel, self._templates, name)
                if template
                else self._calls.send(parcel, name)
            )
        except MessageRefused as error:
            return Rejected(str(error))
        try:
            if parcel.message.shows and self._files is not None and not template:
                return await self._show(parcel, name, self._files)
            return self._came_of(await self._make(call))
        except (FileGone, FileDamaged) as error:
            return Rejected(str(error))
        except (Unanswered, FileError) as error:
            return TryLater(str(error))

    def _came_of(self, answer: Answer) -> Sending:
        found = judge(answer, self.clock())
        if found.means == "window":
            return OutsideWindow()
        strikes = STRIKES.get(found.means)
        return found.outcome if strikes is None else Struck(found.outcome, strikes, str(found.code))

    async def _show(self, parcel: Parcel, name: str, files: CloudFiles) -> Sending:
        """Show something; a file whose id the provider does not know any more is uploaded once more."""
        (attached,) = parcel.message.shows
        again = files.has(attached)
        while True:
            what = await files.content(attached)
            answer = (
                what if isinstance(what, Answer) else await self._make(self._calls.show(parcel, what, name))
            )
            sending = self._came_of(answer)
            if not again or not isinstance(sending, Rejected):
                return sending
            files.forget(attached)
            again = False
