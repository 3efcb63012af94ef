"""Presence in one process: who is there, for its own clients, and what its own clients do, for everybody.

    tracker = Tracker(store, node=node, tell=wire.tell, diffed=hub.diffed)
    running = asyncio.create_task(tracker.run())       # beats, heals and reaps
    tracker.subscribe("room:1")                        # when the first client here joins, before anything else
    ref = await tracker.track("room:1", "asha", {"device": "phone"})
    ref = tracker.update("room:1", ref, {"device": "phone", "typing": True})
    await tracker.present("room:1")                    # the payload of `presence_state`
    tracker.hold("room:1", ref)                        # the socket was lost; `untrack` where it left
    tracker.unsubscribe("room:1")

Local first: what a client of this process does is shown to its neighbours at once, and written behind. So nothing waits
for the store, and nothing fails because it is away: then presence goes on among the clients of each process, what is to
be written is owed, and all of it meets when the store is back.

Whoever hears the bus hands over what it says: `heard` each `Changed`, `missed` a gap.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from kikao.channels.socket.protocol import Json
from kikao.events import ErrorUncaught, Publish, described
from kikao.live.news import Changed
from kikao.live.presence.fetching import Fetch, Released
from kikao.live.presence.owned import Owned
from kikao.live.presence.refs import Refs
from kikao.live.presence.state import Diff, State, Told, listed, write_meta
from kikao.live.stores.store import BEAT, Change, Entry, LiveAway, LiveStore

POSITION: Final = 10.0
"""Seconds between two times that a process asks whether it is behind: as late as that a lost message is noticed."""

REAP: Final = 3.0
"""Seconds between two times that a process looks for entries of the dead."""

GRACE: Final = 0.2
"""Seconds in which a missing change may still come by itself, before the store is asked for all."""

DOUBT: Final = 2.5 * BEAT
"""Seconds in which everybody puts again what a store lost; who is not there by then has left."""

RETRY: Final = 1.0
"""Seconds between two looks whether a store is back."""

AT_ONCE: Final = 1000
"""Topics whose versions are asked for in one call."""

LISTINGS: Final = 16
"""Listings that are under way at once."""

BURIED: Final = 1000
"""Processes that ended and are remembered."""

INTERNAL: Final = "\x1f"
"""Topics that begin so are kikao's: in the store, and told to nobody."""


class NotTracked(LookupError):
    """There is no such entry of this process: it was untracked, or held."""


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


class Tracker:
    """See the module. `diffed(topic, payload)` gets each `presence_diff` for clients of this process, in order, and
    waits for nothing; `tell` tells the other processes. `fetch(topic)` is the hook of a topic, if there is one. `died`
    is called when another process turns out to have ended. `node` is random for each start."""

    def __init__(
        self,
        store: LiveStore,
        *,
        node: str,
        tell: Callable[[Changed], None],
        diffed: Callable[[str, Json], None],
        fetch: Callable[[str], Fetch | None] = lambda _: None,
        died: Callable[[], None] = lambda: None,
        publish: Publish = lambda _: None,
        window: float = 30.0,
        refs: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.node = node
        self._store = store
        self._tell_others = tell
        self._died = died
        self._buried: dict[str, None] = {}
        """Processes of which it is known that they ended, the latest last."""
        self._window = window
        self._refs = refs or Refs()
        self._clock = clock
        self._publish = publish
        self._released = Released(diffed, fetch, publish)
        self._owned = Owned(
            store, node, written=self._written, missing=self._doubt, clock=clock, window=window
        )
        self._topics: dict[str, _Watched] = {}
        self._behind: set[str] = set()
        """Topics to list, unless what is missing comes first."""
        self._doubtful: dict[str, float] = {}
        """Topics with entries that an earlier store had, and until when they are shown."""
        self._is_retired = False
        self._lanes = asyncio.Semaphore(LISTINGS)
        self._wake_beat, self._wake_look, self._wake_catch = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.healed = 0
        """Listings that told something which no change had told."""

    # --- what channels do ---

    async def track(self, topic: str, key: str, meta: Mapping[str, Any]) -> str:
        """Somebody is in a topic, of whom this can be said. Returns their ref.

        What is held of this key and exactly this meta is taken over, with its ref, and nobody is told anything. Raises
        `ValueError` for a meta that is no JSON or has more than `META` octets, and for a topic of kikao's own.
        """
        octets = write_meta(meta)
        watched = self._topics.get(_public(topic))
        if watched is not None:
            await self._listed(topic, watched)
        adopted = self._owned.adopt_here(topic, key, octets)
        if adopted is None and (watched is None or self._may_be_held(watched.state, key, octets)):
            adopted = await self._owned.adopt(topic, key, octets)
        if adopted is not None:
            if (watched := self._topics.get(topic)) is not None:
                self._tell(topic, watched.state.show(adopted))
            return adopted.ref
        return self._put(Entry(topic, key, self._refs(), self.node, octets)).ref

    def update(self, topic: str, ref: str, meta: Mapping[str, Any]) -> str:
        """They are as this meta says from now on: one diff, in which nobody leaves. Returns the new ref.

        Raises `NotTracked`, and `ValueError` as `track` does.
        """
        octets = write_meta(meta)
        old = self._own(topic, ref)
        return self._put(Entry(topic, old.key, self._refs(), self.node, octets, old.ref), old).ref

    def untrack(self, topic: str, ref: str) -> None:
        """They left. Of one that is not tracked nothing."""
        with contextlib.suppress(NotTracked):
            entry = self._own(topic, ref)
            self._owned.remove(entry)
            self._hide(entry)

    def hold(self, topic: str, ref: str, seconds: float | None = None) -> None:
        """Their socket is gone: they stay for so long (`window`), for `track` to take over, here or elsewhere. Of one
        that is not tracked nothing."""
        if not self._is_retired:  # then all are held
            with contextlib.suppress(NotTracked):
                self._owned.hold(self._own(topic, ref), self._window if seconds is None else seconds)

    def drop(self, key: str) -> None:
        """Nobody of this key comes back: what is held of it here is over."""
        if not self._is_retired:
            for entry in self._owned.held(key):
                self._owned.remove(entry)
                self._hide(entry)

    async def present(self, topic: str) -> Json:
        """Who is there: the payload of `presence_state`. Every change that is not in it comes as a diff later on, where
        the topic is subscribed to; a client joins the two whatever is first. Of a topic that is not, what the store
        has now. Without the store it is what this process knows."""
        watched = self._topics.get(topic)
        if watched is None:
            watched = _Watched(State(self._owned.entries, self._owned.gone))
        await self._listed(topic, watched)
        if topic not in self._topics and self.stale:
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

    def subscribe(self, topic: str) -> None:
        """One more client of this process wants the diffs of a topic."""
        watched = self._topics.get(topic)
        if watched is None:
            watched = self._topics[_public(topic)] = _Watched(State(self._owned.entries, self._owned.gone))
        watched.count += 1

    def unsubscribe(self, topic: str) -> None:
        """One less. With the last one the topic is forgotten here."""
        watched = self._topics[topic]
        watched.count -= 1
        if not watched.count:
            del self._topics[topic]
            self._doubtful.pop(topic, None)

    @property
    def stale(self) -> bool:
        """Whether the store is away, and presence is only what this process knows."""
        return self._owned.is_away

    @property
    def topics(self) -> int:
        """Topics that clients of this process have joined."""
        return len(self._topics)

    @property
    def entries(self) -> int:
        """What this process has in the store, sessions too."""
        return len(self._owned.entries)

    @property
    def tracked(self) -> int:
        """What this process tracks of its clients."""
        return sum(not each.topic.startswith(INTERNAL) for each in self._owned.entries.values())

    @property
    def owes(self) -> int:
        """Entries of which the store does not know yet what it should."""
        return self._owned.owes

    # --- what kikao keeps for itself in the same store ---

    def put(self, entry: Entry, *, replaces: Entry | None = None) -> None:
        """An entry of an internal topic: put again when the store lost it, as all of this process are."""
        self._owned.put(entry, replaces=replaces)

    def remove(self, entry: Entry) -> None:
        """It is there no longer; of a process that retired it goes with all others."""
        if not self._is_retired:
            self._owned.remove(entry)

    def new_ref(self) -> str:
        """For an entry."""
        return self._refs()

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
        """Beat, heal and reap, for ever; cancel it to stop, after `retire`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat_on())
            tasks.create_task(self._look_on())
            tasks.create_task(self._catch_up_on())
            tasks.create_task(self._reap_on())

    async def beat(self) -> None:
        """Say that this process lives, put again what the store lost, and write what is owed."""
        try:
            lives = await self._store.beat(self.node)
        except LiveAway:
            self._owned.is_away = True
        else:
            if self._owned.is_away or not lives:
                self.missed()
            self._owned.is_away = False
            if not lives:
                self._owned.regain()
            self._owned.flush()
        for entry in self._owned.sweep():
            self._owned.remove(entry)
            self._hide(entry)
        now = self._clock()
        for topic in [topic for topic, until in self._doubtful.items() if until <= now]:
            del self._doubtful[topic]
            self._tell(topic, self._topics[topic].state.settle())

    async def look(self) -> None:
        """Ask whether any topic is behind; those that are get listed, unless what they miss comes soon."""
        names = list(self._topics)
        try:
            for start in range(0, len(names), AT_ONCE):
                some = names[start : start + AT_ONCE]
                for topic, (epoch, version) in (await self._store.versions(some)).items():
                    if (watched := self._topics.get(topic)) is not None:
                        watched.state.knows(epoch, version)
                        self._catch(topic, watched.state)
        except LiveAway:
            self._owned.is_away = True

    async def catch_up(self) -> None:
        """List those that are behind."""
        topics, self._behind = self._behind, set()
        watched = [(topic, found) for topic in topics if (found := self._topics.get(topic)) is not None]
        await asyncio.gather(*(self._list(topic, each) for topic, each in watched if each.state.is_behind))

    async def reap(self) -> None:
        """Take away what the dead left, and whom nobody came back for, and tell everybody."""
        while not self._owned.is_away:
            try:
                changes = await self._store.reap()
            except LiveAway:
                self._owned.is_away = True
                return
            for change in changes:
                self._written(change)
            self._bury(changes)
            if not changes:
                return

    def _bury(self, changes: Sequence[Change]) -> None:
        """Sessions are only ever reaped with the process that had them."""
        nodes = {
            entry.node for change in changes if change.topic.startswith(INTERNAL) for entry in change.leaves
        }
        if nodes := nodes - self._buried.keys():
            self._buried.update(dict.fromkeys(nodes))
            while len(self._buried) > BURIED:
                del self._buried[next(iter(self._buried))]
            self._died()

    async def retire(self) -> None:
        """This process stops: all that it has is held for the window, for the processes its clients come back to. What
        is held later on costs nothing."""
        if self._is_retired:
            return
        self._is_retired = True
        await self._owned.settled()
        with contextlib.suppress(LiveAway):
            await self._store.retire(self.node, self._window)

    async def settled(self) -> None:
        """When all that was to be written is, or is owed."""
        await self._owned.settled()

    def close(self) -> None:
        """No diff comes any more."""
        self._released.close()

    async def _beat_on(self) -> None:
        while True:
            if not self._is_retired:
                await self._tried(self.beat)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._owned.is_away else BEAT):
                    await self._wake_beat.wait()
            self._wake_beat.clear()

    async def _look_on(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POSITION):
                    await self._wake_look.wait()
            self._wake_look.clear()
            if not self._owned.is_away:
                await self._tried(self.look)

    async def _catch_up_on(self) -> None:
        while True:
            await self._wake_catch.wait()
            self._wake_catch.clear()
            await asyncio.sleep(GRACE)
            await self._tried(self.catch_up)

    async def _reap_on(self) -> None:
        while True:
            await asyncio.sleep(REAP * random.uniform(0.8, 1.2))  # noqa: S311 - so that not all come at once
            await self._tried(self.reap)

    async def _tried(self, step: Callable[[], Awaitable[None]]) -> None:
        """Do it; a mistake in it ends nothing but this one."""
        try:
            await step()
        except Exception as error:  # noqa: BLE001 - the next one may be well, and a lease must not lapse for it
            self._publish(ErrorUncaught(where="loop", error=described(error)))

    # --- one thing at a time ---

    def _put(self, entry: Entry, old: Entry | None = None) -> Entry:
        self._owned.put(entry, replaces=old)
        if (watched := self._topics.get(entry.topic)) is not None:
            self._tell(entry.topic, watched.state.show(entry, replaces=old))
        return entry

    def _hide(self, entry: Entry) -> None:
        if (watched := self._topics.get(entry.topic)) is not None:
            self._tell(entry.topic, watched.state.hide(entry))

    def _own(self, topic: str, ref: str) -> Entry:
        entry = self._owned.entries.get(ref)
        if entry is None or entry.topic != topic or self._owned.is_held(entry):
            raise NotTracked(f"{ref} is not tracked in {topic}")
        return entry

    def _may_be_held(self, state: State, key: str, meta: bytes) -> bool:
        held = (entry.meta == meta and not self._owned.is_live(entry) for entry in state.at(key))
        return not state.is_listed or any(held)

    def _written(self, change: Change) -> None:
        """The store made a change, asked by this process: it is applied here, and told to the others."""
        if (change.joins or change.leaves) and not change.topic.startswith(INTERNAL):
            self.heard(change)
            self._tell_others(Changed(change))

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
            self._wake_beat.set()
        self._catch(topic, watched.state)

    def _tell(self, topic: str, diff: Diff) -> None:
        if diff and topic in self._topics:
            self._released.diff(topic, diff)

    def _doubt(self, topic: str) -> None:
        if (watched := self._topics.get(topic)) is not None:
            watched.state.doubt()
            self._catch(topic, watched.state)

    def _catch(self, topic: str, state: State) -> None:
        if state.is_behind:
            self._behind.add(topic)
            self._wake_catch.set()


def _public(topic: str) -> str:
    if topic.startswith(INTERNAL):
        raise ValueError(f"{topic[:60]!r} is a topic of kikao's own")
    return topic
