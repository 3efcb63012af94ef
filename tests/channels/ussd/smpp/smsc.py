"""A message centre to talk to: it accepts binds, delivers what members type, and takes screens; and fails as told.

Messages are written and read by smpp34, which shares nothing with what kikao uses, texts by the GSM alphabet of
aiosmpplib. All else of SMPP is 16 octets of header, and a name now and then.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import ssl
import struct
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Final

import smpp34
from aiosmpplib import GSM7BitCodec

from tests.waiting import PATIENCE

BIND, UNBIND, SUBMIT, DELIVER, ENQUIRE = 0x09, 0x06, 0x04, 0x05, 0x15
RESPONSE: Final = 0x8000_0000
OK, RINVPASWD, RALYBND = 0x00, 0x0E, 0x05

NEW, ANSWER, CONFIRM, ABORT = 0x01, 0x12, 0x13, 0x81
CONTINUE, END = 0x02, 0x11

GSM: Final = GSM7BitCodec.get_codec_info()


@dataclass(frozen=True)
class Shown:
    """A screen that was taken."""

    number: str
    text: str
    operation: int
    session: bytes
    service_type: str
    source: str
    data_coding: int
    id: str = ""
    """What it is called, in receipts."""
    octets: bytes = b""
    esm_class: int = 0
    receipt: int = 0
    """Whether one is wanted."""
    source_ton: int = 0
    parameters: tuple[tuple[int, bytes], ...] = ()


@dataclass
class Delivery:
    """A `deliver_sm`, sent again until it is answered."""

    message: smpp34.DeliverSm
    fields: dict[str, object]
    answered: asyncio.Future[int]
    sent: int = 0


@dataclass(eq=False)
class Bound:
    """One connection."""

    writer: asyncio.StreamWriter
    bound: bool = False
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    waiting: dict[int, Delivery] = field(default_factory=dict)
    asked: dict[int, asyncio.Future[int]] = field(default_factory=dict)

    def write(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self.writer.write(struct.pack("!IIII", 16 + len(body), command, status, sequence) + body)


class Smsc:
    """`redelivers`: what was not answered goes again to whoever binds next, as most do."""

    def __init__(self, *, password: str = "secret", redelivers: bool = True, binds: int = 99) -> None:
        self.password = password
        self.redelivers = redelivers
        self.most = binds
        self.bounds: list[Bound] = []
        self.attempts: list[int] = []
        """Statuses of binds, in order."""
        self.commands: list[int] = []
        """What came, in order."""
        self.shown: list[Shown] = []
        self.submitted: list[Shown] = []
        """The same, with those that were not taken."""
        self.judge: Callable[[Shown], int | None] = lambda _: OK
        """The status of a screen; None for no answer at all."""
        self.hears = True
        """Whether it reads what it is sent."""
        self.hears_answers = True
        """Whether it reads the answers to what it delivers."""
        self.delivered: list[int] = []
        """Statuses of what it delivered."""
        self._unanswered: list[Delivery] = []
        self._screens: dict[str, asyncio.Queue[Shown]] = defaultdict(asyncio.Queue)
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    @contextlib.asynccontextmanager
    async def serving(self, tls: ssl.SSLContext | None = None) -> AsyncIterator[Smsc]:
        await self.listen(tls)
        try:
            yield self
        finally:
            await self.close()

    async def listen(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what it does ---

    def cut(self) -> None:
        """End all connections without a word."""
        for each in list(self.bounds):
            each.writer.transport.abort()

    async def unbind(self) -> None:
        """End the newest connection as it should be."""
        await self._ask(UNBIND)

    async def enquire(self) -> int:
        return await self._ask(ENQUIRE)

    async def ask(self, command: int) -> int:
        """The status of the response."""
        return await self._ask(command)

    async def bound(self, times: int = 1) -> None:
        """Wait until so many have bound since it began."""
        await self.until(lambda: self.attempts.count(OK) >= times and bool(self.bounds))

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._changed:
            await self._changed.wait_for(holds)

    def deliver(
        self,
        number: str,
        text: str,
        operation: int,
        *,
        session: bytes = b"",
        reference: bytes = b"",
        code: str = "384",
        data_coding: int = 0,
        octets: bytes | None = None,
        tlvs: tuple[smpp34.Tlv, ...] = (),
    ) -> asyncio.Future[int]:
        """Give what a member did to whoever is bound; the status of the answer, once there is one."""
        parameters = [smpp34.Tlv(0x0501, bytes((operation,)))]
        parameters += [smpp34.Tlv(0x1383, session)] if session else []
        parameters += [smpp34.Tlv(0x0204, reference)] if reference else []
        message = {
            "source_addr": number,
            "destination_addr": code,
            "short_message": GSM.encode(text)[0] if octets is None else octets,
            "service_type": "USSD",
            "source_addr_ton": 1,
            "source_addr_npi": 1,
            "data_coding": data_coding,
            "tlvs": [*parameters, *tlvs],
        }
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._send(Delivery(smpp34.DeliverSm(**message), message, answered))  # type: ignore[arg-type]
        return answered

    def text(
        self,
        number: str,
        text: str,
        *,
        code: str = "22384",
        ton: int = 1,
        esm_class: int = 0,
        data_coding: int = 0,
        octets: bytes | None = None,
        tlvs: tuple[smpp34.Tlv, ...] = (),
    ) -> asyncio.Future[int]:
        """Give the SMS of a member, or a receipt, to whoever is bound; the status of the answer, once there is one."""
        message = {
            "source_addr": number,
            "destination_addr": code,
            "short_message": GSM.encode(text)[0] if octets is None else octets,
            "source_addr_ton": ton,
            "source_addr_npi": 1,
            "esm_class": esm_class,
            "data_coding": data_coding,
            "tlvs": list(tlvs),
        }
        answered: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._send(Delivery(smpp34.DeliverSm(**message), message, answered))  # type: ignore[arg-type]
        return answered

    async def screen(self, number: str) -> Shown:
        """The next screen for a member."""
        async with asyncio.timeout(PATIENCE):
            return await self._screens[number].get()

    def waiting(self, number: str) -> int:
        """How many screens nobody has looked at yet."""
        return self._screens[number].qsize()

    # --- inside ---

    def _send(self, delivery: Delivery) -> None:
        bound = next((each for each in reversed(self.bounds) if each.bound), None)
        if bound is None:
            self._unanswered.append(delivery)
            return
        sequence = next(bound.numbers)
        bound.waiting[sequence] = delivery
        delivery.sent += 1
        fields = {**delivery.fields, "sequence_number": sequence}
        bound.writer.write(smpp34.DeliverSm(**fields).encode())  # type: ignore[arg-type]

    async def _ask(self, command: int) -> int:
        bound = self.bounds[-1]
        sequence = next(bound.numbers)
        bound.asked[sequence] = asyncio.get_running_loop().create_future()
        bound.write(command, OK, sequence)
        async with asyncio.timeout(PATIENCE):
            return await bound.asked[sequence]

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        bound = Bound(writer)
        try:
            while True:
                head = await reader.readexactly(16)
                length, command, status, sequence = struct.unpack("!IIII", head)
                body = await reader.readexactly(length - 16)
                if self.hears:
                    await self._heard(bound, command, status, sequence, head + body)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()
            await self._gone(bound)

    async def _gone(self, bound: Bound) -> None:
        if bound in self.bounds:
            self.bounds.remove(bound)
        for answer in bound.asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError())
                answer.exception()
        if self.redelivers:
            self._unanswered += bound.waiting.values()
        await self._tell()

    async def _heard(self, bound: Bound, command: int, status: int, sequence: int, pdu: bytes) -> None:
        self.commands.append(command)
        if command == BIND:
            self._bind(bound, sequence, pdu[16:])
        elif command == UNBIND:
            bound.write(UNBIND | RESPONSE, OK, sequence)
        elif command == ENQUIRE:
            bound.write(ENQUIRE | RESPONSE, OK, sequence)
        elif command == SUBMIT:
            self._submit(bound, sequence, pdu)
        elif command == DELIVER | RESPONSE and not self.hears_answers:
            pass
        elif command == DELIVER | RESPONSE:
            delivery = bound.waiting.pop(sequence)
            self.delivered.append(status)
            if not delivery.answered.done():
                delivery.answered.set_result(status)
        elif sequence in bound.asked and not bound.asked[sequence].done():
            bound.asked[sequence].set_result(status)
        await self._tell()

    def _bind(self, bound: Bound, sequence: int, body: bytes) -> None:
        _, password, *_ = body.split(b"\0")
        status = OK if password.decode() == self.password else RINVPASWD
        status = RALYBND if status == OK and len(self.bounds) >= self.most else status
        if status == RALYBND:
            status = 0x0D
        self.attempts.append(status)
        bound.write(BIND | RESPONSE, status, sequence, b"smsc\0")
        if status == OK:
            bound.bound = True
            self.bounds.append(bound)
            unanswered, self._unanswered = self._unanswered, []
            for delivery in unanswered:
                self._send(delivery)

    def _submit(self, bound: Bound, sequence: int, pdu: bytes) -> None:
        message = smpp34.decode(pdu)
        assert isinstance(message, smpp34.SubmitSm)
        parameters = {tlv.tag: tlv.value for tlv in message.tlvs}
        text = bytes(message.short_message)
        shown = Shown(
            message.destination_addr,
            _read(text[6:] if message.esm_class & 0x40 else text, message.data_coding),
            parameters.get(0x0501, b"\0")[0],
            parameters.get(0x1383, parameters.get(0x0204, b"")),
            message.service_type,
            message.source_addr,
            message.data_coding,
            f"{len(self.submitted) + 0xA1:X}",
            text,
            message.esm_class,
            message.registered_delivery,
            message.source_addr_ton,
            tuple(sorted(parameters.items())),
        )
        self.submitted.append(shown)
        status = self.judge(shown)
        if status is None:
            return
        if status == OK:
            self.shown.append(shown)
            self._screens[shown.number].put_nowait(shown)
        bound.write(SUBMIT | RESPONSE, status, sequence, shown.id.encode() + b"\0" if status == OK else b"")

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()


def _read(octets: bytes, data_coding: int) -> str:
    if data_coding == 0x08:
        return octets.decode("utf-16-be")
    if data_coding == 0x03:
        return octets.decode("latin-1")
    return str(GSM.decode(octets)[0])
