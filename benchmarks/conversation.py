"""What is said in every benchmark: a wallet's menu, four questions, a receipt. Nothing here needs kikao.

`TYPED` is what a member types, the dial first, and `SEEN` a word of each screen, which every implementation must show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

TYPED: Final = ("", "1", "2", "3", "5000", "1")
SEEN: Final = ("Choose", "network", "months", "Amount", "Confirm", "Thank you")

NETWORKS: Final[Mapping[str, str]] = {"mtn": "MTN", "airtel": "Airtel", "lyca": "Lycamobile"}
LEAST: Final = 500
MOST: Final = 5_000_000

MEMBERS: Final = 200
"""Members who talk in turns, so that nothing stays warm for one of them."""


def number_of(conversation: int) -> str:
    """Who holds a conversation."""
    return f"+2567720{conversation % MEMBERS:05}"


# What peers write their screens with.


def numbered(title: str, *options: str) -> str:
    """A screen with choices."""
    return "\n".join([title, *(f"{number} {label}" for number, label in enumerate(options, 1))])


def picked(text: str | None, count: int) -> int | None:
    """Which of so many options, from 0."""
    return int(text) - 1 if text and text.isdecimal() and 1 <= int(text) <= count else None


def money(minor: int) -> str:
    """An amount as members read it."""
    return f"UGX {minor:,}"
