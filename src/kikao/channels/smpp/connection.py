"""One connection to an SMSC, bound as a transceiver: requests and answers in both directions, until it ends."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from kikao.channels.smpp import writing
from kikao.channels.smpp.account import Account
from kikao.channels.smpp.pdu import HEADER, RESPONSE, BadPdu, Command, Header, header, message_id
from kikao.channels.smpp.statuses import Status, named
from kikao.channels.smpp.submission import Submission

LAST_SEQUENCE: Final = 0x7FFF_FFFF
"""Sequence numbers go from 1 to this (SMPP 3.4, 3.2), and then from the beginning."""


class Lost(Exception):
    """The connection is over, or was never there; says why, with nothing of what was said on it."""


class Refused(Lost):
    """The SMSC did not let us bind."""


class Said(NamedTuple):
    """What a `deliver_sm` has in common with its copies, in keyed hashes: it may hold a PIN."""

    dialogue: bytes
    what: bytes


class Answered(NamedTuple):
    """What the SMSC answered to a request."""

    status: int
    id: str = ""
    """What it calls a message that it took."""


class _Asked(NamedTuple):
    place: int
    """In the order of what was written."""
    response: Command
    answer: asyncio.Future[Answered]


Take = Callable[["Connection", int, bytes], None]
"""Is told of a `deliver_sm`: its connection, its sequence number and its body. Answers it later (`acknowledge`)."""


class Connection:
    """Made by `open`, which binds it; `run` then reads until it ends.

    An SMSC reads what we write in order. So whatever it answers to one of our requests proves that it has read all
    that was written before that request: also that a `deliver_sm` of it was acknowledged. `unproven` are those of
    which nobody knows.
    """

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: Account, take: Take
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._account = account
        self._take = take
        self._sequence = 0
        self._written = 0
        self._asked: dict[int, _Asked] = {}
        self._acknowledged: deque[tuple[int, Said]] = deque()
        self._heard = asyncio.Event()
        self._over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    @classmethod
    async def open(cls, account: Account, take: Take) -> Connection:
        """Connect and bind, each within the account's patience. Raises `Lost` or `Refused`."""
        try:
            async with asyncio.timeout(account.patience):
                context = ssl.create_default_context() if account.tls else None
                reader, writer = await asyncio.open_connection(account.host, account.port, ssl=context)
        except (OSError, TimeoutError) as error:  # ssl.SSLError is an OSError, too
            raise Lost(f"no connection: {type(error).__name__}") from None
        return cls(reader, writer, account, take)

    @property
    def alive(self) -> bool:
        """Whether nothing has ended it yet."""
        return not self._over.done()

    async def bind(self) -> None:
        """Raises `Refused` with the SMSC's status, or `Lost`. Needs `run` beside it."""
        try:
            status, _ = await self._ask(
                Command.BIND_TRANSCEIVER_RESP, lambda number: writing.bind_transceiver(number, self._account)
            )
        except TimeoutError:
            raise Lost("no answer to the bind in time") from None
        if status not in (Status.OK, Status.ESME_RALYBND):
            raise Refused(named(status))

    async def run(self) -> str:
        """Read, and see that the SMSC is there, until the connection is over; says why it is."""
        reading, keeping = asyncio.create_task(self._read()), asyncio.create_task(self._keep())
        try:
            return await asyncio.shield(self._over)
        finally:
            for task in (reading, keeping):
                task.cancel()
            await asyncio.gather(reading, keeping, return_exceptions=True)
            self._end("closed here")
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(self._account.patience):
                    await self._writer.wait_closed()

    async def submit(self, submission: Submission) -> Answered:
        """Hand one message over; what the SMSC says. Raises `Lost`, `TimeoutError`, or `ValueError` for one that fits
        nowhere.
        """
        return await self._ask(Command.SUBMIT_SM_RESP, lambda number: writing.submit_sm(number, submission))

    def acknowledge(self, sequence: int, status: int, said: Said | None = None) -> None:
        """Answer a `deliver_sm`; of one that was `said` something is remembered, see `unproven`."""
        self._write(writing.deliver_sm_resp(sequence, status))
        if said is not None:
            self._acknowledged.append((self._written, said))

    def unproven(self) -> list[Said]:
        """What was acknowledged, without a sign that the SMSC has read that."""
        return [said for _, said in self._acknowledged]

    async def unbind(self) -> None:
        """Say that it is over, and wait for the answer as long as the account's patience lasts."""
        with contextlib.suppress(Lost, TimeoutError):
            await self._ask(Command.UNBIND_RESP, writing.unbind)
        self._end("unbound here")

    def close(self) -> None:
        """End it without a word."""
        self._end("closed here")

    # --- what we ask ---

    async def _ask(self, response: Command, write: Callable[[int], bytes]) -> Answered:
        """A request, and what it is answered with. Raises `Lost`, `TimeoutError`, and what `write` raises."""
        if not self.alive:
            raise Lost(self._over.result())
        self._sequence = self._sequence % LAST_SEQUENCE + 1
        sequence = self._sequence
        octets = write(sequence)
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._write(octets)
        self._asked[sequence] = _Asked(self._written, response, answer)
        try:
            async with asyncio.timeout(self._account.patience):
                with contextlib.suppress(OSError):  # reading learns of it as well, and tells why
                    await self._writer.drain()
                return await answer
        finally:
            self._asked.pop(sequence, None)

    def _write(self, octets: bytes) -> None:
        self._written += 1
        if self.alive:
            self._writer.write(octets)

    # --- what we hear ---

    async def _read(self) -> None:
        try:
            while self.alive:
                head = header(await self._reader.readexactly(HEADER))
                body = await self._reader.readexactly(head.length - HEADER)
                self._heard.set()
                if head.command & RESPONSE:
                    self._answered(head, body)
                else:
                    self._requested(head.command, head.sequence, body)
        except BadPdu as error:
            self._write(writing.generic_nack(0, Status.ESME_RINVCMDLEN))
            self._end(str(error))
        except asyncio.IncompleteReadError:
            self._end("closed by the SMSC")
        except OSError as error:
            self._end(type(error).__name__)

    def _answered(self, head: Header, body: bytes) -> None:
        asked = self._asked.get(head.sequence)
        if asked is None or head.command not in (asked.response, Command.GENERIC_NACK):
            return  # too late, or to nothing that was asked
        while self._acknowledged and self._acknowledged[0][0] < asked.place:
            self._acknowledged.popleft()
        if not asked.answer.done():
            nacked = head.command == Command.GENERIC_NACK and head.status == Status.OK
            status = Status.ESME_RSYSERR if nacked else head.status
            taken = status == Status.OK and head.command == Command.SUBMIT_SM_RESP
            asked.answer.set_result(Answered(status, message_id(body) if taken else ""))

    def _requested(self, command: int, sequence: int, body: bytes) -> None:
        if command == Command.DELIVER_SM:
            self._take(self, sequence, body)
        elif command == Command.ENQUIRE_LINK:
            self._write(writing.enquire_link_resp(sequence))
        elif command == Command.UNBIND:
            self._write(writing.unbind_resp(sequence))
            self._end("unbound by the SMSC")
        else:
            self._write(writing.generic_nack(sequence, Status.ESME_RINVCMDID))

    async def _keep(self) -> None:
        """Ask the SMSC whether it is there whenever it was silent for long."""
        while True:
            self._heard.clear()
            try:
                async with asyncio.timeout(self._account.enquire):
                    await self._heard.wait()
            except TimeoutError:
                try:
                    await self._ask(Command.ENQUIRE_LINK_RESP, writing.enquire_link)
                except TimeoutError:
                    return self._end("silent")
                except Lost:
                    return None

    def _end(self, why: str) -> None:
        if self._over.done():
            return
        self._over.set_result(why)
        for asked in self._asked.values():
            if not asked.answer.done():
                asked.answer.set_exception(Lost(why))
