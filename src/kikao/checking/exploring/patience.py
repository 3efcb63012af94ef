"""Ends a turn whose code does not come back: a loop in a helper, a wait that blocks the process."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType
from typing import Final

from kikao.checking.exploring.probes import EndlessLoop

TURN: Final = 5.0
"""Seconds that one turn may take: explored ones take milliseconds."""


class Stuck(EndlessLoop):
    """The code of the app did not come back. No `except Exception` of a flow may keep it going."""


class Patience:
    """How long a turn may take. A context; on leaving it the alarm clock of the process is as it was.

    There is one alarm clock, and only the main thread hears it. In another thread, or where the app uses the clock
    itself, nothing is ended.
    """

    def __init__(self, files: frozenset[str], seconds: float = TURN) -> None:
        self._files = files
        self._seconds = seconds
        self._possible = False

    def __enter__(self) -> Patience:
        self._possible = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL
        )
        if self._possible:
            signal.signal(signal.SIGALRM, self._ring)
        return self

    def __exit__(self, *error: object) -> None:
        if self._possible:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, signal.SIG_DFL)

    @contextlib.contextmanager
    def turn(self) -> Iterator[None]:
        """Around one turn. Raises `Stuck` where it was in the app's code when its time was up."""
        if not self._possible:
            yield
            return
        signal.setitimer(signal.ITIMER_REAL, self._seconds, self._seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _ring(self, number: int, frame: FrameType | None) -> None:
        while frame is not None:
            if frame.f_code.co_filename in self._files:
                raise Stuck
            frame = frame.f_back
