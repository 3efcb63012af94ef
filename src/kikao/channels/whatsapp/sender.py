"""Sends parcels over a number on WhatsApp."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec

from kikao.channels.calling import Make, Unanswered
from kikao.channels.chat.message import Parcel
from kikao.channels.outbox.sender import Letter, Outcome, Rejected, TryLater
from kikao.channels.whatsapp.calls import Calls
from kikao.channels.whatsapp.errors import judge

WINDOW: Final = 86_400.0
"""Seconds after a member wrote in which they may be written to in any words."""


class WhatsAppSender:
    """A `Sender` of one number."""

    def __init__(self, calls: Calls, make: Make, clock: Callable[[], float]) -> None:
        self._calls = calls
        self._make = make
        self._clock = clock

    async def send(self, letter: Letter) -> Outcome:
        """See `Sender.send`."""
        try:
            parcel = Parcel.read(letter.body)
        except msgspec.DecodeError:
            return Rejected("unreadable")
        if parcel.until <= self._clock():
            return Rejected("expired")
        try:
            answer = await self._make(self._calls.send(parcel, letter.id.hex()))
        except Unanswered as error:
            return TryLater(str(error))
        return judge(answer, self._clock()).outcome
