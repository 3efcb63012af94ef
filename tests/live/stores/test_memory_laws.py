"""Whatever is asked of the live store, in any order, beside a model that keeps a plain list."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any, TypeVar

import msgspec
from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from kikao.live.stores.epochs import is_of
from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.store import EMPTY, LEASE, REMEMBERED, Change, Entry, Position
from tests.live.stores.places import Clock

T = TypeVar("T")

NODES = strategies.sampled_from(["n1", "n2", "n3"])
TOPICS = strategies.sampled_from(["a", "b"])
KEYS = strategies.sampled_from(["u1", "u2"])
METAS = strategies.sampled_from([b"{}", b'{"device":"phone"}'])
SECONDS = strategies.sampled_from([1.0, LEASE - 1, LEASE, LEASE + 1, 2 * LEASE])
PICK = strategies.integers(0, 1000)


def now(asked: Coroutine[Any, Any, T]) -> T:
    """What it returns: nothing in memory waits."""
    try:
        asked.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    raise AssertionError("it waits")


class Known(msgspec.Struct):
    """What the model knows of an entry."""

    entry: Entry
    held_until: float | None = None


class Watcher:
    """Listed a topic once, and applies what it is told."""

    def __init__(self, store: MemoryLive, topic: str) -> None:
        listing = now(store.listing(topic))
        self.topic = topic
        self.epoch, self.version = listing.epoch, listing.version
        self.refs = {entry.ref for entry in listing.entries}

    def hears(self, change: Change) -> None:
        if change.topic != self.topic or not (change.joins or change.leaves):
            return
        assert (change.epoch, change.version) == (self.epoch, self.version + 1)
        self.version += 1
        joins, leaves = ({one.ref for one in some} for some in (change.joins, change.leaves))
        assert not joins & self.refs
        assert leaves <= self.refs
        self.refs = (self.refs | joins) - leaves


class Presence(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = MemoryLive(clock=self.clock, wall=self.clock)
        self.known: dict[str, Known] = {}
        self.leases: dict[str, float] = {}
        self.refs = 0
        self.watchers = [Watcher(self.store, "a"), Watcher(self.store, "b")]

    def told(self, change: Change | None) -> None:
        for watcher in self.watchers if change is not None else ():
            assert change is not None
            watcher.hears(change)

    def some(self, pick: int) -> Known | None:
        return list(self.known.values())[pick % len(self.known)] if self.known else None

    @rule(node=NODES)
    def beat(self, node: str) -> None:
        lives = self.leases.get(node, self.clock.now + 1) > self.clock.now
        assert now(self.store.beat(node)) is lives
        self.leases[node] = self.clock.now + LEASE

    @rule(node=NODES, seconds=SECONDS)
    def retire(self, node: str, seconds: float) -> None:
        now(self.store.retire(node, seconds))
        self.leases.pop(node, None)
        for each in self.known.values():
            if each.entry.node == node and each.held_until is None:
                each.held_until = self.clock.now + seconds

    @rule(topic=TOPICS, key=KEYS, node=NODES, meta=METAS, pick=PICK, replaces=strategies.booleans())
    def put(self, topic: str, key: str, node: str, meta: bytes, pick: int, replaces: bool) -> None:
        self.refs += 1
        entry = Entry(topic, key, f"r{self.refs}", node, meta)
        old = self.some(pick) if replaces else None
        change = now(self.store.put(entry, replaces="" if old is None else old.entry.ref))
        gone = old is not None and old.entry.topic == topic
        assert change.joins == (entry,)
        assert change.leaves == ((old.entry,) if old is not None and gone else ())
        if old is not None and gone:
            del self.known[old.entry.ref]
        self.known[entry.ref] = Known(entry)
        self.leases.setdefault(node, self.clock.now + LEASE)
        self.told(change)

    @precondition(lambda self: self.known)
    @rule(pick=PICK)
    def put_again(self, pick: int) -> None:
        each = self.some(pick)
        assert each is not None
        change = now(self.store.put(each.entry))
        assert not change.joins
        assert not change.leaves
        each.held_until = None
        self.leases.setdefault(each.entry.node, self.clock.now + LEASE)
        self.told(change)

    @precondition(lambda self: self.known)
    @rule(pick=PICK, seconds=SECONDS)
    def hold(self, pick: int, seconds: float) -> None:
        each = self.some(pick)
        assert each is not None
        assert now(self.store.hold(each.entry.topic, each.entry.ref, seconds))
        each.held_until = self.clock.now + seconds

    @rule(topic=TOPICS, key=KEYS, node=NODES, meta=METAS)
    def adopt(self, topic: str, key: str, node: str, meta: bytes) -> None:
        fit = {
            ref
            for ref, each in self.known.items()
            if each.held_until is not None
            and (each.entry.topic, each.entry.key, each.entry.meta) == (topic, key, meta)
        }
        adopted = now(self.store.adopt(topic, key, meta, node))
        assert (adopted is not None) is bool(fit)
        if adopted is not None:
            assert adopted.ref in fit
            assert adopted == Entry(topic, key, adopted.ref, node, meta)
            self.known[adopted.ref] = Known(adopted)
            self.leases.setdefault(node, self.clock.now + LEASE)

    @precondition(lambda self: self.known)
    @rule(picks=strategies.lists(PICK, max_size=3), topic=TOPICS)
    def remove(self, picks: list[int], topic: str) -> None:
        refs = [each.entry.ref for pick in picks if (each := self.some(pick)) is not None]
        there = {ref for ref in refs if self.known[ref].entry.topic == topic}
        change = now(self.store.remove(topic, refs))
        assert {entry.ref for entry in change.leaves if change is not None} if change else set() == there
        for ref in there:
            del self.known[ref]
        self.told(change)

    @rule(seconds=SECONDS)
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(most=strategies.sampled_from([1, 2, 1000]))
    def reap(self, most: int) -> None:
        due = {
            ref
            for ref, each in self.known.items()
            if (self.leases.get(each.entry.node, 0.0) if each.held_until is None else each.held_until)
            <= self.clock.now
        }
        changes = now(self.store.reap(most=most))
        gone = {entry.ref for change in changes for entry in change.leaves}
        assert gone <= due
        assert len(gone) == min(most, len(due))
        for ref in gone:
            del self.known[ref]
        for change in changes:
            self.told(change)

    @invariant()
    def everybody_sees_the_same(self) -> None:
        for watcher in self.watchers:
            listing = now(self.store.listing(watcher.topic))
            there = {ref: each.entry for ref, each in self.known.items() if each.entry.topic == watcher.topic}
            assert {entry.ref: entry for entry in listing.entries} == there
            assert watcher.refs == there.keys()
            assert (watcher.epoch, watcher.version) == (listing.epoch, listing.version)


class Reader(msgspec.Struct):
    """A client: where it is, by what it was told and the numbers that it heard."""

    place: Position
    known: int
    """How many were ever said by then."""
    told_at: float
    is_in: bool = True


class Streams(RuleBasedStateMachine):
    """One stream that comes and goes, beside the list of all that was ever said in it, and clients that hear it live,
    drop, and come back: with all that they missed, or with nothing."""

    KEEP, SECONDS = 4, 60.0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.store = MemoryLive(clock=self.clock, wall=self.clock)
        self.said: list[tuple[float, Position]] = []
        """Of each message ever said: when, and where it was put."""
        self.clients: list[Reader] = []

    @rule()
    def append(self) -> None:
        message = b"%d" % len(self.said)
        at = now(self.store.append("s", message, keep=self.KEEP, seconds=self.SECONDS))
        before = self.said[-1][1] if self.said else Position("", 0)
        if at.epoch == before.epoch:
            assert at.seq == before.seq + 1
        else:
            assert at.seq == 1
            assert not self.said or self.clock.now - self.said[-1][0] >= REMEMBERED
            assert at.epoch not in {place.epoch for _, place in self.said}
        self.said.append((self.clock.now, at))
        for each in self.clients:
            if each.is_in and each.known == len(self.said) - 1 and is_of(at.epoch, each.place.epoch):
                each.place, each.known = (
                    Position(each.place.epoch, at.seq),
                    len(self.said),
                )  # hears a number alone

    @precondition(lambda self: len(self.clients) < 3)
    @rule()
    def joins(self) -> None:
        found = now(self.store.since("s", None))
        assert found.messages == ()
        self.clients.append(Reader(found.top, len(self.said), self.clock.now))

    @precondition(lambda self: self.clients)
    @rule(pick=PICK)
    def drops(self, pick: int) -> None:
        self.clients[pick % len(self.clients)].is_in = False

    @precondition(lambda self: self.clients)
    @rule(pick=PICK, most=strategies.sampled_from([2, 300]))
    def comes_back(self, pick: int, most: int) -> None:
        client = self.clients[pick % len(self.clients)]
        found = now(self.store.since("s", client.place, most=most))
        missed = list(enumerate(self.said))[client.known :]
        if found.messages is not None:
            assert [message for _, message in found.messages] == [b"%d" % n for n, _ in missed]
            assert found.top.seq == client.place.seq + len(missed)
        else:
            is_there = all(at + self.SECONDS > self.clock.now for _, (at, _) in missed)
            is_soon = self.clock.now - client.told_at <= 20 * 3600
            assert not (is_soon and is_there and len(missed) <= min(most, self.KEEP))
        self.clients[pick % len(self.clients)] = Reader(found.top, len(self.said), self.clock.now)

    @rule(seconds=strategies.sampled_from([1.0, 60.0, 3600.0, 20 * 3600.0, REMEMBERED]))
    def time_passes(self, seconds: float) -> None:
        self.clock.now += seconds
        now(self.store.reap())

    @invariant()
    def only_what_was_said_takes_a_place(self) -> None:
        assert len(self.store._streams) <= bool(self.said)


TestPresence = Presence.TestCase
TestPresence.settings = settings(max_examples=25, stateful_step_count=30)
TestStreams = Streams.TestCase
TestStreams.settings = settings(max_examples=15, stateful_step_count=30)


async def test_an_empty_topic_and_a_stream_that_nobody_uses_are_forgotten() -> None:
    clock = Clock()
    store = MemoryLive(clock=clock, wall=clock)
    empty = await store.listing("empty")
    await store.beat("n1")
    full = await store.put(Entry("full", "u1", "r1", "n1", b"{}"))
    stream = await store.append("s", b"m", keep=1, seconds=1.0)
    used = await store.append("used", b"m", keep=1, seconds=1.0)
    for _ in range(100):
        clock.now += EMPTY / 100
        await store.beat("n1")
        await store.reap()
    assert await store.versions(["empty", "full"]) == {"empty": ("", 0), "full": (full.epoch, 1)}
    again = await store.listing("empty")
    assert again.epoch != empty.epoch
    for _ in range(30):
        clock.now += 3600
        await store.reap()
        assert (await store.since("used", None)).top == used
    assert (await store.since("s", stream)).messages is None
    assert (await store.append("s", b"m", keep=1, seconds=1.0)).epoch != stream.epoch


async def test_nothing_grows_that_is_over() -> None:
    clock = Clock()
    store = MemoryLive(clock=clock, wall=clock)
    for round_ in range(3):
        for n in range(200):
            topic = f"user:{n}"
            await store.put(Entry(topic, "u", f"{round_}.{n}", "n1", b"{}"))
            await store.hold(topic, f"{round_}.{n}", 30.0)
            await store.append(topic, b"m", keep=10, seconds=60.0)
            await store.log_out(f"u{n}", seconds=60.0)
        clock.now += 2 * 86_400
        while await store.reap():
            pass
        clock.now += EMPTY
        await store.reap()
    left = {
        name: len(value)
        for name, value in vars(store).items()
        if hasattr(value, "__len__") and name not in ("_epoch", "_name")
    }
    assert {name: size for name, size in left.items() if size > 1} == {}


async def test_who_is_held_twice_until_the_same_moment_is_one_of_those_that_are_reaped() -> None:
    clock = Clock()
    store = MemoryLive(clock=clock, wall=clock)
    for ref in ("r1", "r2"):
        await store.put(Entry("t", "u", ref, "n1", b"{}"))
        for _ in range(2):
            await store.hold("t", ref, LEASE)
    clock.now += LEASE
    (change,) = await store.reap(most=2)
    assert [entry.ref for entry in change.leaves] == ["r1", "r2"]
