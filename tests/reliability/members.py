"""Members who send money through a server that keeps dying, and remember what they were told.

A member reads the screen and answers it. A request without a reply is sent again; a hasty member sometimes dials
anew instead, as people do.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import Exchange
from kikao.testing import Send

CODE: Final = "*284#"
APOLOGY: Final = b"END Service unavailable. Try again later."
"""Not a turn: nothing was consumed, the same request may be answered later."""

WORKING: Final = b"END Your last request is still being processed. Dial again shortly."
"""A turn, or none: it is also said to a request that waited for another one until its time was up."""

CHECKING: Final = b"END We are checking your request. Do not repeat it. Dial again to see the result."
"""A turn, or none: it is also said where an effect may have happened and the commit did not come back in time."""

NOT_ALWAYS_A_TURN: Final = (APOLOGY, WORKING, CHECKING)

RECEIPT: Final = re.compile(r"You sent UGX ([\d,]+) to (\+\d+)\. Ref ([2-9A-Z]{8})\.")
REQUEST_SECONDS: Final = 8.0
"""A reply that takes longer is counted as none."""

TWICE: Final = 0.05
"""How often a gateway sends a request twice at the same time, or again after its reply."""

A_WHILE: Final = 0.2
"""Seconds until a member dials again who was told to."""

FINISH_SECONDS: Final = 30.0
"""How long a member tries to get one more transfer done, at the end."""

HASTE: Final = 0.3
"""How often a hasty member dials anew when no reply comes."""

PINS: Final = range(2027, 2720, 7)
"""None of them is easy to guess, so the bank takes them all."""

WRONG_PIN: Final = 0.03
START_AGAIN: Final = 0.3
HANG_UP: Final = 0.03


class Receipt(msgspec.Struct, frozen=True):
    """A transfer that a member was told of."""

    ref: str
    sender: str
    to: str
    amount: int


class Transfer(msgspec.Struct, frozen=True):
    """What a member asked for with a PIN; no amount is typed twice by one member."""

    sender: str
    to: str
    amount: int


class Member:
    """One phone and who holds it. `patient` members never dial before their last request was answered."""

    def __init__(
        self, number: str, send: Send, back_up: Callable[[], Awaitable[None]], seed: int, *, patient: bool
    ) -> None:
        self.number = number
        self.patient = patient
        self.others: list[str] = []
        self.acknowledged: dict[Exchange, bytes] = {}
        """Every request that was answered, and the octets of its reply."""
        self.changed: list[str] = []
        """Replies that were not the same the second time."""
        self.redelivered = 0
        self.asked_for: set[Transfer] = set()
        self.receipts: set[Receipt] = set()
        self.screen = ""
        self._random = random.Random(seed)
        self._send = send
        self._back_up = back_up
        self._client = AfricasTalkingClient(number, CODE)
        self._pin = str(self._random.choice(PINS))
        self._amounts: Iterator[int] = itertools.count(1_000 + self._random.randrange(500))
        self._dialogues = itertools.count(1)
        self._to = ""
        self._amount = 0
        self._mistyped = False

    async def live(self, until: asyncio.Event) -> None:
        """Send money without end; returns between two dialogues after `until`."""
        while not until.is_set():
            await self._dialogue()

    async def finish(self) -> str:
        """Dial until one more transfer is done and told, and the menu is there again; else the last screen."""
        before, until = len(self.receipts), time.monotonic() + FINISH_SECONDS
        while len(self.receipts) == before and time.monotonic() < until:
            await self._dialogue(calm=True)
        await self._exchange(self._dial())
        return "" if "Choose an option" in self.screen else self.screen

    async def _dialogue(self, *, calm: bool = False) -> None:
        text = await self._exchange(self._dial())
        while text and not (not calm and self._random.random() < HANG_UP):
            text = await self._exchange(self._client.answer(self._answer(text, calm=calm)))
        if "Dial again" in self.screen:
            await asyncio.sleep(A_WHILE)

    def _dial(self) -> Exchange:
        return self._client.dial(f"AT{self.number}x{next(self._dialogues)}")

    def _answer(self, screen: str, *, calm: bool) -> str:
        """What this member types on a screen."""
        if "Enter your name" in screen:
            return "M " + "".join("ABCDEFGHIJ"[int(digit)] for digit in self.number[-3:])
        if "currency" in screen or "Choose an option" in screen:
            return "1"
        if "recipient's phone number" in screen:
            self._to = self._random.choice(self.others)
            return self._to
        if "Fee UGX" in screen:
            return "1"
        if "Choose a 4-digit PIN" in screen or "Enter the PIN again" in screen:
            return self._pin
        if "Enter your PIN" in screen:
            self.asked_for.add(Transfer(self.number, self._to, self._amount))
            self._mistyped = not self._mistyped and not calm and self._random.random() < WRONG_PIN
            return f"{(int(self._pin) + 1) % 10_000:04d}" if self._mistyped else self._pin
        if "Enter the amount" in screen:
            self._amount = next(self._amounts)
            return str(self._amount)
        if "2 Start again" in screen:
            return "2" if not calm and self._random.random() < START_AGAIN else "1"
        if "98 More" in screen:  # a receipt that was in doubt, before one that the wallet tells itself
            return "98"
        raise AssertionError(f"a screen that nobody knows: {screen}")

    async def _exchange(self, exchange: Exchange) -> str:
        """Send until there is a reply; the screen that waits for an answer, or nothing."""
        while True:
            reply = await self._attempt(exchange)
            if reply is not None and reply != APOLOGY:
                break
            if reply is None:
                await self._back_up()
            if not self.patient and self._random.random() < HASTE:
                return ""
            self.redelivered += 1
        if reply not in NOT_ALWAYS_A_TURN:
            await self._acknowledge(exchange, reply)
        self.screen, alive = self._client.read(Response(200, (), reply))
        for amount, to, ref in RECEIPT.findall(self.screen):
            self.receipts.add(Receipt(ref, self.number, to, int(amount.replace(",", ""))))
        return self.screen if alive else ""

    async def _acknowledge(self, exchange: Exchange, reply: bytes) -> None:
        self.acknowledged[exchange] = reply
        if self._random.random() < TWICE:
            await self.check(exchange)

    async def check(self, exchange: Exchange) -> None:
        """Redeliver an answered request, and compare."""
        self.redelivered += 1
        again = await self._attempt(exchange)
        if again not in (None, *NOT_ALWAYS_A_TURN, self.acknowledged[exchange]):
            self.changed.append(f"{self.number}: {self.acknowledged[exchange]!r}, then {again!r}")

    async def _attempt(self, exchange: Exchange) -> bytes | None:
        if self._random.random() >= TWICE:
            return await self._once(exchange)
        self.redelivered += 1
        both = await asyncio.gather(self._once(exchange), self._once(exchange))
        replies = [reply for reply in both if reply not in (None, *NOT_ALWAYS_A_TURN)]
        if len(set(replies)) > 1:
            self.changed.append(f"{self.number}: at once {replies}")
        return replies[0] if replies else both[0] or both[1]

    async def _once(self, exchange: Exchange) -> bytes | None:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._send(exchange)
        except (OSError, TimeoutError):
            return None
        assert response.status == 200, response
        return response.body
