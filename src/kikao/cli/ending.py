"""How a server stops: told by a signal, it finishes what it began; told a second time, it ends at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Final, Self

SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Ending:
    """Hears the signals that end a process, for as long as it is entered. `call` is called with the first one.

    SIGHUP, which a terminal sends when it is closed, ends as SIGTERM does, unless it is ignored already (`nohup`).
    """

    def __init__(self) -> None:
        self.told = 0
        """The signal that ended it; 0 while it is to go on."""
        self.call: Callable[[], None] = lambda: None
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in SIGNALS:
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self.told:
            # What is lost is what kill -9 loses: nothing that was acknowledged.
            sys.stderr.write(f"kikao: {signal.Signals(number).name} again: ending at once\n")
            sys.stderr.flush()
            os._exit(128 + number)
        self.told = number
        self.call()
