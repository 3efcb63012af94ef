"""The engine: a conversation and one event in, the changed conversation and one screen out.

A turn runs the flow from the top; errors take their way on here. Pure: effects, durability, time and randomness are
the host's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from msgspec import structs

from kikao.conversation.attached import Attached
from kikao.conversation.changes import UPDATED
from kikao.conversation.chat import Chat
from kikao.conversation.effects import (
    Host,
    Perform,
    Work,
    apply,
    apply_late,
    asks_again,
    attempt,
    inquire,
)
from kikao.conversation.errors import (
    TEXTS,
    WAYS_ON,
    BackendError,
    ErrorCode,
    Misuse,
    RefusedError,
    WayOn,
)
from kikao.conversation.facts import Fact, fact, outcome_of
from kikao.conversation.flows import Flows
from kikao.conversation.inputs import Reply
from kikao.conversation.journal import BARRIERS, QUESTIONS, Conversation, Intent, Pending, Run
from kikao.conversation.member import Member
from kikao.conversation.navigation import Navigation
from kikao.conversation.posting import Leaving
from kikao.conversation.screens import Said, Screen, parted
from kikao.conversation.secrets import Secret
from kikao.conversation.signals import Asked, Changed, Ended, Moved, Parked
from kikao.conversation.suspension import Returned, Signal, close, drive, misuse_in, told_to_stop
from kikao.events import (
    AnswerRefused,
    AnswerTaken,
    FlowAbandoned,
    FlowFinished,
    FlowStarted,
)
from kikao.events.types import What as TurnWhat
from kikao.i18n.messages import Text, t, unfit

MAX_RESTARTS: Final = 20
"""How often one turn may start a flow anew (goto, restart_with, a refusal that leads back) before it is an error."""

RECEIVED: Final = t("Request received. Do not repeat it. Dial again to see the result.")
GOODBYE: Final = t("Thank you.")
NOT_GOING_ON: Final = t("We updated this service. Please start again.")

What = TurnWhat | Literal["settled"]


@dataclass(slots=True)
class Turned:
    """What a turn came to: the screen to show, and what to log of it (names and codes, never an answer)."""

    screen: Screen
    what: What
    flow: str = ""
    at: str = ""
    """Journal key of the open question."""
    page: int = 0
    """Which page of the screen to show."""
    error: BaseException | None = None
    reasons: list[str] = field(default_factory=list)
    """Why outcomes are unknown, and why the member is asked again after a change of the code."""
    told: list[Text] = field(default_factory=list)
    """Notices that stand on the screen."""
    taken: int = 0
    """How many answers of a long dial were taken."""
    facts: list[Fact] = field(default_factory=list)
    """What happened, in order."""


class Overdue(Signal):
    """An effect is still running at the deadline."""

    __slots__ = ()


class Uncertain(Signal):
    """An effect's outcome stays unknown."""

    __slots__ = ()


class Settled(Signal):
    """Recovery found out what it came for."""

    __slots__ = ()


@dataclass(slots=True)
class Resume:
    """The effects are settled and the flow goes on; `refusal` is a wrong secret's sentence."""

    refusal: Text | None = None


class Runner:
    """Runs the flow of a conversation from the top until it waits, ends or breaks: one object a turn.

    `afresh`: a dialogue just began, so nothing of what the conversation holds is on the member's screen.
    """

    chat_type: type[Chat] = Chat
    """What flows get; a rehearsal has another."""

    def __init__(
        self,
        conversation: Conversation,
        member: Member,
        *,
        flows: Flows,
        entry: str,
        navigation: Navigation,
        locales: Mapping[str, str],
        host: Host,
        afresh: bool = False,
    ) -> None:
        self.conversation = conversation
        self.reasons: list[str] = []
        """Why outcomes are unknown, and where the code changed under the journal."""
        self.facts: list[Fact] = []
        """What happened so far, as long as the turn does not break."""
        self._member = member
        self._flows = flows
        self._entry = entry
        self._navigation = navigation
        self._locales = locales
        self._host = host
        self._acted = False
        self._carried: tuple[Attached, ...] = ()
        """What runs that moved on in this turn wanted to show."""
        self._done: list[Text] = []
        """What runs that moved on in this turn have done, in case the turn then breaks."""
        self._afresh = afresh
        self._kept, self._kept_facts = _copy(conversation), 0
        self._secrets: list[Secret] = []
        """Those that were entered in this turn: no message may hold one."""
        self._at_barrier = conversation.data, conversation.over
        """The session's data where the journal is cut when a turn breaks that has done something."""

    def keep(self) -> None:
        """What the conversation is now is what a failure goes back to, and the member is about to see it."""
        self._afresh = False
        self._kept, self._kept_facts = _copy(self.conversation), len(self.facts)

    def start(self, flow: str, args: dict[str, tuple[str, Any]] | None = None) -> Run:
        """A new run of a flow, in place of the present one, which moved there unless it was left."""
        before = self.conversation.run
        if before is None or before.flow != flow:
            if before is not None:
                self.facts.append(fact(FlowFinished, flow=before.flow, what="moved"))
            self.facts.append(fact(FlowStarted, flow=flow))
        run_id, seed = self._host.new_run()
        self.conversation.run = Run(run_id, flow, seed, self._flows.release, args=args or {})
        return self.conversation.run

    async def go(self, reply: Reply | None = None, *, dialled: bool = False) -> Turned:
        """Run the conversation's flow with the member's answer.

        `dialled`: never come straight to a confirmation or a secret, but to the last plain question before it.
        """
        conversation, error = self.conversation, None
        answered = conversation.run.pending if conversation.run is not None and reply is not None else None
        for _ in range(MAX_RESTARTS):
            run = conversation.run
            assert run is not None
            if conversation.notices:
                run.notices, conversation.notices = [*conversation.notices, *run.notices], []
            try:
                signal = await self.leg(run, reply)
            except RefusedError as refused:
                if wrong := unfit(refused.text):
                    return self._failed(refused.text, Misuse(f"the text of a RefusedError: {wrong}"))
                error = refused.text
                question = self._earlier(run, refused.code)
                if question is None:
                    return self._end([*run.notices, *run.recorded(), refused.text], "refused", refused)
                run.truncate(question)
                reply = None
                continue
            except BackendError as problem:
                return self._failed(problem.text, problem)
            except TimeoutError as problem:
                return self._failed(TEXTS[ErrorCode.BACKEND_TIMEOUT], problem)
            except (OSError, asyncio.CancelledError) as problem:
                if told_to_stop(problem):
                    raise
                return self._failed(TEXTS[ErrorCode.BACKEND_UNAVAILABLE], problem)
            except HostError as problem:
                assert problem.__cause__ is not None
                raise problem.__cause__ from None
            except Exception as problem:  # noqa: BLE001 - a mistake in a flow: the member keeps what was
                return self._failed(TEXTS[ErrorCode.INTERNAL], misuse_in(problem))
            if isinstance(signal, Moved):
                texts, self._carried = parted(signal.texts)
                notices = [*run.notices, *texts]
                if self._acted:
                    self._done += run.recorded()
                    self._at_barrier = conversation.data, conversation.over
                moved = self.start(signal.flow, signal.args)
                moved.notices, moved.member, moved.msisdn = notices, run.member, run.msisdn
                reply = None
                continue
            if isinstance(signal, Changed):
                self.reasons.append(signal.detail)
                question = run.last_question()
                if question is None:
                    return self._closed(run, Parked(signal.detail))
                run.truncate(question)
                run.notices = [*(notice for notice in run.notices if notice != UPDATED), UPDATED]
                reply = None
                continue
            if isinstance(signal, Asked):
                screen = signal.pending.screen
                safe = run.last_question(plain=True) if dialled and (screen.secret or screen.whole) else None
                if safe is not None:
                    run.notices = signal.notices
                    run.truncate(safe)
                    continue
                run.failed = False
                self._refused(run, answered, signal.pending.tries, signal.pending.key)
                run.pending = structs.replace(signal.pending, error=error) if error else signal.pending
                turned = self._turned(shown(run), "asked", run.pending.key)
                turned.told = signal.notices
                return turned
            if isinstance(signal, Ended) and signal.error and answered is not None:
                self._refused(run, answered, answered.tries + 1, answered.key)
            return self._closed(run, signal)
        loop = Misuse(
            f"the flow started anew {MAX_RESTARTS} times in one turn without asking (goto, restart_with)"
        )
        return self._failed(TEXTS[ErrorCode.INTERNAL], loop)

    async def leg(self, run: Run, reply: Reply | None, *, settle: bool = False) -> Signal:
        """The flow from the top until it waits for something that only a later turn can bring.

        With `settle` it stops as soon as open intents are settled. Raises what the flow raises; what the host raises
        comes as `HostError`.
        """
        flow = self._flows.get(run.flow)
        if flow is None:
            return Parked(f"flow {run.flow!r} is not defined any more")
        # An effect that is done again, by recovery too, is done for whom it was begun for, and for their number. A
        # number that is proven on the way is the next run's: the flow may have looked whether there is one.
        run.member = run.member or self._member.id
        if not run.journal and run.pending is None:
            run.msisdn = run.msisdn or self._member.msisdn
        member = self._member
        if (member.id, member.msisdn) != (run.member, run.msisdn):
            member = structs.replace(member, id=run.member, msisdn=run.msisdn)
        chat = self.chat_type(
            run,
            member,
            self.conversation,
            reply,
            host=self._host,
            flows=self._flows,
            navigation=self._navigation,
            locales=self._locales,
            at_home=run.flow == self._entry,
        )
        chat.said.extend(self._carried)
        run.release = max(run.release, self._flows.release)
        before = len(run.journal)
        coroutine = chat.begin(flow)
        value: Any = None
        try:
            while True:
                signal = await drive(coroutine, value, self._host.deadline)
                if isinstance(signal, Perform):
                    after = await self._perform(run, signal, settle=settle)
                    if isinstance(after, Resume):
                        value = after.refusal
                        continue
                    signal = after
                elif isinstance(signal, Leaving):
                    self._leaves(run, signal)
                    continue
                elif isinstance(signal, Returned):
                    signal = self._returned(run, chat)
                return signal
        finally:
            for entry in run.journal[before:]:
                if entry.kind in QUESTIONS:
                    self.facts.append(fact(AnswerTaken, flow=run.flow, at=entry.key))
            if chat.changed:
                self.reasons.append(chat.changed)
            try:
                close(coroutine)
            finally:
                if chat.misuse is not None:
                    raise chat.misuse

    async def _perform(self, run: Run, signal: Perform, *, settle: bool) -> Resume | Signal:
        works: list[Work] = []
        acts, probing, begun = False, False, bool(run.intents)
        for key, kind, step, secret in signal.items:
            if secret is not None:
                self._secrets.append(secret)
            intent = run.intent(key)
            if intent is not None and intent.entry is not None:
                continue  # settled, waits for the others of its group
            if intent is None:
                if begun:
                    return Parked(f"{key!r} joins effects that are open")
                since = self._host.now.timestamp()
                intent = Intent(
                    key,
                    kind,
                    run.token(key),
                    step.retry,
                    run.proof(step.args),
                    since=since,
                    critical=step.critical,
                )
                run.intents.append(intent)
                works.append(attempt(intent, step, secret))
                acts = True
            elif intent.kind != kind or intent.proof != run.proof(step.args):
                return Parked(f"{key!r}: the arguments changed since its effect was begun")
            elif secret is not None or step.retry == "key":
                works.append(attempt(intent, step, secret))
                acts = True
            else:
                works.append(inquire(intent, step))
                probing = kind == "secret"
        run.pending = None
        self._acted = True
        try:
            if acts:
                await self._host.intend(works)
            outcomes = await self._host.perform(works)
        except Exception as error:
            raise HostError from error
        refusal: Text | None = None
        for work, outcome in zip(works, outcomes, strict=True):
            if outcome is None:
                continue
            (apply_late if settle else apply)(run, work.intent.token, outcome)
            self.facts.append(outcome_of(run, work.intent, outcome, "recovery" if settle else "turn"))
            if outcome.reason:
                self.reasons.append(f"{work.intent.key}: {outcome.reason}")
            refused = outcome.refusal
            if refused is not None and asks_again(work.intent, refused.code):
                refusal = refused.text or TEXTS[refused.code]
        if run.barrier() == len(run.journal):
            self._at_barrier = self.conversation.data, self.conversation.over
        if None in outcomes:
            return Overdue()
        if settle:
            return Uncertain() if run.intents else Settled()
        if run.intents and not probing:
            return Uncertain()
        return Resume(refusal)

    def _leaves(self, run: Run, leaving: Leaving) -> None:
        conversation = self.conversation
        self.facts += leaving.enter(run, conversation, self._secrets, self._host.destinations)
        self._at_barrier = conversation.data, conversation.over

    def _returned(self, run: Run, chat: Chat) -> Signal:
        if run.intents:
            return Parked(f"the flow ends before the open {run.intents[0].key!r}")
        unread = chat.unread
        if unread is not None and any(e.kind in BARRIERS for e in run.journal[run.journal.index(unread) :]):
            return Parked(f"the flow ends before the recorded {unread.key!r}")
        return Ended([*chat.said])

    def _earlier(self, run: Run, code: ErrorCode) -> int | None:
        way = WAYS_ON[code]
        return None if way is WayOn.END else run.last_question(plain=way is WayOn.EARLIER)

    def _closed(self, run: Run, signal: Signal) -> Turned:
        if isinstance(signal, Ended):
            return self._end(
                [*run.notices, *signal.texts] or [GOODBYE], "refused" if signal.error else "ended"
            )
        if isinstance(signal, Overdue):
            return self._turned(Screen((RECEIVED,), ends=True), "overdue")
        if isinstance(signal, Uncertain):
            return self._turned(Screen((TEXTS[ErrorCode.UNKNOWN_OUTCOME],), ends=True), "unknown")
        assert isinstance(signal, Parked)
        if run.intents:
            self.conversation.parked.append(run)
        turned = self._end([*run.recorded(), NOT_GOING_ON], "parked")
        self.facts.append(fact(FlowAbandoned, flow=run.flow, at=run.at, what="parked"))
        turned.error = Misuse(signal.detail)
        return turned

    def _end(
        self,
        said: list[Said],
        what: Literal["ended", "refused", "parked"],
        error: BaseException | None = None,
    ) -> Turned:
        texts, shows = parted(said)
        turned = self._turned(Screen(texts, ends=True, shows=shows), what)
        turned.error = error
        if what != "parked":
            self.facts.append(fact(FlowFinished, flow=turned.flow, what=what))
        self.conversation.run = None
        return turned

    def _failed(self, text: Text, error: BaseException) -> Turned:
        """Keep what was before this turn, except what was done and cannot be undone: that is told."""
        conversation, told = self.conversation, []
        if unfit(text):
            text = TEXTS[ErrorCode.INTERNAL]
        if self._acted:
            assert conversation.run is not None
            conversation.run.truncate(conversation.run.barrier())
            conversation.run.failed = True
            told = conversation.run.notices = conversation.run.notices or self._done
            conversation.data, conversation.over = self._at_barrier
        else:
            kept = self._kept
            del self.facts[self._kept_facts :]
            conversation.run, conversation.parked, conversation.notices = kept.run, kept.parked, kept.notices
            conversation.data, conversation.over = kept.data, kept.over
            conversation.posts, conversation.charge = kept.posts, kept.charge
        run = conversation.run
        if run is not None and run.pending is not None and not self._afresh:
            run.pending = structs.replace(run.pending, error=text)
            turned = self._turned(shown(run), "failed", run.pending.key)
        else:
            done = run.recorded() if run is not None and run.pending is None else []
            turned = self._turned(Screen((*told, *done, text), ends=True), "failed")
        turned.error = error
        return turned

    def _refused(self, run: Run, answered: Pending | None, tries: int, at: str) -> None:
        """An answer was none: the question has been answered wrongly so often by now."""
        if answered is not None and answered.key == at and tries > answered.tries:
            self.facts.append(fact(AnswerRefused, flow=run.flow, at=at, tries=tries))

    def _turned(self, screen: Screen, what: What, at: str = "") -> Turned:
        run = self.conversation.run
        return Turned(screen, what, run.flow if run else "", at, reasons=self.reasons)


class HostError(Exception):
    """Carries (as its cause) what the host raised, past the handling of the flow's own errors."""


def shown(run: Run) -> Screen:
    """The pending screen as the member sees it: the error and the question together."""
    pending = run.pending
    assert pending is not None
    if pending.error is None:
        return pending.screen
    return structs.replace(pending.screen, body=(pending.error, *pending.screen.body))


def _copy(conversation: Conversation) -> Conversation:
    run = conversation.run
    if run is not None:
        run = structs.replace(
            run,
            journal=[*run.journal],
            intents=[*run.intents],
            notices=[*run.notices],
            attempts={**run.attempts},
            receipts={**run.receipts},
        )
    parked, notices = [*conversation.parked], [*conversation.notices]
    return structs.replace(conversation, run=run, parked=parked, notices=notices)
