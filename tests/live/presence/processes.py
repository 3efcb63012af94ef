"""Processes of an app in one event loop: a store and a bus between them that lose, delay and part as a test wants it.

Nothing here waits for a clock: time is what a test says it is, and `quiet` lets everything happen that can.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

from kikao.bus import FanoutAway, Gap, Message
from kikao.bus.fanout import Heard, checked
from kikao.bus.subscribers import Subscription
from kikao.channels.socket.protocol import Json
from kikao.events import Event
from kikao.live.news import Changed
from kikao.live.presence.fetching import Fetch
from kikao.live.presence.tracking import Tracker
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import LiveAway, LiveStore
from kikao.live.wire import NODE, Wire
from tests.live.presence.client import Client, Payload

ROOM = "room:1"

PHONE, LAPTOP = {"device": "phone"}, {"device": "laptop"}
"""Metas of two devices of somebody."""


async def quiet() -> None:
    """Everything that waits for nothing but its turn has had it."""
    for _ in range(80):
        await asyncio.sleep(0)


class Line:
    """What all buses hang on. `lost` says of each message whether it never reaches a process, silently."""

    def __init__(self) -> None:
        self.ends: dict[str, list[Subscription]] = {}
        self.parted: set[str] = set()
        self.lost: Callable[[str], bool] = lambda _: False
        self.is_slow = False
        self._late: list[tuple[str, Message]] = []

    def carry(self, by: str, payload: bytes) -> None:
        for name in self.ends:
            if name in self.parted or by in self.parted or self.lost(name):
                continue
            if self.is_slow:
                self._late.append((name, Message(payload)))
            else:
                self.deliver(name, Message(payload))

    def deliver(self, name: str, heard: Heard) -> None:
        for end in self.ends.get(name, ()):
            end.put(heard)

    def arrive(self, *, backwards: bool = False) -> None:
        """What was slow is there, in its order or the other way round."""
        late, self._late = self._late, []
        for name, message in reversed(late) if backwards else late:
            self.deliver(name, message)

    def part(self, name: str) -> None:
        """One process hears nothing any more, and nobody hears it."""
        self.parted.add(name)

    def join(self, name: str) -> None:
        """It is connected again, and told that something may be missing."""
        self.parted.discard(name)
        self.deliver(name, Gap())


class LossyFanout:
    """The bus of one process; see `Fanout`."""

    def __init__(self, line: Line, name: str) -> None:
        self._line = line
        self._name = name

    async def open(self) -> None:
        """There is nothing to connect to."""

    async def close(self) -> None:
        for end in self._line.ends.pop(self._name, []):
            end.close()

    async def publish(self, topic: str, payload: bytes) -> None:
        checked(topic, payload)
        await self.answers()
        self._line.carry(self._name, payload)

    @contextlib.asynccontextmanager
    async def subscribe(self, topic: str) -> AsyncIterator[AsyncIterator[Heard]]:
        checked(topic)
        end = Subscription()
        self._line.ends.setdefault(self._name, []).append(end)
        yield end

    def reaches_others(self, topic: str) -> bool:
        return True

    async def answers(self) -> None:
        if self._name in self._line.parted:
            raise FanoutAway("parted")


class Door:
    """The way of one process to the store. While it is shut nothing passes; ajar, calls are made and not answered."""

    def __init__(self, store: Callable[[], LiveStore]) -> None:
        self._store = store
        self.is_shut = False
        self.is_ajar = False
        self.lag: Callable[[], int] = lambda: 1
        """Turns of the loop that a call takes on its way there, and on its way back."""
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        async def call(*args: Any, **named: Any) -> Any:
            self.calls[name] += 1
            await self._lags()
            if self.is_shut and name not in ("open", "close"):
                raise LiveAway("shut")
            found = await getattr(self._store(), name)(*args, **named)
            await self._lags()
            if self.is_ajar:
                raise LiveAway("ajar")
            return found

        return call

    async def _lags(self) -> None:
        for _ in range(self.lag()):
            await asyncio.sleep(0)


class World:
    """The clock, the store, and the line between processes."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.store = MemoryLive(clock=lambda: self.now)
        self.line = Line()
        self.refs = (f"r{n:05}" for n in range(100_000))
        self.processes: list[Process] = []
        self.wanted: set[str] = set()
        """Refs that their processes track."""

    def wipe(self) -> None:
        """The store begins anew."""
        self.store = MemoryLive(clock=lambda: self.now)

    async def process(self, name: str, *, watches: bool = True, **options: Any) -> Process:
        found = Process(self, name, **options)
        self.processes.append(found)
        await found.tracker.beat()
        if watches:
            await found.watch()
        return found

    async def passes(self, seconds: float, *, reaps: bool = True) -> None:
        """So long, in which everybody who lives beats, and looks for the dead."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 3.0, until)
            for each in [each for each in self.processes if each.is_alive]:
                await each.tracker.beat()
                if reaps:
                    await each.tracker.reap()
                await quiet()

    async def heals(self) -> None:
        """As long as it takes until all who live have asked where they are, and it is quiet."""
        for _ in range(3):
            await self.passes(3.0)
            for each in [each for each in self.processes if each.is_alive]:
                await each.watching.look()
                await each.watching.catch_up()
                await quiet()

    def there(self) -> set[str]:
        """Refs that the store has."""
        topic = self.store._topics.get(ROOM)
        return set(topic.entries) if topic else set()


class Process:
    """A process with a tracker, and one client in the room."""

    def __init__(self, world: World, name: str, *, fetch: Fetch | None = None, window: float = 30.0) -> None:
        self.name = name
        self.world = world
        self.client = Client()
        self.door = Door(lambda: world.store)
        self.diffs: list[Payload] = []
        self.joins: Counter[str] = Counter()
        self.leaves: Counter[str] = Counter()
        self.events: list[Event] = []
        self.is_alive = True
        self.wire = Wire(LossyFanout(world.line, name), name.ljust(NODE))
        self.tracker = Tracker(
            cast("LiveStore", self.door),
            node=name,
            tell=self.wire.tell,
            diffed=self._diffed,
            fetch=lambda _: fetch,
            publish=self.events.append,
            refs=lambda: next(world.refs),
            clock=lambda: world.now,
            window=window,
        )
        self.watching = self.tracker.watching
        self.wire.on(Changed, lambda news: self.tracker.heard(news.change))
        self.wire.on_gap(self.watching.missed)
        self._running = asyncio.create_task(self.wire.run())

    async def watch(self) -> None:
        """Its client joins."""
        self.watching.subscribe(ROOM)
        self.client.on_state(await self.present())

    async def rejoin_anew(self) -> None:
        """The only client here joins again: the topic was forgotten meanwhile."""
        self.watching.unsubscribe(ROOM)
        self.client.rejoin()
        await self.watch()

    async def present(self) -> Payload:
        """Who is there."""
        return cast("Payload", json.loads(await self.watching.present(ROOM)))

    async def rejoin(self) -> None:
        self.client.rejoin()
        self.client.on_state(await self.present())

    def kill(self) -> None:
        """It ends, and says nothing."""
        self.is_alive = False
        self.door.is_shut = True
        self._running.cancel()
        self.world.line.ends.pop(self.name, None)

    async def track(self, key: str, **meta: Any) -> str:
        ref = await self.tracker.track(ROOM, key, meta)
        await quiet()
        return ref

    def metas(self, key: str) -> list[Payload]:
        """What the client shows of a key."""
        found = self.client.members.get(key, {"metas": []})
        return cast("list[Payload]", found["metas"])

    def _diffed(self, topic: str, said: Json) -> None:
        if not self.is_alive:
            return
        payload = json.loads(said)
        assert topic == ROOM
        assert payload["joins"] or payload["leaves"]
        self.diffs.append(payload)
        for half, counter in (("joins", self.joins), ("leaves", self.leaves)):
            counter.update(meta["phx_ref"] for of in payload[half].values() for meta in of["metas"])
        self.client.on_diff(payload)
