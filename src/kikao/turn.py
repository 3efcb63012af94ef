"""The one path of an inbound: key → middleware → claim → limits → run → render → commit → reply.

A turn is atomic: session, journal, dedupe record with the exact reply bytes, and open intents are written together or
not at all, under a version check. What a member is promised rests on four rules, all of them here:

1. A redelivered inbound gets the bytes of the first reply (the dedupe record is part of the commit).
2. A late or crossed inbound never answers a question it did not see (accumulated text, version on arrival).
3. "Unavailable, try again" is not a turn, nor is "too many": nothing is consumed, nothing is written.
4. A commit nobody confirmed is resolved by reading the dedupe record, never by guessing.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, cast

import msgspec
from msgspec import structs

from kikao.around import Around
from kikao.channels.accumulated import closed, repeats, understand
from kikao.channels.channel import Gateway, Response
from kikao.channels.chat.secret_links import SecretLinks
from kikao.channels.chat.turning import ChatTurn
from kikao.channels.directly import BROKEN, LIMITED, UNAVAILABLE, UNCERTAIN, Directly
from kikao.channels.ending import end
from kikao.channels.inbound import TURNS, Inbound
from kikao.channels.media.saying import fitted
from kikao.channels.naming import addressed, names_of
from kikao.channels.refusals import AGAIN, FAILED, too_many
from kikao.conversation.engine import WORKING, Engine
from kikao.conversation.errors import OlderCode
from kikao.conversation.inputs import Dial, Reply, Show, Tell
from kikao.conversation.member import Member
from kikao.conversation.runner import Turned
from kikao.conversation.screens import Screen
from kikao.events import Bus, TurnCommitted
from kikao.i18n.messages import Translate
from kikao.members import Known, Members
from kikao.members.claiming import claim
from kikao.members.speaking import keep_language
from kikao.metrics.phases import PhaseTimes, Stopwatch
from kikao.middleware import Chain, Middleware
from kikao.records import RecordsAway
from kikao.sessions.confirming import Unconfirmed, unconfirmed
from kikao.sessions.deadlines import Deadlines
from kikao.sessions.gate import MOST, Gate
from kikao.sessions.keeper import LEASE, Answered, Held, Sessions
from kikao.sessions.limiter import Limiter, Over
from kikao.sessions.policy import Address, address_kind, session_key
from kikao.sessions.store import Busy, CommitUnknown, Conflict, Dedupe, StoreUnavailable
from kikao.sessions.working import Late, Performer, Services
from kikao.telling import Done, Rejected, Telling, Try

BUDGET: Final = 4.0
"""Seconds from request to reply; gateways hang up on slower ones."""

RESERVE: Final = 0.1
"""Share of the budget kept for committing and sending the closing screen after the deadline."""

LAST: Final = RESERVE / 4
"""Share of the budget that is left when a turn is given up: the store did not answer, and the gateway hangs up soon."""

WINDOW: Final = 1.0
"""Seconds after its reply in which the same text is a redelivery, where a provider gives nothing to tell by."""

ATTEMPTS: Final = 3
"""How often a turn that lost against another writer starts again."""

STRANGER: Final = Known("", "", "")
"""Whoever was not met yet."""

_REPLY = msgspec.msgpack.Decoder(Response)
_ENCODER = msgspec.msgpack.Encoder()


class Turns:
    """Processes inbounds of an app. Holds nothing between turns but effects that still run, and who came how often."""

    def __init__(
        self,
        engine: Engine,
        sessions: Sessions,
        services: Services,
        members: Members,
        *,
        translate: Callable[[str], Translate],
        publish: Bus,
        late: Late | None = None,
        budget: float = BUDGET,
        locale: str | None = None,
        middleware: Sequence[Middleware] = (),
        times: PhaseTimes | None = None,
        most: int = MOST,
        directly: Directly | None = None,
        links: SecretLinks | None = None,
    ) -> None:
        if not 0 < budget < LEASE:
            raise ValueError(f"a reply's budget must be between 0 and {LEASE:.0f} seconds, not {budget}")
        self.engine = engine
        self.sessions = sessions
        self.late = Late(sessions, publish) if late is None else late
        self.budget = budget
        self._services = services
        self.members = members
        self._translate = translate
        self._publish = publish
        self._limiter = Limiter({channel: sessions.policies[channel].limits for channel in sessions.policies})
        self._locale = locale or next(iter(engine.locales))
        self._times = times or PhaseTimes()
        self._directly = Directly({}, publish, sessions.clock) if directly is None else directly
        self._around: Around | None = None
        if middleware:
            self._around = Around(
                Chain(middleware, publish),
                members,
                reserve=budget * RESERVE / 2,
                translate=translate,
                locale=self._locale,
                directly=self._directly,
            )
        self.gate = Gate(most, monotonic=lambda: asyncio.get_running_loop().time())
        self._deadlines = Deadlines()
        self.links = links

    async def handle(self, inbound: Inbound, gateway: Gateway, *, url: str = "") -> Response:
        """One inbound to one reply. Raises `MissingIdentifier` when nobody sent it; otherwise always answers.

        `url` is the host and path it came to, where a policy asks for it (`SessionPolicy.wants_url`). Of an outcome,
        which nobody sent, neither limits nor middleware hear; where nobody waits for it any more it is no turn.
        """
        started = time.perf_counter()
        tell = Telling(self._publish, inbound, self.engine.flows.release, started)
        unasked = inbound.happening == "outcome"
        if inbound.happening not in TURNS and not unasked:
            tell.heard()
            if inbound.dialled is not None and not self.gate.refuses():
                with self.gate:
                    where, within = partial(self.address, inbound, url), self.budget * (1 - RESERVE)
                    ended = await end(inbound, where, self.sessions, self.members, within=within)
                self.gate.worked() if ended else self.gate.failed()
            return gateway.acknowledge(inbound)
        if inbound.sent_at is not None and self.sessions.clock() - inbound.sent_at > gateway.retention:
            tell.rejected("stale")
            return gateway.acknowledge(inbound)
        address = self.address(inbound, url)
        if not unasked and (over := self._limiter.overall(inbound.channel, self.sessions.clock())):
            tell.limited(over)
            return too_many(over.wait)
        key = session_key(self.sessions.ring, address.parts)
        names = names_of(inbound, gateway, self.sessions)
        deadline = asyncio.get_running_loop().time() + self.budget * (1 - RESERVE)
        turn = _Turn(self, inbound, gateway, address, key, names, deadline, tell)
        if why := self.gate.refuses():
            turn.done = tell.rejected("unavailable", why)
            return self.apology(turn)
        with self.gate:
            if self._around is not None and not unasked:
                return await self._around(turn, partial(self._take, turn), partial(self.apology, turn))
            return await self._take(turn)

    async def _take(self, turn: _Turn) -> Response:
        """A turn, within its budget whatever hangs: nothing piles up behind it."""
        try:
            with self._deadlines.until(turn.deadline + self.budget * (RESERVE - LAST)):
                response = await self._try(turn)
        except TimeoutError as problem:
            self.gate.worked() if turn.in_flow else self.gate.failed()
            turn.done = turn.tell.rejected("unavailable", problem)
            return self.apology(turn, UNCERTAIN if turn.acted else UNAVAILABLE)
        finally:
            if turn.unconfirmed is not None:
                self.late.confirm(turn.unconfirmed)
        if turn.done is None or turn.done.what != "unavailable":
            self.gate.worked()
        else:
            self.gate.failed(time.perf_counter() - turn.tell.started)
        return response

    async def _try(self, turn: _Turn) -> Response:
        what: Rejected = "unavailable"
        error: Exception | None = None
        for _ in range(ATTEMPTS):
            try:
                return await turn.take()
            except Conflict as problem:
                what, error = "busy", problem
            except CommitUnknown as problem:
                error = problem
                if not turn.names:
                    break
                # Try again as the provider would: a commit that went through answers as a duplicate.
            except OlderCode as problem:
                what, error = "older_code", problem
                break
            except (StoreUnavailable, RecordsAway) as problem:
                error = problem
                break
            except Exception as problem:  # noqa: BLE001 - our mistake must not look like the caller's
                what, error = "failed", problem
                break
            finally:
                turn.watch.leave()
        turn.done = turn.tell.rejected(what, error)
        return self.apology(turn, UNCERTAIN if turn.acted else UNAVAILABLE)

    def address(self, inbound: Inbound, url: str = "") -> Address:
        """Who sent an inbound, with the parts of their session's key. Raises `MissingIdentifier`."""
        return addressed(inbound, self.sessions.policies[inbound.channel], flow=self.engine.entry, url=url)

    def apology(self, turn: _Turn, screen: Screen = UNAVAILABLE, *, locale: str = "") -> Response:
        """ "Unavailable, try again": not a turn, nothing was consumed. In the member's language where it is known."""
        if turn.chat is not None and screen is not LIMITED:
            # The provider brings it once more.
            return FAILED if turn.done is not None and turn.done.what == "failed" else AGAIN
        known = turn.known if turn.known is not STRANGER else self.members.recall(*turn.named) or STRANGER
        page = turn.gateway.pages(screen, self._translate(locale or known.locale or self._locale))[0]
        turn.tell.showed(str(page), "notice")
        return self._directly(turn.gateway, turn.inbound, page)


class _Turn:
    """One inbound, tried until nobody else writes its session meanwhile."""

    def __init__(
        self,
        turns: Turns,
        inbound: Inbound,
        gateway: Gateway,
        address: Address,
        key: bytes,
        names: tuple[bytes, ...],
        deadline: float,
        tell: Telling,
    ) -> None:
        self.turns = turns
        self.inbound = inbound
        self.gateway = gateway
        self.address = address
        self.named = address_kind(address)
        """Who that is: a kind and an identity."""
        self.own_key = key
        """Of the address, wherever its dealings are kept."""
        self.key = key
        tell.found(key)
        self.names = names
        self.deadline = deadline
        self.tell = tell
        self.chat: ChatTurn | None = None
        if gateway.chats:
            self.chat = ChatTurn(
                turns.engine, turns.sessions, inbound, gateway, turns._translate, turns.links
            )
        """What is different in a chat."""
        self.watch = Stopwatch(turns._times[gateway.slug])
        self.done: Done | None = None
        """What became of it, once that is known; nothing of one that was limited."""
        self.known = STRANGER
        self.counted = inbound.happening == "outcome"
        """Whether the limits let this inbound through: it is counted once, however often it is tried."""
        self.begun: set[bytes] = set()
        self.acted = False
        """Whether something of it may be stored or performed: a member is then never told that nothing happened."""
        self.unconfirmed: Unconfirmed | None = None
        """A commit that nobody confirmed."""
        self.in_flow = False
        """Whether it is the flow that it waits for, or a service: neither the store nor the records."""
        self.arrival: int | None = None
        """The session's version when this inbound first met it: what the member saw is no newer."""

    async def take(self) -> Response:
        """Raises what keeps it from being a turn, this time or for good."""
        turns, sessions = self.turns, self.turns.sessions
        self.in_flow = False
        self.watch.enter("claim")
        held = await self._claim(self.names)
        if isinstance(held, Answered) and self.gateway.dedupe == "window":
            held = await self._claim_for_another(held)
        if isinstance(held, Answered):
            self.done = self._confirmed(held.reply) or self.tell.duplicated()
            return _REPLY.decode(held.reply)
        if held is None or isinstance(held, Busy):
            self.done = self.tell.rejected("busy")
            return turns.apology(self, WORKING)
        if self.arrival is None:
            self.arrival = held.claim.version_on_arrival
        held.disregard(self.begun)
        try:
            if over := self._over():
                self.tell.limited(over)
                return turns.apology(self, LIMITED, locale=self._locale(held))
            return await self._process(held)
        finally:
            self.begun |= held.begun
            self.acted = self.acted or held.intended or held.doubtful
            self.in_flow = self.in_flow and not held.doubtful
            await sessions.release_quietly(held)

    def _confirmed(self, reply: bytes) -> TurnCommitted | None:
        """Tell of this turn's own commit, if it was one that nobody confirmed, and it stands by now."""
        found, self.unconfirmed = self.unconfirmed, None
        return cast(TurnCommitted, found.tell()) if found is not None and found.reply == reply else None

    async def _claim(self, names: tuple[bytes, ...]) -> Held | Answered | Busy | None:
        """The member's session: that of the address, or the one that it is anchored to, looked up anew each time."""
        turns = self.turns
        # Past the deadline, into the reserve: a copy of a request that closes at its deadline gets the same bytes.
        wait = self.deadline + turns.budget * RESERVE / 2 - asyncio.get_running_loop().time()
        found, key, self.known = await claim(
            turns.sessions,
            turns.members,
            self.address,
            names,
            named=self.named,
            key=self.own_key,
            wait=max(wait, 0.0),
        )
        if key != self.key:
            self.key, self.arrival = key, None
            self.tell.found(key)
        return found

    async def _claim_for_another(self, found: Answered) -> Held | Answered:
        """The session, if what looks like a copy is not; else the reply. For where only the text tells.

        "1", "2", "1" are three answers, however fast they come; and so are "1", "1" when the clock was set back in
        between, by which a record seems new for as long as that.
        """
        sessions = self.turns.sessions
        held = await self._claim(())
        if not isinstance(held, Held):
            return found
        dialogue = held.session.dialogue
        set_back = held.session.seen_at - WINDOW > sessions.clock()  # more than clocks of two machines differ
        if dialogue is None or dialogue.last not in self.names or set_back:
            return held
        await sessions.release_quietly(held)
        # While this one stood in line, a copy of it may have been answered.
        newest = await self._claim(self.names)
        if isinstance(newest, Held):
            await sessions.release_quietly(newest)
        return newest if isinstance(newest, Answered) else found

    def _over(self) -> Over | None:
        """Which limit this inbound is over, if any. The address is as it came, wherever its dealings are kept."""
        if self.counted:
            return None
        turns = self.turns
        address = ":".join(self.named)
        over = turns._limiter.turn(self.inbound.channel, address, self.known.id, turns.sessions.clock())
        self.counted = over is None
        return over

    def _locale(self, held: Held) -> str:
        conversation = held.session.conversation
        return conversation.chosen or self.known.locale or ("" if held.fresh else conversation.locale)

    async def _process(self, held: Held) -> Response:
        turns, sessions, session = self.turns, self.turns.sessions, held.session
        conversation, known = session.conversation, self.known
        secret = conversation.run is not None and conversation.run.secret
        seen = held.seen or repeats(self.inbound, session.dialogue, self.names)
        silence = sessions.clock() - session.seen_at
        event, dialogue = understand(
            self.inbound, session.dialogue, session.hashed, secret=secret, consumed=seen, silence=silence
        )
        if isinstance(event, Tell) and (held.working() or not conversation.untold):
            return self.gateway.acknowledge(self.inbound)  # whoever wrote meanwhile has seen it
        attempt = Try(self.tell, conversation.run)
        renewed = sessions.expire(held, event)
        if isinstance(event, Dial):
            event = Dial(event.ahead, held.policy.takes_up(sessions.clock() - session.seen_at))
        if held.fresh:
            conversation.locale = known.locale or (self.chat and self.chat.language) or turns._locale
        elif isinstance(event, Dial):  # in which it may have been changed elsewhere
            conversation.locale = conversation.chosen or known.locale or conversation.locale
        session.member = session.member or known.id
        if isinstance(event, Reply) and held.version != self.arrival:  # crossed
            event = Show()
        elif self.chat is not None:
            event = await self.chat.event(event, held)
        if not held.seen:  # a late copy does not say where the member is now
            window = self.gateway.dedupe == "window" and self.names
            session.dialogue = structs.replace(dialogue, last=self.names[0]) if window else dialogue
        now = sessions.clock()
        attempt.arrived(held, event, renewed, now)
        session.seen_at = now
        self.watch.enter("run")
        performer = Performer(
            held,
            turns.late,
            turns._services,
            deadline=self.deadline,
            consumed=partial(self._record, None),
            clock=sessions.clock,
            watch=self.watch,
            tell=self.tell.tell,
        )
        try:
            if held.working():
                turns.engine.refuse_newer(conversation)
                turned = Turned(WORKING, "working")
            else:
                msisdn = self.address.msisdn or held.address.msisdn or known.msisdn
                who = session.member if held.policy.names_one(self.address) else known.id
                member = Member(who, self.address.channel, msisdn, known.locale, known.timezone)
                self.in_flow = True
                advance = turns.engine.advance if self.chat is None else self.chat.advance
                turned = await advance(conversation, event, member, performer)
                self.in_flow = False
                if conversation.chosen:
                    await keep_language(turns.members, known.id, conversation, self.deadline)
            self.watch.enter("render")
            response, ends = self._render(held, turned, attempt)
            if ends and session.dialogue is not None and self.chat is None:
                session.dialogue = closed(session.dialogue, self.inbound, session.hashed)
            self.watch.enter("commit")
            held.leave_trail(turned.facts, turns.engine.flows.release)
            record = self._record(response)
            try:
                await held.commit(record, working=performer.working)
            except BaseException:
                if held.doubtful:
                    tell = partial(attempt.told, turns.engine, conversation, turned, held.version + 1)
                    reply = _ENCODER.encode(response)
                    self.unconfirmed = unconfirmed(held, record, reply, turned.screen, tell)
                raise
        except BaseException:
            performer.rescue()
            raise
        self.watch.leave()
        self.unconfirmed = None
        self.done = attempt.told(turns.engine, conversation, turned, held.version)
        return response

    def _render(self, held: Held, turned: Turned, attempt: Try) -> tuple[Response, bool]:
        """The reply, and whether it closes the dialogue."""
        turns, conversation = self.turns, held.session.conversation
        translate = turns._translate(conversation.locale)
        try:
            screen = turns.engine.displayed(conversation, fitted(turned, conversation, self.inbound.channel))
            pages = self.gateway.pages(screen if self.chat is None else self.chat.worded(screen), translate)
        except Exception as error:  # noqa: BLE001 - a confirmation that does not fit is never cut
            turned.error, turned.what, turned.screen, turned.page = error, "failed", BROKEN, 0
            conversation.charge = None  # it was for the screen that nobody sees
            pages = self.gateway.pages(turns.engine.displayed(conversation, BROKEN), translate)
        turns.engine.paged(conversation, turned, len(pages))
        page = pages[turned.page]
        attempt.text, attempt.pages = str(page), len(pages)
        ends = turned.screen.ends and turned.page == len(pages) - 1
        if self.gateway.pushes:
            until = turns.sessions.clock() + self.gateway.patience
            names: dict[str, str] = {}
            if self.chat is not None:
                for said in self.chat.echoed(held, until):
                    held.push(self.gateway.pushes, said, until)
                page, names = self.chat.leaving(held, turned, page)
            for body in self.gateway.pushed(self.inbound, page, ends=ends, until=until, **names):
                held.push(self.gateway.pushes, body, until)
        reply = (self.gateway if self.chat is None else self.chat).reply(self.inbound, page, ends=ends)
        return attempt.charged(reply, self.gateway, conversation), ends

    def _record(self, response: Response | None) -> Dedupe | None:
        if not self.names:
            return None
        reply = None if response is None else _ENCODER.encode(response)
        kept = WINDOW if self.gateway.dedupe == "window" else self.gateway.retention
        return self.turns.sessions.remember(self.key, self.names[0], reply, kept)
