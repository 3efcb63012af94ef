"""What a PIN may be: 4 to 8 digits that a thief does not try first."""

from __future__ import annotations

import re
import secrets
from itertools import pairwise
from typing import Final

from kikao.conversation.secrets import Secret

START_PIN_DIGITS: Final = 4
"""As many as the wallet's conversations ask for."""

_PIN: Final = re.compile(r"\d{4,8}", re.ASCII)


def is_pin(pin: Secret) -> bool:
    """Whether it has the form of a PIN."""
    return _PIN.fullmatch(pin.reveal()) is not None


def is_easy(pin: Secret, msisdn: str) -> bool:
    """Whether a PIN is among the first that anybody would try.

    One digit again and again (`0000`), a run up or down (`1234`, `9876`, `7890`), a group repeated (`1212`), and the
    end of the member's own number.
    """
    digits = pin.reveal()
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(digits)}
    if steps in ({0}, {1}, {9}) or msisdn.endswith(digits):
        return True
    sizes = range(1, len(digits) // 2 + 1)
    return any(digits == digits[:size] * (len(digits) // size) for size in sizes if not len(digits) % size)


def random_pin(msisdn: str) -> Secret:
    """A PIN to give to a member, that is not easy."""
    while True:
        pin = Secret("".join(secrets.choice("0123456789") for _ in range(START_PIN_DIGITS)))
        if not is_easy(pin, msisdn):
            return pin
