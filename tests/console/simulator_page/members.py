"""Members at a desk: their numbers, their PIN, and how they pay."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Final

from tests.console.browser import Desk, Handset

PIN: Final = "2580"
NUMBERS = (f"+2567720{n:05}" for n in itertools.count(100))
"""Of members nobody has met yet."""

Open = Callable[..., Desk]
Member = Callable[[str], str]


def desk_of(desk: Desk, number: str) -> Desk:
    desk.phone().number(number)
    return desk


def pay(sender: Handset, to: str, amount: str) -> Handset:
    """From the menu to what becomes of it."""
    return sender.answer("1", to, amount).shows("Send UGX").answer("1", PIN)
