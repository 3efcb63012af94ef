"""What sends parcels: whether whom it is for may be written to, in which words, and what a failure says of them."""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Final

import msgspec

from kikao.channels.chat.message import Parcel
from kikao.channels.outbox.sender import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.members.reach import KINDS, No, Told, Verdict, Yes
from kikao.members.reaches import Reaches
from kikao.records import CommitUnknown, RecordsAway

LOOKS: Final = 300.0
"""Seconds after which a message that may not leave yet is looked at again."""


class Struck(msgspec.Struct, frozen=True):
    """It was not taken, and that says something of the address: it is kept, see `kikao.members.reach`."""

    outcome: Outcome
    what: Told
    reason: str = ""
    """The provider's code."""
    until: float | None = None
    """Of `paused`."""


class OutsideWindow(msgspec.Struct, frozen=True):
    """The provider takes no free text for this address now, whatever we thought."""


Sending = Outcome | Struck | OutsideWindow


class ChatSender(ABC):
    """Base of what sends to a line's members. `deliver` makes the calls; whether they may be made is known here.

    - A parcel that is none, or whose time is over, is dead.
    - Who blocked the line, is gone, or said STOP gets nothing, and offers only who has not refused them: dead, with the
      reason. What is put off for a while waits, if it is still of use then.
    - Outside the window of free text it leaves as the template that it names. A notice without one waits for the member
      to write; an answer is dead, since nobody waits for it.
    - What a failure says of the address is kept.
    """

    def __init__(self, line: str, clock: Callable[[], float]) -> None:
        """`line` is the name in the outbox, `whatsapp/cloud-api`; `clock` gives seconds since the epoch."""
        self.line = line
        self.clock = clock
        self.reach: Reaches | None = None
        """Who knows who may be written to; the server says so."""
        self.instead: Callable[[Parcel], bool] | None = None
        """Takes what is for a phone that is simulated, and says so; the provider gets the rest."""

    @abstractmethod
    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """Have the provider take it: as it is, or, with `template`, as the template that it names.

        What it raises counts as `TryLater` with the type of the error.
        """

    async def send(self, letter: Letter) -> Outcome:
        """See `Sender.send`."""
        try:
            parcel = Parcel.read(letter.body)
        except msgspec.DecodeError:
            return Rejected("unreadable")
        now = self.clock()
        if parcel.until <= now:
            return Rejected("expired")
        try:
            verdict = await self._verdict(parcel)
        except RecordsAway:
            return TryLater("records away")
        except ValueError:
            return Rejected("no address")
        if isinstance(verdict, No):
            until = verdict.until
            return (
                _held(verdict.reason, until - now)
                if until and until < parcel.until
                else Rejected(verdict.reason)
            )
        if self.instead is not None and self.instead(parcel):
            return Delivered()
        sent: Sending = OutsideWindow()
        if isinstance(verdict, Yes):
            sent = await self.deliver(parcel, letter, template=False)
        if isinstance(sent, OutsideWindow):
            sent = await self._outside(parcel, letter)
        if isinstance(sent, Struck):
            await self._tell(parcel, sent, now)
            return sent.outcome
        return sent

    async def _verdict(self, parcel: Parcel) -> Verdict:
        if self.reach is None:
            return Yes()
        return await self.reach.may(*self._who(parcel), self.line, parcel.kind, heard_at=parcel.heard_at)

    async def _outside(self, parcel: Parcel, letter: Letter) -> Outcome | Struck:
        """What becomes of it where free text is not taken."""
        if parcel.template is not None:
            sent = await self.deliver(parcel, letter, template=True)
            return Rejected("window_closed") if isinstance(sent, OutsideWindow) else sent
        waits = parcel.kind in ("notice", "marketing")
        return _held("window_closed", LOOKS) if waits else Rejected("window_closed")

    async def _tell(self, parcel: Parcel, struck: Struck, at: float) -> None:
        """`at` is when the call began: what the member wrote since is newer."""
        if self.reach is not None:
            with contextlib.suppress(RecordsAway, CommitUnknown):  # the next message will be told the same
                who = self._who(parcel)
                await self.reach.tell(
                    *who, self.line, struck.what, reason=struck.reason, at=at, until=struck.until
                )

    def _who(self, parcel: Parcel) -> tuple[str, str]:
        """The member; of a group, the group, whatever topic of it."""
        return KINDS[self.line.partition("/")[0]], parcel.member or parcel.to.partition("/")[0]


def _held(reason: str, seconds: float) -> TryLater:
    return TryLater(reason, after=max(seconds, 1.0), held=True)
