"""Records on PostgreSQL: what transactions see of each other, and what is said when the server is away."""

from __future__ import annotations

import asyncio
import threading
import traceback
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.util import await_only

from kikao.records import CommitUnknown, Migrated, Records, RecordsAway, RecordsRefused, upgrading
from kikao.records.migrations import Migrations
from kikao.records.postgresql import MIGRATING
from tests.engines.postgresql import PostgreSQL
from tests.engines.proxy import BlackHole, CutBeforeAnswer, Garbage, HalfOpen, Proxy, Refuse
from tests.records.notes import Revisions, execute, note, query
from tests.waiting import PATIENCE, until

BODIES = "SELECT body FROM notes ORDER BY body"


@pytest.fixture
async def where(postgresql: PostgreSQL, revisions: Revisions) -> str:
    """A database with the first revision of the notes."""
    found = postgresql.database()
    async with opened(found) as records:
        await records.migrate(revisions(), "notes_version", upgrade=True)
    return found


@pytest.fixture
async def records(where: str) -> AsyncIterator[Records]:
    async with opened(where) as found:
        yield found


@asynccontextmanager
async def opened(where: str) -> AsyncIterator[Records]:
    records = Records(where)
    try:
        yield records
    finally:
        await records.close()


@asynccontextmanager
async def through(proxy: Proxy, where: str) -> AsyncIterator[Records]:
    """The same database, through a network that fails; the line stands already."""
    async with opened(f"postgresql://kikao:hunter2@{proxy.address}/{where.rpartition('/')[2]}") as records:
        await note(records, "before")
        yield records


def _server(where: str) -> str:
    return urlsplit(where).netloc.rpartition("@")[2]


# --- transactions ---


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("SELECT CAST(:value AS INTEGER)", "hunter2"),  # refused by the client
        ("SELECT CAST(:value AS INTEGER)", 2**40 + 7),
        ("SELECT CAST(CAST(:value AS TEXT) AS INTEGER)", "hunter2"),  # refused by the server
        ("INSERT INTO notes (body) VALUES (:value)", "hunter2\0"),
        ("INSERT INTO notes (body) VALUES (:value)", "hunter2\ud800"),
    ],
)
async def test_a_value_that_does_not_fit_is_our_fault_and_nobody_repeats_it(
    records: Records, statement: str, value: object
) -> None:
    with pytest.raises(DataError) as refused:
        await records.write(lambda connection: connection.execute(text(statement), {"value": value}))
    told = "".join(traceback.format_exception(refused.value))
    assert "a value does not fit" in told
    assert "hunter2" not in told
    assert str(2**40 + 7) not in told
    assert await query(records, BODIES) == []


async def test_work_that_raises_leaves_nothing_behind(records: Records) -> None:
    def fail(connection: Connection) -> None:
        connection.execute(text("CREATE TABLE half (a INTEGER)"))
        connection.execute(text("INSERT INTO notes (body) VALUES ('lost')"))
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await records.write(fail)
    await records.read(lambda connection: connection.execute(text("INSERT INTO notes VALUES ('lost')")))
    assert await query(records, BODIES) == []
    assert await query(records, "SELECT to_regclass('half')") == [None]


async def test_a_reader_sees_one_state_and_never_waits_for_a_writer(where: str, records: Records) -> None:
    started, written = threading.Event(), threading.Event()

    def count_twice(connection: Connection) -> list[int]:
        count = text("SELECT count(*) FROM notes")
        before = connection.execute(count).scalar_one()
        started.set()
        assert written.wait(PATIENCE)
        return [before, connection.execute(count).scalar_one()]

    def read() -> list[int]:
        async def alone() -> list[int]:
            async with opened(where) as mine:
                return await mine.read(count_twice)

        return asyncio.run(alone())

    reader = asyncio.create_task(asyncio.to_thread(read))
    await asyncio.to_thread(started.wait)
    await note(records, "later")
    written.set()
    assert await reader == [0, 0]


async def test_transactions_that_wait_for_each_other_are_both_carried_out(records: Records) -> None:
    """One takes a and b, the other b and a: PostgreSQL ends one of the two, and it is done again."""
    await execute(records, "INSERT INTO owners (id) VALUES (1), (2)")
    met = asyncio.Barrier(2)
    runs = 0

    def take(first: int, second: int) -> Awaitable[None]:
        def work(connection: Connection) -> None:
            nonlocal runs
            runs += 1
            lock = text("SELECT id FROM owners WHERE id = :id FOR UPDATE")
            connection.execute(lock, {"id": first})
            if runs <= 2:
                await_only(met.wait())
            connection.execute(lock, {"id": second})
            connection.execute(text("INSERT INTO notes VALUES (:body)"), {"body": f"{first} before {second}"})

        return records.write(work)

    await asyncio.gather(take(1, 2), take(2, 1))
    assert await query(records, BODIES) == ["1 before 2", "2 before 1"]
    assert runs > 2, "it was done again"


async def test_who_waits_too_long_for_a_lock_changes_nothing(
    where: str, records: Records, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.records.postgresql.LOCK_SECONDS", 0.05)
    done = asyncio.Event()

    def hold(connection: Connection) -> None:
        connection.execute(text("LOCK TABLE notes"))
        held.set()
        await_only(done.wait())

    held = asyncio.Event()
    async with opened(where) as hasty:
        holder = asyncio.create_task(records.write(hold))
        await held.wait()
        with pytest.raises(RecordsAway, match="lock timeout"):
            await note(hasty, "late")
        done.set()
        await holder
        await note(hasty, "in time")
    assert await query(records, BODIES) == ["in time"]


async def test_more_callers_than_connections_wait_in_line(where: str, postgresql: PostgreSQL) -> None:
    async with opened(where) as records:
        await asyncio.gather(*[note(records, f"{n:03}") for n in range(100)])
        named = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        assert await query(records, named) == [8]
        assert len(await query(records, BODIES)) == 100


async def test_an_error_does_not_show_what_was_sent(records: Records) -> None:
    await note(records, "very private")
    with pytest.raises(IntegrityError) as caught:
        await note(records, "very private")
    assert "private" not in str(caught.value)


# --- when the server is away ---


async def test_a_commit_without_an_answer_may_be_kept(where: str, records: Records) -> None:
    async with Proxy(_server(where)) as proxy, through(proxy, where) as far:
        proxy.fault = CutBeforeAnswer(holding=b"COMMIT", times=1)
        with pytest.raises(CommitUnknown) as caught:
            await note(far, "kept")
        assert "hunter2" not in f"{caught.value} {caught.value.__cause__} {far.where}"
        proxy.fault = CutBeforeAnswer(holding=b"INSERT", times=1)
        with pytest.raises(RecordsAway):
            await note(far, "lost")
        await note(far, "after")
    assert await query(records, BODIES) == ["after", "before", "kept"]


async def test_a_line_that_broke_while_nobody_used_it_is_not_noticed(where: str) -> None:
    async with Proxy(_server(where)) as proxy, through(proxy, where) as far:
        proxy.cut()
        assert await query(far, BODIES) == ["before"]
        proxy.cut()
        await note(far, "after")
        proxy.fault = CutBeforeAnswer(holding=b"SELECT body", times=1)
        assert await query(far, BODIES) == ["after", "before"], "reading again does no harm"


@pytest.mark.parametrize("fault", [HalfOpen(holding=b"lost"), BlackHole(), Garbage(holding=b"lost")])
async def test_a_line_that_is_dead_is_given_up_in_time(
    fault: HalfOpen, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kikao.records.postgresql.STATEMENT_SECONDS", 0.3)
    monkeypatch.setattr("kikao.records.postgresql.LINE_SECONDS", 0.0)
    async with Proxy(_server(where)) as proxy, through(proxy, where) as far:
        proxy.fault = fault
        monkeypatch.setattr("kikao.records.postgresql.CONNECT_SECONDS", 0.2)
        with pytest.raises(RecordsAway):
            await note(far, "lost")
        proxy.fault = None
        monkeypatch.setattr("kikao.records.postgresql.CONNECT_SECONDS", 5.0)
        async with opened(where) as near:
            await note(near, "after")
            assert "lost" not in await query(near, BODIES)


async def test_a_server_that_is_not_there_is_asked_once_in_a_while(where: str) -> None:
    async with Proxy(_server(where)) as proxy:
        proxy.fault = Refuse()
        name = where.rpartition("/")[2]
        async with opened(f"postgresql://kikao@{proxy.address}/{name}?password=hunter2") as far:
            said = [str(far.where)]
            for _ in range(20):
                with pytest.raises(RecordsAway) as caught:
                    await note(far, "lost")
                said.append(f"{caught.value} {caught.value.__cause__}")
            assert proxy.connections < 20
            assert "hunter2" not in " ".join(said)


async def test_a_killed_server_that_comes_back_is_used_again(tmp_path: Path) -> None:
    server = PostgreSQL(tmp_path)
    server.start()
    try:
        async with opened(server.database()) as records:
            await execute(records, "CREATE TABLE notes (body TEXT)")
            await note(records, "before")
            server.kill()
            with pytest.raises(RecordsAway):
                await note(records, "lost")
            server.start()
            await until(lambda: maybe(records), "the records to be back")
            assert await query(records, BODIES) == ["after", "before"]
    finally:
        server.remove()


async def test_a_server_that_may_lose_what_it_acknowledged_is_refused_where_it_matters(
    where: str, revisions: Revisions, caplog: pytest.LogCaptureFixture
) -> None:
    strict = Records(where, strict=True)
    with pytest.raises(RecordsRefused, match=r"fsync is off.*Turn it on"):
        await strict.migrate(revisions(), "notes_version")
    await strict.close()
    async with opened(where) as records:
        caplog.clear()
        for _ in range(2):
            await records.migrate(revisions(), "notes_version")
        assert caplog.text.count("fsync is off") == 1


async def maybe(records: Records) -> list[str]:
    try:
        await note(records, "after")
    except RecordsAway:
        return []
    return list(await query(records, BODIES))


async def test_a_database_that_became_a_standby_is_left(records: Records, where: str) -> None:
    """After a failover the old primary only reads: the next connection may lead to the new one."""
    name = where.rpartition("/")[2]
    await execute(records, f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with opened(where) as standby:
        with pytest.raises(RecordsAway, match="read-only"):
            await note(standby, "lost")
        await execute(records, f"ALTER DATABASE {name} SET default_transaction_read_only = off")
        await note(standby, "after")


# --- upgrades ---


async def test_it_is_upgraded_by_who_says_so(postgresql: PostgreSQL, revisions: Revisions) -> None:
    async with opened(postgresql.database()) as records:
        with pytest.raises(RecordsRefused, match=r"lacks an upgrade to revision 0001.*run: kikao migrate"):
            await records.migrate(revisions(), "notes_version")
        heard: list[Migrated] = []
        with upgrading(heard.append):
            await records.migrate(revisions(), "notes_version")
        await records.migrate(revisions(), "notes_version")
        await note(records, "fine")
    assert [each.upgraded for each in heard] == [True]


async def test_of_two_operators_the_second_waits_and_finds_nothing_to_do(
    where: str, records: Records, revisions: Revisions
) -> None:
    newer, heard = revisions("op.rename_table('notes', 'letters')"), list[Migrated]()
    begun, go_on = asyncio.Event(), asyncio.Event()

    def upgrade(connection: Connection) -> None:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": MIGRATING})
        begun.set()
        await_only(go_on.wait())
        Migrations(newer, "notes_version", where).upgrade(connection)

    async def second() -> None:
        with upgrading(heard.append):
            await records.migrate(newer, "notes_version")

    async with opened(where) as other:
        first = asyncio.create_task(other.write(upgrade))
        await begun.wait()
        waiting = asyncio.create_task(second())

        async def waits() -> bool:
            assert not waiting.done()
            return bool(
                await query(other, "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            )

        await until(waits, "the second one to wait")
        go_on.set()
        await asyncio.gather(first, waiting)
    assert [each.upgraded for each in heard] == [False]
    await execute(records, "INSERT INTO letters (body) VALUES ('fine')")


async def test_an_upgrade_that_fails_changes_nothing(records: Records, revisions: Revisions) -> None:
    await note(records, "kept")
    with pytest.raises(ZeroDivisionError):
        await records.migrate(revisions("op.drop_table('notes'); 1 / 0"), "notes_version", upgrade=True)
    assert await query(records, BODIES) == ["kept"]
    assert await query(records, "SELECT version_num FROM notes_version") == ["0001"]


async def test_a_database_of_a_newer_kikao_is_left_alone(
    where: str, records: Records, revisions: Revisions
) -> None:
    newer = revisions("op.rename_table('notes', 'letters')")
    with pytest.raises(RecordsRefused, match="lacks an upgrade to revision 0002"):
        await records.migrate(newer, "notes_version")
    await records.migrate(newer, "notes_version", upgrade=True)
    with pytest.raises(RecordsRefused, match=r"revision 0002 of notes_version.*its newest is 0001"):
        await records.migrate(revisions(), "notes_version", upgrade=True)


# --- addresses ---


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("postgresql://u:hunter2@host", "names no database"),
        ("postgresql://u:hunter2@host:port/name", "is not a URL"),
        ("postgresql://u:hunter2@host/name?sslmode", "is not a URL"),
    ],
)
def test_an_address_that_leads_nowhere_is_refused_without_showing_it(where: str, said: str) -> None:
    with pytest.raises(RecordsRefused, match=said) as caught:
        Records(where)
    assert "hunter2" not in str(caught.value)


async def test_what_the_client_does_not_understand_is_said_without_the_password() -> None:
    async with opened("postgresql://u:hunter2@127.0.0.1/name?sslmode=perhaps") as records:
        with pytest.raises(RecordsRefused, match="does not understand") as caught:
            await note(records, "lost")
    assert "hunter2" not in f"{caught.value} {caught.value.__context__!r}"


def test_several_hosts_lead_to_the_one_that_writes() -> None:
    records = Records("postgres://u:hunter2@one:5432,two:5433/name?sslpassword=hunter2&sslmode=require")
    assert (
        records.where
        == "postgresql://u:***@one:5432,two:5433/name?sslpassword=***&sslmode=require&target_session_attrs=read-write"
    )
