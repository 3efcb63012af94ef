"""Live stores that processes share, and everything that can go wrong between them and their server."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import redis.asyncio

from kikao.live.stores.memory import MemoryLive
from kikao.live.stores.postgresql import migrations
from kikao.live.stores.sealed import Sealed, scope_of
from kikao.live.stores.store import Change, Entry, Listing, LiveAway, LiveStore, Position, Recovery
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused
from tests.engines.postgresql import PostgreSQL as PostgreSQLServer
from tests.engines.proxy import BlackHole, CutBeforeAnswer, Fault, HalfOpen, Proxy, Refuse
from tests.engines.valkey import Cluster, Valkey
from tests.live.stores.places import LONG, PostgreSQL, Redis, Server
from tests.waiting import until

HOW_TO = Path(__file__).parents[3] / "docs" / "how-to"

HASTE = 1.0
"""Seconds of patience where nothing is to be expected."""


@pytest.fixture(scope="module")
def database(postgresql: PostgreSQLServer) -> str:
    return postgresql.database()


@pytest.fixture(params=["valkey", "postgresql"])
def place(request: pytest.FixtureRequest) -> Server:
    if request.param == "postgresql":
        return PostgreSQL(request.getfixturevalue("database"))
    valkey: Valkey = request.getfixturevalue("valkey")
    return Redis(valkey.url)


@asynccontextmanager
async def behind(
    place: Server, fault: Fault | None = None, *, recording: bool = False
) -> AsyncIterator[tuple[Proxy, Server]]:
    """The same place, on a way that may break."""
    scheme, _, rest = place.url.partition("://")
    credentials, at, address = rest.rpartition("@")
    target, _, path = address.partition("/")
    async with Proxy(target, recording=recording) as proxy:
        proxy.fault = fault
        query = "?timeout=0.8" if scheme == "redis" else ""
        url = f"{scheme}://{credentials}{at}{proxy.address}/{path}{query}"
        yield proxy, type(place)(url, place.keys)


def entry(ref: str, *, topic: str = "room:a", node: str = "n1", meta: bytes = b"{}") -> Entry:
    return Entry(topic, "u1", ref, node, meta)


async def away(store: LiveStore, *, within: float) -> None:
    """Every call says so, and in time, however many there are."""
    calls: list[Callable[[], Any]] = [
        lambda: store.beat("n1"),
        lambda: store.retire("n1", 1.0),
        lambda: store.put(entry("r9")),
        lambda: store.hold("room:a", "r1", 1.0),
        lambda: store.adopt("room:a", "u1", b"{}", "n1"),
        lambda: store.remove("room:a", ["r9"]),
        lambda: store.listing("room:a"),
        lambda: store.versions(["room:a"]),
        store.reap,
        lambda: store.append("s", b"m", keep=1, seconds=1.0),
        lambda: store.since("s", None),
        lambda: store.log_out("u9", seconds=1.0),
        lambda: store.logged_out("u9"),
        store.answers,
    ]
    async with asyncio.timeout(within):
        found = await asyncio.gather(*(call() for call in calls), return_exceptions=True)
    assert [type(each) for each in found] == [LiveAway] * len(calls)


async def answers(store: LiveStore) -> bool:
    try:
        await store.answers()
    except LiveAway:
        return False
    return True


@pytest.mark.parametrize("fault", [BlackHole(), HalfOpen(), Refuse()], ids=lambda fault: type(fault).__name__)
async def test_a_server_that_is_away_is_told_in_time_and_found_again(place: Server, fault: Fault) -> None:
    async with behind(place) as (proxy, far), far.client(patience=HASTE) as store:
        await store.beat("n1")
        begun = await store.put(entry("r1"))
        proxy.fault = fault
        await away(store, within=10 * HASTE)
        await away(store, within=10 * HASTE)
        proxy.fault = None
        await until(lambda: answers(store), "the server to answer again")
        again = await store.put(entry("r2"))
        assert again.epoch == begun.epoch
        assert again.version > begun.version


async def test_a_server_may_come_later(place: Server) -> None:
    async with behind(place, Refuse()) as (proxy, far), far.client(patience=HASTE) as store:
        await away(store, within=10 * HASTE)
        proxy.fault = None
        await until(lambda: answers(store), "the server to answer")
        assert (await store.put(entry("r1"))).joins


async def test_what_was_done_though_its_answer_is_lost_is_done_once(place: Server) -> None:
    async with place.client() as store, behind(place) as (proxy, far), far.client() as lossy:
        await lossy.beat("n1")
        await lossy.put(entry("r1"))
        proxy.fault = CutBeforeAnswer(times=1)
        try:
            await lossy.put(entry("r2"), replaces="r1")
        except LiveAway:
            await until(lambda: answers(lossy), "the connection")
            assert (await lossy.put(entry("r2"), replaces="r1")).joins == ()
        listing = await store.listing("room:a")
        assert [each.ref for each in listing.entries] == ["r2"]
        assert listing.version == 2


async def test_whoever_gives_up_leaves_nothing_half_done(place: Server) -> None:
    async with place.client() as store, behind(place) as (proxy, far), far.client() as slow:
        await slow.beat("n1")
        proxy.fault = BlackHole()
        tasks = [asyncio.create_task(slow.put(entry(f"r{n}"))) for n in range(10)]
        await until(lambda: proxy.open, "a connection")
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in found} == {asyncio.CancelledError}
        proxy.fault = None
        await until(lambda: answers(slow), "the connection")
        done = await slow.put(entry("last"))
        listing = await store.listing("room:a")
        assert (listing.version, len(listing.entries)) == (done.version, done.version)


async def test_a_store_that_was_wiped_has_other_epochs_and_tells_its_nodes(place: Server) -> None:
    async with place.client() as store:
        await store.beat("n1")
        begun = await store.put(entry("r1"))
        at = await store.append("s", b"m", keep=10, seconds=LONG)
        await place.wipe()
        assert await store.versions(["room:a"]) == {"room:a": ("", 0)}
        again = await store.put(entry("r2"))
        assert again.epoch != begun.epoch
        assert (again.version, again.joins) == (1, (entry("r2"),))
        assert not await store.beat("n1")
        assert await store.beat("n1")
        lost = await store.since("s", at)
        assert lost.messages is None
        assert lost.top == Position(lost.top.epoch, 0)
        assert (await store.put(entry("r1"))).version == 2


async def test_nothing_that_is_said_leaves_the_process(place: Server) -> None:
    async with behind(place, recording=True) as (proxy, far), far.client() as store:
        one = Entry("room:TOPICWORD", "USERWORD", "r1", "n1", b'{"x":"METAWORD"}', "r0")
        await store.put(one)
        await store.hold(one.topic, "r1", LONG)
        assert await store.adopt(one.topic, one.key, one.meta, "n1") == one
        await store.append("STREAMWORD", b"MESSAGEWORD", keep=3, seconds=LONG)
        await store.since("STREAMWORD", Position("what a client says: \x00", 2**80))
        await store.log_out("USERWORD", seconds=LONG)
        await store.remove(one.topic, ["r1"])
        assert b"n1" in proxy.to_server
        assert b"WORD" not in proxy.to_server


async def test_keys_rotate_and_no_log_out_is_forgotten(place: Server) -> None:
    old = place.ring
    new = KeyRing({"k2": bytes(32), **{kid: old._keys[kid] for kid in old.kids}})
    same_names = new.with_lookup("k1")
    async with (
        place.client() as before,
        place.client(ring=same_names) as after,
        place.client(ring=new) as anew,
    ):
        await before.put(entry("r1"))
        at = await before.append("s", b"1", keep=10, seconds=LONG)
        out = await before.log_out("u1", seconds=LONG)
        assert (await after.listing("room:a")).entries == (entry("r1"),)
        await after.put(entry("r2"))
        assert await after.since("s", Position(at.epoch, 0)) == Recovery(at, ((1, b"1"),))
        assert (await before.listing("room:a")).entries == (entry("r1"),)  # it does not have the new key
        assert await anew.logged_out("u1") == pytest.approx(out, abs=1e-3)
        assert await anew.logged_out("u2") == 0.0
        assert (await anew.listing("room:a")).entries == ()


# --- the same as in memory, whatever is asked ---


@pytest.mark.parametrize("seed", [1, 2])
async def test_it_answers_as_the_store_in_memory(place: Server, seed: int) -> None:
    await same_as_memory(place, seed)


async def test_a_cluster_answers_as_the_store_in_memory(cluster: Cluster) -> None:
    await same_as_memory(Redis(cluster.url), 3)


async def same_as_memory(place: Server, seed: int) -> None:
    rng = random.Random(seed)
    memory = MemoryLive()
    epochs: dict[str, str] = {}
    async with place.client() as one, place.client() as two:
        for n in range(120):
            asked = random_call(rng, n)
            expected, found = await asked(memory), await asked(rng.choice([one, two]))
            assert plain(found, epochs) == plain(expected, None)


def random_call(rng: random.Random, n: int) -> Callable[[LiveStore], Any]:
    topic, node, ref = f"t{rng.randrange(3)}", f"n{rng.randrange(2)}", f"r{rng.randrange(n + 1)}"
    key, meta, stream = f"u{rng.randrange(3)}", b"%d" % rng.randrange(2), f"s{rng.randrange(2)}"
    made = Entry(topic, key, f"{topic}.{key}.r{n}", node, meta)
    ref = f"{topic}.{key}.{ref}"
    back, most = rng.randrange(6), rng.choice([2, 300])

    async def since(store: LiveStore) -> Recovery:
        top = (await store.since(stream, None)).top
        return await store.since(stream, Position(top.epoch, top.seq - back), most=most)

    calls: list[Callable[[LiveStore], Any]] = [
        lambda store: store.put(made),
        lambda store: store.put(made, replaces=ref),
        lambda store: store.put(made, replaces=ref),
        lambda store: store.hold(topic, ref, LONG),
        lambda store: store.remove(topic, [ref, "none"]),
        lambda store: store.listing(topic),
        lambda store: store.versions(["t0", "t1", "none"]),
        lambda store: store.beat(node),
        lambda store: store.reap(),
        lambda store: store.append(stream, meta, keep=4, seconds=LONG),
        since,
    ]
    return rng.choice(calls)


def plain(found: Any, epochs: dict[str, str] | None) -> Any:
    """Without epochs, and entries in one order."""
    if isinstance(found, Change):
        return (found.topic, found.version, found.joins, found.leaves)
    if isinstance(found, Listing):
        return (found.version, sorted((each.ref, each.node, each.meta) for each in found.entries))
    if isinstance(found, Recovery):
        return (found.top.seq, found.messages)
    if isinstance(found, Position):
        return found.seq
    if isinstance(found, dict):
        return {topic: version for topic, (_, version) in found.items()}
    return found


# --- sealing ---


async def test_what_stands_in_another_place_does_not_open(caplog: pytest.LogCaptureFixture) -> None:
    inner = MemoryLive()
    store = Sealed(inner, KeyRing({"k1": bytes(32)}))
    await store.put(entry("r1"))
    (sealed,) = [each for topic in inner._topics.values() for each in topic.entries.values()]
    await inner.put(Entry(sealed.topic, sealed.key, "r2", "n1", sealed.meta))
    assert (await store.listing("room:a")).entries == (entry("r1"),)
    assert "is not shown" in caplog.text
    gone = await store.remove("room:a", ["r2"])
    assert gone is not None
    assert gone.leaves == ()
    await inner.put(Entry(sealed.topic, sealed.key, "r3", "n1", b"no seal"))
    await inner.hold(sealed.topic, "r3", 0.0)
    assert await store.reap() == []
    at = await store.append("s", b"m", keep=3, seconds=LONG)
    (name,) = inner._streams
    await inner.append(name, b"no seal", keep=3, seconds=LONG)
    assert (await store.since("s", Position(at.epoch, 0))).messages is None


# --- Redis ---


async def test_what_was_reaped_is_told_though_the_rest_fails(valkey: Valkey) -> None:
    place = Redis(valkey.url)
    async with behind(place) as (proxy, far), far.client(patience=HASTE) as store:
        await store.beat("n1")
        await store.put(entry("r1"))
        await store.put(entry("r2"))
        await store.hold("room:a", "r1", 0.0)
        proxy.fault = CutBeforeAnswer(holding=b"$3\r\nGET\r\n")
        (change,) = await store.reap()
        assert change.leaves == (entry("r1"),)
        await until(lambda: answers(store), "the connection")
        with pytest.raises(LiveAway):
            await store.reap()
        proxy.fault = None
        await until(lambda: answers(store), "the connection")


async def test_many_entries_are_listed_whole(valkey: Valkey) -> None:
    async with Redis(valkey.url).client() as store:
        await asyncio.gather(*(store.put(entry(f"r{n}")) for n in range(300)))
        assert {each.ref for each in (await store.listing("room:a")).entries} == {f"r{n}" for n in range(300)}


async def test_nothing_stays_on_the_server_for_ever(valkey: Valkey) -> None:
    place = Redis(valkey.url)
    async with place.client() as store:
        await store.beat("n1")
        await store.put(entry("r1"))
        await store.put(entry("r2"))
        await store.hold("room:a", "r2", LONG)
        await store.listing("room:b")
        await store.append("s", b"m", keep=3, seconds=60.0)
        await store.log_out("u1", seconds=60.0)
        assert await store.beat("n1")
    async with redis.asyncio.Redis.from_url(valkey.url) as client:
        keys = [key async for key in client.scan_iter(f"*{scope_of(place.ring)}*")]
        assert len(keys) >= 9
        assert [key for key in keys if await client.ttl(key) < 0] == []


async def test_a_user_of_redis_needs_what_the_how_to_lists(valkey: Valkey) -> None:
    page = (HOW_TO / "run-on-redis.md").read_text()
    listed = re.findall("^ACL SETUSER kikao on >… (.*)$", page, re.MULTILINE)
    (more,) = re.findall(r"for \[live channels\]\(.*?\) `([^`]*)`", page, re.DOTALL)
    valkey.ask("ACL", "SETUSER", "lively", "on", ">pw", *listed[0].split(), *more.split())
    place = Redis(valkey.url.replace("redis://", "redis://lively:pw@"))
    try:
        async with place.client() as store:
            for _ in range(2):
                await store.beat("n1")
                await store.log_out("u1", seconds=LONG)
                await store.append("s", b"m", keep=1, seconds=0.001)
            at = (await store.since("s", None)).top
            await store.since("s", Position(at.epoch, 0))
            await place.passes(0.001)
            await store.append("s", b"m", keep=3, seconds=LONG)
            await store.since("s", Position(at.epoch, 2))
            assert await store.logged_out("u1")
            await same_as_memory(place, 4)
            await store.beat("n2")
            await store.put(entry("r1", node="n2"))
            await place.lapse("n2")
            assert [each.ref for change in await store.reap() for each in change.leaves] == ["r1"]
            await store.put(entry("r2"))
            await store.retire("n1", LONG)
            assert await store.adopt("room:a", "u1", b"{}", "n3") == entry("r2", node="n3")
    finally:
        valkey.ask("ACL", "DELUSER", "lively")


# --- PostgreSQL ---


async def test_a_user_who_may_not_make_tables_works_once_somebody_made_them(
    postgresql: PostgreSQLServer, caplog: pytest.LogCaptureFixture
) -> None:
    url = postgresql.database()
    postgresql.execute("CREATE ROLE poor LOGIN")
    place = PostgreSQL(url.replace("kikao@", "poor@"))
    async with place.client() as store:
        with pytest.raises(LiveAway, match="Run kikao migrate with a user that may"):
            await store.answers()
        assert "may not make them" in caplog.text
        assert await migrations.version(url) == 0
        assert await migrations.migrate(url) == (0, migrations.VERSION)
        assert await migrations.migrate(url) == (migrations.VERSION, migrations.VERSION)
        assert await migrations.version(url) == migrations.VERSION
        page = (HOW_TO / "run-on-postgresql.md").read_text()
        grants = [line for line in page.splitlines() if line.startswith("GRANT ") and "kikao_live" in line]
        assert len(grants) == 2
        for grant in grants:
            postgresql.execute(grant.replace("kikao_server", "poor"), url=url)
        await until(lambda: answers(store), "the tables")
        assert (await store.put(entry("r1"))).joins
        assert await store.reap() == []
        await store.append("s", b"m", keep=3, seconds=60.0)
        assert await store.log_out("u1", seconds=60.0)


async def test_tables_of_the_version_before_are_upgraded_and_streams_go_on(
    postgresql: PostgreSQLServer,
) -> None:
    url = postgresql.database()
    before = dataclasses.replace(migrations._SCHEMA, scripts=("schema.sql",))
    assert await before.migrate(url) == (0, 1)
    append = "SELECT kikao_live.append('s', '0123456789abcdef', '', 10, 60, 60)"
    for _ in range(2):
        postgresql.execute(append, url=url)
    place = PostgreSQL(url)
    async with place.client() as store:
        inner = store._shared  # type: ignore[attr-defined]
        at = await inner.append("s", b"m", keep=10, seconds=60.0)
        assert at == Position("0123456789abcdef", 3)
        assert (await inner.since("s", Position(at.epoch, 2))).messages == ((3, b"m"),)
        assert (await inner.since("t", None)).top.seq == 0


async def test_tables_of_a_newer_release_are_left_alone(postgresql: PostgreSQLServer) -> None:
    url = postgresql.database()
    await migrations.migrate(url)
    postgresql.execute("UPDATE kikao_live.schema SET version = 99", url=url)
    async with PostgreSQL(url).client() as store:
        with pytest.raises(LiveAway, match="made by a newer kikao"):
            await store.answers()
    for asked in (migrations.migrate, migrations.version):
        with pytest.raises(StoreRefused, match="Nothing was changed"):
            await asked(url)


async def test_what_is_over_is_swept(postgresql: PostgreSQLServer) -> None:
    url = postgresql.database()
    async with PostgreSQL(url).client() as store:
        await store.listing("room:a")
        await store.append("s", b"m", keep=3, seconds=0.0)
        await store.log_out("u1", seconds=0.0)
        await store.beat("n1")
        await store.put(entry("ghost", topic="room:b", node="n2"))
        for statement in (
            "UPDATE kikao_live.topics SET changed_at = changed_at - interval '2 hours'",
            "UPDATE kikao_live.streams SET forget_at = forget_at - interval '2 days'",  # but the one without a name
            "DELETE FROM kikao_live.nodes WHERE node = 'n2'",
        ):
            postgresql.execute(statement, url=url)
        await store.reap()
        tables = ("topics", "streams", "messages", "log_outs", "entries")
        counts = {
            table: postgresql.execute(f"SELECT count(*) FROM kikao_live.{table}", url=url)[0][0]
            for table in tables
        }
        assert counts == {"topics": 1, "streams": 1, "messages": 0, "log_outs": 0, "entries": 1}
        (change,) = await store.reap()
        assert [each.ref for each in change.leaves] == ["ghost"]
