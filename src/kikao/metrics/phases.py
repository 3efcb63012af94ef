"""What a turn spends its time on: a stopwatch that goes with it from phase to phase."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Literal, Protocol, get_args

from kikao.events.bus import FAILURES
from kikao.metrics.numbers import Durations, Labels

Phase = Literal["claim", "run", "effects", "render", "commit"]
"""`claim` waits for the session and reads it; `run` is the flow, without what `effects` take: the intents written ahead
and the services asked; `render` makes the reply; `commit` writes all of it."""

PHASES: Final[tuple[Phase, ...]] = get_args(Phase)


BOUNDS: Final = (
    0.00005,
    0.0001,
    0.0002,
    0.0005,
    0.001,
    0.002,
    0.005,
    0.01,
    0.02,
    0.05,
    0.1,
    0.5,
    1.0,
    2.0,
    4.0,
)
"""Upper bounds of seconds: a phase takes microseconds in memory, and up to a reply's budget where others are slow."""


class PhaseTimes:
    """How long the phases of turns took, by gateway."""

    def __init__(self) -> None:
        self.of: dict[str, dict[str, Durations]] = {}

    def __getitem__(self, gateway: str) -> dict[str, Durations]:
        found = self.of.get(gateway)
        if found is None:
            found = self.of[gateway] = {phase: Durations(BOUNDS) for phase in PHASES}
        return found

    def series(self) -> dict[Labels, Durations]:
        """By phase and gateway."""
        return {(phase, gateway): of for gateway, phases in self.of.items() for phase, of in phases.items()}


class PhaseWatcher(Protocol):
    """Told of the phases of one turn as they begin and end, in the task and the context that they run in."""

    def entered(self, phase: Phase) -> None:
        """A phase begins: `effects` within `run`, the others one after the other.

        A turn that lost against another writer begins anew, at `claim`.
        """
        ...

    def left(self, phase: Phase) -> None:
        """A phase is over, or was broken off."""
        ...


class Stopwatch:
    """Measures the phases of one turn into `times`, and tells who watches. Costs nothing else."""

    __slots__ = ("_now", "_phase", "_since", "_times", "watchers")

    def __init__(
        self,
        times: Mapping[str, Durations] | None = None,
        watchers: Sequence[PhaseWatcher] = (),
        *,
        now: Callable[[], float] = time.perf_counter,
    ) -> None:
        self.watchers = watchers
        self._times = times
        self._now = now
        self._phase: Phase | None = None
        self._since = 0.0

    def enter(self, phase: Phase | None) -> None:
        """The next phase begins, or none; the one before is over."""
        now, before = self._now(), self._phase
        if before is not None and self._times is not None:
            self._times[before].add(now - self._since)
        self._phase, self._since = phase, now
        if self.watchers:
            self._tell(before, phase)

    def leave(self) -> None:
        """The last phase is over, for good or because the turn broke."""
        if self._phase is not None:
            self.enter(None)

    def within(self, phase: Phase) -> Within:
        """For a `with`: a phase inside of the present one, whose time is not the present one's."""
        return Within(self, phase)

    def _tell(self, left: Phase | None, entered: Phase | None) -> None:
        if left is not None:
            for watcher in self.watchers:
                with contextlib.suppress(*FAILURES):
                    watcher.left(left)
        if entered is not None:
            for watcher in self.watchers:
                with contextlib.suppress(*FAILURES):
                    watcher.entered(entered)


class Within:
    """A phase inside of another one."""

    __slots__ = ("_outer", "_phase", "_since", "_watch")

    def __init__(self, watch: Stopwatch, phase: Phase) -> None:
        self._watch = watch
        self._phase: Phase = phase
        self._outer: tuple[Phase | None, float] = (None, 0.0)

    def __enter__(self) -> None:
        watch = self._watch
        self._outer = watch._phase, watch._since
        watch._phase = None
        watch.enter(self._phase)

    def __exit__(self, *_: object) -> None:
        watch = self._watch
        began = watch._since
        watch.leave()
        outer, since = self._outer
        watch._phase, watch._since = outer, since + (watch._now() - began)
