"""The ledger of critical effects: no store that forgets makes a payment happen twice, or its outcome get lost."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import Literal

import msgspec
import pytest
import redis

from kikao.conversation.journal import Intent, Run
from kikao.records import Records
from kikao.sessions.ledger import Ledger, LedgeredStore, ledgered
from kikao.sessions.ledger.book import Put
from kikao.sessions.ledger.restoring import put_together
from kikao.sessions.sealing import KeyRing
from kikao.sessions.session import Session
from kikao.sessions.store import CommitUnknown, IntentRow, SessionStore, StoreUnavailable, Write
from kikao.sessions.stores import MemoryStore
from kikao.sessions.stores.redis import RedisStore
from kikao.testing import ProcessDied
from tests.bank import PIN
from tests.databases import ON_BOTH, database, records_of
from tests.engines.postgresql import PostgreSQL
from tests.engines.valkey import Valkey
from tests.sessions.forgetful import ForgetfulStore
from tests.sessions.ledgers import Life, a_ledger, a_life
from tests.sessions.outbox_contract import SharedOutboxContract
from tests.sessions.store_contract import StoreContract
from tests.talk import KEY
from tests.wallet.ledgers import IN_MEMORY

__all__ = ["database"]

WRITES = 6
"""Of a payment: the dial, whom, how much, the confirmation, before the transfer, and after it."""


async def said(life: Life, answer: str) -> None:
    await life.step(lambda: life.talk.say(answer))


async def goes_on(life: Life) -> None:
    answer = life.answer(life.seen[-1])
    if answer is None or life.talk.ended:
        await life.step(life.talk.dial)
    else:
        await said(life, answer)


class TestContract(StoreContract, SharedOutboxContract):
    """In front of a store it is one as well."""

    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[SessionStore]:
        store = ledgered(MemoryStore(), str(tmp_path / "records.db"), KeyRing({"test": KEY}))
        await store.open()
        yield store
        await store.close()


@ON_BOTH
async def test_a_payment_writes_as_often_as_expected(tmp_path: Path) -> None:
    async with a_ledger(await records_of(tmp_path, "records.db")) as ledger:
        life, fast = await a_life(ledger)
        await life.until_sent()
        assert fast.writes == WRITES
        life.judged()


When = Literal["after", "before", "in the bank"]
"""A write that is acknowledged, one that the ledger has and the store has not, a transfer that nobody heard of."""


async def struck(
    ledger: Ledger,
    point: int,
    lost: int,
    *,
    dies: bool,
    more: int,
    when: When = "after",
    critical: bool = True,
    elsewhere: bool = False,
) -> None:
    """At a write the store forgets the last ones; the process dies of it, or notices nothing.

    The member does `more` before time goes by and recovery looks. `elsewhere` is in a process that was there before,
    and has not heard of the payment.
    """
    life, fast = await a_life(ledger, critical=critical)
    other = await life.process() if elsewhere else None
    strike = asyncio.Event()

    def fall(number: int = point) -> None:
        if number == point and not strike.is_set():
            strike.set()
            fast.forget(lost)
            if dies:
                life.talk.process.store.die()
                raise ProcessDied

    if when == "after":
        fast.after_write = fall
    elif when == "before":
        fast.before_write = fall
    else:
        life.bank.after = fall
    await life.step(life.talk.dial)
    for answer in ("Ann", "700", "1", PIN):
        if strike.is_set():
            break
        life.confirmed += answer == "1"
        await said(life, answer)
    assert strike.is_set()
    if other is not None:
        life.talk.process = other
    for _ in range(more):
        await goes_on(life)
    await life.until_sent()
    await life.later()
    life.judged()


def broken(
    *, dies: bool, more: int, when: When = "after", critical: bool = True, elsewhere: bool = False
) -> list[str]:
    """The law is tried at every write with every loss: where it is broken, and how."""

    async def everywhere() -> None:
        async with a_ledger(Path(folder) / "records.db") as ledger:
            for point in range(WRITES if when == "in the bank" else 1, WRITES + 1):
                for lost in range(when == "after", point + (when == "after")):
                    try:
                        await struck(
                            ledger,
                            point,
                            lost,
                            dies=dies,
                            more=more,
                            when=when,
                            critical=critical,
                            elsewhere=elsewhere,
                        )
                    except AssertionError as error:
                        found.append(f"after write {point}, {lost} lost: {error}")

    found: list[str] = []
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        asyncio.run(everywhere())
    return found


@pytest.mark.parametrize("dies", [False, True])
@pytest.mark.parametrize("more", [0, 3])
def test_wherever_it_forgets_a_payment_is_made_once_and_told(dies: bool, more: int) -> None:
    assert broken(dies=dies, more=more) == []


@pytest.mark.parametrize("more", [2, 5])
def test_a_process_that_has_not_heard_of_it_does_not_pay_again(more: int) -> None:
    """The member goes on with what was forgotten, up to the PIN and past it: then the ledger tells."""
    assert broken(dies=False, more=more, elsewhere=True) == []


@pytest.mark.parametrize("when", ["before", "in the bank"])
@pytest.mark.parametrize("more", [1])
def test_a_process_that_dies_between_the_ledger_the_store_and_the_bank_pays_once(
    when: When, more: int
) -> None:
    assert broken(dies=True, more=more, when=when) == []


def test_without_the_ledger_what_a_failover_forgets_is_lost() -> None:
    """Of an effect that is declared not to be critical, and of every effect on a store without a ledger."""
    found = broken(dies=True, more=0, critical=False)
    assert found
    assert all("after write 6" in each or "after write 5" in each for each in found), found


@pytest.mark.parametrize("forgotten", ["everything", "the last writes"])
async def test_a_real_server_that_forgets(
    forgotten: str, valkey: Valkey, postgresql: PostgreSQL, tmp_path: Path
) -> None:
    """The transfer is made and its process dies; the server comes back without it."""
    url = f"{valkey.url.removesuffix('/0')}/7"
    client = redis.Redis.from_url(url)
    client.flushdb()
    async with a_ledger(postgresql.database()) as ledger:
        life = Life(RedisStore(url), ledger, "+256772000001")
        await life.begin()
        await life.step(life.talk.dial)
        for answer in ("Ann", "700", "1"):
            life.confirmed += answer == "1"
            await said(life, answer)
        before = {key: client.dump(key) or b"" for key in client.scan_iter()}

        def fall() -> None:
            life.talk.process.store.die()

        life.bank.after = fall
        with contextlib.suppress(ProcessDied):
            await life.talk.say(PIN)
        assert len(life.bank.moved) == 1
        client.flushdb()
        if forgotten == "the last writes":
            for key, value in before.items():
                client.restore(key, 0, value)
        life.fast = RedisStore(url)
        life.talk.process = await life.process()
        await life.later()
        await life.until_sent()
        life.judged()
        assert len(life.bank.moved) == 1
        await life.fast.close()
    client.close()


# --- parts ---


def a_session(id_: str, seen_at: float, run: Run | None = None) -> Session:
    session = Session(id_, 0.0, seen_at)
    session.conversation.run = run
    return session


def an_open_run() -> Run:
    run = Run("r1", "send", b"seed")
    run.intents = [Intent("pin#1", "secret", "token", "check", b"proof")]
    return run


def test_in_another_session_a_forgotten_run_is_parked_and_an_untold_outcome_is_told() -> None:
    found = put_together(a_session("new", 9.0, Run("r2", "menu", b"")), a_session("old", 5.0, an_open_run()))
    assert found.id == "new"
    assert [run.id for run in found.conversation.runs()] == ["r2", "r1"]
    done = Run("r3", "send", b"")
    done.notices = ["Sent."]
    told = put_together(a_session("new", 9.0), a_session("old", 5.0, done))
    assert told.conversation.notices == ["Sent."]


async def test_what_the_store_refuses_is_taken_back(tmp_path: Path) -> None:
    async with a_ledger(tmp_path / "records.db") as ledger:
        fast = ForgetfulStore()
        store = LedgeredStore(fast, ledger, KeyRing({"test": KEY}))
        key = bytes(32)
        row = IntentRow(b"i", key, 1, 0.0, 0.0)
        write = Write(key, 1, 0, 9e12, b"state", b"address", open=(row,), critical=(b"i",))

        def refuse(_: int) -> None:
            raise StoreUnavailable

        fast.before_write = refuse
        with pytest.raises(StoreUnavailable):
            await store.intent(write)
        assert await ledger.kept(key) is None
        fast.before_write = None
        await store.intent(write)
        later = msgspec.structs.replace(write, version=1, open=(), close=(b"i",))
        assert not await store.end(key), "an effect is open"
        await store.commit(later)
        kept = await ledger.kept(key)
        assert kept is not None
        assert (kept.version, kept.open, kept.settled) == (2, (), frozenset({b"i"}))
        await store.commit(msgspec.structs.replace(later, version=2, close=(), critical=(), expires_at=5.0))
        kept = await ledger.kept(key)
        assert kept is not None
        assert kept.expires_at == 5.0, "a session that ends early does not come back"
        assert await store.end(key)
        assert await ledger.kept(key) is None
        assert await store.due(now=9e12, limit=9) == []
        assert await store.sweep(now=9e12, limit=9) == 0


class Doubtful(Ledger):
    """A ledger whose database does not answer the `nth` write, which it stored or not."""

    def __init__(self, where: Path, *, nth: int, stored: bool) -> None:
        super().__init__(Records(where))
        self.stored = stored
        self.left = nth

    async def put(self, write: Write, known: Collection[bytes], now: float) -> Put:
        self.left -= 1
        if self.left:
            return await super().put(write, known, now)
        if self.stored:
            await super().put(write, known, now)
        raise CommitUnknown("the database did not answer")


@pytest.mark.parametrize("stored", [False, True])
@pytest.mark.parametrize("nth", [1, 2])
async def test_a_database_that_does_not_answer_costs_no_money(tmp_path: Path, nth: int, stored: bool) -> None:
    """Before the transfer, and after it."""
    async with a_ledger(tmp_path / "records.db"):
        ledger = Doubtful(tmp_path / "records.db", nth=nth, stored=stored)
        try:
            life, _ = await a_life(ledger)
            await life.until_sent()
        finally:
            await ledger.close()
    assert ledger.left <= 0
    assert len(life.bank.moved) == 1
    life.judged()
