"""People with two numbers who pay at a till through both gateways, while their requests are delivered over and over.

Each reads the screen and answers it, says their own name and nobody else's, and types every item once in the world.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import time
from collections.abc import Coroutine
from typing import Any, Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.ussd.registry import SLUGS, client
from tests.http.wire import over_wire
from tests.reliability.kill_loop import Killed

AFRICASTALKING: Final = "africastalking"
NALO: Final = "nalo"
CODE: Final = "*290#"

NO_TURNS: Final = (
    "Service unavailable. Try again later.",
    "Your last request is still being processed. Dial again shortly.",
    "We are checking your request. Do not repeat it. Dial again to see the result.",
)
"""Said to requests that were not consumed; the same request may be answered later."""

NAME: Final = re.compile(r"Zuri\d\d")
RECEIPT: Final = re.compile(r"(Zuri\d\d) paid for (\d+), ref ([0-9a-f]{8})\.")

REQUEST_SECONDS: Final = 8.0
MARGIN: Final = 0.25
"""Share of the retention in which nothing is sent again any more: it could arrive too late."""

AGAIN: Final = 0.8
"""How often a gateway delivers a request again that it has the reply of."""

OVER_NALO: Final = 0.3
HANG_UP: Final = 0.1
START_AGAIN: Final = 0.3
ENOUGH: Final = 0.25
"""How often somebody has no more items."""

A_WHILE: Final = 0.1
"""Seconds until somebody dials again who got no proper reply."""


class Receipt(msgspec.Struct, frozen=True):
    """A payment that somebody was told of."""

    name: str
    item: int
    ref: str


class Again(msgspec.Struct, frozen=True):
    """A request that was delivered again in time: to what number, and when (seconds of the monotonic clock)."""

    number: str
    answered: float
    """When its first reply came."""
    sent: float
    ended: float


class Town:
    """What all people share: the way to the server, and what they saw."""

    def __init__(self, server: Killed, *, retention: float, seed: int) -> None:
        self.server = server
        self.retention = retention
        self.chance = random.Random(seed)
        self.items = itertools.count(1000)
        self.dialogues = itertools.count(1)
        self.asked: set[tuple[str, int]] = set()
        """Who typed which item."""
        self.receipts: set[Receipt] = set()
        self.turns = 0
        """Requests with a reply that is kept."""
        self.again: list[Again] = []
        self.resent = 0
        """Requests without a reply that were sent again."""
        self.continued = 0
        """Conversations that somebody went on with from another number."""
        self.too_late: set[int] = set()
        """Items of dialogues of which a request came again too late: nothing is promised of them."""
        self.violations: list[str] = []
        self.wrong = asyncio.Event()
        """Set with the first of them."""
        self._send = {gateway: over_wire(lambda: self.server.port, f"/ussd/{gateway}") for gateway in SLUGS}
        self._deliveries: set[asyncio.Task[None]] = set()

    def violated(self, what: str) -> None:
        """Something happened that must not."""
        self.violations.append(what)
        self.wrong.set()

    def kept(self, gateway: str) -> float:
        """Seconds in which a request may come again."""
        return self.retention if gateway == AFRICASTALKING else self.retention / 2

    async def attempt(self, gateway: str, exchange: Exchange) -> bytes | None:
        """Send once; None without a reply."""
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._send[gateway](exchange)
        except (OSError, TimeoutError):
            return None
        assert response.status == 200, response
        return response.body

    def deliver(self, delivery: Coroutine[Any, Any, None]) -> None:
        """Something that a gateway does on its own."""
        task = asyncio.create_task(delivery)
        self._deliveries.add(task)
        task.add_done_callback(self._deliveries.discard)

    async def delivered(self) -> None:
        """Wait until the gateways have nothing left to do."""
        while self._deliveries:
            await asyncio.gather(*self._deliveries)


class Line:
    """A number, in the hands of one person."""

    def __init__(self, town: Town, person: Person, number: str) -> None:
        self.number = number
        self.town = town
        self._person = person
        self._chance = town.chance
        self._talking = asyncio.Lock()
        self._items: set[int] = set()
        """What was typed in the present dialogue."""

    async def closed(self) -> None:
        """Wait until nobody talks here."""
        async with self._talking:
            return

    async def begin(self) -> str:
        """Dial, and say the name if that is asked for; the screen that the dial showed."""
        async with self._talking:
            phone = client(AFRICASTALKING, self.number, CODE)
            body = await self._ask(AFRICASTALKING, phone.dial(f"d{next(self.town.dialogues)}"))
            screen = phone.read(Response(200, (), body))[0] if body is not None else ""
            if "Who are you?" in screen:
                await self._ask(AFRICASTALKING, phone.answer(self._person.name))
            return screen

    async def talk(self, *, calm: bool = False) -> str:
        """One dialogue; the last screen. With `calm` the conversation is brought to its end, and nothing is paid."""
        async with self._talking:
            gateway = NALO if self._chance.random() < OVER_NALO else AFRICASTALKING
            phone = client(gateway, self.number, CODE)
            self._items = set()
            body = await self._ask(gateway, phone.dial(f"d{next(self.town.dialogues)}"))
            while True:
                screen, alive = phone.read(Response(200, (), body)) if body is not None else ("", False)
                self._read(screen)
                if screen in ("", *NO_TURNS):
                    await asyncio.sleep(A_WHILE)
                if not alive or (not calm and self._chance.random() < HANG_UP):
                    return screen
                body = await self._ask(gateway, phone.answer(self._answer(screen, calm=calm)))

    def _read(self, screen: str) -> None:
        person, town = self._person, self.town
        strangers = set(NAME.findall(screen)) - {person.name}
        if strangers:
            town.violated(f"{person.name} reads of {strangers} on {self.number}: {screen!r}")
        for name, item, ref in RECEIPT.findall(screen):
            town.receipts.add(Receipt(name, int(item), ref))
        if screen and screen not in NO_TURNS:
            if "2 Start again" in screen and person.talked_from not in ("", self.number):
                town.continued += 1
            person.talked_from = self.number

    def _answer(self, screen: str, *, calm: bool) -> str:
        if "2 Start again" in screen:
            return "2" if calm or self._chance.random() < START_AGAIN else "1"
        if "Who are you?" in screen:
            return self._person.name
        if "which item?" in screen:
            if calm or self._chance.random() < ENOUGH:
                return "0"
            item = next(self.town.items)
            self._items.add(item)
            self.town.asked.add((self._person.name, item))
            return str(item)
        if "pay for item" in screen:
            return "2" if calm else "1"
        raise AssertionError(f"a screen that nobody knows: {screen!r}")

    async def _ask(self, gateway: str, exchange: Exchange) -> bytes | None:
        """Send until there is a reply, as long as it may be sent again; None if there is none."""
        town, person = self.town, self._person
        await town.server.answers()
        first, kept = time.monotonic(), town.kept(gateway)
        while True:
            person.sent += 1
            person.open += 1
            body = await town.attempt(gateway, exchange)
            person.open -= 1
            if body is not None:
                break
            await town.server.answers()
            if gateway == NALO or time.monotonic() > first + kept * (1 - MARGIN):
                return None
            town.resent += 1
        answered = time.monotonic()
        if answered > first + kept:
            town.too_late |= self._items
        elif not self._no_turn(gateway, body):
            town.turns += 1
            if self._chance.random() < AGAIN:
                again = self._again(gateway, exchange, body, first, answered, self._items)
                town.deliver(again)
        return body

    async def _again(
        self, gateway: str, exchange: Exchange, body: bytes, first: float, answered: float, items: set[int]
    ) -> None:
        """Deliver an answered request once more, at some time, and compare."""
        town, person, kept = self.town, self._person, self.town.kept(gateway)
        sent_before = person.sent
        if gateway == AFRICASTALKING:
            await asyncio.sleep(self._chance.uniform(0, max(first + kept * (1 - MARGIN) - answered, 0)))
        sent = time.monotonic()
        if not town.server.up or sent > first + kept * (1 - MARGIN):
            return
        # Where only the text tells, it is no copy once another message may have been answered.
        if gateway == NALO and (person.open or person.sent != sent_before):
            return
        again = await town.attempt(gateway, exchange)
        ended = time.monotonic()
        if ended > first + kept:
            town.too_late |= items
        elif again is not None and not self._no_turn(gateway, again):
            if gateway == NALO and person.sent != sent_before:
                return
            town.again.append(Again(self.number, answered, sent, ended))
            if again != body:
                town.violated(f"{person.name} on {self.number}: {body!r}, then {again!r}")

    def _no_turn(self, gateway: str, body: bytes) -> bool:
        return client(gateway, self.number, CODE).read(Response(200, (), body))[0] in NO_TURNS


class Person:
    """Somebody with a number of their own, and another one at times."""

    def __init__(self, town: Town, name: str, number: str) -> None:
        self.name = name
        self.home = Line(town, self, number)
        self.second: Line | None = None
        self.sent = 0
        """Requests so far, over all lines."""
        self.open = 0
        """Requests that wait for their reply."""
        self.talked_from = ""
        """The number that was answered last."""
        self._town = town
        self._chance = town.chance

    def take(self, number: str) -> None:
        """Use another number from now on."""
        self.second = Line(self._town, self, number)

    async def drop(self, number: str) -> None:
        """Never use it again."""
        line = self.second
        if line is not None and line.number == number:
            self.second = None
            await line.closed()

    async def live(self, until: asyncio.Event, rest: float) -> None:
        """Talk from one number, from both, from both at once, or rest for so many seconds and more."""
        while not until.is_set():
            mood = self._chance.choice(("home", "home", "both", "at once", "rest", "rest"))
            if mood == "rest":
                await asyncio.sleep(rest * self._chance.uniform(1.0, 1.5))
                continue
            over = time.monotonic() + rest * self._chance.uniform(0.3, 1.5)
            while time.monotonic() < over and not until.is_set():
                lines = [self.home] if mood == "home" or self.second is None else [self.home, self.second]
                if mood != "at once":
                    lines = [self._chance.choice(lines)]
                await asyncio.gather(*(line.talk() for line in lines))

    async def hear(self) -> None:
        """Bring every conversation to its end, so that nothing waits to be told."""
        for line in (self.home, self.second):
            if line is not None:
                await line.talk(calm=True)
