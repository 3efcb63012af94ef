"""The search: conversations are held with every answer and every outcome, until nothing new comes of it.

A conversation is data, so every turn starts from a stored one. What was never tried at a place comes first, then what
follows turns that showed something new. Then comes everything that differs in one thing from what is usual, where
longer values may show; then, while there are branches that were not taken, what differs in two things and more.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import heapq
import itertools
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import msgspec
from msgspec import structs

from kikao.checking.exploring.answering import Answering, Try
from kikao.checking.exploring.asking import Listening, Place, broke_at, told
from kikao.checking.exploring.exploration import Options
from kikao.checking.exploring.gallery import Gallery, Shot, Spot
from kikao.checking.exploring.host import ExploringHost
from kikao.checking.exploring.oracle import Decision, Oracle
from kikao.checking.exploring.patience import TURN, Patience, Stuck
from kikao.checking.exploring.probes import EndlessLoop, Probes
from kikao.checking.exploring.services import Circumstances
from kikao.checking.exploring.states import (
    DAY,
    Move,
    State,
    again,
    apart_after,
    currency_of,
    once_round,
    plain,
    spot_of,
)
from kikao.checking.exploring.ways import Problem, Ways, note_early, note_next
from kikao.conversation.answers import Answer
from kikao.conversation.effects import apply_late, unpark
from kikao.conversation.engine import Engine
from kikao.conversation.errors import BackendError, JournalFull, Misuse, RefusedError
from kikao.conversation.inputs import Dial, Reply, Settle
from kikao.conversation.journal import Conversation
from kikao.conversation.member import Member
from kikao.conversation.runner import Turned
from kikao.conversation.secrets import Secret
from kikao.conversation.shortcuts import is_word

START: Final = dt.datetime(2026, 11, 21, 9, 0, tzinfo=dt.UTC)
WRONG_IN_A_ROW: Final = 6
"""Wrong answers in a row that are given to one question, once: some end a conversation after three."""

DEVIATIONS: Final = 3
"""Decisions of one turn that are taken otherwise at the same time."""

WAITING: Final = 60_000
"""Most turns that wait to be tried."""

NEW, NEXT, REST = range(3)


class Search:
    """One exploration of an engine."""

    def __init__(
        self,
        engine: Engine,
        heard: Listening,
        *,
        services: Mapping[Any, Any] | None,
        around: Circumstances,
        answering: Answering,
        probes: Probes,
        members: Sequence[tuple[Member, str]],
        files: frozenset[str],
        options: Options,
    ) -> None:
        self.gallery = Gallery()
        self.ways = Ways()
        self.problems: dict[tuple[str, str, Place], Problem] = {}
        self.turns = 0
        self.bound = ""
        self.calm = True
        """The search ended by itself: nothing was left to try, or nothing new had come for long."""
        self._engine = engine
        self._heard = heard
        self._services = services
        self._around = around
        self._answering = answering
        self._probes = probes
        self._members = members
        self._files = files
        self._options = options
        self._patience = Patience(files)
        self._queue: list[tuple[int, int, int, State, Move, tuple[int, ...]]] = []
        self._order = itertools.count()
        self._tried: set[Any] = set()
        self._seen: set[Any] = set()
        self._secrets: set[str] = set()
        """What was typed for secrets: in no text of a finding."""
        self._dropped = False

    async def run(self) -> None:
        """Search until everything was tried, or a bound is met."""
        with self._patience:
            await self._run()

    async def _run(self) -> None:
        began, quiet = time.monotonic(), 0
        for member, locale in self._members:
            data = msgspec.msgpack.encode(Conversation(locale=locale))
            state = State(
                data, member, START, ("", "start", f"{member.channel} {member.locale} {member.timezone}")
            )
            self._offer(state, Move(Dial(), "dial", "dial"))
            shortcuts = self._engine.shortcuts
            for path in shortcuts.paths if shortcuts is not None else ():
                ahead = tuple(map(Secret, path.split("*")))
                self._offer(
                    state, Move(Dial(ahead), "dial", f"/{path}" if is_word(path) else f"dial *{path}#")
                )
        most = self._options.turns
        while self._queue:
            level, apart, _, state, move, ways = heapq.heappop(self._queue)
            if level == REST and self._everything():
                if apart > 1:
                    return
                if quiet >= self._options.patience // 2:
                    self.bound = f"{quiet} turns brought nothing new, and all branches were taken"
                    return
            if level == REST and quiet >= self._options.patience:
                self.bound = f"{quiet} turns brought nothing new, with {len(self._queue) + 1} more to try"
                return
            if self.turns >= most or time.monotonic() - began > self._options.seconds:
                which = f"{most} turns" if self.turns >= most else f"{self._options.seconds:g} seconds"
                self.bound = f"the bound of {which} was met, with {len(self._queue) + 1} more to try"
                self.calm = False
                return
            quiet = 0 if await self._turn(state, move, ways) or level < REST else quiet + 1
        if self._dropped and not self._everything():
            self.bound = f"more than {WAITING} turns waited to be tried"

    def _everything(self) -> bool:
        return len(self._probes.taken) == len(self._probes.branches)

    # --- one turn ---

    async def _turn(self, state: State, move: Move, ways: tuple[int, ...]) -> bool:
        """Hold one turn and note what came of it; True when that was something new."""
        self.turns += 1
        conversation = msgspec.msgpack.decode(state.conversation, type=Conversation)
        around = self._around
        around.oracle, around.injected, around.currency = (
            Oracle(ways, taken=dict(state.taken)),
            False,
            currency_of(conversation),
        )
        now = state.now + move.wait
        host = ExploringHost(around, self._services, now, f"{len(conversation.parked):032}")
        trail = (*state.trail, move.label)
        before, self._probes.rounds = len(self._probes.taken), 0
        self._heard.answer = None
        try:
            with self._patience.turn():
                turned = await self._engine.advance(conversation, move.event, state.member, host)
            for work, settled in host.late:
                _arrive(conversation, work.intent.token, settled)
        except Stuck as error:
            what = f"a turn takes longer than {TURN:g} s: this does not come back"
            self._problem(state, what, broke_at(error, self._files), trail)
            return False
        except EndlessLoop as error:
            self._problem(
                state, "a loop goes round without asking", broke_at(error, self._files), trail, True
            )
            return False
        except (Exception, SystemExit) as error:  # noqa: BLE001 - a stand-in broke, or the flow ends Python
            self._broke(state, error, trail)
            return False
        decisions = around.oracle.decisions
        fresh = len(self._probes.taken) > before
        spot = spot_of(conversation)
        known = state.answer if spot[:2] == state.spot[:2] else None
        answer = (self._heard.answer or known) if turned.what == "asked" else known
        fresh = self._note(state, move, turned, conversation, spot, trail) or fresh
        self._otherwise(state, move, ways, decisions, fresh)
        member = structs.replace(state.member, locale=conversation.chosen or state.member.locale)
        data = msgspec.msgpack.encode(conversation)
        kept = tuple(sorted((site, way) for site, way in around.oracle.taken.items() if way))
        if (data, member, kept) not in self._seen:
            self._seen.add((data, member, kept))
            apart = apart_after(state, move, decisions) + again(conversation)
            after = State(data, member, now, spot, trail[-40:], answer, fresh, kept, apart)
            for each in self._moves(after, conversation, turned):
                self._offer(after, each)
        return fresh

    def _note(
        self,
        state: State,
        move: Move,
        turned: Turned,
        conversation: Conversation,
        spot: Spot,
        trail: tuple[str, ...],
    ) -> bool:
        """What a turn showed; True when it was something new."""
        place = self._heard.place if self._heard.answer is not None else self.ways.places.get(spot, ("", 0))
        new = False
        if turned.what != "settled":
            new = self._take(state, turned, conversation, spot, place, trail)
        self._judge(state, turned, trail)
        ways = self.ways
        run = conversation.run
        if run is not None and run.pending is not None and not conversation.overlay:
            if self._heard.answer is not None:
                ways.places.setdefault(spot, place)
            ways.prompts.setdefault(spot, run.pending.screen)
            if turned.what == "asked":
                note_early(ways, spot, conversation)
                if self._engine.shortcuts is not None:
                    note_next(ways, conversation, self._engine.shortcuts.paths.values())
            if run.pending.screen.secret:
                ways.secrets.setdefault(spot)
        if state.spot[1] == "start":
            ways.starts.setdefault(spot)
        elif move.kind != "wrong" and turned.what == "ended":
            ways.ends.add(state.spot)
        broke = turned.what in ("failed", "parked") and not self._around.injected
        if broke and not _is_round_full(state, turned):
            ways.ends.add(state.spot)  # told as what it is
        if move.kind != "wrong":
            ways.edges.setdefault(state.spot, {}).setdefault(spot)
        return new

    def _take(
        self,
        state: State,
        turned: Turned,
        conversation: Conversation,
        spot: Spot,
        place: Place,
        trail: tuple[str, ...],
    ) -> bool:
        """Keep a screen: a question apart from the error above it."""
        screen, run = turned.screen, conversation.run
        if screen.ends:
            flow = turned.flow or state.spot[0]
            key = "" if state.spot[1] == "start" else state.spot[1]
            return self.gallery.take(Shot((flow, key, "last screen"), screen, ("", 0), trail))
        error = None
        at = (spot[0], spot[1], spot[2] if conversation.overlay else "")
        if not conversation.overlay and run is not None and run.pending is not None:
            screen, error = run.pending.screen, run.pending.error
        shown = self._engine.displayed(conversation, screen)
        return self.gallery.take(Shot(at, shown, place, trail), error)

    def _judge(self, state: State, turned: Turned, trail: tuple[str, ...]) -> None:
        """A turn that broke for another reason than a service that was away."""
        error = turned.error
        if _is_round_full(state, turned):
            return  # rounds without a way out are told as such, and with one nobody goes so many
        if turned.what in ("failed", "parked") and error is not None and not isinstance(error, _OF_SERVICES):
            self._broke(state, error, trail)
        for reason in turned.reasons:
            key, _, what = reason.partition(": ")
            if what.startswith(_BROKEN) or (
                what.isidentifier() and what not in _AWAY and what.endswith("Error")
            ):
                self._problem(state, f"the effect of {plain(key)!r}: {what}", ("", 0), trail)

    def _broke(self, state: State, error: BaseException, trail: tuple[str, ...]) -> None:
        """A turn that an error ended. The same error at the same line is one, whatever values are in its text."""
        place = broke_at(error, self._files)
        if not isinstance(error, Misuse):
            kind = type(error).__name__
            return self._problem(state, told(error, self._secrets), place, trail, same=kind)
        what = str(error)
        if found := re.match(r"(?P<file>.+?):(?P<line>\d+): ", what):
            what, place = what[found.end() :], (found["file"], int(found["line"]))
        return self._problem(state, what, place, trail)

    def _problem(
        self,
        state: State,
        what: str,
        place: Place,
        trail: tuple[str, ...],
        endless: bool = False,
        same: str = "",
    ) -> None:
        spot = (state.spot[0] or self._engine.entry, *state.spot[1:])
        spot = (spot[0], "", "") if spot[1] == "start" else spot
        self.problems.setdefault((spot[0], same or what, place), Problem(spot, what, place, trail, endless))

    # --- what comes next ---

    def _otherwise(
        self, state: State, move: Move, ways: tuple[int, ...], decisions: list[Decision], fresh: bool
    ) -> None:
        """The same turn, with one decision more taken otherwise."""
        taken = tuple(decision.way for decision in decisions)
        deviated = sum(each.way != each.default for each in decisions[: len(ways)])
        times: dict[str, int] = {}
        for at, decision in enumerate(decisions):
            times[decision.site] = nth = times.get(decision.site, 0) + 1
            if at < len(ways):
                continue
            so_far = apart_after(state, move, decisions[:at])
            for way in range(decision.ways):
                if way == decision.way:
                    continue
                key = (state.spot, move.kind, decision.site, nth, way)
                level = NEW if key not in self._tried else (NEXT if fresh and state.fresh else REST)
                if level == NEW or deviated < DEVIATIONS:
                    self._tried.add(key)
                    more = 1 if decision.usual and decision.usual[way] else 2
                    self._push(level, so_far + more, state, move, (*taken[:at], way))

    def _moves(self, state: State, conversation: Conversation, turned: Turned) -> Iterator[Move]:
        """What may happen to a conversation now."""
        run = conversation.run
        if conversation.overlay:
            for option in turned.screen.options:
                yield Move(Reply(Secret(option.key)), f"option {option.value!r}", f"{option.value!r}")
        elif run is None or run.pending is None:
            if run is not None or conversation.data or conversation.notices or conversation.parked:
                yield Move(Dial(), "dial", "dial again")
            if any(each.intents for each in conversation.runs()):
                yield Move(Settle(), "settle", "(recovery)")
        elif state.answer is not None:
            yield from self._answers(state, conversation)

    def _answers(self, state: State, conversation: Conversation) -> Iterator[Move]:
        run = conversation.run
        assert run is not None and run.pending is not None and state.answer is not None
        pending = run.pending
        navigation = self._engine.navigation
        tries = self._tries(state, state.answer, pending.screen, pending.literal, navigation)
        if pending.screen.secret:
            self._secrets.update(each.text for each in tries if len(each.text) > 1)
        name = plain(pending.key)
        wrong = [each for each in tries if each.kind == "wrong"]
        if pending.tries:
            for each in wrong[:1] if pending.tries < WRONG_IN_A_ROW else ():
                key = (state.spot, "wrong again", pending.tries)
                if key not in self._tried:
                    self._tried.add(key)
                    yield _answered(each, name)
            return
        right = [each for each in tries if each.kind != "wrong"]
        if not right:
            self.ways.unanswered.setdefault(state.spot, type(state.answer).__name__)
            self.ways.ends.add(state.spot)
        for place, each in enumerate(right):
            yield replace(_answered(each, name), apart=int(each.kind == "right" and place > 0))
        for each in right[:1]:
            label = f"{name}: {each.label}, a day later"
            yield replace(_answered(each, name), kind="late", label=label, wait=DAY, apart=2)
        for each in wrong:
            if (state.spot, "wrong", each.text) not in self._tried:
                self._tried.add((state.spot, "wrong", each.text))
                yield _answered(each, name)

    def _tries(
        self, state: State, answer: Answer[Any], screen: Any, literal: tuple[str, ...], navigation: Any
    ) -> list[Try]:
        return self._answering.tries(
            answer, screen, lambda text: navigation.command(text, screen, literal) is not None
        )

    def _offer(self, state: State, move: Move) -> None:
        key = (state.spot, move.kind, move.label)
        level = NEW if key not in self._tried else (NEXT if state.fresh else REST)
        self._tried.add(key)
        self._push(level, state.apart + move.apart, state, move, ())

    def _push(self, level: int, apart: int, state: State, move: Move, ways: tuple[int, ...]) -> None:
        if level == REST and len(self._queue) >= WAITING:
            self._dropped = True
            return
        heapq.heappush(self._queue, (level, apart * (level == REST), next(self._order), state, move, ways))


def _answered(each: Try, name: str) -> Move:
    return Move(Reply(Secret(each.text), each.attachment), each.kind, f"{name}: {each.label}")


def _is_round_full(state: State, turned: Turned) -> bool:
    """Whether flows that call themselves, or each other, filled the journal with their rounds."""
    if not isinstance(turned.error, JournalFull):
        return False
    run = msgspec.msgpack.decode(state.conversation, type=Conversation).run
    if run is None or run.pending is None:
        return False
    key = plain(run.pending.key)
    return once_round(key) != key


def _arrive(conversation: Conversation, token: str, settled: Any) -> None:
    """What an effect came to reaches its run after the reply."""
    for run in conversation.runs():
        before = len(run.journal)
        if apply_late(run, token, settled):
            unpark(conversation, run, before)
            return


_OF_SERVICES: Final = (BackendError, RefusedError, TimeoutError, OSError, asyncio.CancelledError)
_AWAY: Final = frozenset({"BackendError", "ConnectionError", "ReachedOutside", "TimeoutError"})
_BROKEN: Final = (
    "done= raised",
    "the text of done=",
    "the refusal ",
    "the result ",
    "check answered",
    "refused with a",
)
