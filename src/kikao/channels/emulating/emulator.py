"""One side of the wire, played: what a provider does with calls, whatever they say, and what it remembers of them."""

from __future__ import annotations

import asyncio
import hashlib
import json
import random
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from kikao.channels.calling import Answer, Call, Unanswered
from kikao.channels.emulating.deliveries import Deliveries, Send
from kikao.channels.emulating.limits import Windows
from kikao.channels.emulating.moods import Moods
from kikao.channels.emulating.wire import Application, Asked, application
from kikao.channels.ussd.clients.client import Exchange


class Refusal(NamedTuple):
    """A call that a provider did not take, as it was."""

    what: str
    """A method, or the kind of a message."""
    code: int
    """The provider's own."""
    said: str


class Accepted(NamedTuple):
    """A message that was taken: a line of the ledger."""

    at: float
    """Seconds since the epoch."""
    to: str
    kind: str
    digest: str
    """SHA-256 of what was said to be sent, in hexadecimal."""
    id: str
    reference: str = ""
    """What the caller wanted to have back in reports; empty where nothing."""
    seen: bool = True
    """Whether it ever came to a member."""


class Emulator(Moods, ABC):
    """A provider that is called (it is a `kikao.channels.calling.Make`), and that tells a server what members do.

    `send` is the way to that server, `path` where it takes webhooks. `clock` and `chance` are all that it knows of time
    and of luck, so that a run can be repeated.
    """

    def __init__(
        self,
        *,
        path: str,
        send: Send | None,
        clock: Callable[[], float] | None,
        chance: random.Random | None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        batches: bool = False,
    ) -> None:
        super().__init__(clock or time.time, chance or random.Random(0), pause)  # noqa: S311 - luck, no secrets
        self.path = path
        self.calls = 0
        """How often it was called, whatever came of it."""
        self.by_method: Counter[str] = Counter()
        """Calls that were understood, by method or kind."""
        self.refused: list[Refusal] = []
        """What was wrong with calls that were not taken. A test that expects none asserts that."""
        self.ignored: set[str] = set()
        """`method.parameter`, of what the provider does not know: it takes such a call, and does nothing about it."""
        self.breaches = 0
        """Calls that were more than a limit allows."""
        self.ledger: list[Accepted] = []
        """Messages that were taken, in order."""
        self.deliveries = Deliveries(self.packed, self.clock, self.chance, batches=batches)
        self.deliveries.send = send
        self.after: Callable[[], Awaitable[Any]] | None = None
        """Awaited after what a member did was delivered: have it send what is due, `stage.push` say."""
        self.windows = Windows()
        self.invisible = False
        """Whether nobody sees what is performed at the moment."""

    async def __call__(self, call: Call) -> Answer:
        """Take a call. Raises `Unanswered`."""
        self.calls += 1
        await self.takes_time()
        mood = self.mood()
        if mood is None:
            return await self.perform(Asked.of(call))
        if mood.kind == "refuses":
            raise Unanswered("ConnectError")
        if mood.kind == "fails":
            return self.failed(int(mood.value))
        if mood.kind == "limits":
            self.breaches += 1
            return self.limited(mood.value)
        self.invisible = mood.kind == "loses"
        try:
            said = await self.perform(Asked.of(call))
        finally:
            self.invisible = False
        if mood.kind == "silent":
            raise Unanswered("no answer in time")
        return said

    @property
    def application(self) -> Application:
        """The same as an ASGI application: `uvicorn.run(api.application, port=8081)`."""
        return application(self)

    @abstractmethod
    async def perform(self, asked: Asked) -> Answer:
        """What the provider does with a call when it is in no mood."""

    @abstractmethod
    def failed(self, status: int) -> Answer:
        """How it says that it is not well."""

    @abstractmethod
    def limited(self, seconds: float) -> Answer:
        """How it says that this is too much."""

    @abstractmethod
    def packed(self, events: Sequence[Any], changed: bool) -> Exchange:
        """Events as a request; `changed` has the same in it and other bytes."""

    async def deliver(self) -> int:
        """Tell the server what is due by the clock, also what it did not take before; how many requests it took."""
        count = await self.deliveries.deliver()
        if self.after is not None:
            await self.after()
            count += await self.deliveries.deliver()  # what became of that
        return count

    async def run(self, every: float = 0.05) -> None:
        """Deliver what is due for ever, in real time: for a server in another process. To be cancelled."""
        while True:
            await self.deliver()
            await self.pause(every)

    def accept(
        self, to: str, kind: str, said: Any, name: str, reference: str = "", *, seen: bool = True
    ) -> None:
        """Write a message into the ledger."""
        digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
        self.ledger.append(
            Accepted(self.clock(), to, kind, digest, name, reference, seen and not self.invisible)
        )

    def duplicates(self) -> list[Accepted]:
        """Messages that members saw before, the same to the same, word by word; each but the first."""
        met: set[tuple[str, str]] = set()
        found = []
        for each in (entry for entry in self.ledger if entry.seen):
            key = each.to, each.digest
            if key in met:
                found.append(each)
            met.add(key)
        return found


def written(said: Any, changed: bool) -> bytes:
    """JSON as a provider writes it; `changed` in another order, with other spaces and escapes."""
    if changed:
        return json.dumps(said, sort_keys=True, indent=1, ensure_ascii=True).encode()
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()
