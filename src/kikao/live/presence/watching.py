"""What this process knows of the topics that its clients joined: who is there, whichever process they are on.

    watching = Watching(store, owned, released, wake=beats.set)
    running = asyncio.create_task(watching.run())      # heals
    watching.subscribe("room:1")                       # when the first client here joins, before anything else
    await watching.present("room:1")                   # the payload of `presence_state`
    watching.heard(change)                             # whoever hears the bus says it; `missed` after a gap
    watching.unsubscribe("room:1")

A topic is listed once, and then changes say what is new. The bus may lose some: what a topic misses is seen by the next
change, or by asking the store for its version now and then, and made good by listing it anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

from kikao.channels.socket.protocol import Json
from kikao.events import Publish
from kikao.events.uncaught import tolerated
from kikao.live.presence.fetching import Released
from kikao.live.presence.owned import Owned
from kikao.live.presence.state import Diff, State, Told, listed
from kikao.live.stores.store import BEAT, Change, Entry, LiveAway, LiveStore

POSITION: Final = 10.0
"""Seconds between two times that a process asks whether it is behind: as late as that a lost message is noticed."""

GRACE: Final = 0.2
"""Seconds in which a missing change may still come by itself, before the store is asked for all."""

DOUBT: Final = 2.5 * BEAT
"""Seconds in which everybody puts again what a store lost; who is not there by then has left."""

AT_ONCE: Final = 1000
"""Topics whose versions are asked for in one call."""

LISTINGS: Final = 16
"""Listings that are under way at once."""

INTERNAL: Final = "\x1f"
"""Topics that begin so are kikao's: in the store, and told to nobody."""


class _Watched:
    """A topic that clients of this process have joined."""

    __slots__ = ("count", "is_told", "listing", "state")

    def __init__(self, state: State) -> None:
        self.state = state
        self.count = 0
        self.is_told = False
        """Whether anybody was told who is there before it was listed."""
        self.listing: asyncio.Future[None] | None = None
        """Done when it was listed by whoever does that now."""


class Watching:
    """See the module. `owned` is what this process itself tracks, `released` gets each diff for its clients, in order;
    `wake` is called when something of its own is to be written again."""

    def __init__(
        self,
        store: LiveStore,
        owned: Owned,
        released: Released,
        *,
        wake: Callable[[], None],
        publish: Publish = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._owned = owned
        self._released = released
        self._wake = wake
        self._publish = publish
        self._clock = clock
        self._topics: dict[str, _Watched] = {}
        self._behind: set[str] = set()
        """Topics to list, unless what is missing comes first."""
        self._doubtful: dict[str, float] = {}
        """Topics with entries that an earlier store had, and until when they are shown."""
        self._lanes = asyncio.Semaphore(LISTINGS)
        self._wake_look, self._wake_catch = asyncio.Event(), asyncio.Event()
        self.healed = 0
        """Listings that told something which no change had told."""

    # --- what channels ask ---

    def subscribe(self, topic: str) -> None:
        """One more client of this process wants the diffs of a topic. Raises `ValueError` for one of kikao's own."""
        watched = self._topics.get(topic)
        if watched is None:
            watched = self._topics[public(topic)] = _Watched(State(self._owned.entries, self._owned.gone))
        watched.count += 1

    def unsubscribe(self, topic: str) -> None:
        """One less. With the last one the topic is forgotten here."""
        watched = self._topics[topic]
        watched.count -= 1
        if not watched.count:
            del self._topics[topic]
            self._doubtful.pop(topic, None)

    async def present(self, topic: str) -> Json:
        """Who is there: the payload of `presence_state`. Every change that is not in it comes as a diff later on, where
        the topic is subscribed to; a client joins the two whatever is first. Of a topic that is not, what the store
        has now. Without the store it is what this process knows."""
        watched = self._topics.get(topic)
        if watched is None:
            watched = _Watched(State(self._owned.entries, self._owned.gone))
        await self._listed(topic, watched)
        if topic not in self._topics and self._owned.is_away:
            for entry in [entry for entry in self._owned.entries.values() if entry.topic == topic]:
                watched.state.show(entry)
        watched.is_told = watched.is_told or not watched.state.is_listed
        return await self._released.list(topic, listed(watched.state))

    async def knows(self, topic: str) -> bool:
        """Whether all who are in a topic that is subscribed to are known. False where the store is away, and was not
        heard of the topic before: `present` would show a part then."""
        watched = self._topics.get(topic)
        if watched is None:
            return True
        await self._listed(topic, watched)
        return watched.state.is_listed

    @property
    def topics(self) -> int:
        """Topics that clients of this process have joined."""
        return len(self._topics)

    # --- what this process tracks itself ---

    def show(self, entry: Entry, *, replaces: Entry | None = None) -> None:
        """An entry of this process is there from now on, in the place of another one."""
        if (watched := self._topics.get(entry.topic)) is not None:
            self._tell(entry.topic, watched.state.show(entry, replaces=replaces))

    def hide(self, entry: Entry) -> None:
        """An entry is there no longer."""
        if (watched := self._topics.get(entry.topic)) is not None:
            self._tell(entry.topic, watched.state.hide(entry))

    async def may_be_held(self, topic: str, key: str, meta: bytes) -> bool:
        """Whether the store may hold an entry of this key and meta. It is asked for its listing first where the topic
        is subscribed to and was not listed yet; of one that is not subscribed to nothing is known."""
        watched = self._topics.get(topic)
        if watched is None:
            return True
        await self._listed(topic, watched)
        held = (entry.meta == meta and not self._owned.is_live(entry) for entry in watched.state.at(key))
        return not watched.state.is_listed or any(held)

    def doubt(self, topic: str) -> None:
        """The store did not have what it should have of a topic."""
        if (watched := self._topics.get(topic)) is not None:
            watched.state.doubt()
            self._catch(topic, watched.state)

    def settle(self) -> None:
        """Who was not put again in time since the store began anew has left."""
        now = self._clock()
        for topic in [topic for topic, until in self._doubtful.items() if until <= now]:
            del self._doubtful[topic]
            self._tell(topic, self._topics[topic].state.settle())

    # --- what the bus says ---

    def heard(self, change: Change) -> None:
        """Another process, or this one, told of a change."""
        if (watched := self._topics.get(change.topic)) is not None:
            self._learn(change.topic, watched, watched.state.hear(change))

    def missed(self) -> None:
        """Something may have been missed."""
        self._wake_look.set()

    # --- what is done all the time ---

    async def run(self) -> None:
        """Look for what is missing, and heal, for ever; cancel it to stop."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_on())
            tasks.create_task(self._catch_up_on())

    async def look(self) -> None:
        """Ask whether any topic is behind; those that are get listed, unless what they miss comes soon."""
        names = list(self._topics)
        try:
            for start in range(0, len(names), AT_ONCE):
                some = names[start : start + AT_ONCE]
                was = {
                    topic: (at.state.epoch, at.state.version)
                    for topic in some
                    if (at := self._topics.get(topic))
                }
                for topic, (epoch, version) in (await self._store.versions(some)).items():
                    if (watched := self._topics.get(topic)) is not None:
                        state, (before, known) = watched.state, was.get(topic, ("", 0))
                        state.knows(epoch, version)
                        if epoch == before == state.epoch and version < known:
                            state.goes_back()
                        self._catch(topic, state)
        except LiveAway:
            self._owned.is_away = True

    async def catch_up(self) -> None:
        """List those that are behind."""
        topics, self._behind = self._behind, set()
        watched = [(topic, found) for topic in topics if (found := self._topics.get(topic)) is not None]
        await asyncio.gather(*(self._list(topic, each) for topic, each in watched if each.state.is_behind))

    async def _look_on(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POSITION):
                    await self._wake_look.wait()
            self._wake_look.clear()
            if not self._owned.is_away:
                with tolerated(self._publish):
                    await self.look()

    async def _catch_up_on(self) -> None:
        while True:
            await self._wake_catch.wait()
            self._wake_catch.clear()
            await asyncio.sleep(GRACE)
            with tolerated(self._publish):
                await self.catch_up()

    # --- one topic at a time ---

    async def _listed(self, topic: str, watched: _Watched) -> None:
        """Once it was listed, or the store is away."""
        while not (watched.state.is_listed or self._owned.is_away):
            await self._list(topic, watched)

    async def _list(self, topic: str, watched: _Watched) -> None:
        """List it, once for all who want that now."""
        if watched.listing is not None:
            await asyncio.shield(watched.listing)
            return
        listing = watched.listing = asyncio.get_running_loop().create_future()
        try:
            await self._list_anew(topic, watched)
        except asyncio.CancelledError:  # others may want it still
            self._catch(topic, watched.state)
            raise
        finally:
            watched.listing = None
            listing.set_result(None)

    async def _list_anew(self, topic: str, watched: _Watched) -> None:
        state, was = watched.state, (watched.state.is_listed, watched.state.epoch)
        try:
            async with self._lanes:
                state.asking()
                listing = await self._store.listing(topic)
        except LiveAway:
            state.doubt()
            self._owned.is_away = True
            return
        except BaseException:
            state.doubt()
            raise
        found = state.list_anew(listing)
        if was[0] and found.diffs:
            self.healed += 1
        if not was[0] and not watched.is_told:  # nobody was told anything yet
            found = found._replace(diffs=())
        self._learn(topic, watched, found)
        if was[0] and was[1] != state.epoch:
            self._owned.rehold(topic)
        if state.is_doubtful and self._topics.get(topic) is watched:
            self._doubtful.setdefault(topic, self._clock() + DOUBT)
        for entry in listing.entries:
            if self._owned.is_orphan(entry):
                self._owned.remove(entry)
                self._tell(topic, state.hide(entry))

    def _learn(self, topic: str, watched: _Watched, found: Told) -> None:
        for diff in found.diffs:
            self._tell(topic, diff)
        for entry in found.lost:
            self._owned.lost(entry)
        if found.lost:
            self._wake()
        self._catch(topic, watched.state)

    def _tell(self, topic: str, diff: Diff) -> None:
        if diff and topic in self._topics:
            self._released.diff(topic, diff)

    def _catch(self, topic: str, state: State) -> None:
        if state.is_behind:
            self._behind.add(topic)
            self._wake_catch.set()


def public(topic: str) -> str:
    """The topic, which clients can join. Raises `ValueError` for one of kikao's own."""
    if topic.startswith(INTERNAL):
        raise ValueError(f"{topic[:60]!r} is a topic of kikao's own")
    return topic
