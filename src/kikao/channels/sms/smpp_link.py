"""SMS over one connection to an SMSC: what members send, how far messages came, and what goes.

A `deliver_sm` is answered when what it says is dealt with, or kept. An SMSC that does not get that answer sends it
again, with nothing that tells the copy from a member who writes the same twice. So the same octets that come while
they are processed wait for the same outcome; and when a connection ends, what was answered on it without a sign that
the answer was read is doubtful: if it comes again within some minutes, it is a copy, and nothing happens.

Parts of a longer message are acknowledged as they come, and are in memory until all are there.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from kikao.channels.calling import Unanswered
from kikao.channels.channel import Response
from kikao.channels.chat.gateway import Received
from kikao.channels.chat.message import Parcel
from kikao.channels.chat.sender import ChatSender, Sending
from kikao.channels.chat.told import Other, Report
from kikao.channels.outbox.sender import MAX_TIMEOUT, Delivered, Destination, Letter, Rejected, TryLater
from kikao.channels.smpp.alphabets import read
from kikao.channels.smpp.binding import Binding
from kikao.channels.smpp.connection import Connection, Said
from kikao.channels.smpp.pdu import BadPdu, ShortMessage, short_message
from kikao.channels.smpp.statuses import TEMPORARY, Status, named
from kikao.channels.sms import parts, receipts
from kikao.channels.sms.smpp import SmppSms
from kikao.events import ErrorUncaught, Publish, RequestRefused, described

DOUBTED: Final = 300.0
"""Seconds for which a message that comes again is a copy, after a connection ended on which it was answered."""

MOST_DOUBTED: Final = 10_000

SPARE: Final = 2.0
"""Seconds that a try may take besides the SMSC's answers."""

Take = Callable[[Received], Awaitable[Response]]
"""Deals with what came; 200 when that is done."""


class SmsLink(Binding):
    """The way of SMS to one SMSC. `take` deals with what comes."""

    def __init__(
        self,
        gateway: SmppSms,
        take: Take,
        publish: Publish,
        *,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        """`options` are those of `Binding`."""
        super().__init__((gateway.channel, gateway.slug), gateway.account, publish, **options)
        self.gateway = gateway
        self._deal = take
        self._clock = clock
        self._secret = os.urandom(32)
        self._parts = parts.Parts()
        self._at_work: dict[bytes, asyncio.Task[int]] = {}
        self._doubted: dict[bytes, float] = {}

    def destination(self) -> Destination:
        """Where messages go, for the outbox of whatever process is bound."""
        patience = self._account.patience * self.gateway.segments + SPARE
        return Destination(
            sender=_Sender(self, self._clock),
            pace=self.gateway.pace,
            timeout=min(patience, MAX_TIMEOUT),
            at_once=self._account.window,
            here=lambda: self.bound,
        )

    # --- what comes ---

    async def _answer(self, connection: Connection, sequence: int, body: bytes) -> None:
        """One `deliver_sm`, from its octets to its answer."""
        try:
            message = short_message(body)
            received, key, part = self._read(message)
        except (BadPdu, ValueError) as error:
            self._publish(RequestRefused(**self._named(), status=400, reason=str(error)))
            return connection.acknowledge(sequence, Status.ESME_RX_R_APPN)
        said = self._said(body)
        if self._doubted.pop(said.what, 0.0) > self._monotonic():
            return connection.acknowledge(sequence, Status.OK, said)
        if received is None:  # a part: the others are to come
            return connection.acknowledge(sequence, Status.OK, said)
        work = self._at_work.get(said.what)
        if work is None:
            if self._stopping or len(self._at_work) >= self._account.at_work:
                return connection.acknowledge(sequence, Status.ESME_RX_T_APPN)
            work = self._at_work[said.what] = asyncio.create_task(self._dealt_with(received))
            work.add_done_callback(lambda _: self._at_work.pop(said.what))
        status = await asyncio.shield(work)
        if status != Status.OK:
            return connection.acknowledge(sequence, status)
        self._parts.forget(key, part)
        if not connection.alive:
            return self._doubt(said)
        return connection.acknowledge(sequence, Status.OK, said)

    def _read(self, message: ShortMessage) -> tuple[Received | None, parts.Key, parts.Part]:
        """What a message says; None while parts of it are missing. Raises `ValueError`."""
        gateway, line = self.gateway, self.gateway.line
        key, part = (message.source.number, message.destination.number), parts.ALONE
        number = gateway.number(message.source)
        if receipts.is_receipt(message):
            found = receipts.receipt(message)
            if found is None:
                return Received(told=(Other(line=line, note="a receipt that says nothing"),)), key, part
            who = number or ""
            report = Report(line=line, reference=found.id, status=found.status, at=0.0, identity=who)
            return Received(told=(report,)), key, part
        part, octets = parts.read(message)
        text = read(octets, message.data_coding, self._account.alphabet).replace("\0", "")
        whole = self._parts.add(key, part, text, self._monotonic())
        if whole is None:
            return None, key, part
        if number is None:
            note = "a message of nobody who has a number"
            return Received(told=(Other(line=line, note=note),)), key, part
        return gateway.heard(number, whole, id_=None, code=message.destination.number), key, part

    async def _dealt_with(self, received: Received) -> int:
        try:
            response = await self._deal(received)
        except Exception as error:  # noqa: BLE001 - whoever runs us would print its text
            self._publish(ErrorUncaught(where="request", error=described(error)))
            return Status.ESME_RX_T_APPN
        return Status.OK if response.status < 300 else Status.ESME_RX_T_APPN

    def _at_work_still(self) -> list[asyncio.Task[Any]]:
        return [*super()._at_work_still(), *self._at_work.values()]

    # --- what is doubtful ---

    def _said(self, body: bytes) -> Said:
        """The same octets are the same message, as far as anybody can tell."""
        what = hashlib.blake2b(body, key=self._secret, digest_size=16).digest()
        return Said(what, what)

    def _over(self, connection: Connection) -> None:
        for said in connection.unproven():
            self._doubt(said)

    def _doubt(self, said: Said) -> None:
        now = self._monotonic()
        self._doubted[said.what] = now + DOUBTED
        while len(self._doubted) > MOST_DOUBTED or next(iter(self._doubted.values())) < now:
            del self._doubted[next(iter(self._doubted))]


class _Sender(ChatSender):
    """Sends messages over a link."""

    def __init__(self, link: SmsLink, clock: Callable[[], float]) -> None:
        super().__init__(link.gateway.line, clock)
        self._link = link

    async def deliver(self, parcel: Parcel, letter: Letter, *, template: bool) -> Sending:
        """Each part in its turn; all again if one was not taken. There are no templates."""
        link, id_ = self._link, ""
        for submission in link.gateway.submissions(parcel, letter.id):
            try:
                status, id_ = await link.submit(submission)
            except Unanswered as error:
                return TryLater(str(error))
            except ValueError as error:
                return Rejected(type(error).__name__)
            if hold := link.held(status):
                return TryLater(named(status), hold)
            if status != Status.OK:
                return TryLater(named(status)) if status in TEMPORARY else Rejected(named(status))
        return Delivered(link.gateway.reference(id_))
