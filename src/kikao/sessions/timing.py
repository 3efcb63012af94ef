"""A session store with a stopwatch: how long each of its calls takes, and which errors they raise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import Any, TypeVar

from kikao.metrics.declared import STORE_FAILURES, STORE_SECONDS
from kikao.metrics.numbers import Counts, Durations
from kikao.metrics.phases import BOUNDS
from kikao.metrics.snapshot import Snapshot
from kikao.sessions.passing import Answer, PassingStore
from kikao.sessions.store import CALLS, SessionStore

T = TypeVar("T")


class TimedStore(PassingStore):
    """A `SessionStore` that passes everything on to `store`, and measures `CALLS`."""

    def __init__(self, store: SessionStore) -> None:
        super().__init__(store)
        self.times = {call: Durations(BOUNDS) for call in CALLS}
        """Seconds, by call."""
        self.failures: Counts = Counter()
        """By call and the type of the error."""

    def into(self, snapshot: Snapshot) -> None:
        """Put what was measured in."""
        snapshot.time(STORE_SECONDS, {(call,): of for call, of in self.times.items()})
        snapshot.count(STORE_FAILURES, self.failures)

    @property
    def waiting(self) -> int:
        """Writes that wait for the disk, where the store can tell."""
        found: int = getattr(self.store, "waiting", 0)
        return found

    def _pass(self, call: Callable[..., Answer[T]], *args: Any, **kwargs: Any) -> Answer[T]:
        if call.__name__ not in self.times:
            return call(*args, **kwargs)
        return self._time(call.__name__, call(*args, **kwargs))

    async def _time(self, call: str, work: Answer[T]) -> T:
        began = perf_counter()
        try:
            return await work
        except Exception as error:
            self.failures[call, type(error).__name__] += 1
            raise
        finally:
            self.times[call].add(perf_counter() - began)
