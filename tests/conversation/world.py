"""The world that members of the property tests live in: a bank, a phone book, and flows that change."""

from __future__ import annotations

import contextlib
import os
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec

from kikao.conversation import (
    BackendError,
    Chat,
    Done,
    ErrorCode,
    Flows,
    Money,
    Number,
    Pin,
    Refused,
    Secret,
    Text,
    Unknown,
    Voided,
)
from kikao.i18n import t
from kikao.i18n.money import Amount
from kikao.testing import Clock
from tests.virtual import VirtualLoop

PINS = ("7391", "8264", "9573")
"""Right PINs, one a member. No amount, reference or text of this world holds these digits, nor those of WRONG."""

WRONG = ("6606", "6607")
OPENING = 12_000
LOCKS_AT = 3


class LoopClock(Clock):
    """The clock of the event loop, as seconds since the epoch."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._start = self.now
        self._loop = loop

    def __call__(self) -> float:
        return self._start + self._loop.virtual


@contextlib.contextmanager
def seeded_randomness(seed: int) -> Iterator[None]:
    """Keys, nonces and ids from a seed, so that a run can be repeated exactly."""
    before, source = os.urandom, random.Random(f"{seed}/bytes")
    os.urandom = source.randbytes
    try:
        yield
    finally:
        os.urandom = before


class Receipt(msgspec.Struct, frozen=True):
    """What the bank gives for a transfer."""

    ref: str


class Transfer(msgspec.Struct, frozen=True):
    """One transfer that happened."""

    key: str
    payer: str
    payee: str
    minor: int
    ref: str


async def nothing(point: str, key: str) -> None:
    """The gate that lets everybody through."""


class Bank:
    """Double entry, idempotency keys, tombstones, and a counter of wrong PINs that no conversation can reset.

    It repeats under a key whatever it answered under that key, a refusal too. `gate(point, key)` is awaited at
    "before" and "after" a transfer and at "asked" and "answered" of a look-up: tests wait, time out or die there.
    """

    def __init__(self, *, tombstones: bool = True) -> None:
        self.tombstones = tombstones
        self.balances: dict[str, int] = {}
        self.pins: dict[str, str] = {}
        self.failures: dict[str, int] = {}
        self.transfers: list[Transfer] = []
        self.away = False
        """Whether the fee cannot be looked up now."""
        self.gate: Callable[[str, str], Awaitable[None]] = nothing
        self.answers: dict[str, Done[Receipt] | Refused] = {}
        """What it answered, by key."""
        self._void: set[str] = set()

    def open(self, number: str, pin: str) -> None:
        """A customer with money."""
        self.balances[number] = OPENING
        self.balances["vault"] = self.balances.get("vault", 0) - OPENING
        self.pins[number] = pin

    def moved(self, payer: str, minor: int) -> int:
        """How often an amount was moved. Amounts are typed once each, so more than once is one too often."""
        return sum(t.payer == payer and t.minor == minor for t in self.transfers)

    def fee(self, amount: Amount) -> int:
        """Raises `BackendError` while the bank is away."""
        if self.away:
            raise BackendError
        return 10

    async def transfer(
        self, payer: str, payee: str, minor: int, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        """Move money, once a key."""
        await self.gate("before", key)
        answer = self.answers.get(key)
        if answer is None:
            answer = self.answers[key] = self._decide(payer, payee, minor, pin, key)
        await self.gate("after", key)
        return answer

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        """What became of a key. With tombstones it is never unknown: what did not happen never will."""
        await self.gate("asked", key)
        answer = self.answers.get(key)
        found: Done[Receipt] | Voided | Unknown
        if isinstance(answer, Done):
            found = answer
        elif self.tombstones:
            self._void.add(key)
            found = Voided()
        else:
            found = Unknown("no trace of it")
        await self.gate("answered", key)
        return found

    def _decide(self, payer: str, payee: str, minor: int, pin: Secret, key: str) -> Done[Receipt] | Refused:
        if key in self._void:
            return Refused(ErrorCode.REJECTED)
        if self.failures.get(payer, 0) >= LOCKS_AT:
            return Refused(ErrorCode.LOCKED)
        if not pin.matches(Secret(self.pins[payer])):
            self.failures[payer] = self.failures.get(payer, 0) + 1
            locked = self.failures[payer] >= LOCKS_AT
            return Refused(ErrorCode.LOCKED if locked else ErrorCode.WRONG_SECRET)
        self.failures[payer] = 0
        if self.balances[payer] < minor:
            return Refused(ErrorCode.INSUFFICIENT_BALANCE)
        self.balances[payer] -= minor
        self.balances[payee] = self.balances.get(payee, 0) + minor
        transfer = Transfer(key, payer, payee, minor, f"T{len(self.transfers) + 1}x")
        self.transfers.append(transfer)
        return Done(Receipt(transfer.ref))


class Book:
    """Whom one may pay: a list that changes while members look at it."""

    EVERYBODY = ("Akello", "Banda", "Chipo", "Dembe")

    def __init__(self) -> None:
        self.names: tuple[str, ...] = self.EVERYBODY[:3]

    def change(self, seed: int) -> None:
        """Other people, in another order."""
        self.names = tuple(random.Random(seed).sample(self.EVERYBODY, 3))


class Registry:
    """Who registered, by key: the other service, without secrets."""

    def __init__(self) -> None:
        self.saved: dict[str, tuple[str, str, int]] = {}
        self.calls: list[str] = []
        self.gate: Callable[[str, str], Awaitable[None]] = nothing

    async def save(self, number: str, name: str, age: int, key: str) -> int:
        """Keep a person, once a key; how many there are."""
        self.calls.append(key)
        await self.gate("before", key)
        assert self.saved.setdefault(key, (number, name, age)) == (number, name, age), "one key, two people"
        await self.gate("after", key)
        return len(self.saved)


TITLES = {"send": "Send money", "register": "Register", "basket": "Buy food", "terms": "Read the terms"}
GOODS = ("Maize", "Beans", "Pay")
CHAPTERS = tuple(f"Chapter {chr(65 + i)}" for i in range(12))

SEND = {
    "plain": ("to", "amount", "fee", "ok", "pin", "rating"),
    "inserted": ("to", "amount", "purpose", "fee", "ok", "pin", "rating"),
    "renamed": ("to", "sum", "fee", "ok", "pin", "rating"),
    "reordered": ("amount", "to", "fee", "ok", "pin", "rating"),
    "removed": ("to", "amount", "fee", "ok", "pin"),
    "chatty": ("purpose", "to", "amount", "fee", "ok", "pin", "comment", "rating"),
    "appended": ("to", "amount", "fee", "ok", "pin", "comment", "rating"),
}
"""What the flow "send" comes to, in order, in each of its variants."""


def flows_of(variant: str = "plain", release: int = 0) -> Flows:
    """The app's flows as of one deploy."""
    flows = Flows(release=release)

    @flows.flow("send", title=TITLES["send"])
    async def send(chat: Chat) -> None:
        bank, book = chat.service(Bank), chat.service(Book)
        got: dict[str, Any] = {}
        for name in SEND[variant]:
            if name == "to":
                got["to"] = await chat.choose("to", t("Pay whom?"), book.names)
            elif name in ("amount", "sum"):
                got["amount"] = await chat.ask(name, Money("UGX", min=500, max=5000), t("How much?"))
            elif name == "purpose":
                await chat.ask("purpose", Text(max=40), t("What for?"))
            elif name == "fee":
                got["fee"] = await chat.read("fee", lambda: bank.fee(got["amount"]))
            elif name == "ok":
                text = t(
                    "Pay {amount} to {to}? Fee {fee}", amount=got["amount"], to=got["to"], fee=got["fee"]
                )
                await chat.confirm("ok", text)
            elif name == "pin":
                receipt = await chat.secret(
                    "pin",
                    Pin(),
                    t("Your PIN?"),
                    use=lambda pin, key: bank.transfer(
                        chat.member.msisdn, got["to"], got["amount"].minor, pin, key
                    ),
                    check=bank.find,
                    done=lambda receipt: t("Paid. Ref {ref}", ref=receipt.ref),
                )
                await chat.say(t("Paid {amount}. Ref {ref}", amount=got["amount"], ref=receipt.ref))
            elif name == "comment":
                await chat.ask("comment", Text(max=40), t("Any comment?"))
            elif name == "rating":
                await chat.ask("rating", Number(0, 5), t("Rate us 0 to 5"))
        await chat.end(t("Thank you for paying."))

    @flows.flow("register", title=TITLES["register"])
    async def register(chat: Chat) -> None:
        registry = chat.service(Registry)
        name = await chat.ask("name", Text(2, 20), t("Your name?"))
        age = await chat.ask("age", Number(0, 120), t("Your age?"))
        await chat.step("save", lambda key: registry.save(chat.member.msisdn, name, age, key), retry="key")
        again = await chat.choose("again", t("Registered {name}.", name=name), ["Another", "Enough"])
        if again == "Another":
            await chat.goto("register")
        await chat.end(t("Welcome."))

    @flows.flow("basket", title=TITLES["basket"])
    async def basket(chat: Chat) -> None:
        total = 0
        while (item := await chat.choose("item", t("What would you like?"), GOODS)) != "Pay":
            number = await chat.ask("number", Number(1, 9), t("How many?"))
            total += number
            await chat.say(t("{n} of {item} added.", n=number, item=item))
        await chat.end(t("Come and fetch {n} things.", n=total))

    @flows.flow("terms", title=TITLES["terms"])
    async def terms(chat: Chat) -> None:
        bank = chat.service(Bank)
        chapter = await chat.choose("chapter", t("Which chapter?"), CHAPTERS)
        await chat.read("text", lambda: bank.fee(Amount("UGX", 1)))
        await chat.ask("seen", Number(1, 9), t("Type a number for {chapter}", chapter=chapter))
        await chat.end(t("That was {chapter}.", chapter=chapter))

    @flows.flow("main")
    async def main(chat: Chat) -> None:
        await chat.menu("menu", t("Main menu"), [send, register, basket, terms])

    return flows
