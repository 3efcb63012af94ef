"""Members come, pay, change PINs, are locked, unlocked and forgotten, all at once: no money is lost or made."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from pathlib import Path

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from kikao.conversation.errors import RefusedError
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.i18n.money import Amount
from kikao.records import Records
from kikao.testing import Clock
from kikao_apps.wallet import operations
from kikao_apps.wallet.history import PSEUDONYM
from kikao_apps.wallet.ledger import Ledger
from kikao_apps.wallet.operations import NoAccount
from kikao_apps.wallet.tables import ACCOUNTS, PIN_CHANGES, PINS, PROPOSED_PINS
from tests.databases import ON_POSTGRESQL
from tests.wallet.ledgers import ASHA, BINTA, IN_MEMORY, PIN, WRONG, a_key, a_ledger, cheap_pins, its_records

MEMBERS = [ASHA, BINTA]
NEW = Secret("7041")
NOW = Clock().now
DOINGS = ["open UGX", "open KES", "pay", "leave", "change", "guess", "unlock", "start PIN"]

rounds = st.lists(
    st.lists(st.tuples(st.sampled_from(DOINGS), st.sampled_from(MEMBERS)), min_size=1, max_size=6),
    min_size=2,
    max_size=6,
)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=rounds)
def test_whatever_becomes_of_members_no_money_is_lost(rounds: list[list[tuple[str, str]]]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        asyncio.run(happen(Path(folder), rounds))


@ON_POSTGRESQL
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=rounds)
def test_whatever_becomes_of_members_no_money_is_lost_in_postgresql(
    rounds: list[list[tuple[str, str]]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(happen(Path(folder), rounds))


async def happen(folder: Path, rounds: list[list[tuple[str, str]]]) -> None:
    """Two processes share what is done in a round, each with its operator."""
    async with (
        a_ledger(folder, gift=20_000) as one,
        a_ledger(folder, gift=20_000) as two,
        its_records(folder) as records,
    ):
        await open_account(one, ASHA, "UGX")
        for doings in rounds:
            work = [live((one, two)[n % 2], records, *doing) for n, doing in enumerate(doings)]
            await asyncio.gather(*work)
            assert (await one.audit()).right
            await records.read(nothing_is_left_behind)


async def live(ledger: Ledger, records: Records, doing: str, member: str) -> None:
    other = MEMBERS[1 - MEMBERS.index(member)]
    with contextlib.suppress(RefusedError, NoAccount):
        match doing.split():
            case ["open", currency]:
                await open_account(ledger, member, currency)
            case ["pay"]:
                await pay(ledger, member, other)
            case ["leave"]:
                await pay(ledger, member, other, everything=True)
                await ledger.forget(member)
            case ["change"]:
                await change_pin(ledger, member)
            case ["guess"]:
                await ledger.balance(member, WRONG, key=a_key())
            case ["unlock"]:
                await operations.unlock(records, member, NOW)
            case _:
                await operations.give_start_pin(records, cheap_pins(workers=1), member, NOW)


async def open_account(ledger: Ledger, member: str, currency: str) -> None:
    await ledger.propose_pin(member, PIN, key=a_key())
    await ledger.open_account(member, f"M {member[-1]}", currency, PIN, key=a_key())


async def pay(ledger: Ledger, member: str, to: str, *, everything: bool = False) -> None:
    held = await ledger.balance(member, PIN, key=a_key())
    if isinstance(held, Done):
        currency, minor = held.result.amount.currency, held.result.amount.minor
        fee = (await ledger.fee(Amount(currency, minor))).minor
        amount = Amount(currency, minor - fee if everything else min(minor, 2_000))
        await ledger.transfer(member, to, amount, pin=PIN, key=a_key())


async def change_pin(ledger: Ledger, member: str) -> None:
    """To another PIN and back, so that the member is one who can pay."""
    for pin, new in ((PIN, NEW), (NEW, PIN)):
        begun = await ledger.begin_pin_change(member, pin, key=a_key())
        if isinstance(begun, Done):
            await ledger.propose_pin(member, new, change=begun.result, key=a_key())
            await ledger.change_pin(member, new, change=begun.result, key=a_key())


def nothing_is_left_behind(connection: Connection) -> None:
    """Who was forgotten has no money and no PIN; every member has a PIN."""
    gone = ACCOUNTS.c.msisdn.startswith(PSEUDONYM)
    assert not connection.execute(sa.select(ACCOUNTS.c.id).where(gone, ACCOUNTS.c.balance != 0)).all()
    members = sa.select(ACCOUNTS.c.id).where(ACCOUNTS.c.kind == "member", ~gone)
    assert set(connection.execute(members).scalars()) == set(
        connection.execute(sa.select(PINS.c.account_id)).scalars()
    )
    for table in (PROPOSED_PINS, PIN_CHANGES):
        assert set(connection.execute(sa.select(table.c.msisdn)).scalars()) <= set(MEMBERS)
