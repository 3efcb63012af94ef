"""A bank for tests: idempotency keys, tombstones, counted PINs; it can be slow, die, or answer nonsense on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from kikao.conversation import Done, ErrorCode, Refused, Secret, Unknown, Voided
from kikao.i18n.messages import t

PIN = "4321"


class Receipt(msgspec.Struct, frozen=True):
    """A transfer that happened."""

    ref: str
    to: str
    amount: int


class Bank:
    """One member's bank. `moved` lists every movement of money, so a second one cannot hide."""

    def __init__(self, balance: int = 100_000) -> None:
        self.balance = balance
        self.tries = 3
        self.moved: list[Receipt] = []
        self.keys: list[str] = []
        """Every key the bank was called with, in order."""
        self.voided: set[str] = set()
        self.arrived = asyncio.Event()
        """Set when a transfer has come in."""
        self.gate: asyncio.Event | None = None
        """While set and not open, transfers wait inside the bank."""
        self.before: Callable[[], None] | None = None
        """Called once before the next transfer acts; may raise."""
        self.after: Callable[[], None] | None = None
        """Called once after the next transfer acted; may raise."""
        self.answer: Callable[[Receipt], Any] = Done
        self.away = False
        """True while `find` cannot tell."""
        self._done: dict[str, Receipt] = {}

    async def transfer(self, to: str, amount: int, pin: Secret, key: str) -> Any:
        """Move money once per key."""
        self.keys.append(key)
        self.arrived.set()
        if self.gate is not None:
            await self.gate.wait()
        hook, self.before = self.before, None
        if hook is not None:
            hook()
        if key in self._done:
            return Done(self._done[key])
        if key in self.voided:
            return Refused(ErrorCode.REJECTED, t("This request was cancelled."))
        if self.tries == 0:
            return Refused(ErrorCode.LOCKED)
        if not pin.matches(Secret(PIN)):
            self.tries -= 1
            return Refused(ErrorCode.WRONG_SECRET)
        self.tries = 3
        if amount > self.balance:
            return Refused(ErrorCode.INSUFFICIENT_BALANCE)
        self.balance -= amount
        receipt = Receipt(f"TX{len(self.moved) + 1}", to, amount)
        self.moved.append(receipt)
        self._done[key] = receipt
        hook, self.after = self.after, None
        if hook is not None:
            hook()
        return self.answer(receipt)

    async def find(self, key: str) -> Any:
        """What became of a key; one that is not known is refused from now on."""
        if self.away:
            return Unknown("away")
        if key in self._done:
            return Done(self._done[key])
        self.voided.add(key)
        return Voided()


def fail(error: BaseException) -> Callable[[], None]:
    """A hook that raises."""

    def hook() -> None:
        raise error

    return hook
