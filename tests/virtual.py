"""Time that no machine can be too slow for: an event loop that never waits, and moves its clock to the next timer.

So a test may let a bank take ten seconds, a lease lapse or a week go by, a turn may have a tenth of a second, and
everything happens in an order that only the test decides. A test that is marked so runs in it, where nothing does I/O
and no thread is waited for:

    @pytest.mark.virtual_time
    async def test_one_that_hangs_is_cut() -> None: ...
"""

from __future__ import annotations

import asyncio
import selectors
from typing import Any


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop without I/O whose time jumps to the next timer."""

    def __init__(self) -> None:
        self.virtual = 0.0
        super().__init__(_Skipping(self))

    def time(self) -> float:
        return self.virtual


class _Skipping(selectors.SelectSelector):
    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise AssertionError("everybody waits and nothing will ever happen")
        if timeout > 0:
            self._loop.virtual += timeout
        return []
