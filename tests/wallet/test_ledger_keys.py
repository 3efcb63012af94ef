"""A key pays at most once, and a voided key never."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from kikao.conversation.errors import BackendError, ErrorCode
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.records import CommitUnknown
from kikao_apps.wallet.bank import Account, Balance, Receipt
from kikao_apps.wallet.ledger import Ledger
from tests.databases import ON_BOTH, POSTGRESQL
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    GIFT,
    PIN,
    WRONG,
    StallingPins,
    a_ledger,
    done,
    held,
    register,
    ugx,
)


def said(outcome: object) -> str:
    assert isinstance(outcome, Refused)
    assert outcome.code is ErrorCode.REJECTED
    assert outcome.text is not None
    return outcome.text.msgid


async def test_the_same_call_again_gives_the_same_receipt(ledger: Ledger) -> None:
    first = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
    again = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
    assert again == first
    assert (await ledger.audit()).payments == 1


async def test_the_result_is_there_whatever_pin_comes_with_the_key(ledger: Ledger) -> None:
    """A member who enters the PIN again under a key that was done sees what was done, and no try is counted."""
    first = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
    for _ in range(4):
        assert await ledger.transfer(ASHA, BINTA, ugx(1000), pin=WRONG, key="t") == first
    assert await held(ledger, ASHA) == GIFT - 1100


async def test_another_request_under_a_used_key_is_refused(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
    for other in (
        ledger.transfer(ASHA, BINTA, ugx(1001), pin=PIN, key="t"),
        ledger.transfer(BINTA, ASHA, ugx(1000), pin=PIN, key="t"),
        ledger.balance(ASHA, PIN, key="t"),
    ):
        assert said(await other) == "This request was already used for something else."


async def test_a_refusal_is_not_remembered(ledger: Ledger) -> None:
    refused = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=WRONG, key="t")
    assert isinstance(refused, Refused)
    assert isinstance(await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"), Done)


async def test_find_gives_back_what_the_call_gave(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        outcomes = {
            "p": await ledger.propose_pin(ASHA, PIN, key="p"),
            "o": await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="o"),
            "b": await ledger.balance(ASHA, PIN, key="b"),
            "t": await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"),
        }
    async with a_ledger(tmp_path) as restarted:
        found = {key: await restarted.find(key) for key in outcomes}

    assert found == outcomes
    types = {key: type(outcome.result) for key, outcome in found.items() if isinstance(outcome, Done)}
    assert types == {"p": type(None), "o": Account, "b": Balance, "t": Receipt}


# --- keys that nobody used ---


async def test_a_worker_that_stalled_past_the_void_pays_nothing(ledger: Ledger) -> None:
    assert await ledger.find("t") == Voided()
    for _ in range(2):
        late = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
        assert said(late) == "This request was cancelled. Please start again."
    assert await ledger.find("t") == Voided()
    assert await held(ledger, ASHA) == GIFT


@ON_BOTH
async def test_a_void_between_the_pin_and_the_payment_wins(tmp_path: Path) -> None:
    stalling = StallingPins()
    async with a_ledger(tmp_path) as ledger, a_ledger(tmp_path, pins=stalling) as stalled:
        await register(ledger, ASHA)
        call = asyncio.create_task(stalled.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"))
        await stalling.compared.wait()
        assert await ledger.find("t") == Voided()
        stalling.go_on.set()
        assert said(await call) == "This request was cancelled. Please start again."
        assert await held(ledger, ASHA) == GIFT


async def test_a_void_outlives_the_bank(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA)
        await ledger.find("t")
    async with a_ledger(tmp_path) as restarted:
        assert isinstance(await restarted.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"), Refused)


async def test_a_refused_key_is_voided_when_asked_for(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, BINTA, ugx(1000), pin=WRONG, key="t")
    assert await ledger.find("t") == Voided()


async def test_every_kind_of_call_respects_a_void(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        for key in "poq":
            await ledger.find(key)
        assert isinstance(await ledger.propose_pin(ASHA, PIN, key="p"), Refused)
        await ledger.propose_pin(ASHA, PIN, key="another")
        assert isinstance(await ledger.open_account(ASHA, "Asha", "UGX", PIN, key="o"), Refused)
        assert await ledger.account(ASHA) is None


# --- races ---


@ON_BOTH
async def test_a_transfer_and_its_void_at_once_one_wins(tmp_path: Path, ledger: Ledger) -> None:
    """Two processes: one pays, the other gives up on it. Both must tell the same story."""
    paid = 0
    async with a_ledger(tmp_path) as other:
        for n in range(40):
            paying = asyncio.create_task(ledger.transfer(ASHA, BINTA, ugx(500), pin=PIN, key=f"race-{n}"))
            for _ in range(n % 8):
                await asyncio.sleep(0)
            found, transfer = await other.find(f"race-{n}"), await paying
            if isinstance(transfer, Done):
                assert found == transfer
                paid += 1
            else:
                assert found == Voided()
    assert await held(ledger, ASHA) == GIFT - 600 * paid
    assert (await ledger.audit()).payments == paid


@ON_BOTH
async def test_one_key_from_many_workers_pays_once(tmp_path: Path, ledger: Ledger) -> None:
    """With money for one such transfer, the others must still get its receipt, not "insufficient balance"."""
    async with a_ledger(tmp_path) as other:
        outcomes = await asyncio.gather(
            *[
                (ledger, other)[n % 2].transfer(ASHA, BINTA, ugx(90_000), pin=PIN, key="once")
                for n in range(12)
            ]
        )
    assert len({done(outcome).ref for outcome in outcomes}) == 1
    assert (await ledger.audit()).payments == 1


@ON_BOTH
async def test_one_key_for_two_members_at_once_pays_one_of_them(tmp_path: Path, ledger: Ledger) -> None:
    async with a_ledger(tmp_path) as other:
        outcomes = await asyncio.gather(
            ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="same"),
            other.transfer(BINTA, ASHA, ugx(1000), pin=PIN, key="same"),
        )
    assert [isinstance(outcome, Done) for outcome in outcomes].count(True) == 1
    assert (await ledger.audit()).payments == 1


@ON_BOTH
async def test_an_account_is_opened_once(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as one, a_ledger(tmp_path) as two:
        await one.propose_pin(ASHA, PIN, key="p")
        same = [(one, two)[n % 2].open_account(ASHA, "Asha", "UGX", PIN, key="o") for n in range(6)]
        others = [(one, two)[n % 2].open_account(ASHA, "Asha", "KES", PIN, key=f"o{n}") for n in range(6)]
        outcomes = await asyncio.gather(*same, *others)
        opened = {outcome.result.currency for outcome in outcomes if isinstance(outcome, Done)}
        assert len(opened) == 1
        assert (await one.audit()).right


# --- when the database fails ---


@pytest.mark.skipif(bool(POSTGRESQL), reason="holds the writer of a SQLite file")
async def test_a_bank_that_is_away_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kikao.records.sqlite.BUSY_SECONDS", 0.05)
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA)
        with sqlite3.connect(tmp_path / "bank" / "records.db", isolation_level=None) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")
            assert refused == Refused(ErrorCode.BACKEND_UNAVAILABLE)
            assert isinstance(await ledger.find("t"), Unknown)
            other.execute("ROLLBACK")
        other.close()
        assert isinstance(await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t"), Done)


@pytest.mark.skipif(bool(POSTGRESQL), reason="breaks a SQLite file")
async def test_a_read_from_a_broken_file_is_an_error_a_member_can_understand(tmp_path: Path) -> None:
    async with a_ledger(tmp_path) as ledger:
        await register(ledger, ASHA)
    async with a_ledger(tmp_path) as ledger:
        with sqlite3.connect(tmp_path / "bank" / "records.db") as other:
            other.execute("ALTER TABLE wallet_pins RENAME TO elsewhere")
        other.close()
        with pytest.raises(BackendError):
            await ledger.account(ASHA)


@pytest.mark.skipif(bool(POSTGRESQL), reason="fails the commit of a SQLite file")
async def test_after_a_commit_that_nobody_can_judge_find_tells(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk fails just after the commit: the call cannot say what happened, the key can."""
    from sqlalchemy import Connection

    commit = Connection.commit

    def commit_and_fail(connection: Connection) -> None:
        commit(connection)
        raise OperationalError("COMMIT", None, sqlite3.OperationalError("disk I/O error"))

    with monkeypatch.context() as patch:
        patch.setattr(Connection, "commit", commit_and_fail)
        with pytest.raises(CommitUnknown):
            await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t")

    found = await ledger.find("t")
    assert isinstance(found, Done)
    assert await ledger.transfer(ASHA, BINTA, ugx(1000), pin=PIN, key="t") == found
