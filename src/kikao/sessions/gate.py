"""The gate before turns: how many may be at work, and none while one after another runs out of time.

What hangs costs each member the whole time of a reply, and the process a place among its turns. So there are only so
many places; and when several turns in a row ran out of time, the others are told at once that the service is
unavailable. Only one in a while is let through, to see whether it is over, and the first that works lets everybody in
again. Whoever is turned away costs neither the store nor the records anything.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final

MOST: Final = 1000
"""Turns at the same time, unless `KIKAO_TURNS` says otherwise."""

TRIES: Final = 5
"""So many one after the other that ran out of time, and the gate closes."""

LONG: Final = 0.3
"""Seconds after which whatever came to nothing had waited for something that hangs."""

PROBE: Final = 0.5
"""Seconds between two that are let through while it is closed."""


class Crowded(Exception):
    """As many turns as may be are at work."""


class Hanging(Exception):
    """The turns before this one ran out of time: the store or the records do not answer."""


class Gate:
    """Entered (`with gate:`) for as long as a turn is at work, unless it `refuses`."""

    def __init__(
        self,
        most: int = MOST,
        *,
        tries: int = TRIES,
        probe: float = PROBE,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.inside = 0
        """Turns at work."""
        self._most = most
        self._tries = tries
        self._probe = probe
        self._monotonic = monotonic
        self._failed = 0
        self._next = 0.0

    @property
    def crowded(self) -> bool:
        """Whether as many turns as may be are at work."""
        return self.inside >= self._most

    def refuses(self) -> Exception | None:
        """Why this one may not try; None lets it in."""
        if self.crowded:
            return Crowded()
        if self._failed < self._tries:
            return None
        now = self._monotonic()
        if now < self._next:
            return Hanging()
        self._next = now + self._probe
        return None

    def __enter__(self) -> None:
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1

    def worked(self) -> None:
        """One did not run out of time."""
        self._failed = 0

    def failed(self, after: float = math.inf) -> None:
        """One ran out of time; or came to nothing `after` seconds, which are as bad when they are many."""
        if after < LONG:
            return
        self._failed += 1
        if self._failed == self._tries:
            self._next = self._monotonic() + self._probe
