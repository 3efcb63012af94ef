"""`kikao migrate`: an operator changes keys, and members go on where they were."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import pytest
from click.testing import CliRunner, Result

from kikao import App, Chat, Flows, t
from kikao.channels.channel import Response
from kikao.cli import main
from kikao.config import Settings, load
from kikao.conversation import Number
from kikao.events import Event, KeysResealed
from kikao.live import Live, anyone
from kikao.live.stores.postgresql.migrations import VERSION
from kikao.opening import make_store
from kikao.records import Records
from kikao.sessions.keeper import Sessions
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import StoreRefused
from kikao.testing import Phone, in_process
from kikao_apps.wallet.ledger import MIGRATIONS, VERSION_TABLE
from tests.alone import alone, keys
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey
from tests.http.forked import serving
from tests.http.phones import register
from tests.http.servers import CHEAP_WALLET, KIKAO, environment, spawn
from tests.http.wire import over_wire
from tests.sessions import bystanders

T = TypeVar("T")

ASHA = "+256772000001"
MANY: Final = 500
"""Sessions of other members: enough that a move of them can be stopped in the middle."""

flows = Flows()


@flows.flow("tally")
async def tally(chat: Chat) -> None:
    total = 0
    while True:
        total += await chat.ask("more", Number(), t("Total {total}", total=total))


class Books:
    """A service with tables of its own."""


@asynccontextmanager
async def services(settings: Settings) -> AsyncIterator[Mapping[Any, Any]]:
    records = Records(settings.records)
    try:
        await records.migrate(MIGRATIONS, VERSION_TABLE)
        yield {Books: Books()}
    finally:
        await records.close()


app = App(flows, entry="tally", services=services)
live_app = App(flows, entry="tally", services=services, live=Live(users=anyone))
TARGET = f"{__name__}:app"


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder in which Asha has counted to 5, under the key k1."""
    alone(monkeypatch, tmp_path)
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k1"))
    return tmp_path / "data"


@pytest.fixture
def asha(data: Path) -> Phone:
    phone = Phone(_nobody, ASHA)

    async def count(phone: Phone) -> None:
        await phone.dial()
        assert "Total 5" in await phone.reply("5")

    at_work(phone, count)
    return phone


async def _nobody(_: object) -> Response:
    raise AssertionError("no server runs")


def at_work(phone: Phone, do: Callable[[Phone], Awaitable[None]]) -> None:
    """What a member does while a server runs with the keys that are set."""

    async def work() -> None:
        async with app.serving(load(makes_keys=True), background=False) as server:
            phone._send = in_process(server)
            await do(phone)

    asyncio.run(work())


def migrate(*words: str) -> Result:
    return CliRunner().invoke(main, ["migrate", *words])


def plain(text: str) -> str:
    """Without paths and times."""
    return re.sub(r"(sqlite:/+)?/\S*/", "", re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d UTC", "…", text))


def test_it_says_how_things_stand(asha: Phone) -> None:
    done = migrate(TARGET)
    assert done.exit_code == 0, done.output
    assert plain(done.stdout).splitlines() == [
        "sessions: sessions.db is up to date",
        "records: records.db: wallet_version at 0002",
        "records: records.db: kikao_members_version at 0002",
        "records: records.db: kikao_audit_version at 0001",
    ]
    without = migrate()
    assert "wallet" not in without.stdout
    assert "kikao_members_version at 0002" in without.stdout


def test_it_makes_nothing_where_nothing_is_yet(data: Path) -> None:
    done = migrate("--rekey", "--reseal")
    assert done.exit_code == 0, done.output
    assert plain(done.stdout) == "sessions: nothing is stored in sessions.db\n"
    assert not data.exists() or not list(data.iterdir())
    assert "wallet_version upgraded to" in migrate(TARGET).stdout, "what an app makes, it makes"


def test_keys_are_replaced_in_three_steps(asha: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    done = migrate("--rekey", "--reseal")
    assert done.exit_code == 0, done.output
    assert plain(done.stdout).splitlines() == [
        "sessions: sessions.db is up to date",
        "records: records.db: kikao_audit_version at 0001",
        "sessions: looked up with k2",
        "sessions: keep k1 in KIKAO_SECRET_KEYS until …, because what members sent before may come again until then",
        "records: records.db: kikao_members_version at 0002",
        "members: looked up with k2",
        "sessions: 0 sealed anew with k2",
        "members: sealed with k2",
        "key k1: needed until …",
    ]
    assert "sessions moved: 1 of 1" in done.stderr
    assert "addresses moved: 1 of 1" in done.stderr

    async def go_on(phone: Phone) -> None:
        assert "Total 5" in await phone.again()
        assert "Total 11" in await phone.reply("6")

    at_work(asha, go_on)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2"))
    early = migrate()
    assert early.exit_code == 2
    assert "may come again until" in early.stderr

    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    assert "sessions: looked up with k2" in migrate("--rekey").stdout, "doing it again does nothing"
    much_later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: much_later)
    assert "key k1: needed by nothing of kikao" in migrate("--reseal").stdout
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2"))
    assert migrate(TARGET).exit_code == 0


def test_sealing_anew_says_what_a_key_is_still_for(asha: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    done = migrate("--reseal")
    assert done.exit_code == 0, done.output
    assert "sessions: 1 sealed anew with k2" in done.stdout
    assert "key k1: needed to look up with, see --rekey" in done.stdout
    assert "sessions looked through: 1 of 1" in done.stderr
    assert "keys of members sealed anew: 1 of 1" in done.stderr
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2"))
    refused = migrate("--reseal")
    assert refused.exit_code == 2
    assert refused.stderr.startswith("kikao: this store looks up with the secret key 'k1', which is not set.")


def test_a_running_server_has_sealed_everything_anew_by_itself(
    asha: Phone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    said: asyncio.Queue[KeysResealed] = asyncio.Queue()

    def hear(event: Event) -> None:
        if isinstance(event, KeysResealed):
            said.put_nowait(event)

    async def work() -> KeysResealed:
        async with app.serving(load(), subscribers=[hear]):
            return await said.get()

    done = asyncio.run(work())
    assert (done.count, done.left, done.error) == (1, 0, "")
    again = migrate("--reseal")
    assert "sessions: 0 sealed anew with k2" in again.stdout
    assert "keys of members sealed anew: 0 of 0" in again.stderr


def test_an_app_without_members_has_none_to_move(asha: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "members", False)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))
    done = migrate(TARGET, "--rekey")
    assert done.exit_code == 0, done.output
    assert "kikao_members" not in done.output
    assert "members: looked up" not in done.output


def test_members_that_are_half_way_are_moved_on(asha: Phone, monkeypatch: pytest.MonkeyPatch) -> None:
    """Sessions have moved, and it died at the addresses of members."""
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k2", "k1"))

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("kikao.members.rotation.end_rekey", die)
        assert migrate("--rekey").exit_code == 1
    for words in ((TARGET,), ("--reseal",)):
        refused = migrate(*words)
        assert refused.exit_code == 2
        assert "Finish with: kikao migrate --rekey" in refused.stderr
    assert migrate("--rekey", "--reseal").exit_code == 0

    async def go_on(phone: Phone) -> None:
        assert "Total 5" in await phone.again()

    at_work(asha, go_on)


def test_who_only_looks_is_told_what_would_be_done(
    data: Path, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is there yet; then everything is, but for the tables of a service."""
    url = postgresql.database()
    monkeypatch.setenv("KIKAO_STORE", url)
    monkeypatch.setenv("KIKAO_RECORDS", url)
    before = migrate(TARGET, "--check")
    assert before.exit_code == 1, before.output
    name = url.rpartition("/")[2]
    told = [line.partition(f"{name}")[2] or line for line in before.stdout.splitlines()]
    assert told == [
        " lacks version 1",
        ": wallet_version lacks 0002",
        ": kikao_members_version lacks 0002",
        ": kikao_audit_version lacks 0001",
        "Make a backup, then do it without --check.",
    ]
    assert postgresql.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'kikao%'", url=url) == [
        (0,)
    ]
    assert migrate().exit_code == 0
    assert "wallet_version lacks" in migrate(TARGET, "--check").stdout
    assert migrate(TARGET).exit_code == 0
    after = migrate(TARGET, "--check")
    assert after.exit_code == 0, after.output
    assert "lacks" not in after.stdout
    assert "Leave out --reseal and --rekey" in migrate("--check", "--rekey").stderr


def test_sessions_that_a_failover_may_forget_have_their_ledger_in_the_records(
    data: Path, valkey: Valkey, postgresql: PostgreSQL, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIKAO_STORE", valkey.url)
    monkeypatch.setenv("KIKAO_RECORDS", postgresql.database())
    assert "kikao_ledger_version lacks 0001" in migrate("--check").stdout
    done = migrate()
    assert done.exit_code == 0, done.output
    assert "kikao_ledger_version upgraded to 0001" in done.stdout
    assert migrate("--rekey").exit_code == 0
    assert migrate("--check").exit_code == 0


# --- real processes ---


def started(data: Path, *words: str, kids: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        (*KIKAO, "migrate", *words),
        cwd=data.parent,
        env=environment(data, KIKAO_SECRET_KEYS=kids),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


async def test_a_move_that_was_killed_is_ended_and_members_do_not_notice(data: Path) -> None:
    with serving(data, CHEAP_WALLET, KIKAO_SECRET_KEYS=keys("k1")) as server:
        asha = Phone(over_wire(server.port), ASHA)
        menu = await register(asha)
        running = started(data, "--rekey", kids=keys("k2", "k1"))
        _, said = running.communicate()
        assert running.returncode == 2
        assert f"is in use by another process (pid {server.process.pid}). Stop it first" in said
    await at_rest(data, "k1", lambda sessions: bystanders.fill(sessions, MANY))

    old = now = await at_rest(data, "k1", stored)
    kids = ["k1"]
    for number in range(2, 9):  # where the machine is busy, the move may be over before the kill
        kids.insert(0, f"k{number}")
        killed = started(data, "--rekey", kids=keys(*kids))
        assert killed.stderr is not None
        for line in killed.stderr:
            if line.startswith("sessions moved:") and not line.startswith("sessions moved: 0"):
                break
        killed.kill()
        killed.communicate()
        now = await at_rest(data, None, stored)
        if old & now:
            break
        old = now
    assert old & now
    assert now - old
    refused = spawn(data, CHEAP_WALLET, env={"KIKAO_SECRET_KEYS": keys(*kids)})
    refused.process.communicate()
    assert refused.process.returncode == 2
    assert f"half-way from the look-up key {kids[1]!r} to {kids[0]!r}" in refused.log.read_text()

    ended = started(data, "--rekey", "--reseal", kids=keys(*kids))
    said, _ = ended.communicate()
    assert ended.returncode == 0
    assert f"key {kids[1]}: needed until" in said
    assert not old & await at_rest(data, None, stored)

    assert await at_rest(data, " ".join(kids), lambda sessions: bystanders.missing(sessions, MANY)) == []
    with serving(data, CHEAP_WALLET, KIKAO_SECRET_KEYS=keys(*kids)) as server:
        asha._send = over_wire(server.port)
        assert await asha.again() == menu
        assert await asha.reply("1") != menu
        assert server.log.read_text().count("turn.duplicated") == 1


async def stored(sessions: Sessions) -> set[bytes]:
    """The keys of all sessions."""
    return {record.key async for record in sessions.store.scan()}


async def at_rest(data: Path, kids: str | None, do: Callable[[Sessions], Awaitable[T]]) -> T:
    """Something that is done to the sessions while no server runs; without keys, to a store that refuses a start."""
    settings = load(environment(data, KIKAO_SECRET_KEYS=keys(*(kids or "k1").split())), data.parent)
    sessions = Sessions(make_store(settings), KeyRing(settings.secret_keys))
    await (sessions.open() if kids else sessions.store.open())
    try:
        return await do(sessions)
    finally:
        await sessions.close()


def test_another_look_up_key_is_for_when_no_server_runs_on_any_machine(
    valkey: Valkey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{valkey.url}/0?prefix=rekey{os.urandom(4).hex()}"
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path))
    monkeypatch.setenv("KIKAO_STORE", url)
    monkeypatch.setenv("KIKAO_SECRET_KEYS", keys("k1"))

    async def work(elsewhere: bool) -> None:
        store = make_store(load(cwd=tmp_path))
        await store.open()
        await (store.share("far", now=time.time(), lease=60.0) if elsewhere else store.leave("far"))
        await store.close()

    asyncio.run(work(elsewhere=True))
    told = migrate("--rekey")
    assert told.exit_code == 2
    assert "other processes are at work on it (1). Stop all servers" in told.output
    asyncio.run(work(elsewhere=False))
    assert migrate("--rekey").exit_code == 0


def test_sessions_in_postgresql_are_served_once_they_are_migrated(
    postgresql: PostgreSQL, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    monkeypatch.setenv("KIKAO_DATA", str(tmp_path))
    monkeypatch.setenv("KIKAO_STORE", url)

    async def greet(phone: Phone) -> None:
        assert "Total 0" in await phone.dial()

    with pytest.raises(StoreRefused, match="Run: kikao migrate"):
        at_work(Phone(_nobody, ASHA), greet)
    told = migrate()
    assert (told.exit_code, "made, version 1" in told.output) == (0, True)
    assert "is up to date" not in told.output.partition("records:")[0]
    assert "is up to date" in migrate().output.partition("records:")[0]
    at_work(Phone(_nobody, ASHA), greet)


def test_on_postgresql_it_comes_before_the_first_server_and_makes_the_keys_of_development(
    postgresql: PostgreSQL, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgresql.database()
    monkeypatch.delenv("KIKAO_SECRET_KEYS")
    monkeypatch.setenv("KIKAO_STORE", url)
    monkeypatch.setenv("KIKAO_RECORDS", url)
    assert migrate("--check", TARGET).exit_code == 1
    assert not (data / "secret-keys").exists(), "who looks changes nothing"
    for words in ("--rekey", "--reseal"):
        assert "there are no secret keys" in migrate(words).stderr
    done = migrate(TARGET)
    assert done.exit_code == 0, done.output
    assert (data / "secret-keys").exists()
    assert migrate("--check", TARGET).exit_code == 0

    async def greet(phone: Phone) -> None:
        assert "Total 0" in await phone.dial()

    at_work(Phone(_nobody, ASHA), greet)


def test_it_makes_the_tables_of_live_channels(
    postgresql: PostgreSQL, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KIKAO_BUS", postgresql.database())
    monkeypatch.setenv("KIKAO_JWT_KEYS", keys("jwt").replace(":", ":HS256:"))
    target = f"{__name__}:live_app"
    assert f"lacks version {VERSION}" in migrate("--check", target).output
    assert "live sessions" not in migrate(TARGET).output
    made, again, looked = migrate(target), migrate(target), migrate("--check", target)
    assert re.search(f"live sessions: postgresql:.* made, version {VERSION}", made.output)
    for done in (again, looked):
        assert re.search("live sessions: postgresql:.* is up to date", done.output)
        assert done.exit_code == 0, done.output


def test_in_production_it_makes_no_keys(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KIKAO_SECRET_KEYS")
    monkeypatch.setenv("KIKAO_ENV", "production")
    refused = migrate(TARGET)
    assert (refused.exit_code, "production makes no keys of its own" in refused.stderr) == (2, True)


def test_who_serves_needs_no_more_than_what_the_how_to_grants(
    postgresql: PostgreSQL, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner is named like the schema of the sessions, and has the records in the same database."""
    url = postgresql.database()
    monkeypatch.setenv("KIKAO_STORE", url)
    monkeypatch.setenv("KIKAO_RECORDS", url)
    assert migrate(TARGET).exit_code == 0, "as the user kikao"
    tables = "SELECT DISTINCT schemaname::text FROM pg_tables WHERE tablename ~ '^(kikao_|wallet_)'"
    assert postgresql.execute(tables, url=url) == [("public",)]
    how_to = Path(__file__).parents[2] / "docs" / "how-to" / "run-on-postgresql.md"
    grants = re.findall(r"^GRANT .*;$", how_to.read_text(encoding="utf-8"), re.MULTILINE)
    postgresql.execute("CREATE ROLE kikao_server LOGIN")
    for grant in grants:
        if "kikao_live" not in grant:  # this app has none, and tests/live/stores gives them
            postgresql.execute(grant, url=url)
    server = url.replace("kikao@", "kikao_server@")
    monkeypatch.setenv("KIKAO_STORE", server)
    monkeypatch.setenv("KIKAO_RECORDS", server)

    async def count(phone: Phone) -> None:
        await phone.dial()
        assert "Total 5" in await phone.reply("5")

    at_work(Phone(_nobody, ASHA), count)
    assert migrate("--check", TARGET).exit_code == 0
    (members,) = postgresql.execute("SELECT count(*) FROM public.kikao_members", url=url)
    assert members == (1,)
