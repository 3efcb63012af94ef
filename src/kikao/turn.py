"""The one path of an inbound: key → claim → gate → run → render → commit → reply.

A turn is atomic: session, journal, dedupe record with the exact reply bytes, and open intents are written together or
not at all, under a version check. What a member is promised rests on four rules, all of them here:

1. A redelivered inbound gets the bytes of the first reply (the dedupe record is part of the commit).
2. A late or crossed inbound never answers a question it did not see (accumulated text, version on arrival).
3. "Unavailable, try again" is not a turn: nothing is consumed, nothing is written.
4. A commit nobody confirmed is resolved by reading the dedupe record, never by guessing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

import msgspec

from kikao.channels.accumulated import understand
from kikao.channels.channel import Gateway, Response
from kikao.channels.inbound import Inbound
from kikao.conversation.engine import Engine
from kikao.conversation.errors import TEXTS, ErrorCode, OlderCode
from kikao.conversation.inputs import Dial, Show
from kikao.conversation.runner import Turned
from kikao.conversation.screens import Screen
from kikao.events.types import Publish, TurnDone, described
from kikao.i18n.messages import Translate, t
from kikao.sessions.keeper import LEASE, Held, Sessions
from kikao.sessions.policy import Address, session_key
from kikao.sessions.recovery import member_of
from kikao.sessions.store import Busy, CommitUnknown, Conflict, Dedupe, Duplicate, StoreUnavailable
from kikao.sessions.working import Late, Performer, Services

BUDGET: Final = 4.0
"""Seconds from request to reply; gateways hang up on slower ones."""

RESERVE: Final = 0.1
"""Share of the budget kept for committing and sending the closing screen after the deadline."""

WINDOW: Final = 1.0
"""Seconds after its reply in which the same text is a redelivery, where a provider gives nothing to tell by."""

ATTEMPTS: Final = 3
"""How often a turn that lost against another writer starts again."""

WORKING: Final = Screen((t("Your last request is still being processed. Dial again shortly."),), ends=True)
UNCERTAIN: Final = Screen((TEXTS[ErrorCode.UNKNOWN_OUTCOME],), ends=True)
UNAVAILABLE: Final = Screen((TEXTS[ErrorCode.BACKEND_UNAVAILABLE],), ends=True)
BROKEN: Final = Screen((TEXTS[ErrorCode.INTERNAL],), ends=True)

_REPLY = msgspec.msgpack.Decoder(Response)
_ENCODER = msgspec.msgpack.Encoder()


class Turns:
    """Processes inbounds of an app. Holds nothing between turns but effects that still run."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        services: Services,
        *,
        translate: Callable[[str], Translate],
        publish: Publish,
        late: Late | None = None,
        budget: float = BUDGET,
        locale: str | None = None,
    ) -> None:
        if not 0 < budget < LEASE:
            raise ValueError(
                f"a reply's budget must be more than 0 and less than {LEASE:.0f} seconds, not {budget}"
            )
        self.engine = engine
        self.sessions = sessions
        self.late = Late(sessions, publish) if late is None else late
        self.budget = budget
        self._services = services
        self._translate = translate
        self._publish = publish
        self._locale = locale or next(iter(engine.locales))

    async def handle(self, inbound: Inbound, gateway: Gateway) -> Response:
        """One inbound to one reply. Raises `MissingIdentifier` when nobody sent it; otherwise always answers."""
        started = time.perf_counter()
        if inbound.happening == "end":
            self._log(inbound, started, "closed")
            return gateway.acknowledge(inbound)
        if inbound.sent_at is not None and self.sessions.clock() - inbound.sent_at > gateway.retention:
            self._log(inbound, started, "stale")
            return gateway.acknowledge(inbound)
        address = Address(
            inbound.channel, inbound.gateway, inbound.identity, inbound.service_code, inbound.msisdn
        )
        key = session_key(self.sessions.ring, address, flow=self.engine.entry)
        dedupe = self._dedupe(inbound, gateway)
        deadline = asyncio.get_running_loop().time() + self.budget * (1 - RESERVE)
        turn = _Turn(self, inbound, gateway, address, key, dedupe, deadline, started)
        what = "unavailable"
        error: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                return await turn.take()
            except Conflict as problem:
                what, error = "busy", problem
            except CommitUnknown as problem:
                error = problem
                if dedupe is None:
                    break
                # Try again as the provider would: a commit that went through answers as a duplicate.
            except OlderCode as problem:
                what, error = "older_code", problem
                break
            except StoreUnavailable as problem:
                error = problem
                break
            except Exception as problem:  # noqa: BLE001 - our mistake must not look like the caller's
                what, error = "failed", problem
                break
        self._log(inbound, started, what, key=key, error=error)
        return self.apology(inbound, gateway, UNCERTAIN if turn.acted else UNAVAILABLE)

    def apology(self, inbound: Inbound, gateway: Gateway, screen: Screen = UNAVAILABLE) -> Response:
        """ "Unavailable, try again": not a turn, nothing was consumed."""
        return gateway.reply(inbound, gateway.pages(screen, self._translate(self._locale))[0], ends=True)

    def _dedupe(self, inbound: Inbound, gateway: Gateway) -> bytes | None:
        """What an inbound has in common with its redeliveries; None where nothing tells them from a new answer."""
        lookup, where = self.sessions.ring.lookup, (inbound.channel, inbound.gateway)
        if gateway.dedupe == "exact" and inbound.message_id is not None:
            return lookup("message", *where, inbound.message_id.reveal())
        if gateway.dedupe == "window":
            said = (inbound.dialogue, inbound.happening, inbound.text.reveal())
            return lookup("window", *where, inbound.identity, *said)
        return None

    def _log(
        self,
        inbound: Inbound,
        started: float,
        what: str,
        *,
        key: bytes = b"",
        error: BaseException | None = None,
        turned: Turned | None = None,
        version: int = 0,
    ) -> None:
        self._publish(
            TurnDone(
                channel=inbound.channel,
                gateway=inbound.gateway,
                session=key.hex()[:12],
                what=what,
                flow=turned.flow if turned else "",
                at=turned.at if turned else "",
                version=version,
                ms=round((time.perf_counter() - started) * 1000, 2),
                error=described(error),
                reasons=tuple(turned.reasons) if turned else (),
                unknown_fields=inbound.unknown_fields,
                note=inbound.note,
            )
        )


class _Turn:
    """One inbound, tried until nobody else writes its session meanwhile."""

    def __init__(
        self,
        turns: Turns,
        inbound: Inbound,
        gateway: Gateway,
        address: Address,
        key: bytes,
        dedupe: bytes | None,
        deadline: float,
        started: float,
    ) -> None:
        self.turns = turns
        self.inbound = inbound
        self.gateway = gateway
        self.address = address
        self.key = key
        self.dedupe = dedupe
        self.deadline = deadline
        self.started = started
        self.begun: set[bytes] = set()
        self.acted = False
        """Whether effects may have been performed: a member is then never told that nothing happened."""
        self.arrival: int | None = None
        """The session's version when this inbound first met it: what the member saw is no newer."""

    async def take(self) -> Response:
        turns, sessions = self.turns, self.turns.sessions
        # Past the deadline, into the reserve: a copy of a request that closes at its deadline gets the same bytes.
        wait = self.deadline + turns.budget * RESERVE / 2 - asyncio.get_running_loop().time()
        held = await sessions.claim(
            self.key, self.dedupe, self.address, locale=turns._locale, wait=max(wait, 0.0)
        )
        if isinstance(held, Duplicate):
            turns._log(self.inbound, self.started, "duplicate", key=self.key)
            return _REPLY.decode(sessions.ring.unseal(held.reply, self.key, b"reply" + (self.dedupe or b"")))
        if held is None or isinstance(held, Busy):
            turns._log(self.inbound, self.started, "busy", key=self.key)
            return turns.apology(self.inbound, self.gateway, WORKING)
        if self.arrival is None:
            self.arrival = held.claim.version_on_arrival
        held.disregard(self.begun)
        try:
            return await self._process(held)
        finally:
            self.begun |= held.begun
            self.acted = self.acted or held.intended
            await sessions.release_quietly(held)

    async def _process(self, held: Held) -> Response:
        turns, sessions, session = self.turns, self.turns.sessions, held.session
        conversation = session.conversation
        event, dialogue = understand(
            self.inbound, session.dialogue, lambda purpose, text: sessions.ring.lookup(purpose, text)[:16]
        )
        sessions.expire(session, event)
        if isinstance(event, Dial) and event.resume and not sessions.resumable(session):
            event = Dial(event.ahead, resume=False)
        crossed = held.version != self.arrival
        if held.claim.seen is not None or (crossed and not isinstance(event, Dial)):
            event = Show()
        if held.claim.seen is None:  # a late copy does not say where the member is now
            session.dialogue = dialogue
        session.seen_at = sessions.clock()
        performer = Performer(
            held,
            turns.late,
            turns._services,
            deadline=self.deadline,
            dedupe=self._record(None),
            clock=sessions.clock,
        )
        try:
            if held.working():
                turns.engine.refuse_newer(conversation)
                turned = Turned(WORKING, "working")
            else:
                turned = await turns.engine.advance(conversation, event, member_of(sessions, held), performer)
            response = self._render(held, turned)
            await held.commit(self._record(response), working=performer.working)
        except BaseException:
            performer.rescue()
            raise
        turns._log(
            self.inbound,
            self.started,
            turned.what,
            key=self.key,
            error=turned.error,
            turned=turned,
            version=held.version,
        )
        return response

    def _render(self, held: Held, turned: Turned) -> Response:
        turns, conversation = self.turns, held.session.conversation
        translate = turns._translate(conversation.locale)
        try:
            pages = self.gateway.pages(turned.screen, translate)
        except Exception as error:  # noqa: BLE001 - a confirmation that does not fit is never cut
            turned.error, turned.what, turned.screen, turned.page = error, "failed", BROKEN, 0
            pages = self.gateway.pages(BROKEN, translate)
        turned.page = min(turned.page, len(pages) - 1)
        turns.engine.paged(conversation, turned, len(pages))
        ends = turned.screen.ends and turned.page == len(pages) - 1
        return self.gateway.reply(self.inbound, pages[turned.page], ends=ends)

    def _record(self, response: Response | None) -> Dedupe | None:
        if self.dedupe is None:
            return None
        sessions, sealed = self.turns.sessions, None
        if response is not None:
            sealed = sessions.ring.seal(_ENCODER.encode(response), self.key, b"reply" + self.dedupe)
        kept = WINDOW if self.gateway.dedupe == "window" else self.gateway.retention
        return Dedupe(self.dedupe, sealed, sessions.clock() + kept)
