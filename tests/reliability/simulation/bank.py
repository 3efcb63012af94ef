"""The service that moves money: double entry, idempotency keys, tombstones, and a counter of wrong PINs.

It is atomic and never loses anything; what reaches it, and when, and whether its answer gets back, is the network's
affair. Banks differ: one in three leaves no tombstones (what it does not know may still come), and one in two does
not keep what it refused under a key. The way to those lets no request be overtaken by a later one: after the refusal of
a second one the first could be carried out, which no client can know. Nor do they take one from a worker that stood
still with it in its hands.
"""

from __future__ import annotations

from typing import Final

import msgspec

from kikao.conversation import Done, ErrorCode, Refused, Secret, Unknown, Voided

OPENING: Final = 12_000
LOCKS_AT: Final = 4


class Receipt(msgspec.Struct, frozen=True):
    """What the bank gives for what it did."""

    ref: str


class Order(msgspec.Struct, frozen=True):
    """What somebody wants: `kind` is "send", "airtime", "left" or "right"."""

    kind: str
    payer: str
    payee: str
    minor: int


class Movement(msgspec.Struct, frozen=True):
    """An order that was carried out."""

    key: str
    order: Order
    ref: str


Answer = Done[Receipt] | Refused


class Bank:
    """See the module."""

    def __init__(self, *, tombstones: bool, keeps_refusals: bool) -> None:
        self.tombstones = tombstones
        self.keeps_refusals = keeps_refusals
        self.balances: dict[str, int] = {}
        self.movements: list[Movement] = []
        self.registered: dict[str, str] = {}
        """Who registered under which name, by key."""
        self._pins: dict[str, str] = {}
        self._wrong: dict[str, int] = {}
        self._answers: dict[str, Answer] = {}
        self._void: set[str] = set()

    def open(self, number: str, pin: str) -> None:
        """An account with money."""
        self.top_up(number, OPENING)
        self._pins[number] = pin

    def top_up(self, number: str, minor: int) -> None:
        """Money from the vault; the number may try PINs again."""
        self.balances[number] = self.balances.get(number, 0) + minor
        self.balances["vault"] = self.balances.get("vault", 0) - minor
        self._wrong[number] = 0

    def carried_out(self, order: Order) -> bool:
        """Whether an order was carried out."""
        return any(movement.order == order for movement in self.movements)

    def fee(self, minor: int) -> int:
        """What a transfer costs on top (it is never charged: the books are simpler so)."""
        return 10

    def carry_out(self, order: Order, key: str, pin: Secret | None = None) -> Answer:
        """Move money, once a key."""
        if key in self._void:
            return Refused(ErrorCode.REJECTED)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._decide(order, key, pin)
            if self.keeps_refusals or isinstance(answer, Done):
                self._answers[key] = answer
        return answer

    def register(self, number: str, name: str, key: str, pin: Secret) -> Answer:
        """Take a new customer, once a key."""
        if key in self._void:
            return Refused(ErrorCode.REJECTED)
        answer = self._answers.get(key)
        if answer is None:
            if not pin.matches(Secret(self._pins[number])):
                return self._wrong_pin(number)
            self.registered[key] = name
            answer = self._answers[key] = Done(Receipt(f"C{len(self.registered)}x"))
        return answer

    def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        """What became of a key. With tombstones it is never unknown: what did not happen never will."""
        answer = self._answers.get(key)
        if isinstance(answer, Done):
            return answer
        if not self.tombstones:
            return Unknown("no trace of it")
        self._void.add(key)
        return Voided()

    def _decide(self, order: Order, key: str, pin: Secret | None) -> Answer:
        payer = order.payer
        if pin is not None:
            if self._wrong.get(payer, 0) >= LOCKS_AT:
                return Refused(ErrorCode.LOCKED)
            if not pin.matches(Secret(self._pins[payer])):
                return self._wrong_pin(payer)
            self._wrong[payer] = 0
        if self.balances[payer] < order.minor:
            return Refused(ErrorCode.INSUFFICIENT_BALANCE)
        self.balances[payer] -= order.minor
        self.balances[order.payee] = self.balances.get(order.payee, 0) + order.minor
        movement = Movement(key, order, f"T{len(self.movements) + 1}x")
        self.movements.append(movement)
        return Done(Receipt(movement.ref))

    def _wrong_pin(self, number: str) -> Refused:
        wrong = self._wrong[number] = self._wrong.get(number, 0) + 1
        return Refused(ErrorCode.LOCKED if wrong >= LOCKS_AT else ErrorCode.WRONG_SECRET)
