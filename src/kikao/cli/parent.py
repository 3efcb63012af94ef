"""A process that ends with whoever started it, who holds the other end of a pipe for as long as they live."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Final

OUTLIVES: Final = 60.0
"""Seconds this may outlive whoever started it: WebSockets have 30, requests and effects that run 10 each."""


def end_with_it(hears: int, *, outlives: float = OUTLIVES, told: Callable[[], object] = lambda: None) -> None:
    """End when the pipe `hears` closes, though an import be under way for ever: with SIGTERM, and in the end at once.

    Whatever comes on it before is passed on to `told`. Both happen in a thread of their own.
    """

    def follow() -> None:
        while os.read(hears, 1):
            told()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(outlives)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
