"""A slice of the linking part, and proof that it sees what is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.reliability import linking
from tests.reliability.callers import Again, Receipt, Town
from tests.reliability.kill_loop import Killed
from tests.reliability.linking import Force, Wished

HOME, OTHER = "+256773000000", "+256753000000"


@pytest.mark.parametrize("mutant", ["hasty", "sticky"])
async def test_what_is_broken_is_seen(tmp_path: Path, mutant: str) -> None:
    outcome = await linking.run(
        tmp_path,
        kills=0,
        people=9,
        numbers=8,
        retention=0.6,
        seconds=90,  # until it is seen
        seed=7,
        pace=0.2,
        mutant=mutant,
    )

    assert outcome.violations != []


# --- each check can fail ---


def town() -> Town:
    found = Town(Killed(Path("data")), retention=2.0, seed=1)
    found.asked = {("Zuri01", 1000)}
    return found


PAID = Receipt("Zuri01", 1000, "00000000")


@pytest.mark.parametrize(
    ("payments", "told", "words"),
    [
        ([PAID], {PAID}, ""),
        ([PAID, Receipt("Zuri01", 1000, "11111111")], set(), "paid 2 times"),
        ([Receipt("Zuri02", 1000, "00000000")], set(), "nobody asked"),
        ([PAID], {PAID, Receipt("Zuri01", 1000, "11111111")}, "not in the books"),
    ],
)
def test_a_wrong_payment_is_found(payments: list[Receipt], told: set[Receipt], words: str) -> None:
    streets = town()
    streets.receipts = told
    found = linking.check_payments(payments, streets)
    assert [words in each for each in found] == [True] * bool(words)


def test_only_what_came_again_on_the_other_side_of_a_link_is_counted() -> None:
    streets = town()
    streets.again = [
        Again(HOME, answered=1.0, sent=2.0, ended=2.1),
        Again(HOME, answered=1.0, sent=4.0, ended=4.1),
        Again(OTHER, answered=3.5, sent=4.0, ended=4.1),
        Again("+256753000009", answered=1.0, sent=4.0, ended=4.1),
    ]
    assert linking.count_crossed(streets, [Force((HOME, OTHER), before=3.0, seen=3.2)]) == 1
    assert linking.count_waiting(streets, [Wished((HOME, OTHER), at=1.5, until=3.0)]) == 1
