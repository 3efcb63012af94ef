"""A store that forgets its last writes although it acknowledged them, as Redis does after a failover."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from kikao.sessions.store import Claim, Write
from kikao.sessions.stores.memory import MemoryStore

WRITES = ("intent", "commit")


class ForgetfulStore(MemoryStore):
    """The memory store with a log of what was done: what is forgotten is taken off its end, and the rest done again."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.after_write: Callable[[int], None] | None = None
        """Called after each write with its number, the first is 1: it may have the store forget, or raise."""
        self.before_write: Callable[[int], None] | None = None
        """The same, before the write it would be."""

    @property
    def writes(self) -> int:
        """How many it knows of."""
        return sum(name in WRITES for name, _, _ in self.log)

    def forget(self, writes: int) -> None:
        """Lose the last so many writes, and all that came in between."""
        forgetting = self._take_back(writes)
        with contextlib.suppress(StopIteration):  # nothing in the memory store waits
            forgetting.send(None)
            raise AssertionError("it waits")

    async def _take_back(self, writes: int) -> None:
        while writes > 0 and self.log:
            writes -= self.log.pop()[0] in WRITES
        while self.log and self.log[-1][0] not in WRITES:  # of turns whose end is forgotten
            self.log.pop()
        self.__dict__.update(MemoryStore().__dict__)
        for name, args, kwargs in self.log:
            await getattr(MemoryStore, name)(self, *args, **kwargs)
        await self.open()  # leases of turns whose end is forgotten would only have the test wait

    async def claim(self, *args: Any, **kwargs: Any) -> Any:
        found = await super().claim(*args, **kwargs)
        self.log.append(("claim", args, {**kwargs, "wait": 0.0}))
        return found

    async def intent(self, write: Write) -> None:
        self._writes()
        await super().intent(write)
        self._wrote("intent", write)

    async def commit(self, write: Write) -> None:
        self._writes()
        await super().commit(write)
        self._wrote("commit", write)

    async def release(self, claim: Claim) -> None:
        await super().release(claim)
        self.log.append(("release", (claim,), {}))

    async def renew(self, *args: Any) -> int:
        renewed = await super().renew(*args)
        self.log.append(("renew", args, {}))
        return renewed

    def _writes(self) -> None:
        if self.before_write is not None:
            self.before_write(self.writes + 1)

    def _wrote(self, name: str, write: Write) -> None:
        self.log.append((name, (write,), {}))
        if self.after_write is not None:
            self.after_write(self.writes)
