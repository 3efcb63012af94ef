"""What today's code would do with a conversation in flight: its runs are held once more, and nothing is performed.

The engine itself runs them, up to what only the world could tell: the member's next answer, the outcome of an effect,
the result of a look-up that was not made before. What it comes to there, or before it, is the outcome.
"""

from __future__ import annotations

import datetime as dt
import os
import re
import traceback
from collections.abc import Iterable
from typing import Final, Literal, get_args

import msgspec

from kikao.app import App
from kikao.checking.own_services import own_services
from kikao.checking.replaying_host import Arrived, Halt, Host, Looks, Performs, Rehearsal, arrived, reply
from kikao.conversation.answers import Answer
from kikao.conversation.changes import UPDATED
from kikao.conversation.errors import Invalid, OlderCode
from kikao.conversation.inputs import Given, Reply
from kikao.conversation.journal import BARRIERS, QUESTIONS, Conversation, Pending, Run
from kikao.conversation.member import Member
from kikao.conversation.runner import Turned
from kikao.conversation.signals import Parked
from kikao.conversation.suspension import Signal
from kikao.events import described
from kikao.i18n.messages import Text
from kikao.sessions.policy import SessionPolicy
from kikao.sessions.session import Session

Verdict = Literal["fails", "parked", "ends", "left alone", "unknown", "asked again", "goes on"]
"""What becomes of a run, the worst first.

`goes on`: the open question takes an answer, the open effect is asked about. `asked again`: what was typed is dropped,
and a question is put that was answered, or is new. `unknown`: that depends on a look-up. `left alone`: newer code wrote
it, and this code does not touch it. `ends`: the flow ends, and what was asked is not asked any more. `parked`: code and
journal do not agree where an effect was done; the member is told to start again. `fails`: the code raises.
"""

VERDICTS: Final[tuple[Verdict, ...]] = get_args(Verdict)

Standing = Literal["question", "effect", "outcome"]
"""What a run waits for: an answer, what became of an effect, or its member, who is yet to be told that."""


LEFT_OUT: Final = "its way depends on answers, which a recording leaves out"


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What becomes of one run. Holds names, places and sentences of the code, never what a member said."""

    verdict: Verdict
    flow: str
    at: str
    """The journal key of what is open, without ordinals."""
    standing: Standing = "question"
    comes_to: str = ""
    """Where else it comes, as `flow: key`."""
    reads: tuple[str, ...] = ()
    """What the member reads there: sentences as they are written in the code."""
    reason: str = ""
    """Why, with `file:line` where there is one."""
    dropped: int = 0
    """Answers that are forgotten."""
    parked: bool = False
    """It was parked before, and only its effect is asked about."""


class Replayer:
    """Replays conversations against an app. `release` is that of the settings, `now` the time of the replay (UTC)."""

    def __init__(self, app: App, *, release: int = 0, now: dt.datetime) -> None:
        self._engine = app.engine
        self._engine.flows.release = max(app.engine.flows.release, release)
        self._host = Host(app.declared_services, own_services(app), now)
        self._today = now.date()

    async def outcomes(
        self, conversation: Conversation, member: Member, *, unsure: bool = False
    ) -> list[Outcome]:
        """What becomes of each run: parked ones, then the running one. The conversation is used up by it.

        `unsure`: what was left out of a recording may decide its way.
        """
        runs = conversation.runs()
        try:
            self._engine.refuse_newer(conversation)
        except OlderCode as problem:
            reason = str(problem)
            return [_outcome(run, "left alone", reason, parked=run is not conversation.run) for run in runs]
        if unsure:
            return [_outcome(run, "unknown", LEFT_OUT, parked=run is not conversation.run) for run in runs]
        found = [await self._parked(run, conversation, member) for run in conversation.parked]
        if conversation.run is not None:
            found.append(await self._running(conversation.run, conversation, member))
        return found

    def _rehearsal(self, conversation: Conversation, member: Member) -> Rehearsal:
        engine = self._engine
        self._host.begin()
        return Rehearsal(
            conversation,
            member,
            flows=engine.flows,
            entry=engine.entry,
            navigation=engine.navigation,
            locales=engine.locales,
            host=self._host,
        )

    async def _parked(self, run: Run, conversation: Conversation, member: Member) -> Outcome:
        """Recovery looks at it: is its effect still found?"""
        before = _outcome(run, "goes on", parked=True)
        try:
            signal = await self._rehearsal(conversation, member).leg(run, None, settle=True)
        except Performs:
            return before
        except Looks as look:
            return _replaced(before, "unknown", _looks(look))
        except (Exception, SystemExit) as problem:  # noqa: BLE001 - it is what is looked for
            return _replaced(before, "fails", _raised(problem))
        return self._certain(_replaced(before, "parked", self._why(run, signal)), run)

    async def _running(self, run: Run, conversation: Conversation, member: Member) -> Outcome:
        """The member answers the open question; or dials, where no question is open."""
        pending = run.pending
        before, asked = _outcome(run, "goes on"), _questions(run)
        given = reply() if pending is not None else None
        runner = self._rehearsal(conversation, member)
        try:
            turned = await runner.go(given, dialled=pending is None)
        except Halt as halt:
            end = self._halted(halt, before, run, pending, given, runner)
        except SystemExit as problem:  # a server would end with it
            end = _replaced(before, "fails", _raised(problem))
        else:
            # Whatever a bare `except` made of it, the question took the answer.
            end = before if arrived(given) else self._turned(turned, before, run, given, runner)
        if end.verdict != "goes on" and conversation.run is run:
            end = msgspec.structs.replace(end, dropped=max(0, asked - _questions(run)))
        return self._certain(end, run)

    def _halted(
        self,
        halt: Halt,
        before: Outcome,
        run: Run,
        pending: Pending | None,
        given: Reply | None,
        runner: Rehearsal,
    ) -> Outcome:
        if isinstance(halt, Arrived):
            assert pending is not None
            return self._with_options(before, halt.answer, pending)
        if isinstance(halt, Looks):
            if given is None and UPDATED not in run.notices:
                return before  # all that was recorded is used up: from there it is as ever
            return _replaced(before, "unknown", _looks(halt, runner.reasons))
        assert isinstance(halt, Performs)
        if before.standing == "effect" or given is None:
            return before
        return _replaced(before, "unknown", f"comes to the effect {halt.keys[0]!r}, which is not done here")

    def _with_options(self, before: Outcome, answer: Answer[object] | None, pending: Pending) -> Outcome:
        """Arrived: but can all that is on the member's screen still be chosen?"""
        if answer is None:
            return before
        options, gone = pending.screen.options, list[Text]()
        for option in options:
            try:
                answer.parse(Given(option.key, self._today), options)
            except Invalid as problem:
                gone.append(problem.text)
        if not gone:
            return before
        reads = _sentences(gone[:1])
        reason = f"{len(gone)} of {len(options)} options on the screen are not offered any more"
        there = f"{before.flow}: {before.at}"
        return _replaced(before, "asked again", reason, comes_to=there, reads=reads)

    def _turned(
        self, turned: Turned, before: Outcome, run: Run, given: Reply | None, runner: Rehearsal
    ) -> Outcome:
        reads = _sentences(turned.screen.body)
        why = "; ".join(map(_shorter, runner.reasons))
        if turned.what == "failed":
            assert turned.error is not None
            return _replaced(before, "fails", _raised(turned.error))
        if turned.what == "parked":
            return _replaced(before, "parked", self._located(run, _shorter(str(turned.error))), reads=reads)
        changed = UPDATED in turned.screen.body
        if given is None and not changed:
            return before  # an outcome is told, and what follows is what would have followed
        if turned.what == "asked":
            why = why or self._located(run, f"the flow moves on where {before.at!r} was open")
            there = f"{turned.flow}: {_plain(turned.at)}"
            return _replaced(before, "asked again", why, comes_to=there, reads=reads)
        why = why or self._located(run, f"the flow ends where {before.at!r} was open")
        return _replaced(before, "ends", why, reads=reads)

    def _certain(self, outcome: Outcome, run: Run) -> Outcome:
        """Unless a service would have been asked on the way, outside of a look-up, or a proof was left out."""
        asked = self._host.asked
        if outcome.verdict == "parked" and any(not intent.proof for intent in run.intents):
            return _replaced(outcome, "unknown", f"{outcome.reason}, or not: they are not in a recording")
        if not asked or outcome.verdict == "unknown":
            return outcome
        return _replaced(
            outcome, "unknown", f"the flow calls {asked}, which is not asked, outside of a read or a step"
        )

    def _why(self, run: Run, signal: Signal) -> str:
        if isinstance(signal, Parked):
            return self._located(run, _shorter(signal.detail))
        return self._located(run, "the flow comes to something else than its open effect")

    def _located(self, run: Run, detail: str) -> str:
        """With the place of the flow, where the detail names none."""
        if _PLACE(detail):
            return detail
        flow = self._engine.flows.get(run.flow)
        return detail if flow is None else f"{_shorter(flow.place)}: {detail}"


def in_flight(
    session: Session, policy: SessionPolicy, *, expires_at: float, open_: bool, now: float
) -> Conversation:
    """What of a session the next turn would find, as `Sessions.expire` leaves it.

    `expires_at` is its record's, `open_` whether the store's index has an open intent of it.
    """
    conversation = session.conversation
    if not (conversation.over or policy.expired(session.created_at, session.seen_at, now)):
        return conversation
    if expires_at <= now and not open_:
        conversation.run, conversation.parked = None, []
    elif (run := conversation.run) is not None and not run.intents and run.pending is not None:
        conversation.run = None
    return conversation


def _outcome(run: Run, verdict: Verdict, reason: str = "", *, parked: bool = False) -> Outcome:
    standing = _standing(run)
    if run.pending is not None:
        at = run.pending.key
    elif run.intents:
        at = run.intents[0].key
    else:
        at = next((entry.key for entry in reversed(run.journal) if entry.kind in BARRIERS), "")
    return Outcome(
        verdict=verdict, flow=run.flow, at=_plain(at), standing=standing, reason=reason, parked=parked
    )


def _standing(run: Run) -> Standing:
    if run.intents:
        return "effect"
    return "outcome" if run.pending is None else "question"


def _replaced(
    before: Outcome, verdict: Verdict, reason: str, *, comes_to: str = "", reads: tuple[str, ...] = ()
) -> Outcome:
    return msgspec.structs.replace(before, verdict=verdict, reason=reason, comes_to=comes_to, reads=reads)


def _questions(run: Run) -> int:
    return sum(entry.kind in QUESTIONS for entry in run.journal)


def _looks(look: Looks, reasons: Iterable[str] = ()) -> str:
    place = f"{_shorter(look.place)}: " if look.place else ""
    what = f"{place}what comes then depends on the look-up {look.what!r}, which is not made here"
    return "; ".join([*map(_shorter, reasons), what])


def _raised(problem: BaseException) -> str:
    """The type of an error and where it was raised in the app. Its text may hold what a member said."""
    frames = [frame for frame in traceback.extract_tb(problem.__traceback__) if _is_an_apps(frame.filename)]
    what = described(problem)
    if not frames or ": " in what:  # kikao's own errors name the place themselves
        return _shorter(what.partition(": ")[2] or what)
    return f"{_shorter(frames[-1].filename)}:{frames[-1].lineno}: {type(problem).__name__}"


def _is_an_apps(file: str) -> bool:
    return not file.startswith((_KIKAO, "<")) and (not file.startswith(_PYTHON) or "site-packages" in file)


def _sentences(texts: Iterable[Text]) -> tuple[str, ...]:
    """Texts without what was put into them; what is no sentence of the code stays out."""
    return tuple("..." if isinstance(text, str) else text.msgid for text in texts)


def _plain(key: str) -> str:
    return _ORDINAL("", key)


def _shorter(text: str) -> str:
    """Files under the present folder as they are seen from there."""
    return text.replace(os.getcwd() + os.sep, "")


_ORDINAL: Final = re.compile(r"#\d+").sub
_PLACE: Final = re.compile(r"^\S+:\d+: ").match
_PYTHON: Final = os.path.dirname(os.__file__) + os.sep
_KIKAO: Final = os.path.dirname(os.path.dirname(__file__)) + os.sep
