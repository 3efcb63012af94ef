"""What a measured server does when its benchmark asks: collect garbage, and watch its event loop."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping
from typing import Any, Final

CONTROL: Final = "control"
"""The topic of these questions; the first socket that joins it is the benchmark's own."""

_TICK: Final = 0.002


class Inside:
    """Of one process."""

    def __init__(self) -> None:
        self._watch: asyncio.Task[None] | None = None
        self._worst = 0.0

    async def collect(self) -> Mapping[str, Any]:
        """What nobody holds any longer is gone when this is answered."""
        return {"found": gc.collect()}

    async def watch(self) -> Mapping[str, Any]:
        """From now on, see how late the event loop is."""
        self._worst = 0.0
        self._watch = asyncio.create_task(self._late())
        return {}

    async def lag(self) -> Mapping[str, Any]:
        """The seconds that it was late at worst; the watch is over."""
        assert self._watch is not None
        self._watch.cancel()
        return {"seconds": self._worst}

    async def _late(self) -> None:
        due = time.perf_counter() + _TICK
        while True:
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            now = time.perf_counter()
            self._worst = max(self._worst, now - due)
            due = now + _TICK


def payload(octets: int) -> dict[str, str]:
    """An object that is so many octets of JSON."""
    return {"text": "x" * (octets - len('{"text":""}'))}
