"""The turn around the engine where nothing is kept and nothing real happens."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final, TypeVar

from kikao.checking.exploring.services import Circumstances, stand_in
from kikao.conversation.effects import Settled, Work

T = TypeVar("T")

SEED: Final = bytes(32)
PATIENCE: Final = 0.25
"""Seconds a look-up may wait for something; a stand-in answers at once."""


class ExploringHost:
    """The engine's host for one explored turn (see `kikao.conversation.effects.Host`)."""

    def __init__(
        self, around: Circumstances, services: Mapping[Any, Any] | None, now: dt.datetime, label: str
    ) -> None:
        self.now = now
        self.deadline = asyncio.get_running_loop().time() + PATIENCE
        self.destinations: Collection[str] | None = None
        self.late: list[tuple[Work, Settled]] = []
        """Effects that came to something after the reply."""
        self.asked_for: set[Any] = set()
        self._intended: set[str] = set()
        self._around = around
        self._services = services
        self._label = label

    def new_run(self) -> tuple[str, bytes]:
        """The same for the same conversation, so that two that came to the same are seen to."""
        return self._label, SEED

    def service(self, kind: Callable[..., T]) -> T:
        """A stand-in. Raises `LookupError`."""
        self.asked_for.add(kind)
        return stand_in(kind, self._services, self._around)  # type: ignore[no-any-return]

    async def intend(self, works: Sequence[Work]) -> None:
        """Nothing is kept; what is not intended now was begun before, and only asked about."""
        self._intended = {work.intent.token for work in works}

    async def perform(self, works: Sequence[Work]) -> list[Settled | None]:
        """Each effect comes to something: in time, or when the reply is gone."""
        outcomes: list[Settled | None] = []
        around = self._around
        for work in works:
            around.within = "effect" if work.intent.token in self._intended else "check"
            try:
                settled = await work.perform()
            finally:
                around.within = "read"
            in_time = around.oracle.choose(f"{work.intent.key.partition('#')[0]}/time", (True, False))
            if not in_time:
                self.late.append((work, settled))
            outcomes.append(settled if in_time else None)
        return outcomes
