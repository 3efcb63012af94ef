"""Sends parcels over a number on WhatsApp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kikao.channels.calling import Make, Unanswered
from kikao.channels.chat.message import MessageRefused, Parcel
from kikao.channels.chat.sender import ChatSender, OutsideWindow, Sending, Struck
from kikao.channels.chat.templates import Templates
from kikao.channels.outbox.sender import Letter, Pace, Rejected, TryLater
from kikao.channels.whatsapp.calls import Calls
from kikao.channels.whatsapp.errors import STRIKES, judge

PACE: Final = Pace(1 / 80, 80)
"""A number sends 80 messages a second unless Meta raised that ("Throughput", Cloud API overview)."""

PAIR: Final = Pace(6.0, 45)
"""To one member go 10 messages a minute, with bursts of up to 45 ("Pair rate limits"; error 131056)."""


def paces(body: bytes) -> tuple[tuple[str, Pace], ...]:
    """Whom a parcel is for, and how fast they may get messages. Raises `msgspec.DecodeError`."""
    return ((f"pair:{Parcel.read(body).to}", PAIR),)


class WhatsAppSender(ChatSender):
    """A `Sender` of one number. `templates` are those that the app declares."""

    def __init__(
        self, line: str, calls: Calls, templates: Templates, make: Make, clock: Callable[[], float]
    ) -> None:
        super().__init__(line, clock)
        self._calls = calls
        self._templates = templates
        self._make = make

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
            answer = await self._make(call)
        except Unanswered as error:
            return TryLater(str(error))
        found = judge(answer, self.clock())
        if found.means == "window":
            return OutsideWindow()
        strikes = STRIKES.get(found.means)
        return found.outcome if strikes is None else Struck(found.outcome, strikes, str(found.code))
