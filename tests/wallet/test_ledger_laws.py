"""Laws of the bank, under whatever members and workers do at once."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused, Voided
from kikao.conversation.secrets import Secret
from kikao_apps.wallet.bank import Receipt
from kikao_apps.wallet.ledger import Ledger
from tests.databases import ON_POSTGRESQL
from tests.wallet.ledgers import ASHA, BINTA, CHIDI, IN_MEMORY, PIN, STRANGER, WRONG, a_ledger, register, ugx

MEMBERS = [ASHA, BINTA, CHIDI]
OPENING = 20_000

keys = st.sampled_from([f"k{n}" for n in range(6)])
members = st.sampled_from(MEMBERS)
pins = st.sampled_from(["right", "right", "right", "wrong"])
amounts = st.sampled_from([500, 5_000, 9_000, 19_000])
transfers = st.tuples(
    st.just("transfer"), keys, members, st.sampled_from([*MEMBERS, STRANGER]), amounts, pins
)
voids = st.tuples(st.just("find"), keys)
balances = st.tuples(st.just("balance"), st.sampled_from([f"b{n}" for n in range(6)]), members, pins)
statements = st.tuples(st.just("statement"), st.sampled_from([f"s{n}" for n in range(4)]), members, pins)
Operation = tuple[str, str] | tuple[str, str, str, str] | tuple[str, str, str, str, int, str]
operations: st.SearchStrategy[list[Operation]] = st.lists(
    st.one_of(transfers, voids, balances, statements), max_size=24
)


def pin(kind: str) -> Secret:
    return PIN if kind == "right" else WRONG


async def run(ledger: Ledger, operation: Operation) -> object:
    match operation:
        case ("transfer", key, sender, to, amount, kind):
            return await ledger.transfer(sender, to, ugx(amount), pin=pin(kind), key=key)
        case ("balance", key, member, kind):
            return await ledger.balance(member, pin(kind), key=key)
        case ("statement", key, member, kind):
            return await ledger.statement(member, pin(kind), key=key)
        case (_, key, *_):
            return await ledger.find(key)
    raise AssertionError


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(operations, min_size=1, max_size=3))
def test_whatever_happens_at_once_the_books_are_right(rounds: list[list[Operation]]) -> None:
    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        asyncio.run(happen(Path(folder), rounds))


@ON_POSTGRESQL
@settings(max_examples=3, suppress_health_check=[HealthCheck.too_slow])
@given(rounds=st.lists(operations, min_size=1, max_size=3))
def test_whatever_happens_at_once_the_books_in_postgresql_are_right(rounds: list[list[Operation]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(happen(Path(folder), rounds))


async def happen(folder: Path, rounds: list[list[Operation]]) -> None:
    """Two workers share the operations of a round; the laws hold after each."""
    done: list[tuple[str, object]] = []
    async with a_ledger(folder, gift=OPENING) as one, a_ledger(folder, gift=OPENING) as two:
        await register(one, *MEMBERS)
        for round_ in rounds:
            outcomes = await asyncio.gather(*[run((one, two)[n % 2], op) for n, op in enumerate(round_)])
            done += [(operation[1], outcome) for operation, outcome in zip(round_, outcomes, strict=True)]
            await the_books_are_right(one, done)
        await the_locks_are_exact(one, rounds, [outcome for _, outcome in done])


async def the_books_are_right(ledger: Ledger, done: list[tuple[str, object]]) -> None:
    audit = await ledger.audit()
    assert audit.right
    results: dict[str, set[object]] = {}
    for key, outcome in done:
        if isinstance(outcome, Done | Voided):
            results.setdefault(key, set()).add(outcome)
    for key, outcomes in results.items():
        assert len(outcomes) == 1, f"{key} was told in two ways"
        assert await ledger.find(key) in outcomes
    receipts = [o.result for told in results.values() for o in told if isinstance(o, Done)]
    paid = [receipt for receipt in receipts if isinstance(receipt, Receipt)]
    assert audit.payments == len(paid) == len({receipt.ref for receipt in paid})


async def the_locks_are_exact(ledger: Ledger, rounds: list[list[Operation]], outcomes: list[object]) -> None:
    """A member is locked exactly if told so, and was never told WRONG_SECRET more often than tries allow."""
    told_locked: set[str] = set()
    accepted: Counter[str] = Counter()
    wrong: Counter[str] = Counter()
    for operation, outcome in zip([op for round_ in rounds for op in round_], outcomes, strict=True):
        if operation[0] == "find" or len(operation) == 2:
            continue
        member = operation[2]
        if isinstance(outcome, Refused):
            told_locked |= {member} if outcome.code is ErrorCode.LOCKED else set()
            wrong[member] += outcome.code is ErrorCode.WRONG_SECRET
        if not isinstance(outcome, Refused) or outcome.code is not ErrorCode.WRONG_SECRET:
            accepted[member] += 1
    for member in MEMBERS:
        account = await ledger.account(member)
        assert account is not None
        assert account.locked == (member in told_locked)
        assert wrong[member] <= 2 * (accepted[member] + 1)


@settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow])
@given(guesses=st.lists(st.booleans(), min_size=1, max_size=12))
def test_tries_are_counted_like_on_fingers(guesses: list[bool]) -> None:
    """One after the other: the bank's answers are those of the simplest model."""

    async def story(folder: Path) -> None:
        async with a_ledger(folder) as ledger:
            await register(ledger, ASHA)
            left = 3
            for n, right in enumerate(guesses):
                outcome = await ledger.balance(ASHA, PIN if right else WRONG, key=f"g{n}")
                if left and right:
                    left = 3
                    assert isinstance(outcome, Done)
                    continue
                left = max(left - 1, 0)
                assert isinstance(outcome, Refused)
                assert outcome.code is (ErrorCode.WRONG_SECRET if left else ErrorCode.LOCKED)
                assert left == 0 or (outcome.text is not None and outcome.text.n == left)

    with tempfile.TemporaryDirectory(dir=IN_MEMORY) as folder:
        asyncio.run(story(Path(folder)))
