"""What a turn tells: the events of one inbound, made where somebody listens."""

from __future__ import annotations

import time
from typing import Literal

from kikao.channels.channel import Gateway, Response
from kikao.channels.inbound import Inbound
from kikao.conversation.engine import Engine
from kikao.conversation.facts import Fact, fact
from kikao.conversation.inputs import Dial, Event
from kikao.conversation.journal import Conversation, Run
from kikao.conversation.runner import Turned
from kikao.events import (
    Bus,
    ChargeAsked,
    DialogueClosed,
    FlowAbandoned,
    GatewayTold,
    LimitHit,
    ScreenShown,
    SessionEnded,
    SessionExpired,
    SessionOpened,
    SessionResumed,
    StageChanged,
    StageMenu,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
    described,
)
from kikao.events.place import Place
from kikao.i18n.gsm7 import cost
from kikao.sessions.keeper import Held
from kikao.sessions.limiter import Over

Rejected = Literal["busy", "unavailable", "older_code", "answered", "stale", "failed"]
"""See `TurnRejected.what`."""

ScreenKind = Literal["question", "overlay", "end", "notice"]
"""See `ScreenShown.kind`."""

Done = TurnCommitted | TurnDuplicated | TurnRejected


class Telling(Place):
    """The events of one inbound."""

    __slots__ = ("_inbound", "started")

    def __init__(self, publish: Bus, inbound: Inbound, release: int, started: float) -> None:
        Place.__init__(self, publish, inbound.channel, inbound.gateway, release)
        self._inbound = inbound
        self.started = started

    def heard(self) -> None:
        """It is nothing that a member did: the provider told something."""
        inbound = self._inbound
        happening = inbound.happening
        if happening in ("end", "abort", "timeout", "charge_failed"):
            event: DialogueClosed | GatewayTold = DialogueClosed(
                channel=inbound.channel,
                gateway=inbound.gateway,
                how=happening,
                note=inbound.note,
                unknown_fields=inbound.unknown_fields,
            )
        else:
            event = GatewayTold(
                channel=inbound.channel,
                gateway=inbound.gateway,
                note=inbound.note,
                unknown_fields=inbound.unknown_fields,
            )
        self.publish(event)

    def limited(self, over: Over) -> None:
        """It is one too many."""
        self.publish(
            LimitHit(
                channel=self._inbound.channel,
                gateway=self._inbound.gateway,
                session=self.session,
                release=self.release,
                kind=over.kind,
                retry_after=round(over.wait, 3),
            )
        )

    def rejected(self, what: Rejected, error: BaseException | str | None = None) -> TurnRejected:
        """It became no turn."""
        inbound = self._inbound
        rejected = TurnRejected(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=self.session,
            release=self.release,
            what=what,
            ms=self._ms(),
            error=error if isinstance(error, str) else described(error),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self.publish(rejected)
        return rejected

    def duplicated(self) -> TurnDuplicated:
        """It is a redelivery."""
        inbound = self._inbound
        duplicated = TurnDuplicated(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=self.session,
            release=self.release,
            ms=self._ms(),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self.publish(duplicated)
        return duplicated

    def showed(
        self, text: str, kind: ScreenKind, *, page: int = 1, pages: int = 1, flow: str = "", at: str = ""
    ) -> None:
        """A screen is on its way to the member."""
        if self.publish.wants(ScreenShown):
            size = cost(text)
            self.publish(
                ScreenShown(
                    channel=self.channel,
                    gateway=self.gateway,
                    session=self.session,
                    flow=flow,
                    at=at,
                    release=self.release,
                    kind=kind,
                    page=page,
                    pages=pages,
                    units=size.units,
                    alphabet=size.alphabet,
                )
            )

    def committed(self, turned: Turned, version: int) -> TurnCommitted:
        """Its turn is done, and stored as this version of its session."""
        inbound = self._inbound
        assert turned.what != "settled"  # that is recovery's
        committed = TurnCommitted(
            channel=inbound.channel,
            gateway=inbound.gateway,
            session=self.session,
            flow=turned.flow,
            at=turned.at,
            release=self.release,
            what=turned.what,
            version=version,
            taken=turned.taken,
            ms=self._ms(),
            error=described(turned.error),
            reasons=tuple(turned.reasons),
            unknown_fields=inbound.unknown_fields,
            note=inbound.note,
        )
        self.publish(committed)
        return committed

    def _ms(self) -> float:
        return round((time.perf_counter() - self.started) * 1000, 2)


class Try:
    """One try at a turn: what happens is told once its commit is done, and never if another writer was faster.

    `arrived` before the flow is run, `told` after the commit.
    """

    __slots__ = ("_at", "_facts", "_flow", "_over", "_tell", "pages", "text")

    def __init__(self, tell: Telling, run: Run | None) -> None:
        self.text = ""
        """The page that is shown."""
        self.pages = 1
        """How many there are."""
        self._tell = tell
        self._facts: list[Fact] = []
        self._over = False
        self._flow, self._at = _stage(run)

    def arrived(self, held: Held, event: Event, renewed: Literal["", "expired", "ended"], now: float) -> None:
        """What an inbound finds of its session, which was `renewed` where it was over."""
        if renewed or held.fresh or isinstance(event, Dial):
            self._found(held, renewed, now)
        self._over = held.session.conversation.over

    def _found(self, held: Held, renewed: Literal["", "expired", "ended"], now: float) -> None:
        facts, run = self._facts, held.session.conversation.run
        silence = round(max(0.0, now - held.session.seen_at), 3)
        if renewed == "expired":
            facts.append(fact(SessionExpired, flow=self._flow, at=self._at, silence=silence))
        if renewed and self._flow and run is None:
            facts.append(fact(FlowAbandoned, flow=self._flow, at=self._at, what=renewed))
        if renewed or held.fresh:
            facts.append(fact(SessionOpened))
        else:
            facts.append(fact(SessionResumed, flow=self._flow, at=self._at, silence=silence))
        self._flow, self._at = _stage(run)

    def charged(self, response: Response, gateway: Gateway, conversation: Conversation) -> Response:
        """A screen's reply, with what the flow has charged with it where the gateway can pass that on."""
        charge, conversation.charge = conversation.charge, None
        if charge is None:
            return response
        found = gateway.charged(response, charge.amount)
        amount = charge.amount
        self._facts.append(
            fact(
                ChargeAsked,
                flow=charge.flow,
                at=charge.at,
                currency=amount.currency,
                minor=amount.minor,
                carried=found is not None,
            )
        )
        return response if found is None else found

    def told(self, engine: Engine, conversation: Conversation, turned: Turned, version: int) -> TurnCommitted:
        """Publish all of it: the turn is stored."""
        tell = self._tell
        for happened in self._facts:
            tell.tell(*happened)
        for happened in turned.facts:
            tell.tell(*happened)
        if conversation.over and not self._over:
            tell.tell(*fact(SessionEnded, flow=turned.flow, at=turned.at, by="app"))
        flow, at = _stage(conversation.run)
        if at and (flow, at) != (self._flow, self._at):
            self._moved(engine, conversation, flow, at)
        tell.showed(
            self.text,
            _kind_of(conversation, turned),
            page=turned.page + 1,
            pages=self.pages,
            flow=turned.flow,
            at=turned.at,
        )
        return tell.committed(turned, version)

    def _moved(self, engine: Engine, conversation: Conversation, flow: str, at: str) -> None:
        wants = self._tell.publish.wants
        if wants(StageChanged) or wants(StageMenu):
            stage = {"flow": flow, "at": at, "from_flow": self._flow if self._at else "", "from_at": self._at}
            self._tell.tell(StageChanged, stage)
            if self._at and engine.at_menu(conversation):
                self._tell.tell(StageMenu, stage)


def _stage(run: Run | None) -> tuple[str, str]:
    return ("", "") if run is None else (run.flow, run.at)


def _kind_of(conversation: Conversation, turned: Turned) -> ScreenKind:
    if conversation.overlay:
        return "overlay"
    if not turned.screen.ends:
        return "question"
    return "end" if turned.what in ("ended", "refused", "cancelled", "shown") else "notice"
