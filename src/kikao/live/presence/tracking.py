"""Presence in one process: what its own clients do, for everybody, and who is there, for its own clients (`Watching`).

    tracker = Tracker(store, node=node, tell=wire.tell, diffed=hub.diffed)
    running = asyncio.create_task(tracker.run())       # beats, heals and reaps
    tracker.watching.subscribe("room:1")               # when the first client here joins, before anything else
    ref = await tracker.track("room:1", "asha", {"device": "phone"})
    ref = tracker.update("room:1", ref, {"device": "phone", "typing": True})
    tracker.hold("room:1", ref)                        # the socket was lost; `untrack` where it left

Local first: what a client of this process does is shown to its neighbours at once, and written behind. So nothing waits
for the store, and nothing fails because it is away: then presence goes on among the clients of each process, what is to
be written is owed, and all of it meets when the store is back.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from kikao.channels.socket.protocol import Json
from kikao.events import Publish
from kikao.events.uncaught import tolerated
from kikao.live.news import Changed
from kikao.live.presence.fetching import Fetch, Released
from kikao.live.presence.owned import Owned
from kikao.live.presence.refs import Refs
from kikao.live.presence.state import write_meta
from kikao.live.presence.watching import INTERNAL, Watching, public
from kikao.live.stores.store import BEAT, Change, Entry, LiveAway, LiveStore

REAP: Final = 3.0
"""Seconds between two times that a process looks for entries of the dead."""

RETRY: Final = 1.0
"""Seconds between two looks whether a store is back."""

BURIED: Final = 1000
"""Processes that ended and are remembered."""


class NotTracked(LookupError):
    """There is no such entry of this process: it was untracked, or held."""


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
        self._publish = publish
        self._released = Released(diffed, fetch, publish)
        self._owned = Owned(
            store,
            node,
            written=self._written,
            missing=lambda topic: self.watching.doubt(topic),  # noqa: PLW0108 - it is made next
            clock=clock,
            window=window,
        )
        self._woken = asyncio.Event()
        self.watching = Watching(
            store, self._owned, self._released, wake=self._woken.set, publish=publish, clock=clock
        )
        """What this process knows of the topics that its clients joined."""
        self._giving_up: set[asyncio.Task[None]] = set()
        self._is_retired = False
        self._left: frozenset[str] = frozenset()
        """Refs of what the store holds since this process retired."""

    # --- what channels do ---

    async def track(self, topic: str, key: str, meta: Mapping[str, Any]) -> str:
        """Somebody is in a topic, of whom this can be said. Returns their ref.

        What is held of this key and exactly this meta is taken over, with its ref, and nobody is told anything. Raises
        `ValueError` for a meta that is no JSON or has more than `META` octets, and for a topic of kikao's own.
        """
        octets = write_meta(meta)
        may_be_held = await self.watching.may_be_held(public(topic), key, octets)
        adopted = self._owned.adopt_here(topic, key, octets)
        if adopted is None and may_be_held:
            adopted = await self._owned.adopt(topic, key, octets)
        if adopted is not None:
            self.watching.show(adopted)
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
            self.watching.hide(entry)

    def hold(self, topic: str, ref: str, seconds: float | None = None, *, moved: bool = False) -> None:
        """Their socket is gone: they stay for so long (`window`), for `track` to take over, here or elsewhere; `moved`
        says that they are connected again already. Of one that is not tracked nothing."""
        if ref not in self._left:
            with contextlib.suppress(NotTracked):
                until = self._window if seconds is None else seconds
                self._owned.hold(self._own(topic, ref), until, moved=moved)

    def drop(self, key: str) -> None:
        """Nobody of this key comes back: what is held of it here is over."""
        if not self._is_retired:
            for entry in self._owned.held(key):
                self._owned.remove(entry)
                self.watching.hide(entry)

    @property
    def stale(self) -> bool:
        """Whether the store is away, and presence is only what this process knows."""
        return self._owned.is_away

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
        """Another process changed a topic. Who moved there may have asked the store before it held what they had here:
        they are there once all the same."""
        self.watching.heard(change)
        for entry in change.joins:
            if self._owned.came_back(entry) and not self._is_retired:
                giving = asyncio.get_running_loop().create_task(self._give_up(entry))
                self._giving_up.add(giving)
                giving.add_done_callback(self._giving_up.discard)

    async def _give_up(self, back: Entry) -> None:
        """Take over, for nobody, what is held of the key and the meta of who is back: nobody else can have it then."""
        topic, key, meta = back.topic, back.key, back.meta
        held = self._owned.adopt_here(topic, key, meta) or await self._owned.adopt(topic, key, meta)
        if held is not None:
            self._owned.remove(held)
            self.watching.hide(held)

    # --- what is done all the time ---

    async def run(self) -> None:
        """Beat, heal and reap, for ever; cancel it to stop, after `retire`."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._beat_on())
            tasks.create_task(self.watching.run())
            tasks.create_task(self._reap_on())

    async def beat(self) -> None:
        """Say that this process lives, put again what the store lost, and write what is owed."""
        try:
            lives = await self._store.beat(self.node)
        except LiveAway:
            self._owned.is_away = True
        else:
            if self._owned.is_away or not lives:
                self.watching.missed()
            self._owned.is_away = False
            if not lives:
                self._owned.regain()
            self._owned.flush()
        for entry in self._owned.sweep():
            self._owned.remove(entry)
            self.watching.hide(entry)
        self.watching.settle()

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
        """This process stops: all that it has is held for the window, for the processes its clients come back to. To
        hold it later on costs nothing; who joins until the end is held as always."""
        if self._is_retired:
            return
        self._is_retired = True
        await self._owned.settled()
        left = frozenset(self._owned.entries)
        with contextlib.suppress(LiveAway):
            await self._store.retire(self.node, self._window)
            self._left = left

    async def settled(self) -> None:
        """When all that was to be written is, or is owed."""
        while self._giving_up:
            await asyncio.wait(set(self._giving_up))
        await self._owned.settled()

    def close(self) -> None:
        """No diff comes any more."""
        self._released.close()

    async def _beat_on(self) -> None:
        while True:
            if not self._is_retired:
                with tolerated(self._publish):
                    await self.beat()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(RETRY if self._owned.is_away else BEAT):
                    await self._woken.wait()
            self._woken.clear()

    async def _reap_on(self) -> None:
        while True:
            await asyncio.sleep(REAP * random.uniform(0.8, 1.2))  # noqa: S311 - so that not all come at once
            with tolerated(self._publish):
                await self.reap()

    # --- one thing at a time ---

    def _put(self, entry: Entry, old: Entry | None = None) -> Entry:
        self._owned.put(entry, replaces=old)
        self.watching.show(entry, replaces=old)
        return entry

    def _own(self, topic: str, ref: str) -> Entry:
        entry = self._owned.entries.get(ref)
        if entry is None or entry.topic != topic or self._owned.is_held(entry):
            raise NotTracked(f"{ref} is not tracked in {topic}")
        return entry

    def _written(self, change: Change) -> None:
        """The store made a change, asked by this process: it is applied here, and told to the others."""
        if (change.joins or change.leaves) and not change.topic.startswith(INTERNAL):
            self.watching.heard(change)
            self._tell_others(Changed(change))
