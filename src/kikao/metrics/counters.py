"""Counters of events: how much of what happened since the process began.

Every label is a name from code (a gateway, an outcome, a status): a request can add to a number, but not make a new
one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Final

from kikao.events import (
    AddressMarketing,
    AddressResumed,
    AddressStopped,
    AnswerRefused,
    AnswerTaken,
    DialogueClosed,
    Event,
    FileFetched,
    FileLost,
    FilesSwept,
    FlowAbandoned,
    FlowFinished,
    FlowStarted,
    GatewayTold,
    LimitHit,
    LiveClosed,
    LiveEnded,
    MessageDead,
    MessageEvent,
    MessageQueued,
    MessageRetried,
    MessageSent,
    MessageStranded,
    MiddlewareFailed,
    RecoveryDone,
    RequestRefused,
    ScreenShown,
    SecretUsed,
    StepDone,
    StepOutcome,
    StepRefused,
    StepUnknown,
    StepVoided,
    SweepDone,
    TurnCommitted,
    TurnDuplicated,
    TurnRejected,
    name_of,
)
from kikao.metrics import declared
from kikao.metrics.declared import Metric
from kikao.metrics.numbers import Bounded, Counts, Durations, Labels
from kikao.metrics.snapshot import Snapshot

SERIES: Final = 1000
"""Of a metric by flow and question: more are counted together."""

UNTIMED: Final = frozenset({"stale", "answered"})
"""What nobody waited for a flow with: these would make turns look faster than they are."""

_ORDINAL: Final = re.compile(r"#\d+")


def question_of(key: str) -> str:
    """The question of a journal key, however often it was asked: `pay/amount#2` → `pay/amount`."""
    return _ORDINAL.sub("", key)


class Counters:
    """A subscriber that counts events. The numbers are those of this process."""

    def __init__(self) -> None:
        self.inbounds: Counts = Counter()
        """By channel, gateway and what came of them."""
        self.refused: Counts = Counter()
        """Requests, by channel, gateway and status."""
        self.limited: Counts = Counter()
        """Inbounds, by channel, gateway and limit."""
        self.middleware: Counts = Counter()
        """Failures, by name and when."""
        self.messages: Counts = Counter()
        """To other systems, by destination and what became of them."""
        self.addresses: Counts = Counter()
        """By channel, gateway and what became of them."""
        self.recoveries: Counts = Counter()
        """By what came of them."""
        self.durations: dict[Labels, Durations] = {}
        """Of turns, by channel and gateway."""
        self.files: Counts = Counter()
        """Of members, by channel, gateway and what became of them."""
        self.files_swept = 0
        self.sweeps = 0
        self.swept = 0
        """Sessions."""
        self.sweeping = 0.0
        """Seconds."""
        self.live_closed: Counts = Counter()
        """Sockets, by reason."""
        self.live_ended: dict[Labels, Durations] = {}
        """How long live sessions were, by why they ended."""
        self.pages: dict[Labels, Durations] = {}
        """How many a screen took, by gateway."""
        self.started, self.finished, self.abandoned = Bounded(SERIES), Bounded(SERIES), Bounded(SERIES)
        """Runs: by flow; by flow and end; by flow, question and reason."""
        self.shown, self.answered, self.refused_answers = Bounded(SERIES), Bounded(SERIES), Bounded(SERIES)
        """By flow and question."""
        self.steps = Bounded(SERIES)
        """By flow, step and outcome."""
        self._questions: dict[tuple[str, str], Labels] = {}
        """Labels by flow and journal key, to work them out seldom."""
        self._count: dict[type[Event], Callable[[Any], None]] = {
            TurnCommitted: self._turn,
            TurnRejected: self._turn,
            TurnDuplicated: self._no_turn,
            DialogueClosed: self._no_turn,
            GatewayTold: self._no_turn,
            ScreenShown: self._screen,
            AnswerRefused: self._refused_answer,
            AnswerTaken: self._answer,
            SecretUsed: self._secret,
            FlowStarted: self._started,
            FlowFinished: self._finished,
            FlowAbandoned: self._abandoned,
            StepDone: self._step,
            StepRefused: self._step,
            StepUnknown: self._step,
            StepVoided: self._step,
            RequestRefused: self._request,
            LimitHit: self._limit,
            MiddlewareFailed: self._middleware,
            MessageQueued: self._message,
            MessageStranded: self._message,
            MessageSent: self._message,
            MessageRetried: self._message,
            MessageDead: self._message,
            AddressStopped: self._address,
            AddressResumed: self._address,
            AddressMarketing: self._address,
            RecoveryDone: self._recovery,
            SweepDone: self._sweep,
            FileFetched: self._file,
            FileLost: self._file,
            FilesSwept: self._files_swept,
            LiveClosed: self._live_closed,
            LiveEnded: self._live_ended,
        }
        self.listens_to = (*self._count,)

    def __call__(self, event: Event) -> None:
        self._count[type(event)](event)

    def _turn(self, event: TurnCommitted | TurnRejected) -> None:
        self.inbounds[event.channel, event.gateway, event.what] += 1
        if event.what not in UNTIMED:
            durations = self.durations.get((event.channel, event.gateway))
            if durations is None:
                durations = self.durations[event.channel, event.gateway] = Durations(declared.TURN_BOUNDS)
            durations.add(event.ms / 1000)

    def _no_turn(self, event: TurnDuplicated | DialogueClosed | GatewayTold) -> None:
        self.inbounds[event.channel, event.gateway, event.what] += 1

    def _screen(self, event: ScreenShown) -> None:
        if event.page == 1:
            pages = self.pages.get((event.gateway,))
            if pages is None:
                pages = self.pages[(event.gateway,)] = Durations(declared.PAGE_BOUNDS)
            pages.add(event.pages)
            if event.kind == "question":
                self.shown.add(self._question(event.flow, event.at))

    def _refused_answer(self, event: AnswerRefused) -> None:
        self.refused_answers.add(self._question(event.flow, event.at))

    def _answer(self, event: AnswerTaken) -> None:
        self.answered.add(self._question(event.flow, event.at))

    def _secret(self, event: SecretUsed) -> None:
        if event.what == "done":
            self.answered.add(self._question(event.flow, event.at))

    def _question(self, flow: str, at: str) -> Labels:
        labels = self._questions.get((flow, at))
        if labels is None:
            if len(self._questions) >= SERIES:
                self._questions.clear()
            labels = self._questions[flow, at] = (flow, question_of(at))
        return labels

    def _started(self, event: FlowStarted) -> None:
        self.started.add((event.flow,))

    def _finished(self, event: FlowFinished) -> None:
        self.finished.add((event.flow, event.what))

    def _abandoned(self, event: FlowAbandoned) -> None:
        self.abandoned.add((*self._question(event.flow, event.at), event.what))

    def _step(self, event: StepOutcome) -> None:
        what = name_of(type(event)).removeprefix("step.")
        self.steps.add((*self._question(event.flow, event.at), what))

    def _request(self, event: RequestRefused) -> None:
        self.refused[event.channel, event.gateway, str(event.status)] += 1

    def _limit(self, event: LimitHit) -> None:
        self.limited[event.channel, event.gateway, event.kind] += 1

    def _middleware(self, event: MiddlewareFailed) -> None:
        self.middleware[event.name, event.when] += 1

    def _message(self, event: MessageQueued | MessageStranded | MessageEvent) -> None:
        self.messages[event.to, name_of(type(event)).removeprefix("message.")] += 1

    def _address(self, event: AddressStopped | AddressResumed | AddressMarketing) -> None:
        what = "resumed" if isinstance(event, AddressResumed) else event.what
        marketing = "marketing_" if isinstance(event, AddressMarketing) else ""
        self.addresses[event.channel, event.gateway, f"{marketing}{what}"] += 1

    def _recovery(self, event: RecoveryDone) -> None:
        self.recoveries[(event.what,)] += 1

    def _file(self, event: FileFetched | FileLost) -> None:
        what = "fetched"
        if isinstance(event, FileLost):
            what = "delayed" if event.again else "lost"
        self.files[event.channel, event.gateway, what] += 1

    def _files_swept(self, event: FilesSwept) -> None:
        self.files_swept += event.count

    def _live_closed(self, event: LiveClosed) -> None:
        self.live_closed[(event.reason,)] += 1

    def _live_ended(self, event: LiveEnded) -> None:
        durations = self.live_ended.get((event.reason,))
        if durations is None:
            durations = self.live_ended[(event.reason,)] = Durations(declared.LIVE_BOUNDS)
        durations.add(event.seconds)

    def _sweep(self, event: SweepDone) -> None:
        self.sweeps += 1
        self.swept += event.count
        self.sweeping += event.seconds

    def into(self, snapshot: Snapshot) -> None:
        """Put all of them in."""
        snapshot.time(declared.TURN_SECONDS, self.durations)
        snapshot.time(declared.SCREEN_PAGES, self.pages)
        snapshot.time(declared.LIVE_SECONDS, self.live_ended)
        counts: dict[Metric, Mapping[Labels, float]] = {
            declared.INBOUNDS: self.inbounds,
            declared.FLOWS_STARTED: self.started,
            declared.FLOWS_FINISHED: self.finished,
            declared.FLOWS_ABANDONED: self.abandoned,
            declared.QUESTIONS_SHOWN: self.shown,
            declared.QUESTIONS_ANSWERED: self.answered,
            declared.ANSWERS_REFUSED: self.refused_answers,
            declared.STEPS: self.steps,
            declared.REFUSED: self.refused,
            declared.LIMITED: self.limited,
            declared.MIDDLEWARE_FAILURES: self.middleware,
            declared.MESSAGES: self.messages,
            declared.ADDRESSES: self.addresses,
            declared.RECOVERIES: self.recoveries,
            declared.FILES: self.files,
            declared.FILES_SWEPT: {(): self.files_swept},
            declared.LIVE_CLOSED: self.live_closed,
            declared.SWEEPS: {(): self.sweeps},
            declared.SWEPT: {(): self.swept},
            declared.SWEEP_SECONDS: {(): self.sweeping},
        }
        unnamed: dict[Labels, float] = {}
        for metric, counted in counts.items():
            snapshot.count(metric, counted)
            if isinstance(counted, Bounded) and counted.dropped:
                unnamed[(metric.shown,)] = counted.dropped
        snapshot.count(declared.UNNAMED, unnamed)
