"""PostgreSQL that is killed, hangs, is cut off, is old or new or careless; and two processes' worth of stores on it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao.config.urls import Where
from kikao.sessions.outgoing import Sent
from kikao.sessions.store import (
    Busy,
    Claim,
    CommitUnknown,
    Conflict,
    Dedupe,
    Duplicate,
    StoreRefused,
    StoreUnavailable,
)
from kikao.sessions.stores.postgresql import VERSION, PostgreSQLStore, migrate
from tests.engines.postgresql import PostgreSQL
from tests.engines.proxy import CutAfter, CutBeforeAnswer, Garbage, HalfOpen, Mute, Proxy
from tests.sessions.outbox_contract import message, posting, taking
from tests.sessions.store_contract import HOUR, LEASE, NOW, everything, make, take, written
from tests.waiting import PATIENCE as LONG
from tests.waiting import until

PATIENCE = 1.0
"""Seconds that the stores of these tests wait for an answer."""


@pytest.fixture(scope="module")
def prepared(postgresql: PostgreSQL) -> str:
    """The name of a database that has been migrated, to be copied."""
    url = postgresql.database()
    asyncio.run(migrate(url))
    return url.rpartition("/")[2]


@pytest.fixture
def url(postgresql: PostgreSQL, prepared: str) -> str:
    return postgresql.database(template=prepared)


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PostgreSQL, str]]:
    """A server to kill and to stop, and its database."""
    server = PostgreSQL(tmp_path_factory.mktemp("own"))
    server.start()
    url = server.database()
    asyncio.run(migrate(url))
    yield server, url
    server.remove()


@asynccontextmanager
async def opened(url: str, *, patience: float = PATIENCE, queue: int = 500) -> AsyncIterator[PostgreSQLStore]:
    store = PostgreSQLStore(url, patience=patience, queue=queue)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def is_there(store: PostgreSQLStore) -> bool:
    try:
        await take(store, secrets.token_bytes(8))
    except StoreUnavailable:
        return False
    return True


async def is_known_to_be_away(store: PostgreSQLStore) -> bool:
    with pytest.raises(StoreUnavailable):
        await take(store)
    return store.broken is not None


# --- several processes ---


async def test_two_stores_that_race_for_a_session_never_both_have_it(url: str) -> None:
    async with opened(url, patience=LONG) as one, opened(url, patience=LONG) as two:

        async def turn(store: PostgreSQLStore) -> None:
            claim = await take(store, wait=60)
            count = 0 if claim.record is None else int(claim.record.state)
            await asyncio.sleep(0)
            await store.commit(written(claim, state=b"%d" % (count + 1)))

        await asyncio.gather(*(turn(store) for _ in range(15) for store in (one, two)))
        assert [(record.version, record.state) for record in await everything(one)] == [(30, b"30")]


async def test_a_lease_holds_for_other_processes_and_a_new_one_does_not_void_it(url: str) -> None:
    async with opened(url) as one:
        await make(one)
        held = await take(one)
        async with opened(url) as two:
            assert await two.claim(b"session", None, now=NOW, lease=LEASE, wait=0.05) == Busy(held.record)
            waiting = asyncio.create_task(take(two, wait=30))
            await until(lambda: two.waiting > 0, "it to ask")
            await until(lambda: two.waiting == 0, "an answer")  # it is told that the session is busy
            await one.commit(written(held, state=b"of one"))
            claim = await waiting
            assert claim.record is not None
            assert (claim.record.state, claim.version_on_arrival) == (b"of one", 1)
            assert claim.fence > held.fence
            await two.commit(written(claim))
            with pytest.raises(Conflict):
                await one.commit(written(held, version=1))


async def test_fences_rise_over_a_crash_that_empties_the_leases(
    own_server: tuple[PostgreSQL, str],
) -> None:
    server, url = own_server
    key = secrets.token_bytes(8)
    async with opened(url) as store:
        await make(store, key)
        lost = await take(store, key)
        server.kill()
        server.start()
    async with opened(url) as store:
        claim = await take(store, key)
        assert claim.fence > lost.fence
        assert claim.record == lost.record
        await store.commit(written(claim))
        with pytest.raises(Conflict):
            await store.commit(written(lost))


async def test_fences_rise_when_the_clock_of_the_server_is_set_back(postgresql: PostgreSQL, url: str) -> None:
    async with opened(url) as store:
        await make(store)
        last_year_it_was = 2**60
        postgresql.execute(f"UPDATE kikao.sessions SET fence = {last_year_it_was}", url=url)
        for _ in range(2):
            claim = await take(store)
            assert claim.fence > last_year_it_was
            last_year_it_was = claim.fence
            assert isinstance(await store.claim(b"session", None, now=NOW, lease=LEASE, wait=0), Busy)
            await store.commit(written(claim))


# --- the server goes away ---


async def test_a_server_that_is_killed_under_load_loses_nothing_that_was_acknowledged(
    own_server: tuple[PostgreSQL, str],
) -> None:
    server, url = own_server
    acknowledged: dict[bytes, int] = {}
    told: list[type[Exception]] = []
    over = asyncio.Event()

    async def member(store: PostgreSQLStore, key: bytes) -> None:
        for turn in itertools.count():
            if over.is_set():
                return
            try:
                claim = await store.claim(key, None, now=NOW + turn * LEASE, lease=LEASE, wait=0)
                assert isinstance(claim, Claim)
                version = 0 if claim.record is None else claim.record.version
                assert version >= acknowledged.get(key, 0)
                await store.commit(written(claim))
                acknowledged[key] = version + 1
            except (StoreUnavailable, CommitUnknown, Conflict) as error:
                told.append(type(error))
                await asyncio.sleep(0.01)

    async with opened(url, patience=LONG) as store:
        members = [asyncio.create_task(member(store, secrets.token_bytes(8))) for _ in range(20)]
        for _ in range(3):
            before = sum(acknowledged.values())
            await until(lambda before=before: sum(acknowledged.values()) > before + 50, "turns")  # type: ignore[misc]
            await asyncio.to_thread(server.kill)
            await until(lambda: store.broken is not None, "the store to see it")
            await asyncio.to_thread(server.start)
        last = sum(acknowledged.values())
        await until(lambda: sum(acknowledged.values()) > last, "turns after the last start")
        over.set()
        await asyncio.gather(*members)
        stored = {record.key: record.version for record in await everything(store)}
        assert all(stored[key] >= version for key, version in acknowledged.items())
    assert StoreUnavailable in told


async def test_who_asks_while_the_server_is_away_is_told_at_once(own_server: tuple[PostgreSQL, str]) -> None:
    server, url = own_server
    async with opened(url) as store:
        assert store.broken is None
        server.kill()
        try:
            await until(lambda: is_known_to_be_away(store), "the store to know")
            clock = asyncio.get_running_loop().time
            began = clock()
            for _ in range(100):
                with pytest.raises(StoreUnavailable, match="cannot be reached"):
                    await take(store)
            assert clock() - began < PATIENCE
            assert "postgresql://" in (store.broken or "")
        finally:
            server.start()
        await until(lambda: store.broken is None, "the store to go on")
        await take(store, secrets.token_bytes(8))


async def test_who_asks_a_server_that_hangs_does_not_wait_for_long_and_not_in_crowds(
    own_server: tuple[PostgreSQL, str],
) -> None:
    server, url = own_server
    async with opened(url, queue=50) as store:
        await make(store, secrets.token_bytes(8))
        claim = await take(store, secrets.token_bytes(8))
        with server.stalled():
            commit = asyncio.create_task(store.commit(written(claim)))
            crowd = [asyncio.create_task(take(store, secrets.token_bytes(8))) for _ in range(100)]
            outcomes = await asyncio.gather(*crowd, commit, return_exceptions=True)
            assert {type(outcome) for outcome in outcomes[:100]} == {StoreUnavailable}
            assert type(outcomes[100]) is CommitUnknown
            assert "no more are taken" in " ".join(map(str, outcomes))
            assert store.waiting <= 50
        await until(lambda: is_there(store), "the store to take turns again")


async def test_connections_that_the_server_ends_are_made_anew(postgresql: PostgreSQL, url: str) -> None:
    async with opened(url) as store:
        await make(store)
        for _ in range(3):
            postgresql.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                f"WHERE datname = '{url.rpartition('/')[2]}' AND pid <> pg_backend_pid()"
            )
            assert len(await everything(store)) == 1  # reads are asked once more
        claim = await take(store)
        await store.commit(written(claim))


# --- the line is cut ---


@pytest.fixture
async def cut_off(postgresql: PostgreSQL, url: str) -> AsyncIterator[tuple[Proxy, PostgreSQLStore, str]]:
    """A proxy, a store behind it, and the way around."""
    async with Proxy(f"127.0.0.1:{postgresql.port}") as proxy:
        behind = url.replace(f"127.0.0.1:{postgresql.port}", proxy.address)
        async with opened(behind) as store:
            await make(store, b"warm")
            yield proxy, store, url


async def test_a_commit_whose_answer_is_lost_is_unknown_and_its_dedupe_record_tells(
    cut_off: tuple[Proxy, PostgreSQLStore, str],
) -> None:
    proxy, store, _ = cut_off
    claim = await take(store, dedupe=b"message")
    proxy.fault = CutBeforeAnswer(times=1)
    with pytest.raises(CommitUnknown):
        await store.commit(written(claim, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR)))
    proxy.fault = None
    answer = await store.claim(b"session", b"message", now=NOW, lease=LEASE, wait=5)
    assert answer == Duplicate(b"the reply")


async def test_a_commit_that_is_cut_on_its_way_is_unknown_and_not_stored(
    cut_off: tuple[Proxy, PostgreSQLStore, str],
) -> None:
    proxy, store, around = cut_off
    claim = await take(store, dedupe=b"message")
    proxy.fault = CutAfter(octets=60, times=1)
    with pytest.raises(CommitUnknown):
        await store.commit(written(claim, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR)))
    proxy.fault = None
    async with opened(around) as other:
        again = await take(other, dedupe=b"message", wait=5)
        assert (again.record, again.seen) == (None, None)


async def test_a_claim_whose_answer_is_lost_is_asked_again_and_finds_its_own_lease(
    cut_off: tuple[Proxy, PostgreSQLStore, str],
) -> None:
    proxy, store, _ = cut_off
    await make(store)
    proxy.fault = CutBeforeAnswer(times=1, holding=b"another session")
    claim = await take(store, b"another session")
    assert proxy.hits
    await store.commit(written(claim))
    proxy.fault = CutBeforeAnswer(times=2)
    with pytest.raises(StoreUnavailable):
        await take(store, b"a third session")


@pytest.mark.parametrize("fault", [HalfOpen(), Mute(), Garbage()])
async def test_whatever_becomes_of_the_line_a_commit_is_settled_in_time(
    cut_off: tuple[Proxy, PostgreSQLStore, str], fault: HalfOpen | Mute | Garbage
) -> None:
    proxy, store, around = cut_off
    claim = await take(store, dedupe=b"message")
    proxy.fault = fault
    async with asyncio.timeout(30 * PATIENCE):
        with pytest.raises(CommitUnknown):
            await store.commit(written(claim, dedupe=Dedupe(b"message", b"the reply", NOW + HOUR)))
    proxy.fault = None
    async with opened(around) as other:
        stored = {record.key for record in await everything(other)} == {b"warm", b"session"}
        answer = await other.claim(b"session", b"message", now=NOW + LEASE, lease=LEASE, wait=0)
        assert isinstance(answer, Duplicate) == stored == (not isinstance(fault, HalfOpen))


# --- what is asked together ---


async def test_a_batch_that_the_server_undoes_is_asked_one_by_one(url: str) -> None:
    async with opened(url, patience=LONG) as store:
        claims = [await take(store, b"session %d" % number) for number in range(10)]
        nothing: bytes = None  # type: ignore[assignment] # what a bug might pass
        states = [nothing if number == 4 else b"%d" % number for number in range(10)]
        outcomes = await asyncio.gather(
            *(store.commit(written(claim, state=state)) for claim, state in zip(claims, states, strict=True)),
            return_exceptions=True,
        )
        assert [number for number, outcome in enumerate(outcomes) if outcome is not None] == [4]
        assert "NotNull" in type(outcomes[4]).__name__
        assert len(await everything(store)) == 9


async def test_who_is_cancelled_gives_back_what_comes_later(url: str) -> None:
    async with opened(url) as store:
        asking = asyncio.create_task(take(store))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await take(store, wait=LEASE / 2)


async def test_lanes_keep_their_order_while_several_processes_post_and_send(url: str) -> None:
    async with opened(url, patience=LONG) as one, opened(url, patience=LONG) as two:
        numbers = itertools.count()
        sent: dict[bytes, list[int]] = {}

        async def member(store: PostgreSQLStore, key: bytes) -> None:
            for _ in range(5):
                claim = await take(store, key, wait=60)
                number = next(numbers)
                letter = message(b"%d" % number, session=key, payload=b"%d" % number)
                version = 0 if claim.record is None else claim.record.version
                await store.commit(posting(written(claim, version=version), letter))

        async def sender(store: PostgreSQLStore) -> None:
            while sum(map(len, sent.values())) < 40:
                for letter in await taking(store, limit=3):
                    sent.setdefault(letter.session, []).append(int(letter.payload))
                    assert await store.settle(letter, Sent(NOW + HOUR))

        keys = [b"a", b"b", b"c", b"d"]
        async with asyncio.timeout(LONG):
            await asyncio.gather(
                *(member(store, key) for key in keys for store in (one, two)), sender(one), sender(two)
            )
        assert {key: sorted(found) for key, found in sent.items()} == sent
        assert len(sent) == 4


# --- what is refused at the start ---


async def test_a_database_without_a_store_is_refused_until_it_is_migrated(postgresql: PostgreSQL) -> None:
    url = postgresql.database()
    with pytest.raises(StoreRefused, match=r"has no session store yet.*Run: kikao migrate"):
        await PostgreSQLStore(url).open()
    postgresql.execute("CREATE ROLE meek LOGIN")
    with pytest.raises(StoreRefused, match="may not make them"):
        await migrate(url.replace("kikao@", "meek@"))
    assert sorted(await asyncio.gather(migrate(url), migrate(url))) == [(0, VERSION), (VERSION, VERSION)]
    async with opened(url) as store:
        await make(store)


async def test_an_older_and_a_newer_store_are_refused_and_left_alone(
    postgresql: PostgreSQL, url: str
) -> None:
    postgresql.execute("UPDATE kikao.schema SET version = 99", url=url)
    with pytest.raises(StoreRefused, match="made by a newer kikao"):
        await PostgreSQLStore(url).open()
    with pytest.raises(StoreRefused, match=f"knows versions up to {VERSION}"):
        await migrate(url)
    postgresql.execute("UPDATE kikao.schema SET version = 0", url=url)
    with pytest.raises(StoreRefused, match="Run: kikao migrate"):
        await PostgreSQLStore(url).open()
    with pytest.raises(StoreRefused, match="cannot be migrated"):
        await migrate(url)
    assert postgresql.execute("SELECT version FROM kikao.schema", url=url) == [(0,)]


@pytest.mark.parametrize("setting", ["synchronous_commit", "fsync"])
async def test_a_careless_server_is_refused_where_it_matters(
    postgresql: PostgreSQL, url: str, setting: str, caplog: pytest.LogCaptureFixture
) -> None:
    if setting == "synchronous_commit":
        postgresql.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    with pytest.raises(StoreRefused, match=f"{setting} is off"):
        await PostgreSQLStore(url, strict=True).open()
    with caplog.at_level(logging.WARNING):
        async with opened(url):
            assert f"{setting} is off" in caplog.text


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql://kikao:hunter2@127.0.0.1:1/kikao", "cannot be reached"),
        ("postgresql://kikao:hunter2@{address}/nowhere", "Create the database"),
        ("postgresql://kikao:hunter2@{address}/postgres?sslmode=require", "cannot be reached"),
        ("postgresql://kikao:hunter2@{address}/postgres?sslmode=maybe", "cannot be reached"),
    ],
)
async def test_who_cannot_connect_is_told_why_without_the_password(
    postgresql: PostgreSQL, url: str, said: str
) -> None:
    url = url.format(address=f"127.0.0.1:{postgresql.port}")
    for where in (url, Where(url)):
        store = PostgreSQLStore(where)
        with pytest.raises(StoreRefused, match=said) as refused:
            await store.open()
        assert "hunter2" not in f"{refused.value} {store!r} {refused.value.__cause__}"
        with pytest.raises(StoreRefused, match=said):
            await migrate(where)


async def test_the_server_that_can_be_written_to_is_taken_of_several(
    postgresql: PostgreSQL, url: str
) -> None:
    several = url.replace("@127.0.0.1", "@127.0.0.1:1,127.0.0.1")
    async with opened(several) as store:
        await make(store)
    database = url.rpartition("/")[2]
    postgresql.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
    with pytest.raises(StoreRefused, match="cannot be reached"):
        await PostgreSQLStore(several).open()


async def test_a_server_that_becomes_a_standby_takes_nothing(postgresql: PostgreSQL, url: str) -> None:
    async with opened(url) as store:
        claim = await take(store)
        database = url.rpartition("/")[2]
        postgresql.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        postgresql.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
        )
        for _ in range(20):
            with pytest.raises((StoreUnavailable, CommitUnknown)):
                await store.commit(written(claim))
        assert store.broken is not None
        postgresql.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        await until(lambda: store.broken is None, "the store to go on")
        await store.commit(written(claim))


async def test_a_store_that_is_closed_says_so(url: str) -> None:
    store = PostgreSQLStore(url)
    with pytest.raises(StoreUnavailable, match="is not open"):
        await take(store)
    await store.open()
    with pytest.raises(RuntimeError, match="open already"):
        await store.open()
    held = await take(store)
    waiting = asyncio.create_task(take(store, wait=30))
    await asyncio.sleep(0)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await waiting
    await store.release(held)
    await store.close()
    assert (store.broken, store.waiting) == (None, 0)


def test_nothing_is_left_of_the_paths(tmp_path: Path) -> None:
    """Making a store connects to nothing."""
    assert repr(PostgreSQLStore("postgresql://kikao:hunter2@db/kikao")) == (
        "PostgreSQLStore('postgresql://kikao:***@db/kikao')"
    )
