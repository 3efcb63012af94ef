"""A dispatcher on a store of its own, whose clock stands still, and senders that say what they are told to say."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from kikao.channels.outbox import Delivered, Destination, Dispatcher, Letter, Outcome
from kikao.conversation.journal import Posted
from kikao.events import Event
from kikao.sessions.keeper import Sessions
from kikao.sessions.outgoing import Outgoing
from kikao.sessions.posting import outgoing
from kikao.sessions.sealing import KeyRing
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Clock
from kikao.testing.mortal import Mortal

CRM, SHOP = "webhook/crm", "webhook/shop"


class Post:
    """A sender that says what it is told to say, and keeps what it was given."""

    def __init__(self, answer: Callable[[Letter], Outcome] = lambda _: Delivered()) -> None:
        self.letters: list[Letter] = []
        self.answer = answer
        self.most = self.now = 0
        self.hold: asyncio.Event | None = None

    async def send(self, letter: Letter) -> Outcome:
        self.letters.append(letter)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await (self.hold.wait() if self.hold else asyncio.sleep(0))
            return self.answer(letter)
        finally:
            self.now -= 1

    @property
    def bodies(self) -> list[bytes]:
        return [letter.body for letter in self.letters]


class Office:
    """A store, and a dispatcher on it."""

    def __init__(self, **destinations: Destination) -> None:
        self.clock = Clock()
        self.store = Mortal(MemoryStore())
        self.sessions = Sessions(self.store, KeyRing({"k": bytes(32)}), clock=self.clock)
        self.events: list[Event] = []
        self.destinations = {f"webhook/{name}": destination for name, destination in destinations.items()}
        self.dispatcher = self.another()
        self._count = 0

    def another(self, **options: int) -> Dispatcher:
        return Dispatcher(
            self.sessions,
            self.destinations,
            self.events.append,
            poll=0.01,
            chance=lambda: 1.0,
            at_once=options.get("at_once", 64),
        )

    async def post(self, *bodies: bytes, session: bytes = b"session", to: str = CRM) -> list[Outgoing]:
        posts = []
        for body in bodies:
            self._count += 1
            posts.append(Posted(self._count.to_bytes(16, "big"), to, body))
        messages = outgoing(self.sessions.ring, session, posts, self.clock())
        await self.store.post(messages)
        return messages

    async def states(self) -> list[str]:
        """Of all messages, as they were posted."""
        found = [message async for message in self.store.messages()]
        return [message.state for message in sorted(found, key=lambda each: each.id)]

    def told(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@contextlib.asynccontextmanager
async def running(dispatcher: Dispatcher) -> AsyncIterator[None]:
    task = asyncio.create_task(dispatcher.run())
    try:
        yield
    finally:
        await dispatcher.stop(1.0)
        await task


def has_sent(post: Post, count: int) -> bool:
    return len(post.letters) == count


def newest(post: Post) -> Destination:
    """One that is tried often and soon, and for each lane has only the newest message."""
    return Destination(
        sender=post,
        newest=True,
        timeout=5.0,
        first=0.25,
        longest=1.0,
        tries=99,
        sent_kept=0.0,
        dead_kept=60.0,
    )
