"""What every live store does, wherever it keeps things: leases, presence, streams, log-outs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from kikao.live.stores.epochs import HOURS, STORE, is_of
from kikao.live.stores.store import Change, Entry, Listing, LiveStore, Position, Recovery
from tests.engines.postgresql import PostgreSQL as PostgreSQLServer
from tests.engines.valkey import Cluster, Valkey
from tests.live.stores.places import BRIEF, LONG, Place, PostgreSQL, Redis, memory, sqlite


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQLServer) -> str:
    """One for all: each test looks things up with a key of its own."""
    return postgresql.database()


@pytest.fixture(params=["memory", "sqlite", "valkey", "cluster", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "postgresql":
        return PostgreSQL(request.getfixturevalue("database"))
    if request.param == "memory":
        return memory()
    if request.param == "sqlite":
        return sqlite(tmp_path / "live.db")
    if request.param == "cluster":
        cluster: Cluster = request.getfixturevalue("cluster")
        return Redis(cluster.url)
    valkey: Valkey = request.getfixturevalue("valkey")
    return Redis(valkey.unix_url)


@pytest.fixture
async def live(place: Place) -> AsyncIterator[LiveStore]:
    async with place.client() as store:
        yield store


@pytest.fixture
async def other(place: Place, live: LiveStore) -> AsyncIterator[LiveStore]:
    """The store as another process has it."""
    async with place.client() as store:
        yield store


def entry(
    ref: str, *, topic: str = "room:a", key: str = "u1", node: str = "n1", meta: bytes = b"{}"
) -> Entry:
    return Entry(topic, key, ref, node, meta)


async def reaped(live: LiveStore) -> list[Entry]:
    """All that there is to reap, by ref."""
    return sorted((each for change in await live.reap() for each in change.leaves), key=lambda one: one.ref)


# --- nodes ---


async def test_a_node_that_beats_keeps_what_it_has(live: LiveStore) -> None:
    assert await live.beat("n1")
    await live.put(entry("r1"))
    assert await live.beat("n1")
    assert await live.reap() == []
    assert (await live.listing("room:a")).entries == (entry("r1"),)


async def test_what_a_dead_node_had_goes_with_a_change_and_the_node_is_told(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    await live.beat("n1")
    await other.beat("n2")
    begun = await live.put(entry("r1"))
    await other.put(entry("r2", node="n2"))
    await live.put(entry("r3", topic="room:b"))
    await place.lapse("n1", alive=["n2"])
    changes = {change.topic: change for change in await other.reap()}
    assert changes == {
        "room:a": Change("room:a", begun.epoch, 3, (), (entry("r1"),)),
        "room:b": Change("room:b", changes["room:b"].epoch, 2, (), (entry("r3", topic="room:b"),)),
    }
    assert await other.reap() == []
    assert (await other.listing("room:a")).entries == (entry("r2", node="n2"),)
    assert not await live.beat("n1")
    again = await live.put(entry("r1"))
    assert (again.version, again.joins) == (4, (entry("r1"),))
    assert await live.beat("n1")
    assert await other.reap() == []


async def test_a_node_that_beats_late_puts_again_and_keeps_it_all(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    await live.beat("n1")
    begun = await live.put(entry("r1"))
    await place.lapse("n1")
    assert not await live.beat("n1")
    again = await live.put(entry("r1"))
    assert again == Change("room:a", begun.epoch, begun.version)
    assert await other.reap() == []
    assert (await live.listing("room:a")).entries == (entry("r1"),)


async def test_what_is_put_while_dead_goes_unless_the_node_comes_back(place: Place, live: LiveStore) -> None:
    await live.beat("n1")
    await place.lapse("n1")
    await live.put(entry("r1"))
    assert await reaped(live) == [entry("r1")]
    await live.put(entry("r2"))
    assert not await live.beat("n1")
    await live.put(entry("r2"))
    assert await live.reap() == []


async def test_a_node_that_retires_leaves_what_it_has_to_be_adopted(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    await live.beat("n1")
    await other.beat("n2")
    for ref in ("r1", "r2"):
        await live.put(entry(ref, meta=ref.encode()))
    await live.retire("n1", LONG)
    assert await other.adopt("room:a", "u1", b"r2", "n2") == entry("r2", node="n2", meta=b"r2")
    assert await other.reap() == []
    await live.put(entry("r3", node="n3"))
    await live.retire("n3", BRIEF)
    await place.passes(BRIEF)
    assert await reaped(other) == [entry("r3", node="n3")]


# --- presence ---


async def test_changes_are_numbered_and_a_listing_says_as_of_which(live: LiveStore, other: LiveStore) -> None:
    begun = await live.listing("room:a")
    assert (begun.version, begun.entries) == (0, ())
    assert begun.epoch
    first = await live.put(entry("r1"))
    second = await other.put(entry("r2", key="u2"))
    third = await other.put(entry("r3"), replaces="r1")
    fourth = await live.remove("room:a", ["r2", "none", "r2"])
    assert first == Change("room:a", begun.epoch, 1, (entry("r1"),))
    assert second == Change("room:a", begun.epoch, 2, (entry("r2", key="u2"),))
    assert third == Change("room:a", begun.epoch, 3, (entry("r3"),), (entry("r1"),))
    assert fourth == Change("room:a", begun.epoch, 4, (), (entry("r2", key="u2"),))
    assert await live.listing("room:a") == Listing(begun.epoch, 4, (entry("r3"),))
    assert await live.versions(["room:a", "room:none"]) == {"room:a": (begun.epoch, 4), "room:none": ("", 0)}
    assert await live.versions([]) == {}


async def test_doing_it_again_changes_nothing(live: LiveStore) -> None:
    one = Entry("room:a", "u1", "r1", "n1", b'{"device":"\xc3\xa9"}', "r0")
    begun = await live.put(one, replaces="r0")
    assert begun.joins == (one,)
    assert await live.put(one, replaces="r0") == Change("room:a", begun.epoch, 1)
    assert await live.put(one, replaces="r1") == Change("room:a", begun.epoch, 1)
    assert (await live.listing("room:a")).entries == (one,)
    assert await live.remove("room:a", ["r1"]) == Change("room:a", begun.epoch, 2, (), (one,))
    assert await live.remove("room:a", ["r1"]) is None
    assert await live.remove("room:none", ["r1"]) is None
    assert await live.remove("room:a", []) is None


async def test_an_update_that_is_told_twice_takes_the_old_one_away_once(live: LiveStore) -> None:
    await live.put(entry("r1"))
    await live.put(entry("r2"))
    done = await live.put(entry("r2"), replaces="r1")
    assert (done.version, done.joins, done.leaves) == (3, (), (entry("r1"),))


async def test_topics_know_nothing_of_each_other(live: LiveStore) -> None:
    await live.put(entry("r1"))
    await live.put(entry("r2", topic="room:b"))
    assert await live.remove("room:b", ["r1"]) is None
    assert not await live.hold("room:b", "r1", LONG)
    assert (await live.listing("room:b")).entries == (entry("r2", topic="room:b"),)


async def test_what_is_held_is_seen_until_its_time_is_over(place: Place, live: LiveStore) -> None:
    await live.beat("n1")
    await live.put(entry("r1"))
    await live.put(entry("r2"))
    assert await live.hold("room:a", "r1", LONG)
    assert await live.hold("room:a", "r2", BRIEF)
    assert not await live.hold("room:a", "none", BRIEF)
    assert not await live.hold("room:none", "r1", BRIEF)
    assert (await live.listing("room:a")).version == 2
    await place.passes(BRIEF)
    (change,) = await live.reap()
    assert (change.version, change.leaves) == (3, (entry("r2"),))
    assert (await live.listing("room:a")).entries == (entry("r1"),)


async def test_a_hold_counts_from_the_last_one_on_and_outlives_its_node(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    await live.beat("n1")
    await live.put(entry("r1"))
    await live.hold("room:a", "r1", BRIEF)
    await live.hold("room:a", "r1", LONG)
    await place.passes(BRIEF)
    await place.lapse("n1")
    assert await other.reap() == []
    assert await other.adopt("room:a", "u1", b"{}", "n2") == entry("r1", node="n2")
    assert await other.reap() == []


async def test_only_what_is_held_and_the_same_is_adopted_and_once(live: LiveStore, other: LiveStore) -> None:
    one = Entry("room:a", "u1", "r1", "n1", b'{"device":"phone"}', "r0")
    await live.put(one)
    assert await other.adopt("room:a", "u1", one.meta, "n2") is None
    await live.hold("room:a", "r1", LONG)
    for topic, key, meta in (
        ("room:b", "u1", one.meta),
        ("room:a", "u2", one.meta),
        ("room:a", "u1", b"{}"),
        ("room:a", "u", b"1" + one.meta),
    ):
        assert await other.adopt(topic, key, meta, "n2") is None
    before = await live.versions(["room:a"])
    adopted = Entry("room:a", "u1", "r1", "n2", one.meta, "r0")
    assert await other.adopt("room:a", "u1", one.meta, "n2") == adopted
    assert await live.adopt("room:a", "u1", one.meta, "n1") is None
    assert (await live.listing("room:a")).entries == (adopted,)
    assert await live.versions(["room:a"]) == before


async def test_what_was_adopted_is_the_nodes_and_dies_with_it(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    await live.beat("n1")
    await other.beat("n2")
    await live.put(entry("r1"))
    in_time = 10 * BRIEF
    await live.hold("room:a", "r1", in_time)
    await other.adopt("room:a", "u1", b"{}", "n2")
    await place.passes(in_time)
    await place.lapse("n1", alive=["n2"])
    assert await live.reap() == []
    await place.lapse("n2")
    assert await reaped(live) == [entry("r1", node="n2")]


async def test_put_again_takes_back_what_was_held(place: Place, live: LiveStore) -> None:
    await live.beat("n1")
    await live.put(entry("r1"))
    await live.hold("room:a", "r1", BRIEF)
    assert (await live.put(entry("r1"))).joins == ()
    await place.passes(BRIEF)
    assert await live.adopt("room:a", "u1", b"{}", "n2") is None
    assert await live.reap() == []
    await live.hold("room:a", "r1", BRIEF)
    gone = await live.remove("room:a", ["r1"])
    assert gone is not None
    await place.passes(BRIEF)
    assert await live.reap() == []
    assert await live.adopt("room:a", "u1", b"{}", "n2") is None


async def test_of_many_who_adopt_each_gets_one(live: LiveStore, other: LiveStore) -> None:
    for ref in ("r1", "r2", "r3"):
        await live.put(entry(ref))
        await live.hold("room:a", ref, LONG)
    got = await asyncio.gather(
        *((live if n % 2 else other).adopt("room:a", "u1", b"{}", f"n{n}") for n in range(20))
    )
    assert sorted(each.ref for each in got if each is not None) == ["r1", "r2", "r3"]


async def test_of_many_who_reap_one_gets_each(place: Place, live: LiveStore, other: LiveStore) -> None:
    await live.beat("dead")
    for n in range(30):
        await live.put(entry(f"r{n}", topic=f"room:{n % 7}", node="dead"))
        if n % 2:
            await live.hold(f"room:{n % 7}", f"r{n}", BRIEF)
    await place.passes(BRIEF)
    await place.lapse("dead")
    found: list[Change] = []
    while (
        turn := await asyncio.gather(*((live if n % 2 else other).reap(most=10) for n in range(20)))
    ) and any(turn):
        found += [change for changes in turn for change in changes]
    assert sorted(each.ref for change in found for each in change.leaves) == sorted(
        f"r{n}" for n in range(30)
    )
    for n in range(7):
        listing = await live.listing(f"room:{n}")
        mine = sorted(change.version for change in found if change.topic == f"room:{n}")
        assert listing.entries == ()
        assert mine == list(range(listing.version - len(mine) + 1, listing.version + 1))


async def test_who_comes_back_while_others_reap_has_what_it_puts_again(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    entries = [entry(f"r{n}", topic=f"room:{n}") for n in range(8)]

    async def comes_back() -> None:
        assert not await live.beat("n1")
        await asyncio.gather(*(live.put(each) for each in entries))

    for _ in range(4):
        await live.beat("n1")
        await asyncio.gather(*(live.put(each) for each in entries))
        await place.lapse("n1")
        await asyncio.gather(other.reap(), other.reap(), comes_back(), other.reap(), other.reap())
        assert await other.reap() == []
        for each in entries:
            assert (await other.listing(each.topic)).entries == (each,)


async def test_versions_have_no_gap_however_many_write(live: LiveStore, other: LiveStore) -> None:
    changes = await asyncio.gather(
        *((live if n % 2 else other).put(entry(f"r{n}", node=f"n{n % 2}")) for n in range(40))
    )
    assert sorted(change.version for change in changes) == list(range(1, 41))
    assert len((await live.listing("room:a")).entries) == 40


# --- streams ---


async def test_what_came_behind_a_position_comes_whole_and_in_order(
    live: LiveStore, other: LiveStore
) -> None:
    begun = await live.since("chat:u1", None)
    assert begun == Recovery(Position(begun.top.epoch, 0), ())
    at = begun.top
    for n in range(1, 6):
        before, at = at, await (live if n % 2 else other).append("chat:u1", b"%d" % n, keep=10, seconds=LONG)
        assert at == Position(at.epoch if n == 1 else before.epoch, n)
    everything = await other.since("chat:u1", Position(at.epoch, 0))
    assert everything == Recovery(at, tuple((n, b"%d" % n) for n in range(1, 6)))
    assert await other.since("chat:u1", Position(at.epoch, 3)) == Recovery(at, ((4, b"4"), (5, b"5")))
    assert await other.since("chat:u1", at) == Recovery(at, ())
    assert await other.since("chat:u1", None) == Recovery(at, ())


async def test_a_stream_without_messages_costs_nothing_and_its_place_holds_for_the_one_that_begins(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    made_up = [f"made up {n}" for n in range(20)]
    tops = [(await live.since(name, None)).top for name in made_up]
    begun = await other.since("s", None)
    assert begun == Recovery(Position(begun.top.epoch, 0), ())
    assert await live.since("s", begun.top) == begun
    assert await place.has(live, [*made_up, "s"]) == 0
    assert {top.seq for top in tops} == {0}
    first = await live.append("s", b"1", keep=10, seconds=LONG)
    second = await other.append("s", b"2", keep=10, seconds=LONG)
    assert (first.seq, second) == (1, Position(first.epoch, 2))
    assert await place.has(live, [*made_up, "s"]) == 1
    assert await other.since("s", begun.top) == Recovery(second, ((1, b"1"), (2, b"2")))
    assert await live.since("s", Position(begun.top.epoch, 1)) == Recovery(
        second, ((2, b"2"),)
    )  # heard the first
    assert await live.since("s", Position(begun.top.epoch, 3)) == Recovery(second, None)
    assert await other.since("s", None) == Recovery(second, ())


async def test_every_store_judges_places_by_the_same_rule(live: LiveStore) -> None:
    """Hours cannot be waited for here: what was told at others is made up, as a client could."""
    asked = (await live.since("s", None)).top.epoch
    store, hour = asked[:STORE], int(asked[STORE:], 16)
    told = [f"{store}{hour + back:06x}" for back in (1, 0, -1, -HOURS, -HOURS - 1, -HOURS - 2)]
    told += [f"{'0' * STORE}{hour:06x}", store, f"{asked}0", asked[:-1], f"{asked}{'0' * 12}"]

    async def known() -> list[str]:
        return [each for each in told if (await live.since("s", Position(each, 0))).messages is not None]

    def right(epoch: str) -> list[str]:
        return [each for each in told if is_of(epoch, each)]

    assert await known() == right((await live.since("s", None)).top.epoch)
    at = await live.append("s", b"1", keep=3, seconds=LONG)
    assert await known() == right(at.epoch)
    assert (await live.since("s", Position(asked, 1))).messages == ()


async def test_who_asks_while_a_stream_begins_misses_nothing(live: LiveStore, other: LiveStore) -> None:
    for n in range(5):
        stream = f"s{n}"
        asked = [other.since(stream, None) if m % 2 else live.since(stream, None) for m in range(8)]
        appends = [live.append(stream, b"m", keep=10, seconds=LONG) for _ in range(3)]
        answers = await asyncio.gather(*asked[:4], *appends, *asked[4:])
        places = [each for each in answers if isinstance(each, Position)]
        assert sorted(each.seq for each in places) == [1, 2, 3]
        assert len({each.epoch for each in places}) == 1
        for found in answers:
            if isinstance(found, Recovery):
                later = (await live.since(stream, found.top)).messages
                assert later is not None
                assert [seq for seq, _ in later] == list(range(found.top.seq + 1, 4))


async def test_there_is_never_a_part_of_what_came(live: LiveStore) -> None:
    at = await live.append("s", b"1", keep=4, seconds=LONG)
    for n in range(2, 11):
        at = await live.append("s", b"%d" % n, keep=4, seconds=LONG)
    nothing = Recovery(at, None)
    assert (await live.since("s", Position(at.epoch, 6))).messages == tuple(
        (n, b"%d" % n) for n in range(7, 11)
    )
    assert await live.since("s", Position(at.epoch, 5)) == nothing
    assert await live.since("s", Position(at.epoch, 7), most=2) == nothing
    assert (await live.since("s", Position(at.epoch, 8), most=2)).messages is not None
    assert await live.since("s", Position(at.epoch, 11)) == nothing
    assert await live.since("s", Position(at.epoch, -1)) == nothing
    assert await live.since("s", Position("another", 10)) == nothing
    other_stream = await live.since("t", at)
    assert other_stream.messages is None
    assert other_stream.top.seq == 0


async def test_messages_that_are_too_old_are_not_there_any_more(place: Place, live: LiveStore) -> None:
    begun = await live.append("s", b"old", keep=10, seconds=BRIEF)
    await place.passes(BRIEF)
    assert (await live.since("s", Position(begun.epoch, 0))).messages is None
    assert await live.since("s", begun) == Recovery(begun, ())
    await live.reap()
    at = await live.append("s", b"new", keep=10, seconds=LONG)
    assert at == Position(begun.epoch, 2)
    assert await live.since("s", begun) == Recovery(at, ((2, b"new"),))
    assert (await live.since("s", Position(begun.epoch, 0))).messages is None


async def test_a_stream_that_keeps_less_forgets_more(live: LiveStore) -> None:
    for n in range(5):
        await live.append("s", b"%d" % n, keep=5, seconds=LONG)
    at = await live.append("s", b"5", keep=2, seconds=LONG)
    assert (await live.since("s", Position(at.epoch, 4))).messages == ((5, b"4"), (6, b"5"))
    assert (await live.since("s", Position(at.epoch, 3))).messages is None


async def test_appends_at_once_get_a_number_each(live: LiveStore, other: LiveStore) -> None:
    places = await asyncio.gather(
        *((live if n % 2 else other).append("s", b"%d" % n, keep=100, seconds=LONG) for n in range(40))
    )
    assert len({at.epoch for at in places}) == 1
    assert sorted(at.seq for at in places) == list(range(1, 41))
    found = await live.since("s", Position(places[0].epoch, 0))
    assert found.messages == tuple(sorted((at.seq, b"%d" % n) for n, at in enumerate(places)))


# --- log-outs ---


async def test_a_log_out_is_known_everywhere_until_it_is_forgotten(
    place: Place, live: LiveStore, other: LiveStore
) -> None:
    assert await live.logged_out("u1") == 0.0
    at = await live.log_out("u1", seconds=LONG)
    assert at > 1e9
    assert await other.logged_out("u1") == pytest.approx(at, abs=1e-3)
    assert await other.logged_out("u2") == 0.0
    assert await other.log_out("u1", seconds=BRIEF) >= at
    await other.log_out("u2", seconds=BRIEF)
    await place.passes(BRIEF)
    assert await live.logged_out("u2") == 0.0
    await live.reap()
    assert await live.logged_out("u1") >= at - 1e-3
    assert await live.logged_out("u2") == 0.0


async def test_it_answers(live: LiveStore) -> None:
    await live.answers()
