"""What a provider tells besides messages, taken in: how far messages of ours came, and what became of addresses."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from kikao.channels.chat.gateway import ChatGateway
from kikao.channels.chat.told import Changed, Report
from kikao.channels.outbox.sender import Delivered, Destination, Letter, Outcome, Rejected, TryLater
from kikao.events import GatewayTold, Publish
from kikao.members.reach import KINDS, Told
from kikao.members.reaches import Reaches
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Outgoing, Reported, Status
from kikao.sessions.sealing import message_to

STATUS: Final = "status/"
"""Before the name of a line, where reports wait for what they are about."""

TRIES: Final = 7
"""How often it is asked whether a report is about one of ours by now: for some two minutes."""

GOOD_FOR: Final = 3600.0
"""Seconds after which a report that nobody could store is forgotten."""

Hears = Callable[[Any], Awaitable[bool]]

_NO_CODE = re.compile(r"[^a-z0-9_.-]+")


class Reports(Protocol):
    """Where reports about messages go: see `Dispatcher.report`."""

    async def report(self, to: str, reference: str, status: Status) -> Reported:
        """What a destination tells of a message."""
        ...


class Hearing:
    """Takes in what lines tell. A report about what is not known yet is kept, and tried again a few times.

    A provider tells that a message was delivered as soon as it was; that may be before it is stored that it was sent.
    `destinations` are for the dispatcher that tries again, and `stored` says to it that there is something.
    """

    def __init__(
        self,
        sessions: Sessions,
        lines: Mapping[str, ChatGateway],
        reports: Reports,
        reach: Reaches,
        publish: Publish,
    ) -> None:
        self._sessions = sessions
        self._lines = lines
        self._reports = reports
        self._reach = reach
        self._publish = publish
        self.stored: Callable[[bytes], None] = lambda session: None

    @property
    def hears(self) -> Mapping[type, Hears]:
        """Who takes what, by its kind."""
        return {Report: self.report, Changed: self.change}

    @property
    def destinations(self) -> dict[str, Destination]:
        """What tries again, for each line."""
        again = Destination(
            sender=_Again(self._reports), at_once=16, tries=TRIES + 5, first=2.0, longest=60.0, sent_kept=0.0
        )
        return {f"{STATUS}{line}": again for line in self._lines}

    async def report(self, report: Report) -> bool:
        """How far a message of ours came. Why it failed may say something of the address. Raises what stores raise."""
        if report.status is Status.FAILED and report.identity:
            closed = self._lines[report.line].closed_by(report.codes)
            if closed is not None:
                what, reason = closed
                await self._tell(report.line, report.identity, what, reason, report.at)
        told = await self._reports.report(report.line, report.reference, report.status)
        if told == "unknown":
            await self._keep(report)
        return True

    async def change(self, changed: Changed) -> bool:
        """What became of an address. Raises `RecordsAway`, `CommitUnknown`."""
        await self._tell(changed.line, changed.identity, changed.what, changed.reason, changed.at)
        return True

    async def _tell(self, line: str, identity: str, what: Told, reason: str, at: float) -> None:
        channel, _, gateway = line.partition("/")
        at, reason = at or self._sessions.clock(), _NO_CODE.sub("_", reason.lower())[:64]
        try:
            await self._reach.tell(KINDS[channel], identity, line, what, reason=reason, at=at)
        except ValueError as error:
            self._publish(GatewayTold(channel=channel, gateway=gateway, note=str(error)))

    async def _keep(self, report: Report) -> None:
        ring, to, now = self._sessions.ring, f"{STATUS}{report.line}", self._sessions.clock()
        lane = ring.lookup("report", report.line, report.reference)
        id_ = ring.lookup("report", report.line, report.reference, str(report.status.value))[:16]
        body = msgspec.msgpack.encode((report.line, report.reference, report.status))
        message = Outgoing(
            id=id_,
            session=lane,
            to=to,
            payload=ring.seal(body, id_, message_to(to)),
            due_at=now + 1.0,
            expires_at=now + GOOD_FOR,
            posted_at=now,
            urgency=2,
        )
        await self._sessions.store.post([message])
        self.stored(lane)


class _Again:
    """Asks again whether a report is about a message of ours."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports

    async def send(self, letter: Letter) -> Outcome:
        """See `Sender.send`. What is still unknown after some tries is about somebody else's message, and forgotten."""
        try:
            line, reference, status = _DECODER.decode(letter.body)
        except msgspec.DecodeError:
            return Rejected("unreadable")
        told = await self._reports.report(line, reference, status)
        return TryLater("unknown") if told == "unknown" and letter.tries < TRIES else Delivered()


_DECODER: Final = msgspec.msgpack.Decoder(tuple[str, str, Status])
