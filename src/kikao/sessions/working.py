"""Effects at work: performed for a turn until its deadline, followed to their end after it.

The three commits of a deadline: (a) `Performer.intend` before the effect, (b) the turn's own commit with the closing
screen, (c) `Late` writes the outcome by idempotency key when it arrives. A process that dies in between leaves an
intent whose lease lapses; recovery then asks the service.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

from kikao.conversation.effects import Settled, Work, apply_late, unpark
from kikao.conversation.facts import Fact, fact, outcome_of
from kikao.events import Bus, RecoveryDone, SecretUsed, SessionEvent, StepIntended, described
from kikao.events.place import Place
from kikao.metrics.phases import Stopwatch
from kikao.sessions.confirming import Confirming, Unconfirmed
from kikao.sessions.keeper import LEASE, Held, Sessions, backoff, find_run
from kikao.sessions.outcomes import leave, nobody
from kikao.sessions.store import CommitUnknown, Conflict, Dedupe, StoreBroken, StoreUnavailable

T = TypeVar("T")

Services = Mapping[Any, Any]
"""The app's services by the type (a class or a Protocol) flows ask for."""

LONGEST_EFFECT: Final = 300.0
"""Seconds an effect is left to itself; after that recovery asks what became of it, while it may still come in."""

LATE_TRIES: Final = 6
"""After so many tries to store a late outcome the log says so. It is tried on: the service may not tell it again."""

LAST_WORDS: Final = 1.0
"""Seconds an effect that is cancelled at shutdown gets to let go of what it holds."""

LATE_PAUSE: Final = 30.0
"""Most seconds between two of those tries."""


class Late:
    """Follows effects that outlive their turn, and writes what became of them; and commits that nobody confirmed.

    `release` is that of the app's flows.
    """

    def __init__(self, sessions: Sessions, publish: Bus, *, release: int = 0) -> None:
        self._sessions = sessions
        self._publish = publish
        self._release = release
        self._tasks: dict[asyncio.Task[None], tuple[bytes, bytes, int]] = {}
        """Who follows an effect, with its session's key and its intent's id and fence."""
        self._confirming = Confirming(sessions)
        self.tells: Callable[[Held], bool] = nobody
        """Whether what became of an effect is told although nobody asks, as far as the session says."""

    def __len__(self) -> int:
        return len(self._tasks)

    def adopt(self, key: bytes, fence: int, work: Work, task: asyncio.Task[Settled]) -> None:
        """Follow a running effect of the session `key`."""
        follower = asyncio.create_task(self._follow(key, fence, work, task))
        self._tasks[follower] = key, self._sessions.intent_id(work.intent.token), fence
        follower.add_done_callback(self._tasks.pop)

    def leave_word(self, held: Held, token: str) -> None:
        """Have the next write see to it that an outcome is told, where somebody can."""
        if self.tells(held):
            leave(held, token, self._sessions.clock())

    def confirm(self, one: Unconfirmed) -> None:
        """Find out what became of a commit, and have the next dial tell what its reply said if it is stored."""
        self._confirming.look_for(one)

    async def hold_on(self, now: float) -> None:
        """Keep the leases of running effects as if it were `now`: the clock is about to be moved there."""
        for key, intent_id, fence in list(self._tasks.values()):
            await self._renew(key, intent_id, fence, now)

    async def close(self, budget: float) -> None:
        """Give running effects `budget` seconds to end; what does not is left to recovery."""
        await asyncio.gather(self._close(budget), self._confirming.close(budget))

    async def _close(self, budget: float) -> None:
        if self._tasks:
            _, running = await asyncio.wait(self._tasks, timeout=budget)
            for task in running:
                task.cancel()
            await asyncio.gather(*running, return_exceptions=True)

    async def _follow(self, key: bytes, fence: int, work: Work, task: asyncio.Task[Settled]) -> None:
        sessions, token = self._sessions, work.intent.token
        try:
            renewals = itertools.count(1)
            while not task.done():
                await asyncio.wait({task}, timeout=LEASE / 3)
                if not task.done() and next(renewals) * LEASE / 3 < LONGEST_EFFECT:
                    await self._renew(key, sessions.intent_id(token), fence, sessions.clock())
            settled = task.result()
        except asyncio.CancelledError:
            task.cancel()
            await asyncio.wait({task}, timeout=LAST_WORDS)  # its services are closed next
            raise
        outcome = _Outcome(key, fence, token, settled)
        for attempt in itertools.count(1):
            error: Exception | None = None
            try:
                if await self._deliver(outcome):
                    return
            except Exception as problem:  # noqa: BLE001 - whatever it is, the outcome must not be lost silently
                error = problem
            lost = error is not None and not _passing(error)  # recovery will ask
            if lost or attempt == LATE_TRIES:
                place = Place(self._publish, "", "", self._release, key)
                place.tell(RecoveryDone, {"what": "failed", "error": described(error)})
            if lost:
                return
            await asyncio.sleep(min(backoff(attempt), LATE_PAUSE))

    async def _renew(self, key: bytes, intent_id: bytes, fence: int, now: float) -> None:
        try:
            await self._sessions.store.renew(key, (intent_id,), fence, now + LEASE)
        except (StoreUnavailable, CommitUnknown):
            return  # the next round tries again; a lapsed lease only means that recovery may ask too

    async def _deliver(self, outcome: _Outcome) -> bool:
        """Commit (c), by key and fence. True when there is nothing left to do."""
        token, settled = outcome.token, outcome.settled
        held = await self._sessions.claim(outcome.key, wait=LEASE)
        if held is None:
            return True
        if not isinstance(held, Held):
            return False
        try:
            run = find_run(held.session, token)
            if run is None:
                # Or recovery was faster; but that leaves it alone until its lease has lapsed, some tries later.
                for happened in outcome.unconfirmed:
                    self._place(outcome.key, held).tell(*happened)
                return True
            if settled.kind != "done" and held.fence_of(token) != outcome.fence:
                return True  # tried again under the same key meanwhile: only "done" holds for both
            outcome.unconfirmed = ()
            before, flow = len(run.journal), run.flow
            (intent,) = [intent for intent in run.intents if intent.token == token]
            reasons = (f"{flow}: {settled.reason}",) if settled.reason else ()
            facts = [
                outcome_of(run, intent, settled, "late"),
                fact(RecoveryDone, what="late", flow=flow, reasons=reasons),
            ]
            apply_late(run, token, settled)
            unpark(held.session.conversation, run, before)
            held.leave_trail(facts, self._release)
            self.leave_word(held, token)
            try:
                await held.commit()
            except CommitUnknown:
                outcome.unconfirmed = facts
                raise
            for happened in facts:
                self._place(outcome.key, held).tell(*happened)
            return True
        finally:
            await self._sessions.release_quietly(held)

    def _place(self, key: bytes, held: Held) -> Place:
        return Place(self._publish, held.address.channel, held.address.gateway, self._release, key)


@dataclass(slots=True)
class _Outcome:
    """What became of an effect, on its way to its session."""

    key: bytes
    fence: int
    token: str
    settled: Settled
    unconfirmed: Sequence[Fact] = ()
    """What is to be told of a commit that nobody confirmed, should it stand."""


def _passing(error: Exception) -> bool:
    """Whether the store may well take the same thing later."""
    return isinstance(error, Conflict | CommitUnknown | StoreUnavailable) and not isinstance(
        error, StoreBroken
    )


class Performer:
    """The engine's host for one turn of one held session (see `kikao.conversation.effects.Host`)."""

    def __init__(
        self,
        held: Held,
        late: Late,
        services: Services,
        *,
        deadline: float,
        consumed: Callable[[], Dedupe | None] = lambda: None,
        clock: Callable[[], float],
        watch: Stopwatch | None = None,
        tell: Callable[[type[SessionEvent], dict[str, Any]], None] | None = None,
    ) -> None:
        self.now = dt.datetime.fromtimestamp(clock(), dt.UTC)
        self.deadline = deadline
        self.destinations = held.destinations
        self.working: set[str] = set()
        """Tokens of effects that run on after the deadline."""
        self._held = held
        self._late = late
        self._services = services
        self._consumed = consumed
        self._watch = watch or Stopwatch()
        self._tell = tell or _untold
        self._performed: list[tuple[Work, asyncio.Task[Settled]]] = []

    def new_run(self) -> tuple[str, bytes]:
        """128 random bits and a 32-byte secret."""
        return os.urandom(16).hex(), os.urandom(32)

    def service(self, kind: Callable[..., T]) -> T:
        """Raises `LookupError` naming what the app has."""
        try:
            return self._services[kind]  # type: ignore[no-any-return]
        except KeyError:
            have = ", ".join(getattr(key, "__name__", str(key)) for key in self._services) or "none"
            name = getattr(kind, "__name__", str(kind))
            raise LookupError(
                f"the app has no service {name}; it has {have}. Pass it in App(services=...)"
            ) from None

    async def intend(self, works: Sequence[Work]) -> None:
        """Commit (a): intents, and the inbound as consumed, before any effect."""
        with self._watch.within("effects"):
            await self._held.intend(self._consumed(), [work.intent.token for work in works])
        for work in works:
            if not work.asks:
                intent = work.intent
                at, kind, tries = intent.key, intent.kind, intent.tries
                self._tell(*fact(StepIntended, flow=self._flow_of(work), at=at, kind=kind, tries=tries))

    async def perform(self, works: Sequence[Work]) -> list[Settled | None]:
        """Perform effects at the same time until the deadline; `Late` follows those that need longer."""
        with self._watch.within("effects"):
            return await self._perform(works)

    async def _perform(self, works: Sequence[Work]) -> list[Settled | None]:
        tasks = [asyncio.create_task(work.perform()) for work in works]
        try:
            remaining = self.deadline - asyncio.get_running_loop().time()
            await asyncio.wait(tasks, timeout=max(remaining, 0.0))
        finally:
            for work, task in zip(works, tasks, strict=True):
                if task.done():
                    self._performed.append((work, task))
                else:
                    self.working.add(work.intent.token)
                    self._held.follow(work.intent.token)
                    self._late.adopt(self._held.claim.key, self._held.claim.fence, work, task)
        outcomes = [task.result() if task.done() else None for task in tasks]
        for work, outcome in zip(works, outcomes, strict=True):
            if work.intent.kind == "secret" and not work.asks:
                self._tell(*_used(self._flow_of(work), work, outcome))
        return outcomes

    def _flow_of(self, work: Work) -> str:
        run = find_run(self._held.session, work.intent.token)
        return run.flow if run is not None else ""

    def rescue(self) -> None:
        """The turn broke before its commit: what is known of its effects is written by `Late` instead."""
        for work, task in self._performed:
            if not task.cancelled() and task.result().kind != "unknown":
                self._late.adopt(self._held.claim.key, self._held.claim.fence, work, task)


def _used(flow: str, work: Work, outcome: Settled | None) -> Fact:
    """What came of a secret."""
    code = outcome.refusal.code.value if outcome is not None and outcome.refusal is not None else ""
    what: Literal["done", "refused", "unknown", "working"] = "working"
    if outcome is not None:
        what = "refused" if outcome.kind == "voided" else outcome.kind
    return fact(SecretUsed, flow=flow, at=work.intent.key, what=what, code=code)


def _untold(kind: type[SessionEvent], fields: dict[str, Any]) -> None:
    """Nobody is told."""
