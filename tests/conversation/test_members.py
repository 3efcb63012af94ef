"""Random members over the real turns, against a simple model of what ought to happen to them.

After every step the screen, the journal, the open question, the money and the index of open effects must be what the
model says. Where a deploy changed the flow under a member the model would have to copy the engine, so there a weaker
law holds until the member stands on firm ground again: nothing that is done is forgotten or done twice, no answer is
invented, and the member is shown something.

`KIKAO_PROPERTIES=thorough python -m pytest tests/conversation/test_members.py` runs for minutes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import takewhile
from typing import Any, TypeVar

import msgspec
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kikao.channels.inbound import Inbound
from kikao.conversation import Done
from kikao.conversation.journal import Run as EngineRun
from kikao.i18n.messages import Text
from kikao.sessions.policy import DEFAULTS, Address, key_parts, session_key
from kikao.sessions.session import Session, decode
from kikao.sessions.store import Record
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import ProcessDied
from tests.conversation import model as model_of
from tests.conversation.model import Attempt, Crash, Entry, Member, Outside, Run, question_at, upcoming
from tests.conversation.world import (
    PINS,
    SEND,
    WRONG,
    Bank,
    Book,
    LoopClock,
    Registry,
    flows_of,
    seeded_randomness,
)
from tests.talk import PlainGateway, Process, Talk
from tests.virtual import VirtualLoop

T = TypeVar("T")
Rule = TypeVar("Rule", bound=Callable[..., Any])

LOCALES = {"en": "English", "sw": "Kiswahili"}
CRASHES: tuple[Crash, ...] = (
    "unclaimed",
    "claimed",
    "before intent",
    "intended",
    "acted",
    "before commit",
    "committed",
)
NAVIGATION = ("0", "00", "99", "97", "98", "#", "language")

WHO = st.integers(0, 2)
FAULTS = st.sampled_from(["", "", "", "silent", "lost", "slow"])


class Phone(Talk):
    """A phone whose requests the test sends itself."""

    def begin(self, ahead: str = "") -> None:
        """A new dialogue; nothing is sent yet."""
        self._dials += 1
        self.typed = ahead

    def skip(self, dialogues: int) -> None:
        """Dialogues that some other phone has had."""
        self._dials += dialogues


@dataclass
class Sitting:
    """A member: the phone, the model, and what was sent in the present dialogue."""

    talk: Phone
    model: Member
    key: bytes
    replies: dict[str, tuple[bytes, float]] = field(default_factory=dict)
    last: tuple[str, str] = ("dial", "")
    """What the last request was: event and text."""
    unanswered: bool = False
    """The process died before it answered the last request."""
    died_at: float = 0.0
    weak: bool = False
    """The code changed under this member."""


def when(which: str) -> Callable[[Rule], Rule]:
    """A rule that needs a member of that kind."""

    def holds(machine: Members) -> bool:
        return any(getattr(machine, which)(sitting) for sitting in machine.sittings)

    return precondition(holds)


listening = when("_listening")
answered = when("_answered")
at_pin = when("_at_pin")
unanswered = when("_unanswered")
open_effect = when("_open")


class Members(RuleBasedStateMachine):
    """Up to three members, one bank, one server that dies and is deployed anew."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = VirtualLoop()
        self.loop.set_exception_handler(lambda loop, context: None)
        self.randomness = seeded_randomness(0)
        self.randomness.__enter__()
        self.clock = LoopClock(self.loop)
        self.store = MemoryStore()
        self.bank, self.book, self.registry = Bank(), Book(), Registry()
        self.outside = Outside(now=self.clock(), names=self.book.names)
        self.variant, self.release = "plain", 0
        self.taken_over = False
        """Whether another server goes on where one dies: it does not know that nobody is at work any more."""
        self.amounts = 0
        self.fault = ""
        self.crash: Crash | None = None
        self.blind = False
        self.bank.gate = self.registry.gate = self._gate
        self.process = self._start()
        self.sittings = []
        for number, pin in enumerate(PINS, 1):
            msisdn = f"+25677200000{number}"
            self.bank.open(msisdn, pin)
            talk = Phone(self.process, msisdn, PlainGateway(model_of.PAGE_LINES))
            address = Address("ussd", talk.gateway.slug, msisdn, "*284#", msisdn)
            key = session_key(self.process.sessions.ring, key_parts(address, DEFAULTS["ussd"], flow="main"))
            self.sittings.append(Sitting(talk, Member(self.outside, pin), key))

    def teardown(self) -> None:
        try:
            if not self.process.store.dead:  # else something failed in the middle of a death
                self._everybody_can_start_again()
        finally:
            self._stop()
            self.randomness.__exit__(None, None, None)
            self.loop.close()

    # What members do.

    @rule(who=WHO, ahead=st.sampled_from(["", "", "", "1", "3*1*2", "1*2", "2", "4*9"]))
    def dial(self, who: int, ahead: str) -> None:
        """Dial, or hang up and dial again."""
        self._dial(self.sittings[who], "" if self.bank.away else ahead)

    @listening
    @rule(who=WHO, data=st.data(), fault=FAULTS)
    def answer(self, who: int, data: st.DataObject, fault: str) -> None:
        """A right answer to whatever is asked."""
        sitting = self._one(who, self._listening)
        self._say(sitting, self._right(sitting, data), fault=fault)

    @rule(who=WHO, data=st.data(), flow=st.sampled_from(["send", "send", "send", "register"]))
    def goes_to_pay(self, who: int, data: st.DataObject, flow: str) -> None:
        """From wherever the member is to the question before the effect, if nothing comes between."""
        sitting = self.sittings[who]
        for _ in range(10):
            key = sitting.model.run.question.key if sitting.model.run and sitting.model.run.question else ""
            if not self._listening(sitting):
                self._dial(sitting)
            elif sitting.model.overlay:
                self._say(sitting, "2")
            elif self._at_pin(sitting) or key.endswith("age#1"):
                break
            elif key.startswith(flow) or key == "menu#1":
                self._say(sitting, self._right(sitting, data, flow=flow))
            else:
                self._say(sitting, "00")

    @at_pin
    @rule(who=WHO, pin=st.sampled_from(["right", "right", "right", *WRONG]), fault=FAULTS)
    def enters_pin(self, who: int, pin: str, fault: str) -> None:
        sitting = self._one(who, self._at_pin)
        self._say(sitting, sitting.model.pin if pin == "right" else pin, fault=fault)

    @open_effect
    @rule(who=WHO)
    def leaves_it_open(self, who: int) -> None:
        """Starts again while nobody can say what became of the last request."""
        sitting = self._one(who, self._open)
        self.weather(False, True)
        self._dial(sitting)
        if sitting.model.overlay == "checking":
            self._say(sitting, "2")

    @listening
    @rule(who=WHO, data=st.data())
    def mistake(self, who: int, data: st.DataObject) -> None:
        """An answer that is none."""
        sitting = self._one(who, self._listening)
        wrong = {
            "choice": ["77", "x"],
            "confirm": ["3", "yes"],
            "money": ["1", "9999", "much"],
            "number": ["121", "many"],
            "text": ["y" * 41],
            "secret": ["12", *WRONG],
            "overlay": ["7"],
        }[self._kind(sitting)]
        self._say(sitting, data.draw(st.sampled_from(wrong)))

    @listening
    @rule(who=WHO, key=st.sampled_from(["0", "0", *NAVIGATION]))
    def navigate(self, who: int, key: str) -> None:
        self._say(self._one(who, self._listening), key)

    @answered
    @rule(who=WHO, data=st.data())
    def redelivery(self, who: int, data: st.DataObject) -> None:
        """The gateway sends an earlier request of this dialogue again: the same bytes, and nothing happens."""
        sitting = self._one(who, self._answered)
        fresh = [typed for typed, (_, at) in sitting.replies.items() if at > self.clock() - 3600]
        if not fresh:
            return
        typed = data.draw(st.sampled_from(fresh))
        version = self._version(sitting)
        assert self._send(sitting, typed) == sitting.replies[typed][0], "a redelivery was answered otherwise"
        assert self._version(sitting) == version

    @listening
    @rule(who=WHO, data=st.data())
    def twice_at_once(self, who: int, data: st.DataObject) -> None:
        """The same request twice at the same time."""
        sitting = self._one(who, self._listening)
        self._say(sitting, self._right(sitting, data), twins=True)

    @listening
    @rule(who=WHO, data=st.data(), other=st.sampled_from(["1", "2", "0", "00", "Maize", "7391"]))
    def crossed(self, who: int, data: st.DataObject, other: str) -> None:
        """Two different answers at the same time: the second did not see what it would answer."""
        sitting = self._one(who, self._listening)
        if sitting.weak:
            return
        text = self._right(sitting, data)
        if text == other:
            other = "3"
        base, talk = sitting.talk.typed, sitting.talk
        first, second = (f"{base}*{each}" if base else each for each in (text, other))
        self._tick()
        bodies = self._at_once(talk.inbound(first), talk.inbound(second))
        for typed, body, event, said in ((first, bodies[0], "reply", text), (second, bodies[1], "show", "")):
            talk.typed = typed
            self._show(sitting, body)
            sitting.replies[typed] = (body, self.clock())
            seen = sitting.model.turn(event, said)
            assert seen is not None
            problem = seen.problem(talk.text, talk.ended)
            assert not problem, f"{problem}; it was: {talk.text!r}"
        self._compare(sitting)

    # What happens to the server.

    @listening
    @rule(who=WHO, data=st.data(), crash=st.sampled_from(CRASHES), taken_over=st.booleans())
    def killed_while_answering(self, who: int, data: st.DataObject, crash: Crash, taken_over: bool) -> None:
        sitting = self._one(who, self._listening)
        if not sitting.weak:
            self.taken_over = taken_over
            self._say(sitting, self._right(sitting, data), crash=crash)

    @at_pin
    @rule(
        who=WHO,
        crash=st.sampled_from(CRASHES[2:]),
        right=st.sampled_from([True, True, False]),
        by_bank=st.booleans(),
        taken_over=st.booleans(),
    )
    def killed_while_paying(
        self, who: int, crash: Crash, right: bool, by_bank: bool, taken_over: bool
    ) -> None:
        """Killed around the effect: in the store's calls, or while the bank works."""
        sitting = self._one(who, self._at_pin)
        if not sitting.weak:
            self.taken_over = taken_over
            self._say(sitting, sitting.model.pin if right else WRONG[0], crash=crash, by_bank=by_bank)

    @rule(who=WHO, crash=st.sampled_from(CRASHES), taken_over=st.booleans())
    def killed_while_dialling(self, who: int, crash: Crash, taken_over: bool) -> None:
        sitting = self.sittings[who]
        if not sitting.weak:
            self.taken_over = taken_over
            self._dial(sitting, crash=crash)

    @unanswered
    @rule(who=WHO)
    def redelivery_of_the_unanswered(self, who: int) -> None:
        """The gateway tries again what the dead process did not answer."""
        self._again(self._one(who, self._unanswered))

    @rule()
    def recovery(self) -> None:
        now = self._tick()
        due = {row.session for row in self._await(self.store.due(now=now, limit=100))}
        self._await(self.process.recovery.once())
        for sitting in self.sittings:
            run = sitting.model.run
            working = run is not None and run.attempt is not None and run.attempt.busy_until > now
            if sitting.key in due and not working:
                if sitting.weak:
                    self._adopt(sitting)
                else:
                    sitting.model.recover()
                    self._compare(sitting)

    @rule(seconds=st.sampled_from([1.0, 16.0, 16.0, 120.0, 301.0, 3700.0]))
    def time_passes(self, seconds: float) -> None:
        self._await(asyncio.sleep(seconds))
        self._tick()

    @rule()
    def sweep(self) -> None:
        now = self._tick()
        self._await(self.store.sweep(now=now, limit=100))
        for sitting in self.sittings:
            existed = sitting.model.exists
            if sitting.weak:
                self._adopt(sitting)
            else:
                sitting.model.swept()
            if existed and not sitting.model.exists:  # the phone hung up long ago
                sitting.talk.ended, sitting.unanswered = True, False

    @rule(away=st.sampled_from([False, False, False, True]), blind=st.booleans())
    def weather(self, away: bool, blind: bool) -> None:
        """Whether fees can be looked up, and whether the bank can say what became of a key."""
        self.bank.away = self.outside.away = away
        self.blind = self.outside.blind = blind

    @rule(seed=st.integers(0, 20))
    def book_changes(self, seed: int) -> None:
        self.book.change(seed)
        self.outside.names = self.book.names

    @rule(who=WHO)
    def unlocked(self, who: int) -> None:
        """The bank's staff lets a member try again."""
        self.bank.failures[self.sittings[who].talk.number] = 0
        self.sittings[who].model.money.failures = 0

    @rule(variant=st.sampled_from(sorted(SEND)))
    def deploy(self, variant: str) -> None:
        """The flows change while members are in them."""
        self.release += 1
        self._restart(variant)
        for sitting in self.sittings:
            model = sitting.model
            sitting.weak = sitting.weak or model.run is not None or bool(model.parked)

    @precondition(lambda self: self.release > 0)
    @rule(who=WHO)
    def old_worker(self, who: int) -> None:
        """A worker of the release before meets a newer journal: it says "try again" and changes nothing."""
        sitting = self.sittings[who]
        session = self._session(sitting)
        if session is None or max((r.release for r in session.conversation.runs()), default=0) < self.release:
            return
        old = Process(
            flows_of("plain", self.release - 1),
            "main",
            self.store,
            self.clock,
            services=self._services(),
            locales=LOCALES,
        )
        version = self._version(sitting)
        talk = Phone(old, sitting.talk.number, sitting.talk.gateway)
        talk.skip(10_000)
        expired = self.clock() - session.seen_at > model_of.IDLE
        if not expired:
            assert self._await(talk.dial()) == "Service unavailable. Try again later."
            assert self._version(sitting) == version

    # What always holds.

    @invariant()
    def money_is_neither_made_nor_lost(self) -> None:
        assert sum(self.bank.balances.values()) == 0
        for sitting in self.sittings:
            number, money = sitting.talk.number, sitting.model.money
            moved = [t.minor for t in self.bank.transfers if t.payer == number]
            assert len(moved) == len(set(moved)), "an amount that was typed once was moved twice"
            assert sorted(moved) == sorted(money.sent)
            assert self.bank.balances[number] == money.balance
            assert (
                sum(person[0] == number for person in self.registry.saved.values())
                == sitting.model.registered
            )

    @invariant()
    def open_effects_are_indexed(self) -> None:
        """What a session holds as open is what recovery will find, and the other way round."""
        rows = {row.id for row in self._await(self.store.due(now=1e15, limit=1000))}
        held = set()
        for session in self._sessions().values():
            for run in session.conversation.runs():
                held |= {self.process.sessions.intent_id(i.token) for i in run.intents if i.entry is None}
        assert rows == held

    @invariant()
    def pins_are_kept_nowhere(self) -> None:
        texts = [
            repr([getattr(event, name, "") for name in ("what", "flow", "error", "reasons", "at", "note")])
            for event in self.process.events
        ]
        for session in self._sessions().values():
            conversation = session.conversation
            kept = [[r.journal, r.pending, r.notices, r.receipts, r.args] for r in conversation.runs()]
            texts.append(
                repr(
                    msgspec.to_builtins(
                        [kept, conversation.notices, conversation.farewell, conversation.data]
                    )
                )
            )
        for pin in (*PINS, *WRONG):
            assert not any(pin in text for text in texts), "a PIN was kept"

    # How it works.

    def _services(self) -> dict[Any, Any]:
        return {Bank: self.bank, Book: self.book, Registry: self.registry}

    def _start(self) -> Process:
        process = Process(
            flows_of(self.variant, self.release),
            "main",
            self.store,
            self.clock,
            services=self._services(),
            locales=LOCALES,
        )
        if not self.taken_over:
            self._await(process.open())
        return process

    def _stop(self) -> None:
        self.process.store.dead = True
        self._await(self.process.late.close(0.0))
        self._await(self.store.close())

    def _restart(self, variant: str) -> None:
        """A new process over the same store. Nobody waits for the leases of the old one's turns."""
        slow = any(s.model.run and s.model.run.attempt and s.model.run.attempt.tell_at for s in self.sittings)
        self._stop()
        if slow:
            self._await(asyncio.sleep(2 * model_of.LEASE))
        self.variant = self.outside.variant = variant
        self.process = self._start()
        self.outside.now = self.clock()
        for sitting in self.sittings:
            sitting.talk.process = self.process
            sitting.model.died(restarted=not self.taken_over)
        self.taken_over = False

    def _await(self, awaitable: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(awaitable)

    async def _gate(self, point: str, key: str) -> None:
        if point == "asked" and self.blind:
            raise TimeoutError
        if point == "before" and self.fault == "silent":
            raise TimeoutError
        if (point, self.crash) in (("before", "intended"), ("after", "acted")):
            self.process.store.dead = True
            raise ProcessDied
        if point == "after" and self.fault == "lost":
            raise TimeoutError
        if point == "after" and self.fault == "slow":
            await asyncio.sleep(10.0)

    def _one(self, who: int, which: Callable[[Sitting], bool]) -> Sitting:
        """One of the members that something can happen to."""
        found = [sitting for sitting in self.sittings if which(sitting)]
        return found[who % len(found)]

    def _listening(self, sitting: Sitting) -> bool:
        return not sitting.talk.ended and not sitting.unanswered

    def _answered(self, sitting: Sitting) -> bool:
        return bool(sitting.replies) and not sitting.unanswered

    def _unanswered(self, sitting: Sitting) -> bool:
        return sitting.unanswered

    def _open(self, sitting: Sitting) -> bool:
        return sitting.model.open_effects() > 0

    def _at_pin(self, sitting: Sitting) -> bool:
        return self._listening(sitting) and self._kind(sitting) == "secret"

    def _kind(self, sitting: Sitting) -> str:
        if sitting.model.overlay:
            return "overlay"
        run = sitting.model.run
        return run.question.kind if run is not None and run.question is not None else "choice"

    def _right(self, sitting: Sitting, data: st.DataObject, flow: str = "") -> str:
        kind, run = self._kind(sitting), sitting.model.run
        question = run.question if run is not None else None
        if kind in ("overlay", "confirm"):
            return "1" if flow else data.draw(st.sampled_from(["1", "1", "1", "2"]))
        if kind == "money":
            self.amounts += 1
            return str(data.draw(st.sampled_from([500, 4000])) + self.amounts)
        if kind == "secret":
            return sitting.model.pin
        if kind == "text":
            return data.draw(st.sampled_from(["Nansubuga", "school fees", "ab"]))
        if question is None:
            return "1"
        if kind == "number":
            return str(data.draw(st.sampled_from([question.low, 1, question.high])))
        if flow and question.key == "menu#1":
            return "1" if flow == "send" else "2"
        at = data.draw(st.integers(1, len(question.labels)))
        return data.draw(st.sampled_from([str(at), question.labels[at - 1].upper()]))

    def _tick(self) -> float:
        """What the time that passed has brought."""
        self.outside.now = now = self.clock()
        for sitting in self.sittings:
            if sitting.weak:
                self._adopt(sitting)
            else:
                sitting.model.told_late()
        return now

    def _dial(self, sitting: Sitting, ahead: str = "", **how: Any) -> None:
        sitting.replies.clear()
        sitting.unanswered = False
        sitting.talk.begin(ahead)
        self._turn(sitting, "dial", ahead, **how)

    def _say(self, sitting: Sitting, text: str, **how: Any) -> None:
        typed = sitting.talk.typed
        sitting.talk.typed = f"{typed}*{text}" if typed else text
        self._turn(sitting, "reply", text, **how)

    def _turn(
        self,
        sitting: Sitting,
        event: str,
        text: str,
        *,
        fault: str = "",
        crash: Crash | None = None,
        by_bank: bool = False,
        twins: bool = False,
    ) -> None:
        """One request, to the server and to the model."""
        self._tick()
        sitting.last = (event, text)
        self._arm(crash, by_bank)
        self.fault = self.outside.fault = fault
        talk, version = sitting.talk, self._version(sitting)
        before = self._session(sitting)
        body = None
        try:
            body = self._send(sitting, talk.typed, twins=twins)
        except ProcessDied:
            pass
        finally:
            self._disarm()
            self.fault = ""
        if sitting.weak:
            assert crash is None
            assert body is not None
            self._show(sitting, body)
            self._weaker_laws(sitting, event, before)
        else:
            seen = sitting.model.turn(event, text, crash=crash)
            assert (seen is None) == (body is None), f"died: {body is None}, should have: {seen is None}"
            if seen is not None and body is not None:
                self._show(sitting, body)
                problem = seen.problem(talk.text, talk.ended)
                assert not problem, f"{problem}; it was: {talk.text!r}"
            self._compare(sitting)
        self.outside.fault = ""
        if body is None:
            sitting.unanswered, talk.ended, sitting.died_at = True, True, self.clock()
            self._restart(self.variant)
        else:
            sitting.unanswered = False
            sitting.replies[talk.typed] = (body, self.clock())
        if twins:
            assert self._version(sitting) <= version + 2, "one request made two turns"

    def _again(self, sitting: Sitting) -> None:
        """The same request once more. What it means depends on how far it came."""
        reached, reply, talk = sitting.model.reached, sitting.model.reply, sitting.talk
        if reached == "nothing":
            self._turn(sitting, *sitting.last)
        elif reached == "consumed":
            self._turn(sitting, "show", "")
        elif self.clock() - sitting.died_at < PlainGateway.retention:
            assert reply is not None
            version = self._version(sitting)
            self._show(sitting, self._send(sitting, talk.typed))
            problem = reply.problem(talk.text, talk.ended)
            assert not problem, f"{problem}; it was: {talk.text!r}"
            assert self._version(sitting) == version
            sitting.unanswered = False

    def _send(self, sitting: Sitting, typed: str, *, twins: bool = False) -> bytes:
        turns, gateway, talk = self.process.turns, sitting.talk.gateway, sitting.talk
        if not twins:
            return self._await(turns.handle(talk.inbound(typed), gateway)).body
        one, other = self._at_once(talk.inbound(typed), talk.inbound(typed))
        assert one == other, "the same request twice at once got two replies"
        return one

    def _at_once(self, one: Inbound, other: Inbound) -> tuple[bytes, bytes]:
        turns, gateway = self.process.turns, self.sittings[0].talk.gateway

        async def both() -> tuple[bytes, bytes]:
            replies = await asyncio.gather(turns.handle(one, gateway), turns.handle(other, gateway))
            return replies[0].body, replies[1].body

        return self._await(both())

    def _show(self, sitting: Sitting, body: bytes) -> None:
        state, _, sitting.talk.text = body.decode().partition(" ")
        sitting.talk.ended = state == "END"

    def _arm(self, crash: Crash | None, by_bank: bool) -> None:
        store = self.process.store
        if crash is None:
            return
        at_bank = by_bank and crash in ("intended", "acted")
        if at_bank or crash == "acted":
            self.crash = crash
            return
        place = {
            "unclaimed": ("claim", True),
            "claimed": ("claim", False),
            "before intent": ("intent", True),
            "intended": ("intent", False),
            "before commit": ("commit", True),
            "committed": ("commit", False),
        }[crash]
        call = (place[0], store.calls.get(place[0], 0) + 1)
        if place[1]:
            store.die_before = call
        else:
            store.die_after = call

    def _disarm(self) -> None:
        self.crash = None
        self.process.store.die_before = self.process.store.die_after = None

    # What the store holds.

    def _sessions(self) -> dict[bytes, Session]:
        async def scanned() -> list[Record]:
            return [record async for record in self.store.scan()]

        ring = self.process.sessions.ring
        return {
            record.key: decode(ring.unseal(record.state, record.key, b"state", record.version))
            for record in self._await(scanned())
        }

    def _session(self, sitting: Sitting) -> Session | None:
        return self._sessions().get(sitting.key)

    def _version(self, sitting: Sitting) -> int:
        async def found() -> int:
            return max([r.version async for r in self.store.scan() if r.key == sitting.key], default=0)

        return self._await(found())

    def _compare(self, sitting: Sitting) -> None:
        """The stored conversation is what the model says."""
        session, model = self._session(sitting), sitting.model
        if session is None:
            assert not model.exists
            return
        if not model.exists:
            return
        conversation, run = session.conversation, model.run
        assert conversation.overlay == model.overlay
        assert len(conversation.parked) == len(model.parked)
        assert (conversation.run is None) == (run is None), f"{conversation.run} / {run}"
        if conversation.run is None or run is None:
            return
        theirs = [entry for entry in _entries(conversation.run) if entry[1] != "refused"]
        assert theirs == [(e.key, e.kind, e.value) for e in run.entries]
        assert len(conversation.run.intents) == (run.attempt is not None)
        pending = conversation.run.pending
        assert (pending.key if pending else None) == (run.question.key if run.question else None)
        if pending is not None:
            assert pending.page == run.page

    def _weaker_laws(self, sitting: Sitting, event: str, before: Session | None) -> None:
        """The code changed: what is done stays done, nothing is answered for the member, something is shown."""
        assert sitting.talk.text
        assert "Something went wrong" not in sitting.talk.text
        number, money, after = sitting.talk.number, sitting.model.money, self._session(sitting)
        assert after is not None
        was = before.conversation.run if before is not None else None
        new = len([t for t in self.bank.transfers if t.payer == number]) - len(money.sent)
        entered = (
            event == "reply" and was is not None and was.pending is not None and was.pending.screen.secret
        )
        assert new <= entered, "money was moved though no PIN was entered"
        for run in after.conversation.runs():
            if was is None or run.id != was.id:
                continue
            old, now = _entries(was), _entries(run)
            effects = [entry for entry in old if entry[1] == "effect"]
            assert [entry for entry in now if entry in effects] == effects, "something done was forgotten"
            asked = [entry for entry in now if entry[1] in ("ask", "confirm")]
            answered = [entry for entry in old if entry[1] in ("ask", "confirm")]
            shared = sum(
                1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(asked, answered, strict=False))
            )
            assert len(asked) <= shared + (event == "reply"), "an answer was invented"
        self._adopt(sitting)

    def _adopt(self, sitting: Sitting) -> None:
        """Take the stored conversation for the model, and be strict again once the new code has run it."""
        session, model, number = self._session(sitting), sitting.model, sitting.talk.number
        model.money.balance = self.bank.balances[number]
        model.money.failures = self.bank.failures.get(number, 0)
        model.money.sent = [t.minor for t in self.bank.transfers if t.payer == number]
        model.registered = sum(person[0] == number for person in self.registry.saved.values())
        model.exists = session is not None
        if session is None:
            model.run, model.parked, model.overlay, model.news, sitting.weak = None, [], "", [], False
            return
        conversation = session.conversation
        model.seen_at, model.overlay = session.seen_at, conversation.overlay
        model.expires_at = self._await(self._record(sitting.key)).expires_at
        model.news = [_words(text) for text in conversation.notices]
        model.run = self._modelled(conversation.run) if conversation.run is not None else None
        model.parked = [self._modelled(run) for run in conversation.parked]
        sitting.weak = any(run.release < self.release or run.intents for run in conversation.runs())
        run = model.run
        if not sitting.weak and run is not None and run.question is not None:
            assert upcoming(run) == run.question.key

    def _modelled(self, run: EngineRun) -> Run:
        found = Run(run.flow, self.variant, news=[_words(text) for text in run.notices])
        for key, kind, value in _entries(run):
            if kind == "refused":
                found.refused = "locked" if value[0] == "locked" else "poor"
            else:
                found.entries.append(Entry(key, kind, value))
        if run.intents:
            token = run.intents[0].token
            found.attempt = Attempt(run.intents[0].key, self._acted(token))
            rows = self._await(self.store.due(now=1e15, limit=1000))
            id_ = self.process.sessions.intent_id(token)
            found.attempt.busy_until = next(row.lease_until for row in rows if row.id == id_)
        pending = run.pending
        if pending is not None:
            question = question_at(pending.key, found, self.outside.names)
            options = pending.screen.options
            labels = tuple(str(o.label) for o in options) if question.kind == "choice" else question.labels
            values = tuple(o.value for o in options)
            found.question = replace(question, labels=labels, values=values)
            if question.key == "menu#1":
                found.question = replace(question, values=values)
            found.page, found.error = pending.page, pending.error is not None
            found.told = len(pending.screen.body) > 1
        return found

    def _acted(self, token: str) -> str:
        if token in self.registry.saved:
            return "done"
        answer = self.bank.answers.get(token)
        if answer is None:
            return ""
        if isinstance(answer, Done):
            return "done"
        names = {"wrong_secret": "wrong", "insufficient_balance": "poor", "locked": "locked"}
        return names[answer.code.value]

    async def _record(self, key: bytes) -> Record:
        found = [record async for record in self.store.scan() if record.key == key]
        return found[0]

    def _everybody_can_start_again(self) -> None:
        """No dead ends: whatever happened, a member who dials gets back to the menu."""
        self.blind = self.bank.away = False
        self._await(asyncio.sleep(3700.0))
        self._await(self.process.recovery.once())
        for sitting in self.sittings:
            talk = sitting.talk
            self._await(talk.dial())
            for _ in range(6):
                if talk.ended:
                    self._await(talk.dial())
                elif "Continue where" in talk.text or "We are checking" in talk.text:
                    self._await(talk.say("2"))
                else:
                    self._await(talk.say("00"))
                if "Main menu" in talk.text:
                    break
            assert "Main menu" in talk.text, f"no way back to the menu from: {talk.text!r}"


def _entries(run: EngineRun) -> list[tuple[str, Any, Any]]:
    """The journal in the model's words."""
    return [
        (e.key, KINDS.get(e.kind, e.kind), _plain(e.tag, e.value) if e.kind in ANSWERS else None)
        for e in run.journal
    ]


def _words(text: Text) -> str:
    return text if isinstance(text, str) else text.msgid.partition(" {")[0]


def _plain(tag: str, value: Any) -> Any:
    return value[1] if tag.startswith("money:") else value


KINDS = {"step": "effect", "secret": "effect"}
ANSWERS = ("ask", "confirm", "refused")

TestMembers = Members.TestCase
THOROUGH = os.environ.get("KIKAO_PROPERTIES") == "thorough"
TestMembers.settings = settings(
    max_examples=3000 if THOROUGH else 50,
    stateful_step_count=80 if THOROUGH else 40,
    suppress_health_check=list(HealthCheck),
)
