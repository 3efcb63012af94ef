"""Addresses are linked and unlinked between delivery and redelivery, under load and kill -9.

People talk from a number of their own and from one that an operator gives them, links to them, takes away and hands on
to the next, all the time. What must hold, whatever was linked and killed when:

- a request that comes again while it may gets the same reply, octet for octet;
- no item is paid for twice, or by somebody who did not type it, and every receipt that somebody read is in the books;
- nobody ever reads another person's name, also on a number that was another's a moment ago;
- a link that was wished is in force once the number is at rest, and nothing is left open.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections import Counter
from contextlib import closing, suppress
from pathlib import Path
from typing import Final, Literal

import msgspec

from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.config import load
from kikao.sessions.stores import SQLiteStore
from tests.http.servers import environment
from tests.http.wire import post
from tests.reliability.callers import Line, Person, Receipt, Town
from tests.reliability.kill_loop import Killed, Outcome, read_log

APP: Final = "tests.reliability.linking_app:app"

LIFE: Final = (0.3, 4.0)
"""Seconds a server lives after it began to answer."""

DOOMED: Final = 0.5
"""The share of servers that die between moving an anchor and putting the link into force."""

WITHIN: Final = 3.0
"""Seconds these get until an anchor moves."""

POLL: Final = 0.1
"""Seconds between two looks of an operator."""

TAKEN_BACK: Final = 0.15
"""How often an operator changes their mind about a wish before it is in force."""

SETTLE_SECONDS: Final = 30.0
"""How long links may take to come into force once everybody rests, at most."""

PAYMENTS: Final = "SELECT name, item, ref FROM till"


class Force(msgspec.Struct, frozen=True):
    """A link or an unlink that came into force: of which numbers, and between which moments."""

    numbers: tuple[str, str]
    before: float
    """When it was not yet (seconds of the monotonic clock)."""
    seen: float


class Wished(msgspec.Struct, frozen=True):
    """A link that was wished, and waited."""

    numbers: tuple[str, str]
    at: float
    until: float


class Operator:
    """Gives one number to people, links it to them, takes it back, and hands it on."""

    def __init__(self, town: Town, people: list[Person], number: str, *, rest: float, pace: float) -> None:
        self.number = number
        self.in_force: list[Force] = []
        self.waited: list[Wished] = []
        self.handed_on = 0
        self.taken_back = 0
        self.wish: tuple[Literal["link", "unlink"], str] | None = None
        """The last wish, and for whose own number."""
        self._town = town
        self._people = people
        self._rest = rest
        self._pace = pace
        """How long things stay as they are, in rests."""
        self._chance = random.Random(town.chance.randrange(2**32))

    async def work(self, until: asyncio.Event) -> None:
        """Hand the number round; what was wished last is left as it is at `until`."""
        while not until.is_set():
            free = [person for person in self._people if person.second is None]
            person = self._chance.choice(free)
            person.take(self.number)
            await self._while(until, self._pace * self._chance.choice((0.0, 0.5, 1.0)))
            if not await self._come_true("link", person, until):
                return
            await self._while(until, self._pace * self._chance.uniform(0.3, 2.0))
            stays = self._chance.random() < 0.5
            if not stays:
                await person.drop(self.number)
            if until.is_set() or not await self._come_true("unlink", person, until, dropping=stays):
                return

    async def in_the_end(self) -> bool:
        """Whether the last wish is in force."""
        if self.wish is None:
            return True
        wish, home = self.wish
        return await self._linked(home) == (wish == "link")

    async def _come_true(
        self, wish: Literal["link", "unlink"], person: Person, until: asyncio.Event, *, dropping: bool = False
    ) -> bool:
        """Wish, and wait until it is in force; False at `until`. With `dropping` the person stops on the way."""
        home = person.home.number
        before = began = time.monotonic()
        await self._ask_for(wish, home)
        if self._chance.random() < TAKEN_BACK:
            self.taken_back += 1
            await self._ask_for("unlink" if wish == "link" else "link", home)
            await self._ask_for(wish, home)
        drop_at = began + self._rest * self._chance.uniform(0, 1.5)
        while True:
            asked = time.monotonic()
            if await self._linked(home) == (wish == "link"):
                break
            before = asked
            if until.is_set():
                self.waited.append(Wished((home, self.number), began, time.monotonic()))
                return False
            if dropping and asked > drop_at:
                await person.drop(self.number)
                dropping = not await self._linked(home)  # it came into force before the last word was said
            else:
                await asyncio.sleep(POLL)
        self.in_force.append(Force((home, self.number), before, time.monotonic()))
        self.waited.append(Wished((home, self.number), began, before))
        if dropping:  # who used it on was a new member, with a conversation of their own
            await person.drop(self.number)
            await self._while(until, 1.0)
        elif wish == "unlink":
            self.handed_on += 1
        return True

    async def _while(self, until: asyncio.Event, rests: float) -> None:
        try:
            async with asyncio.timeout(self._rest * rests):
                await until.wait()
        except TimeoutError:
            return

    async def _ask_for(self, wish: Literal["link", "unlink"], home: str) -> None:
        await desk(self._town, wish, home, self.number)
        self.wish = wish, home

    async def _linked(self, home: str) -> bool:
        return bool(await desk(self._town, "linked", home, self.number))


async def desk(town: Town, what: str, member: str = "", number: str = "") -> object:
    """Ask at the desk until it answers."""
    body = msgspec.json.encode({"member": member, "number": number})
    while True:
        await town.server.answers()
        try:
            status, answer = await post(town.server.port, Exchange("", JSON, body), f"/desk/{what}")
        except (OSError, TimeoutError):
            continue
        if status == 200:
            return msgspec.json.decode(answer)
        await asyncio.sleep(POLL)


async def run(
    folder: Path,
    *,
    kills: int,
    people: int,
    numbers: int,
    retention: float,
    seconds: float,
    seed: int,
    life: tuple[float, float] = LIFE,
    doomed: float = DOOMED,
    pace: float = 1.0,
    mutant: str = "",
) -> Outcome:
    """Kill so many times, and go on until `seconds` are over or something is wrong; then let all rest, and check."""
    data, began = folder / "data", time.monotonic()
    env = {"TILL_RETENTION": str(retention)} | ({"TILL_MUTANT": mutant} if mutant else {})
    server = Killed(data, APP, env)
    town = Town(server, retention=retention, seed=seed)
    chance = random.Random(seed)
    rest = retention * 1.5
    """Seconds without a request after which nothing is alive at a number."""
    everybody = [Person(town, f"Zuri{n:02d}", f"+25677300{n:04d}") for n in range(people)]
    operators = [Operator(town, everybody, f"+25675300{n:04d}", rest=rest, pace=pace) for n in range(numbers)]
    enough, between = asyncio.Event(), 0
    try:
        await server.start()
        async with asyncio.TaskGroup() as tasks:
            for person in everybody:
                tasks.create_task(person.live(enough, rest))
            for operator in operators:
                tasks.create_task(operator.work(enough))
            while server.kills < kills:
                await asyncio.sleep(chance.uniform(*life))
                if chance.random() < doomed:
                    await desk(town, "doom")
                    between += await server.dies(WITHIN)
                else:
                    await server.kill(0.0)
                await server.start()
            with suppress(TimeoutError):
                async with asyncio.timeout(began + seconds - time.monotonic()):
                    await town.wrong.wait()
            enough.set()
        await town.delivered()
        unsettled = [] if town.violations else await settled(town, everybody, operators, rest)
        code = server.stop()
    finally:
        server.abandon()
    violations = [*town.violations, *unsettled]
    if code:
        violations.append(f"SIGTERM ended the server with {code}")
    payments = payments_in(data / "records.db")
    violations += check_payments(payments, town)
    violations += await check_nothing_open(data)
    logged, noise = read_log(data.with_suffix(".log"))
    violations += noise
    in_force = [force for operator in operators for force in operator.in_force]
    waited = [wished for operator in operators for wished in operator.waited]
    figures: dict[str, int | float] = {
        "kills": server.kills,
        "between the two databases": between,
        "people": people,
        "numbers handed round": numbers,
        "requests answered": town.turns,
        "delivered again in time": len(town.again),
        "of them while a link waited": count_waiting(town, waited),
        "over one coming into force": count_crossed(town, in_force),
        "sent again without a reply": town.resent,
        "links and unlinks in force": len(in_force),
        "wishes taken back": sum(operator.taken_back for operator in operators),
        "numbers handed on at once": sum(operator.handed_on for operator in operators),
        "continued from the other": town.continued,
        "payments": len(payments),
        "receipts read": len(town.receipts),
        "delivered too late to count": len(town.too_late),
        "duplicates served": logged["turn.duplicated"],
    }
    return Outcome(figures, violations)


async def settled(town: Town, people: list[Person], operators: list[Operator], rest: float) -> list[str]:
    """Let everybody hear the last of it and rest, until no link waits; what does not come into force."""
    until = time.monotonic() + SETTLE_SECONDS
    while True:
        await asyncio.gather(*(person.hear() for person in people))
        await town.delivered()
        await asyncio.sleep(rest + POLL)
        pending = await desk(town, "pending")
        if not pending or time.monotonic() > until:
            break
    found = [f"{pending} links wait for ever"] if pending else []
    found += [
        f"{operator.number}: {operator.wish} is not in force"
        for operator in operators
        if not await operator.in_the_end()
    ]
    return found + await shared(town, operators, people)


async def shared(town: Town, operators: list[Operator], people: list[Person]) -> list[str]:
    """Whether a conversation that begins at one number goes on at the other if they are linked, and else does not."""
    found = []
    of = {person.home.number: person for person in people}
    for operator in operators:
        if operator.wish is None:
            continue
        wish, home = operator.wish
        person = of[home]
        await person.home.begin()
        screen = await Line(town, person, operator.number).begin()
        if ("2 Start again" in screen) != (wish == "link"):
            found.append(f"{operator.number}: after the {wish} it shows {screen!r}")
    return found


async def check_nothing_open(data: Path) -> list[str]:
    """No intent is left open."""
    store = SQLiteStore(load(environment(data), data.parent).store_path)
    await store.open()
    try:
        due = await store.due(now=time.time() + 1e6, limit=1)
    finally:
        await store.close()
    return [f"an intent is left open: {due}"] if due else []


def payments_in(path: Path) -> list[Receipt]:
    """What the till has taken money for."""
    with closing(sqlite3.connect(path)) as connection:
        return [Receipt(*row) for row in connection.execute(PAYMENTS)]


def check_payments(payments: list[Receipt], town: Town) -> list[str]:
    """At most once, only by who typed the item, and nothing that was told is missing."""
    times = Counter(payment.item for payment in payments if payment.item not in town.too_late)
    found = [f"paid {count} times for {item}" for item, count in times.items() if count > 1]
    found += [f"nobody asked for {pay}" for pay in payments if (pay.name, pay.item) not in town.asked]
    return found + [f"told, and not in the books: {receipt}" for receipt in town.receipts - {*payments}]


def count_waiting(town: Town, waited: list[Wished]) -> int:
    """Requests that were answered before a link was wished, and came again while it waited."""
    return sum(
        any(
            again.number in wished.numbers and again.answered < wished.at < again.sent < wished.until
            for wished in waited
        )
        for again in town.again
    )


def count_crossed(town: Town, in_force: list[Force]) -> int:
    """Requests that were answered before a link of their number came into force, and came again afterwards."""
    return sum(
        any(
            again.number in force.numbers and again.answered < force.before and force.seen < again.ended
            for force in in_force
        )
        for again in town.again
    )
