"""Laws of what a process knows of presence, under every order, loss and repetition of what it hears."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from itertools import count
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from kikao.live.presence.state import Diff, State, Told, listed, told
from kikao.live.stores.store import Change, Entry, Listing
from tests.live.presence.client import Client

KEYS = ("asha", "brian")
ME, OTHERS = "me", ("one", "two")

actions = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["join", "join mine"]), st.integers(0, 1)),
        st.tuples(
            st.sampled_from(["update", "update mine", "leave", "leave mine", "adopt"]), st.integers(0, 9)
        ),
        st.tuples(st.just("hear"), st.integers(0, 30)),
        st.tuples(st.sampled_from(["hear next", "write", "ask", "snap", "answer", "reap me"]), st.just(0)),
        st.tuples(st.sampled_from(["wipe", "rejoin", "knows"]), st.just(0)),
    ),
    max_size=40,
)
Action = tuple[str, int]


class Store:
    """The truth of one topic, and all that it ever told."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.epochs = 1
        self.version = 0
        self.told: list[Change] = []

    def put(self, entry: Entry, replaces: str = "") -> None:
        leaves = [left] if (left := self.entries.pop(replaces, None)) else []
        joins = [] if entry.ref in self.entries else [entry]
        self.entries[entry.ref] = entry
        self._tell(joins, leaves)

    def remove(self, ref: str) -> None:
        if left := self.entries.pop(ref, None):
            self._tell([], [left])

    def wipe(self) -> None:
        self.entries.clear()
        self.epochs, self.version = self.epochs + 1, 0

    def listing(self) -> Listing:
        return Listing(f"e{self.epochs}", self.version, tuple(self.entries.values()))

    def _tell(self, joins: list[Entry], leaves: list[Entry]) -> None:
        if joins or leaves:
            self.version += 1
        self.told.append(Change("t", f"e{self.epochs}", self.version, tuple(joins), tuple(leaves)))


class World:
    """A store, one process that hears of it whatever reaches it, and a client of that process, which never sees a leave
    of what its owner did not take away, and no key without metas for an update.

    The process's own entries are shown at once and written later, in order; those of others are written at once.
    """

    def __init__(self) -> None:
        self.store, self.client = Store(), Client()
        self.own: dict[str, Entry] = {}
        self.gone: set[str] = set()
        self.state = State(self.own, self.gone)
        self.theirs: dict[str, Entry] = {}
        """Of others, as they want it."""
        self.unwritten: deque[tuple[Entry | None, str]] = deque()
        """What to put, and what it replaces; or only what to remove."""
        self.snapped: Listing | None = None
        self.is_asking = False
        self.heard = 0
        self.joins: Counter[str] = Counter()
        self.leaves: Counter[str] = Counter()
        self.wiped = False
        self._refs = (f"r{n:04}" for n in count())
        self._shown: Any = None
        self.client.on_state(json.loads(listed(self.state)))

    def entry(self, key: str, node: str, before: str = "") -> Entry:
        return Entry("t", key, next(self._refs), node, b'{"device":"web"}', before)

    def does(self, action: Action) -> None:
        what, n = action
        match what:
            case "join":
                entry = self.entry(KEYS[n], OTHERS[n])
                self.theirs[entry.ref] = entry
                self.store.put(entry)
            case "join mine":
                entry = self.entry(KEYS[n], ME)
                self.own[entry.ref] = entry
                self.tells(self.state.show(entry))
                self.unwritten.append((entry, ""))
            case "update" if self.theirs:
                old = self.theirs.pop(sorted(self.theirs)[n % len(self.theirs)])
                entry = self.entry(old.key, old.node, old.ref)
                self.theirs[entry.ref] = entry
                self.store.put(entry, old.ref)
            case "update mine" if self.own:
                old = self.own.pop(sorted(self.own)[n % len(self.own)])
                entry = self.entry(old.key, ME, old.ref)
                self.own[entry.ref] = entry
                self.gone.add(old.ref)
                self.tells(self.state.show(entry, replaces=old))
                self.unwritten.append((entry, old.ref))
            case "leave" if self.theirs:
                old = self.theirs.pop(sorted(self.theirs)[n % len(self.theirs)])
                self.store.remove(old.ref)
            case "leave mine" if self.own:
                old = self.own.pop(sorted(self.own)[n % len(self.own)])
                self.gone.add(old.ref)
                self.tells(self.state.hide(old))
                self.unwritten.append((None, old.ref))
            case "adopt" if self.theirs:  # by another process: nobody hears of it
                ref = sorted(self.theirs)[n % len(self.theirs)]
                old = self.theirs[ref]
                self.theirs[ref] = entry = Entry(old.topic, old.key, ref, "three", old.meta, old.before)
                if ref in self.store.entries:
                    self.store.entries[ref] = entry
            case "write" if self.unwritten:
                self.writes()
            case "reap me":
                for ref in [ref for ref, entry in self.store.entries.items() if entry.node == ME]:
                    self.store.remove(ref)
            case "wipe":
                self.store.wipe()
                self.wiped = True
            case "hear" if self.store.told:
                self.hears(self.state.hear(self.store.told[n % len(self.store.told)]))
            case "hear next" if self.heard < len(self.store.told):
                self.hears(self.state.hear(self.store.told[self.heard]))
                self.heard += 1
            case "knows":
                self.state.knows(f"e{self.store.epochs}", self.store.version)
            case "ask" if not self.is_asking:
                self.state.asking()
                self.is_asking = True
            case "snap" if self.is_asking and self.snapped is None:
                self.snapped = self.store.listing()
            case "answer" if self.snapped is not None:
                self.hears(self.state.list_anew(self.snapped))
                self.snapped, self.is_asking = None, False
            case "rejoin":
                self.client.rejoin()
                self.client.on_state(json.loads(listed(self.state)))

    def writes(self) -> None:
        entry, replaces = self.unwritten.popleft()
        if entry:
            self.store.put(entry, replaces)
        else:
            self.store.remove(replaces)

    def hears(self, found: Told) -> None:
        for diff in found.diffs:
            assert diff, "an empty diff is none"
            self.tells(diff)
        for entry in found.lost:
            if entry.ref in self.own:
                self.unwritten.append((entry, ""))

    def tells(self, diff: Diff) -> None:
        self.joins.update(entry.ref for entry in diff.joins)
        self.leaves.update(entry.ref for entry in diff.leaves)
        for entry in diff.leaves:
            assert entry.ref not in self.theirs, "its owner did not take it away"
            assert entry.ref not in self.own, "its owner did not take it away"
        vanished = len(self.client.vanished)
        if diff:
            self.client.on_diff(json.loads(told(listed(diff.joins), listed(diff.leaves))))
        assert not {entry.key for entry in diff.joins} & set(self.client.vanished[vanished:])
        for ref in self.joins:
            assert self.joins[ref] - self.leaves[ref] in (0, 1), "joins and leaves come in turn"
        assert not self.leaves - self.joins

    def heals(self) -> None:
        """Everybody puts again what the store lost, all of it is written, and the process lists what there is."""
        for _ in range(2):
            for entry in (*self.theirs.values(), *self.own.values()):
                if entry.ref not in self.store.entries:
                    self.unwritten.append((entry, ""))
            while self.unwritten:
                self.writes()
        self.is_asking, self.snapped = False, None
        self.lists()
        self.tells(self.state.settle())

    def lists(self) -> None:
        for action in ("ask", "snap", "answer"):
            self.does((action, 0))


@settings(max_examples=200)
@given(actions)
@example([("join", 0), ("ask", 0), ("snap", 0), ("join", 1), ("hear", 1), ("answer", 0)])
@example(
    [("ask", 0), ("snap", 0), ("answer", 0), ("join mine", 0), ("leave mine", 0), ("write", 0), ("hear", 0)]
)
def test_after_a_listing_the_client_shows_what_the_store_has(history: list[Action]) -> None:
    world = World()
    for action in history:
        world.does(action)
    world.heals()

    there = set(world.store.entries)
    assert there == set(world.theirs) | set(world.own)
    assert {entry.ref for entry in world.state} == there
    assert world.client.refs() == there
    assert not world.state.is_behind
    assert not world.state.is_doubtful
    for ref in world.joins:
        assert world.joins[ref] - world.leaves[ref] == (ref in there)
    if not world.wiped:
        mine = [ref for ref in world.joins if world.joins[ref] > 1]
        assert mine == [], "what was not taken away comes once"


@settings(max_examples=150)
@given(actions, st.randoms(use_true_random=False))
def test_all_changes_in_any_order_and_twice_are_as_good_as_in_order(
    history: list[Action], random: Any
) -> None:
    world = World()
    world.lists()
    for what, n in history:
        if what in ("join", "update", "leave"):
            world.does((what, n))
    shuffled = [*world.store.told, *world.store.told]
    random.shuffle(shuffled)
    for change in shuffled:
        world.hears(world.state.hear(change))

    assert {entry.ref for entry in world.state} == set(world.store.entries)
    assert not world.state.is_behind
    assert world.client.refs() == set(world.store.entries)


@settings(max_examples=150)
@given(actions)
def test_a_gap_is_noticed(history: list[Action]) -> None:
    """Who heard the newest change, and is not behind, knows all."""
    world = World()
    world.lists()
    for what, n in history:
        if what in ("join", "update", "leave", "hear", "hear next", "wipe", "rejoin"):
            world.does((what, n))
    if world.store.told and world.store.version:
        world.hears(world.state.hear(world.store.told[-1]))
        if not world.state.is_behind:
            assert {entry.ref for entry in world.state} == set(world.store.entries)


@settings(max_examples=100)
@given(actions)
def test_the_metas_of_a_key_stand_in_the_order_in_which_they_came(history: list[Action]) -> None:
    world = World()
    for action in history:
        world.does(action)
    by_key: dict[str, list[str]] = defaultdict(list)
    for entry in world.state:
        by_key[entry.key].append(entry.ref)
    payload = json.loads(listed(world.state))
    assert {key: [meta["phx_ref"] for meta in of["metas"]] for key, of in payload.items()} == {
        key: sorted(refs) for key, refs in by_key.items()
    }
