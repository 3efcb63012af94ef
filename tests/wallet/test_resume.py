"""The table of what follows a lost line is what happens."""

from __future__ import annotations

from tests.wallet.resume import OFFER, PAGE, PLACES, row, table, written


async def test_the_reference_says_what_follows_a_lost_line() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page, await table()), "run: python -m tests.wallet.resume"


async def test_where_a_member_stopped_is_offered_and_found_again() -> None:
    amount = await row("the amount", *PLACES["the amount"])
    assert amount.redial == OFFER
    assert amount.one.startswith("Enter the amount")
    assert amount.two.startswith("Hello Asha.")
