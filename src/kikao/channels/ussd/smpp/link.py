"""What comes over a connection to an SMSC is handed over, once, and screens go over it; see `Binding` for the rest.

**What comes.** A `deliver_sm` is answered when its turn is committed. An SMSC that does not get that answer sends the
request again, maybe on another connection, with nothing that tells the copy from the same answer given twice. What can
be known is known here, by four rules:

1. While a request is processed, the same one again waits for the same outcome.
2. What the SMSC has read that we took is never sent again: `Connection.unproven` are those of which nobody knows.
3. When a connection ends, those are doubtful. A doubtful request that comes again before the SMSC took the screen that
   answers it, or within a second of that, is a copy: it is acknowledged, and nothing happens.
4. Later it may as well be a new answer that is the same as the one before. It is told so (`Inbound.again`), by which
   it shows the present screen once more, and answers nothing. That also holds for the first request here of a dialogue
   that another process began, or the one before this: what that left without an answer, nobody knows.

**What goes.** A screen is a `Call` like that of any gateway that is called, and the link makes it: a `submit_sm`. Only
what the SMSC said it took is done; anything else the outbox tries again for as long as the dialogue lasts.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs

from kikao.channels.calling import Answer, Call, Make
from kikao.channels.channel import BadRequest, Request, Response
from kikao.channels.inbound import TURNS, Inbound
from kikao.channels.outbox.sender import Destination
from kikao.channels.smpp.binding import Binding
from kikao.channels.smpp.connection import Connection, Said
from kikao.channels.smpp.pdu import BadPdu
from kikao.channels.smpp.statuses import TEMPORARY, Status, named
from kikao.channels.smpp.submission import Submission
from kikao.channels.ussd import notices
from kikao.channels.ussd.gateways.smpp import STATUS, Smpp
from kikao.channels.ussd.smpp.fields import fields, submission
from kikao.events import ErrorUncaught, Publish, RequestRefused, described
from kikao.sessions.policy import MissingIdentifier

DOUBTED: Final = 180.0
"""Seconds for which a request is doubtful: no dialogue lasts for longer."""

MOST_DOUBTED: Final = 10_000
MOST_MET: Final = 50_000
"""Dialogues that are remembered at most."""

SAME: Final = 1.0
"""Seconds after a screen was taken in which nobody can have answered it."""

Beside = Callable[[Smpp, Make], Make]
"""What else may take a screen, and is given what takes the others."""

Handle = Callable[[Inbound], Awaitable[Response]]
"""Processes a request to its committed end."""


@dataclass(slots=True)
class _Work:
    """A request that is processed, and the connection on which it came last."""

    task: asyncio.Task[int]
    connection: Connection


@dataclass(slots=True)
class _Doubt:
    """The last request of a dialogue, of which nobody knows whether the SMSC knows that it was taken."""

    what: bytes
    until: float
    shown: float | None = None
    """When the SMSC took a screen of that dialogue since."""
    settled: bool = False
    """It came again, and was acknowledged again."""


class Link(Binding):
    """The way of USSD to one SMSC. Calling it sends a screen."""

    def __init__(
        self,
        gateway: Smpp,
        handle: Handle,
        publish: Publish,
        *,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        """`options` are those of `Binding`."""
        super().__init__((gateway.channel, gateway.slug), gateway.account, publish, **options)
        self._gateway = gateway
        self._handle = handle
        self._clock = clock
        self._secret = os.urandom(32)
        self._at_work: dict[Said, _Work] = {}
        self._doubted: dict[bytes, _Doubt] = {}
        self._met: dict[bytes, float] = {}

    def destination(self, beside: Beside | None = None) -> Destination:
        """Where the screens go, for the outbox of whatever process is bound.

        `beside` takes those of simulated phones, which need no connection.
        """
        if beside is not None:
            return self._gateway.destination(beside(self._gateway, self), self._clock)
        return structs.replace(self._gateway.destination(self, self._clock), here=lambda: self.bound)

    @property
    def gateway(self) -> Smpp:
        """Whose link it is."""
        return self._gateway

    def notices(self) -> Destination:
        """Where notices go, of whatever process is bound."""
        return structs.replace(notices.destination(self._gateway, self, self._clock), here=lambda: self.bound)

    # --- what comes ---

    async def _answer(self, connection: Connection, sequence: int, body: bytes) -> None:
        """One `deliver_sm`, from its octets to its answer."""
        try:
            request = Request("POST", f"/ussd/{self._gateway.slug}", b"", {}, self._fields(body))
            inbound = self._gateway.parse(request)
        except BadRequest as error:
            self._publish(RequestRefused(**self._named(), status=400, reason=str(error)))
            return connection.acknowledge(sequence, Status.ESME_RX_R_APPN)
        if inbound.happening not in TURNS:
            return connection.acknowledge(sequence, await self._turn(inbound))
        said = self._said(inbound)
        doubt = self._doubted.get(said.dialogue)
        if doubt is not None and (
            doubt.what != said.what or doubt.settled or doubt.until < self._monotonic()
        ):
            doubt = None
        if doubt is not None and (doubt.shown is None or self._monotonic() < doubt.shown + SAME):
            return self._acknowledge(connection, sequence, said)
        return await self._process(connection, sequence, said, inbound, again=doubt is not None)

    async def _process(
        self, connection: Connection, sequence: int, said: Said, inbound: Inbound, *, again: bool
    ) -> None:
        work = self._at_work.get(said)
        if work is None:
            if self._stopping or len(self._at_work) >= self._account.at_work:
                return connection.acknowledge(sequence, Status.ESME_RX_T_APPN)
            if self._is_first(said, inbound) or again:
                inbound = replace(inbound, again=True)
            work = self._at_work[said] = _Work(asyncio.create_task(self._turn(inbound)), connection)
            work.task.add_done_callback(lambda _: self._at_work.pop(said))
        work.connection = connection
        status = await asyncio.shield(work.task)
        if status != Status.OK:
            connection.acknowledge(sequence, status)
        elif work.connection is connection:  # else it came again, and is acknowledged there
            self._acknowledge(connection, sequence, said)
        return None

    def _acknowledge(self, connection: Connection, sequence: int, said: Said) -> None:
        """What was committed: said to the SMSC, or, where that cannot hear any more, doubtful."""
        if not connection.alive:
            return self._doubt(said)
        connection.acknowledge(sequence, Status.OK, said)
        if (doubt := self._doubted.get(said.dialogue)) is not None:
            doubt.settled = True
        return None

    async def _turn(self, inbound: Inbound) -> int:
        try:
            response = await self._handle(inbound)
        except MissingIdentifier as error:
            self._publish(RequestRefused(**self._named(), status=400, reason=str(error)))
            return Status.ESME_RX_R_APPN
        except Exception as error:  # noqa: BLE001 - whoever runs us would print its text
            self._publish(ErrorUncaught(where="request", error=described(error)))
            return Status.ESME_RX_T_APPN
        return Status.OK if response.status < 300 else Status.ESME_RX_T_APPN

    def _fields(self, body: bytes) -> bytes:
        """Raises `BadRequest`."""
        try:
            return fields(body, self._account.alphabet)
        except BadPdu as error:
            raise self._gateway.refuse(str(error)) from None

    def _at_work_still(self) -> list[asyncio.Task[Any]]:
        return [*super()._at_work_still(), *(work.task for work in self._at_work.values())]

    # --- what is doubtful ---

    def _over(self, connection: Connection) -> None:
        for said in connection.unproven():
            self._doubt(said)

    def _said(self, inbound: Inbound) -> Said:
        echo = dict(inbound.echo)
        dialogue = self._dialogue(echo["source_addr"], echo)
        what = self._hash(dialogue.hex(), inbound.happening, inbound.text.reveal())
        return Said(dialogue, what)

    def _dialogue(self, number: str, named: dict[str, str]) -> bytes:
        """What a dialogue is called, in requests and in screens; the bit that may tell its end is no part of it."""
        session = named.get("its_session_info", "")
        if session:
            session = f"{int(session, 16) & 0xFFFE:04x}"
        return self._hash(number, session, named.get("user_message_reference", ""))

    def _hash(self, *parts: str) -> bytes:
        said = "\0".join(parts).encode(errors="replace")
        return hashlib.blake2b(said, key=self._secret, digest_size=16).digest()

    def _doubt(self, said: Said) -> None:
        until = self._monotonic() + DOUBTED
        doubt = self._doubted.pop(said.dialogue, None)
        if doubt is not None and doubt.what == said.what:
            doubt.until, doubt.settled = until, False
        else:
            doubt = _Doubt(said.what, until)
        self._doubted[said.dialogue] = doubt
        while len(self._doubted) > MOST_DOUBTED or (
            self._doubted and next(iter(self._doubted.values())).until < self._monotonic()
        ):
            del self._doubted[next(iter(self._doubted))]  # the oldest

    def _is_first(self, said: Said, inbound: Inbound) -> bool:
        """Whether it goes on with a dialogue of which this process has seen nothing."""
        now = self._monotonic()
        met = self._met.pop(said.dialogue, None) is not None
        self._met[said.dialogue] = now
        while len(self._met) > MOST_MET or next(iter(self._met.values())) < now - DOUBTED:
            del self._met[next(iter(self._met))]  # the oldest
        return not met and inbound.happening == "reply"

    # --- what goes ---

    async def __call__(self, call: Call) -> Answer:
        """Send one screen; see `Smpp.call`. Raises `Unanswered`: whether it arrived is then not known."""
        screen, dialogue = self._screen(call)
        try:
            status, _ = await self.submit(screen)
        except ValueError as error:
            return Answer(400, ((STATUS, type(error).__name__),))
        return self._judged(status, dialogue)

    def _screen(self, call: Call) -> tuple[Submission, bytes]:
        screen, named = submission(call.body, self._account.alphabet)
        return screen, self._dialogue(screen.destination.number, named)

    def _judged(self, status: int, dialogue: bytes) -> Answer:
        """The SMSC's status, as a provider that is called over HTTP would say it."""
        name = (STATUS, named(status))
        if hold := self.held(status):
            return Answer(429, (name, ("retry-after", f"{hold:.0f}")))
        if status != Status.OK:
            return Answer(503 if status in TEMPORARY else 400, (name,))
        if (doubt := self._doubted.get(dialogue)) is not None:
            doubt.shown = self._monotonic()
        return Answer(200, (name,))
