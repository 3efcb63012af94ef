"""What a member meets who loses the line on each screen of the wallet, and dials again: the table of the reference.

`python -m tests.wallet.resume` writes it into `docs/reference/wallet-resume.md`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from kikao.testing import Play, perform
from kikao.transcripts import Transcript
from tests.wallet import steps as own_steps  # noqa: F401 - they are registered
from tests.wallet.staging import NUMBERS, a_wallet

PAGE: Final = Path(__file__).parents[2] / "docs" / "reference" / "wallet-resume.md"
OFFER: Final = "Continue where you stopped?"

STRANGER: Final = ("Asha dials and answers her language then Asha then 1 then 2580.",)
MEMBER: Final = ("Asha has an account.", "Binta has an account.")
TO_THE_PIN: Final = "Asha dials and answers 1 then 0700000002 then 5000 then 1."
SENT: Final = ("Asha sent UGX 5,000 to Binta.", "Asha sent UGX 700 to Binta.")

PLACES: Final[dict[str, tuple[str, ...]]] = {
    "the choice of a language": ("Asha dials.",),
    "the name": ("Asha dials and answers her language.",),
    "the currency": ("Asha dials and answers her language then Asha.",),
    "the PIN of a new account": ("Asha dials and answers her language then Asha then 1.",),
    "the same PIN again": STRANGER,
    "the menu after registering": (*STRANGER, "Asha answers 2580."),
    "the menu": (*MEMBER, "Asha dials."),
    "the recipient's number": (*MEMBER, "Asha dials and answers 1."),
    "the amount": (*MEMBER, "Asha dials and answers 1 then 0700000002."),
    "the confirmation": (*MEMBER, "Asha dials and answers 1 then 0700000002 then 5000."),
    "the PIN of a transfer": (*MEMBER, TO_THE_PIN),
    "a wrong PIN of a transfer": (*MEMBER, TO_THE_PIN, "Asha answers 1379."),
    "the receipt": (*MEMBER, TO_THE_PIN, "Asha answers 2580."),
    '"Request received", while the bank works': (
        *MEMBER,
        TO_THE_PIN,
        "The bank is slow to answer transfer.",
        "Asha answers 2580.",
    ),
    '"Request received", once the bank is done': (
        *MEMBER,
        TO_THE_PIN,
        "The bank is slow to answer transfer.",
        "Asha answers 2580.",
        "The bank is well again.",
    ),
    '"We are checking", while the bank is away': (
        *MEMBER,
        TO_THE_PIN,
        "The bank breaks off after transfer.",
        "The bank answers find with nothing.",
        "Asha answers 2580.",
    ),
    "the PIN of the balance": (*MEMBER, "Asha dials and answers 2."),
    "the balance": (*MEMBER, "Asha dials and answers 2 then 2580."),
    "the PIN of the statement": (*MEMBER, *SENT, "Asha dials and answers 3."),
    "page 1 of the statement": (*MEMBER, *SENT, "Asha dials and answers 3 then 2580."),
    "page 2, the last, of the statement": (*MEMBER, *SENT, "Asha dials and answers 3 then 2580 then 98."),
    "the present PIN, to change it": (*MEMBER, "Asha dials and answers 4."),
    "the new PIN": (*MEMBER, "Asha dials and answers 4 then 2580."),
    "the new PIN again": (*MEMBER, "Asha dials and answers 4 then 2580 then 7041."),
    "another language": (*MEMBER, "Asha dials and answers 5."),
    "page 1 of the help": (*MEMBER, "Asha dials and answers 6."),
    "page 2, the last, of the help": (*MEMBER, "Asha dials and answers 6 then 98."),
    "the start PIN": (*MEMBER, "The operator gives Asha a start PIN.", "Asha dials."),
    "a locked account": (*MEMBER, "Asha's account is locked.", "Asha dials."),
}
"""How to come to each screen."""


class Row(NamedTuple):
    """The first sentences of the screens that follow."""

    place: str
    redial: str
    one: str
    two: str


async def row(place: str, *steps: str) -> Row:
    """Lose the line there, dial again, and answer what is offered."""
    redial, one = await screens_after(*steps, "Asha hangs up.", "Asha dials.", then="Asha answers 1.")
    _, two = (
        await screens_after(*steps, "Asha hangs up.", "Asha dials.", then="Asha answers 2.")
        if one
        else ("", "")
    )
    return Row(place, redial, one, two)


async def screens_after(*steps: str, then: str) -> tuple[str, str]:
    """What the last screen says above its options; and, where it offers to start again, the screen after `then`."""
    screen: Sequence[str] = ()
    async with a_wallet(steps) as stage:
        play = Play(Transcript("", 0, ()), stage, members=NUMBERS, language="en")
        play.know("the", "language", "1")
        for step in steps:
            screen = await perform(play, step) or screen
        offered = "2 Start again" in screen
        return said(screen), said(await perform(play, then) or ()) if offered else ""


def said(screen: Sequence[str]) -> str:
    """The sentences of a screen, without what can be chosen and without a reference, which differs each time."""
    sentences = " ".join(line for line in screen if not re.match(r"\d+ [A-Z]", line))
    return re.sub(r"Ref \w{8}", "Ref X", sentences)


async def table() -> str:
    """The table, as Markdown."""
    rows = [await row(place, *steps) for place, steps in PLACES.items()]
    head = "| the line is lost at | the next dial shows | 1 leads to | 2 leads to |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(each)} |\n" for each in rows)


def written(page: str, made: str) -> str:
    """The page with its table replaced."""
    before, after = page.index("| the line is lost at"), page.index("\n## ")
    return f"{page[:before]}{made}{page[after:]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8"), asyncio.run(table())), encoding="utf-8")
