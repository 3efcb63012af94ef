"""The last movements of an account, as its member sees them."""

from __future__ import annotations

from kikao.conversation.errors import ErrorCode
from kikao.conversation.outcomes import Done, Refused
from kikao.i18n.money import Amount
from kikao.testing import Clock
from kikao_apps.wallet.bank import MOVEMENTS, Movement
from kikao_apps.wallet.ledger import Ledger
from tests.wallet.ledgers import (
    ASHA,
    BINTA,
    GIFT,
    PIN,
    STRANGER,
    WRONG,
    a_key,
    done,
    register,
    ugx,
)


async def movements(ledger: Ledger, member: str) -> tuple[Movement, ...]:
    return done(await ledger.statement(member, PIN, key=a_key())).movements


async def test_a_transfer_stands_on_the_statements_of_both(ledger: Ledger, clock: Clock) -> None:
    clock.now += 60
    receipt = done(await ledger.transfer(ASHA, BINTA, ugx(5000), pin=PIN, key="t"))

    sent, gift = await movements(ledger, ASHA)
    received, _ = await movements(ledger, BINTA)

    assert sent == Movement("sent", clock.now, BINTA, "M 2", ugx(5000), ugx(100), receipt.ref)
    assert received == Movement("received", clock.now, ASHA, "M 1", ugx(5000), ugx(0), receipt.ref)
    assert (gift.kind, gift.party, gift.name, gift.amount) == ("gift", "", "", ugx(GIFT))


async def test_a_transfer_without_a_fee(ledger: Ledger) -> None:
    await register(ledger, STRANGER, currency="KES")
    await register(ledger, "+256700000008", currency="KES")
    await ledger.transfer(STRANGER, "+256700000008", Amount("KES", 100_00), pin=PIN, key="t")
    sent, _ = await movements(ledger, STRANGER)
    assert (sent.amount, sent.fee) == (Amount("KES", 100_00), Amount("KES", 0))


async def test_money_sent_to_a_stranger_and_back(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="t")
    (sent, _) = await movements(ledger, ASHA)
    assert (sent.kind, sent.party, sent.name) == ("sent", STRANGER, "")

    await register(ledger, STRANGER, currency="KES")

    returned, _, _ = await movements(ledger, ASHA)
    assert (returned.kind, returned.party, returned.amount) == ("returned", STRANGER, ugx(3000))
    (gift,) = await movements(ledger, STRANGER)
    assert gift.kind == "gift"


async def test_money_that_waited_is_on_the_statement_of_who_claims_it(ledger: Ledger) -> None:
    await ledger.transfer(ASHA, STRANGER, ugx(3000), pin=PIN, key="t")
    await register(ledger, STRANGER)
    assert [each.kind for each in await movements(ledger, STRANGER)] == ["gift", "received"]


async def test_only_the_last_movements_the_newest_first(ledger: Ledger) -> None:
    amounts = [600 + n for n in range(MOVEMENTS + 3)]
    for amount in amounts:
        await ledger.transfer(ASHA, BINTA, ugx(amount), pin=PIN, key=a_key())
    for member in (ASHA, BINTA):
        shown = [each.amount.minor for each in await movements(ledger, member)]
        assert shown == amounts[: -MOVEMENTS - 1 : -1]


async def test_a_statement_needs_the_pin(ledger: Ledger) -> None:
    refused = await ledger.statement(ASHA, WRONG, key="s")
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.WRONG_SECRET


async def test_the_same_key_shows_the_same_statement(ledger: Ledger) -> None:
    first = await ledger.statement(ASHA, PIN, key="s")
    await ledger.transfer(ASHA, BINTA, ugx(5000), pin=PIN, key="t")
    assert await ledger.statement(ASHA, WRONG, key="s") == first
    assert await ledger.find("s") == first
    assert isinstance(first, Done)
    assert len(first.result.movements) == 1
