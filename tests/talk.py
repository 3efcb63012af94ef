"""A member's phone for tests of the engine: real turns, a real store, a clock that moves when told.

`Talk` sends what Africa's Talking would send (the whole text typed since the dial) through `Turns`, without HTTP.
A crash is a process that stops writing in the middle of a turn: see `kikao.testing.Mortal`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from kikao.channels.channel import Dedupe, Request, Response
from kikao.channels.inbound import Inbound
from kikao.conversation import Flows, Navigation, Secret
from kikao.conversation.engine import Engine
from kikao.conversation.journal import Conversation
from kikao.conversation.screens import Screen
from kikao.events import Bus, DialogueClosed, Event, GatewayTold, TurnCommitted, TurnDuplicated, TurnRejected
from kikao.i18n import Catalogs
from kikao.i18n.messages import Translate
from kikao.i18n.money import Amount
from kikao.members import Unlisted
from kikao.sessions.keeper import Sessions
from kikao.sessions.limits import Limits
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.recovery import Recovery
from kikao.sessions.sealing import KeyRing
from kikao.sessions.session import Session
from kikao.sessions.store import SessionStore
from kikao.sessions.stores.memory import MemoryStore
from kikao.sessions.working import Late
from kikao.testing import Clock, Mortal
from kikao.testing.stored import holds, stored
from kikao.turn import Turns

KEY = bytes(range(32))


class PlainGateway:
    """A gateway without HTTP: one page a screen, lines as a USSD phone shows them."""

    slug = "plain"
    methods: tuple[str, ...] = ("POST",)
    channel = "ussd"
    dedupe: Dedupe = "exact"
    retention = 3600.0
    pushes = ""
    patience = 0.0
    chats = False

    def __init__(self, page_lines: int = 1000) -> None:
        self.page_lines = page_lines

    def parse(self, request: Request) -> Inbound:
        raise AssertionError("tests pass inbounds")

    def pages(self, screen: Screen, translate: Translate) -> Sequence[str]:
        lines = [translate(text) for text in screen.body]
        lines += [f"{o.key} {translate(o.label)}" for o in screen.options]
        found = [(o.value, f"{o.key} {translate(o.label)}") for o in screen.navigation]
        footer = [line for value, line in found if value not in ("more", "previous")]
        more = [line for value, line in found if value == "more"]
        if len(lines) <= self.page_lines or screen.whole:
            return ["\n".join(lines + footer)]
        chunks = [lines[i : i + self.page_lines] for i in range(0, len(lines), self.page_lines)]
        return ["\n".join([*chunk, *footer, *([] if chunk is chunks[-1] else more)]) for chunk in chunks]

    def reply(self, inbound: Inbound, page: str, *, ends: bool) -> Response:
        return Response(200, (), f"{'END' if ends else 'CON'} {page}".encode())

    def pushed(
        self, inbound: Inbound, page: str, *, ends: bool, until: float, mark: str = "", over: str = ""
    ) -> list[bytes]:
        raise AssertionError("it answers")

    def charged(self, response: Response, amount: Amount) -> Response | None:
        return Response(response.status, (*response.headers, ("charge", str(amount.minor))), response.body)

    def acknowledge(self, inbound: Inbound) -> Response:
        return Response(200, (), b"")


class Process:
    """One run of the server over a store. Make another over the same store to restart it."""

    def __init__(
        self,
        flows: Flows,
        entry: str,
        store: SessionStore,
        clock: Clock,
        *,
        services: Mapping[Any, Any] | None = None,
        navigation: Navigation | None = None,
        locales: Mapping[str, str] | None = None,
        policy: SessionPolicy | None = None,
        budget: float = 4.0,
        translate: Callable[[str], Translate] | None = None,
    ) -> None:
        self._made = functools.partial(
            Process,
            entry=entry,
            store=store,
            clock=clock,
            services=services,
            navigation=navigation,
            locales=locales,
            policy=policy,
            budget=budget,
            translate=translate,
        )
        self.flows = flows
        self.clock = clock
        self.events: list[Event] = []
        self.store = Mortal(store)
        unlimited = SessionPolicy(
            limits=Limits(address=None, member=None)
        )  # no time passes between turns here
        self.sessions = Sessions(self.store, KeyRing({"test": KEY}), policy or unlimited, clock=clock)
        self.engine = Engine(flows, entry=entry, navigation=navigation, locales=locales)
        services = services or {}
        self.publish = Bus([self.events.append])
        self.late = Late(self.sessions, self.publish)
        self.turns = Turns(
            self.engine,
            self.sessions,
            services,
            Unlisted(self.sessions.ring),
            translate=translate or Catalogs().translate,
            publish=self.publish,
            late=self.late,
            budget=budget,
        )
        self.recovery = Recovery(self.sessions, self.engine, self.late, services, self.publish)

    async def open(self) -> None:
        """Start: a store of one process drops the leases of a dead one here."""
        await self.sessions.open()

    async def again(self, flows: Flows | None = None, **options: Any) -> Process:
        """The next process over the same store: a restart, or with other `flows` a deploy. This one is dead."""
        self.store.dead = True
        process = self._made(flows or self.flows, **options)
        await process.open()
        return process

    async def settle(self) -> None:
        """Wait for effects that outlived their turn."""
        await self.late.close(10.0)

    async def stored(self) -> list[Session]:
        """What the store holds, opened: what an attacker with the keys would see."""
        return await stored(self.sessions)

    async def holds(self, secret: str) -> bool:
        """Whether any stored session or published event has it in a text (random ids, which are hex, aside)."""
        return await holds(secret, self.sessions, self.events)

    async def conversation(self) -> Conversation:
        """The only stored conversation."""
        (session,) = await self.stored()
        return session.conversation


class Talk:
    """One member's phone. `text` is the screen, `ended` whether the dialogue was closed."""

    def __init__(
        self, process: Process, number: str = "+256772000001", gateway: PlainGateway | None = None
    ) -> None:
        self.process = process
        self.number = number
        self.gateway = gateway or PlainGateway()
        self.text = ""
        self.ended = True
        self.typed = ""
        self.accumulates = True
        """Whether the gateway sends everything typed since the dial, with an id; else only the last answer."""
        self._dials = 0

    async def dial(self, ahead: str = "") -> str:
        """Dial the code, with `ahead` typed behind it: `dial("1*500")`. Starts a new dialogue."""
        self._dials += 1
        self.typed = ahead
        return await self.send()

    async def restart(self, flows: Flows | None = None, **options: Any) -> Talk:
        """The server dies and starts again, with other `flows` if given."""
        self.process = await self.process.again(flows, **options)
        return self

    async def say(self, *answers: str) -> str:
        """Answer one screen after the other; the last screen."""
        for answer in answers:
            assert not self.ended, f"the dialogue has ended with: {self.text}"
            self.typed = f"{self.typed}*{answer}" if self.typed and self.accumulates else answer
            await self.send()
        return self.text

    async def send(self, typed: str | None = None) -> str:
        """Send a request as the gateway would, by default the last one again (a redelivery)."""
        response = await self.process.turns.handle(self.inbound(typed), self.gateway)
        state, _, self.text = response.body.decode().partition(" ")
        self.ended = state == "END"
        return self.text

    def inbound(self, typed: str | None = None) -> Inbound:
        """What the gateway would parse from the request."""
        text = self.typed if typed is None else typed
        dialogue = f"{self.number}/{self._dials}"
        return Inbound(
            channel="ussd",
            gateway=self.gateway.slug,
            identity=self.number,
            happening="reply" if text else "new",
            text=Secret(text),
            dialogue=dialogue,
            service_code="*284#",
            msisdn=self.number,
            message_id=Secret(f"{dialogue}|{text}") if self.accumulates else None,
            accumulated=self.accumulates,
        )


async def start(flows: Flows, entry: str, **options: Any) -> Talk:
    """A server on a memory store, and a phone."""
    process = Process(flows, entry, MemoryStore(), Clock(), **options)
    await process.open()
    return Talk(process)


def whats(events: Iterable[Event]) -> list[str]:
    """What came of each inbound: what a turn came to, "duplicate", why it was rejected, or "closed"."""
    return [
        event.what
        for event in events
        if isinstance(event, TurnCommitted | TurnDuplicated | TurnRejected | DialogueClosed | GatewayTold)
    ]
