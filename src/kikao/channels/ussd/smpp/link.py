"""Keeps one connection to the SMSC bound, hands over what comes on it, and sends what is to go.

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
import contextlib
import hashlib
import os
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from msgspec import structs

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.channel import BadRequest, Request, Response
from kikao.channels.inbound import TURNS, Inbound
from kikao.channels.outbox.sender import Destination
from kikao.channels.ussd import notices
from kikao.channels.ussd.gateways.smpp import STATUS, Smpp
from kikao.channels.ussd.smpp.connection import Connection, Lost, Refused, Said
from kikao.channels.ussd.smpp.fields import fields, submission
from kikao.channels.ussd.smpp.pdu import BadPdu
from kikao.channels.ussd.smpp.statuses import FULL, TEMPORARY, Status, named
from kikao.channels.ussd.smpp.submission import Submission
from kikao.events import ErrorUncaught, LinkBound, LinkLost, Publish, RequestRefused, described
from kikao.sessions.policy import MissingIdentifier

FIRST: Final = 0.5
LONGEST: Final = 30.0
"""Before it connects anew it waits up to 0.5 s, 1 s, 2 s ... at most 30 s, by chance, and half of that at least."""

REFUSED: Final = 5.0
"""Seconds that it waits at least where the SMSC refused the bind: some close an account for haste."""

DOUBTED: Final = 180.0
"""Seconds for which a request is doubtful: no dialogue lasts for longer."""

COPIES: Final = 4
"""What may wait at a time, copies included, for each request that may be at work."""

MOST_DOUBTED: Final = 10_000
MOST_MET: Final = 50_000
"""Dialogues that are remembered at most."""

SAME: Final = 1.0
"""Seconds after a screen was taken in which nobody can have answered it."""

HOLD: Final = 1.0
LONGEST_HOLD: Final = 8.0
"""Seconds that nothing leaves after an SMSC said that it is full; twice as long each time."""

BIND: Final = 1.0
"""Seconds that a screen waits here for a bind; then it goes back to the outbox for a moment."""

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


class Link:
    """The way to one SMSC. `run` keeps it bound for as long as `wanted` says so; calling it sends a screen.

    `when_bound` is called when screens can go.
    """

    def __init__(
        self,
        gateway: Smpp,
        handle: Handle,
        publish: Publish,
        *,
        wanted: Callable[[], bool] = lambda: True,
        when_bound: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._gateway = gateway
        self._account = gateway.account
        self._handle = handle
        self._publish = publish
        self._wanted = wanted
        self._when_bound = when_bound
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._secret = os.urandom(32)
        self._connection: Connection | None = None
        self._bound = asyncio.Event()
        self._woken = asyncio.Event()
        self._window = asyncio.Semaphore(self._account.window)
        self._at_work: dict[Said, _Work] = {}
        self._answering: set[asyncio.Task[None]] = set()
        self._doubted: dict[bytes, _Doubt] = {}
        self._met: dict[bytes, float] = {}
        self._full = 0
        self._failures = 0
        self._stopping = False

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

    @property
    def bound(self) -> bool:
        """Whether requests come, and screens can go."""
        return self._bound.is_set()

    @property
    def wanted(self) -> bool:
        """Whether it should be."""
        return self._wanted() and not self._stopping

    def wake(self) -> None:
        """`wanted` may say something else by now."""
        self._woken.set()

    async def run(self) -> None:
        """Until `stop`, or it is cancelled."""
        while not self._stopping:
            if not self._wanted():
                await self._changed()
                continue
            try:
                why, refused = await self._serve(), False
            except Lost as lost:
                why, refused = str(lost), isinstance(lost, Refused)
            except Exception as error:  # noqa: BLE001 - whatever it is, members wait for the next connection
                self._publish(ErrorUncaught(where="loop", error=described(error)))
                why, refused = type(error).__name__, False
            self._failures = min(self._failures + 1, 10)
            leaving = self._stopping or not self._wanted()
            wait = 0.0 if leaving else self._pause(refused=refused)
            self._publish(LinkLost(**self._named(), reason=why, retry_after=round(wait, 3)))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    while self._wanted() and not self._stopping:
                        await self._changed()

    async def refuse(self, budget: float) -> None:
        """Take nothing more, and give what is at work `budget` seconds; screens still go."""
        self._stopping = True
        if self._answering:
            await asyncio.wait(self._answering, timeout=budget)

    async def stop(self, budget: float) -> None:
        """The same, and then unbind."""
        await self.refuse(budget)
        if self._connection is not None:
            await self._leave(self._connection)
        self._woken.set()
        late = [*self._answering, *(work.task for work in self._at_work.values())]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    async def _changed(self) -> None:
        self._woken.clear()
        await self._woken.wait()

    # --- the connection ---

    async def _serve(self) -> str:
        """One connection from its beginning to its end; why it ended. Raises `Lost`, `Refused`."""
        connection = await Connection.open(self._account, self._take)
        running = asyncio.create_task(connection.run())
        watching = asyncio.create_task(self._watch(connection))
        try:
            await connection.bind()
            if self._stopping:
                await connection.unbind()
                return "unbound here"
            began = self._monotonic()
            self._connection = connection
            self._bound.set()
            self._publish(LinkBound(**self._named()))
            self._when_bound()
            why = await running
            if self._monotonic() - began > LONGEST:
                self._failures = 0
            return why
        finally:
            self._bound.clear()
            self._connection = None
            connection.close()
            watching.cancel()
            await asyncio.gather(running, watching, return_exceptions=True)
            for said in connection.unproven():
                self._doubt(said)

    async def _watch(self, connection: Connection) -> None:
        """Give the bind up when another process is to have it."""
        while self._wanted():
            await self._changed()
        await self._leave(connection)

    async def _leave(self, connection: Connection) -> None:
        """Unbind, once what is on its way has arrived."""
        self._bound.clear()
        held = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._account.patience):
                while held < self._account.window:
                    await self._window.acquire()
                    held += 1
        for _ in range(held):
            self._window.release()
        await connection.unbind()

    def _pause(self, *, refused: bool) -> float:
        longest: float = min(FIRST * 2 ** (self._failures - 1), LONGEST)
        return max(longest * (0.5 + self._chance() / 2), REFUSED if refused else 0.0)

    def _named(self) -> dict[str, Any]:
        return {"channel": self._gateway.channel, "gateway": self._gateway.slug}

    # --- what comes ---

    def _take(self, connection: Connection, sequence: int, body: bytes) -> None:
        if len(self._answering) >= COPIES * self._account.at_work:
            return connection.acknowledge(sequence, Status.ESME_RX_T_APPN)
        task = asyncio.create_task(self._answer(connection, sequence, body))
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)
        return None

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

    # --- what is doubtful ---

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
            async with asyncio.timeout(BIND):
                await self._bound.wait()
                await self._window.acquire()
        except TimeoutError:
            raise Unanswered("not bound" if not self.bound else "the window is full") from None
        connection = self._connection
        try:
            if connection is None:
                raise Unanswered("not bound")
            status = await connection.submit(screen)
        except Lost as lost:
            raise Unanswered(str(lost)) from None
        except TimeoutError:
            raise Unanswered("no answer in time") from None
        except ValueError as error:
            return Answer(400, ((STATUS, type(error).__name__),))
        finally:
            self._window.release()
        return self._judged(status, dialogue)

    def _screen(self, call: Call) -> tuple[Submission, bytes]:
        screen, named = submission(call.body, self._account.alphabet)
        return screen, self._dialogue(screen.destination.number, named)

    def _judged(self, status: int, dialogue: bytes) -> Answer:
        """The SMSC's status, as a provider that is called over HTTP would say it."""
        name = (STATUS, named(status))
        if status in FULL:
            hold = min(HOLD * 2**self._full, LONGEST_HOLD)
            self._full += 1
            return Answer(429, (name, ("retry-after", f"{hold:.0f}")))
        self._full = 0
        if status != Status.OK:
            return Answer(503 if status in TEMPORARY else 400, (name,))
        if (doubt := self._doubted.get(dialogue)) is not None:
            doubt.shown = self._monotonic()
        return Answer(200, (name,))
