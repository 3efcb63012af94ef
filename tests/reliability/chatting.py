"""Thousands of messages on Telegram and WhatsApp at once, while processes are killed and the providers have bad days.

Providers deliver again what was taken, in other order and in batches, and again what was not; a share of what is sent
fails, is too much, or is performed and never answered. What must hold afterwards:

- each message was one turn: the app counts what it takes, and no number stands for two messages, nor a message for two
  numbers;
- in order for each member: who waits for each reply has every message taken, one after the other; of who does not, what
  is taken stays in the order in which it was written, and what crossed a reply is answered by the open question again
  (WhatsApp says no more of the order than the second);
- each message has a reply at least; copies of one are told, and each is explained: its answer was lost, or the process
  that sent it was killed before it wrote that down;
- no limit of a provider is ever exceeded.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.channels.channel import Response
from kikao.channels.emulating.chats import Chat
from kikao.channels.emulating.emulator import Emulator
from kikao.channels.emulating.moods import Mood
from kikao.channels.telegram.emulator import BotApi
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.whatsapp.emulator import CloudApi
from kikao.testing.network import served
from tests.http.forked import fork
from tests.http.servers import ServerProcess
from tests.http.wire import post
from tests.reliability.grounds import GROUNDS
from tests.reliability.report import Report, at_least, exactly, report

APP: Final = "tests.reliability.chat_app:app"

LEASE: Final = 2.0
"""Seconds that what a killed process held is left alone."""

SCALE: Final = 20.0
"""How many times as fast as usual providers take messages, and the app sends them."""

HASTY: Final = 0.2
"""Share of members who write on without waiting for the reply."""

BURST: Final = 3
"""Messages that they write at once."""

AGAIN: Final = 0.2
"""Share of what was taken that is delivered once more; half of these with other bytes."""

SWAPPED: Final = 0.1
"""Share of deliveries that come before what was due before them."""

BATCHED: Final = 0.3
"""Share of WhatsApp's deliveries that come in one request with the one before."""

SPREAD: Final = 2.0
"""Seconds in which copies come."""

AT_ONCE: Final = 48
"""Requests that a provider has under way."""

BAD: Final = {"failing": 0.025, "refusing": 0.015, "silent": 0.009, "limiting": 0.001}
"""Shares of calls: 5 % in all. One that is too many stops a whole bot or number for a second."""

PATIENCE: Final = 30.0
"""Seconds without anything new after which members give up waiting."""

CLOSE: Final = 0.5
"""Seconds before a kill in which what was sent may not have been written down."""


class Plan(msgspec.Struct, frozen=True):
    """How much of it."""

    messages: int
    members: int
    processes: int
    every: float
    """Seconds between two kills."""


class Person:
    """One member: what they wrote, and what they were told."""

    def __init__(
        self, name: str, write: Callable[[str], Awaitable[Any]], chat: Callable[[], Chat], count: int
    ) -> None:
        self.name = name
        self.write = write
        self.chat = chat
        self.count = count
        self.written = 0
        self.tells_order = name.startswith("T")
        """Whether the provider numbers what is written; else it says the second."""
        self.at: dict[int, int] = {}
        """The second of each message."""

    async def writes(self, number: int) -> None:
        self.written, self.at[number] = number, int(time.time())
        await self.write(self.text(number))

    def text(self, number: int) -> str:
        return f"{self.name}-{number}"

    @property
    def told(self) -> list[tuple[int, str]]:
        """What the app said it took, as often as it said so: the number, and the message."""
        said = (message.text.splitlines()[0] for message in self.chat().heard if message.text)
        pairs = (line.partition(": ") for line in said)
        return [(int(number), heard) for number, colon, heard in pairs if colon and number.isdigit()]

    def was_told(self, text: str) -> bool:
        return any(
            message.text.partition(": ")[2].split("\n")[0] == text for message in self.chat().heard[-3:]
        )

    async def patiently(self) -> None:
        """One message after the other, each once the one before was told to be taken."""
        await self.write("hi")
        await self._sees(lambda: bool(self.chat().heard))
        for number in range(1, self.count):
            await self.writes(number)
            await self._sees(partial(self.was_told, self.text(number)))

    async def _sees(self, something: Callable[[], bool]) -> None:
        while not something():  # noqa: ASYNC110 - phones have no events
            await asyncio.sleep(0.02)

    async def hastily(self, chance: random.Random) -> None:
        """Several at once, and then a pause."""
        await self.write("hi")
        while self.written < self.count - 1:
            for _ in range(min(BURST, self.count - 1 - self.written)):
                await self.writes(self.written + 1)
            await asyncio.sleep(chance.uniform(0.2, 1.0))


class Servers:
    """Processes that serve the same members. One of them is killed now and then; the providers find another."""

    def __init__(self, data: Path, env: Mapping[str, str], processes: int, chance: random.Random) -> None:
        self.kills: list[float] = []
        self._data, self._env, self._processes, self._chance = data, env, processes, chance
        self._up: list[ServerProcess] = []

    async def start(self) -> None:
        while len(self._up) < self._processes:
            server = fork(self._data, APP, env=self._env)
            await asyncio.to_thread(server.wait_until_up)
            self._up.append(server)

    async def kill(self) -> None:
        server = self._up.pop(self._chance.randrange(len(self._up)))
        server.kill()
        self.kills.append(time.time())

    async def stop(self) -> list[int]:
        up, self._up = self._up, []
        return [await asyncio.to_thread(server.stop) for server in up]

    async def send(self, exchange: Exchange) -> Response:
        if not self._up:
            raise ConnectionRefusedError("nobody is up")
        status, body = await post(self._chance.choice(self._up).port, exchange, exchange.path)
        return Response(status, (), body)


class Watch:
    """Counts what an emulator does by mood, which nobody else could tell from the rest."""

    def __init__(self, api: Emulator) -> None:
        self.api = api
        self.silent: list[float] = []
        self.moods: Counter[str] = Counter()
        real = api.mood

        def mood() -> Mood | None:
            found = real()
            if found is not None:
                self.moods[found.kind] += 1
            return found

        api.mood = mood  # type: ignore[method-assign]

    @property
    def breaches(self) -> int:
        """Calls that were more than a limit allows, without those that were only said to be."""
        return self.api.breaches - self.moods["limits"]


async def run(folder: Path, kind: str, plan: Plan, seed: int) -> Report:
    """Have all of it said, and look at what was told."""
    chance, clock = random.Random(seed), time.time
    telegram = BotApi(clock=clock, chance=random.Random(seed + 1), rates=BotApi.RATES.scaled(SCALE))
    whatsapp = CloudApi(
        clock=clock,
        chance=random.Random(seed + 2),
        rates=CloudApi.RATES.scaled(SCALE),
        reports=("delivered",),
    )
    watches = [Watch(telegram), Watch(whatsapp)]
    each = plan.messages // plan.members
    people = [_person(telegram, whatsapp, number, each) for number in range(plan.members)]
    hasty = set(chance.sample(range(plan.members), round(plan.members * HASTY)))
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as stack:
        ground = stack.enter_context(GROUNDS[kind](folder / "store"))
        env = {"LEASE": f"{LEASE}", "SCALE": f"{SCALE}", "KIKAO_LOG_EVENTS": "message.*"}
        env |= {"KIKAO_STORE": ground.url} if ground.url else {}
        env |= telegram.environment(await stack.enter_async_context(served(telegram)))
        env |= whatsapp.environment(await stack.enter_async_context(served(whatsapp)))
        servers = Servers(folder / "data", env, plan.processes, chance)
        for api in (telegram, whatsapp):
            api.deliver = _nothing  # type: ignore[method-assign]
            api.deliveries.send, api.deliveries.at_once = servers.send, AT_ONCE
            api.deliveries.disturb(again=AGAIN, changed=0.5, swapped=SWAPPED, batched=BATCHED, spread=SPREAD)
            api.shaky(**BAD)
        await servers.start()
        around = [
            asyncio.create_task(_deliver(telegram)),
            asyncio.create_task(_deliver(whatsapp)),
            asyncio.create_task(_kills(servers, plan.every)),
        ]
        talks = [
            asyncio.create_task(person.hastily(chance) if number in hasty else person.patiently())
            for number, person in enumerate(people)
        ]
        given_up = await _until_done(talks, people)
        around[-1].cancel()
        await servers.start()
        for api in (telegram, whatsapp):
            api.recovers()
        await _quiet(telegram, whatsapp)
        seconds = time.monotonic() - began
        for task in around:
            task.cancel()
        await asyncio.gather(*around, return_exceptions=True)
        codes = await servers.stop()
    violations = [f"a server ended with {code}" for code in codes if code]
    violations += [f"{name} waits for a reply" for name in given_up]
    violations += _wrong(people, hasty)
    unanswered = _unanswered(folder / "data.log")
    figures = _figures(people, hasty, watches, servers, seconds, plan, violations, unanswered)
    return report(figures, violations, kills=at_least(1), **{"limits exceeded": exactly(0)})


def _person(telegram: BotApi, whatsapp: CloudApi, number: int, count: int) -> Person:
    if number % 2:
        member = telegram.member(f"T{number}", started=True)
        return Person(f"T{number}", member.write, lambda: member.chat, count)
    other = whatsapp.member(f"W{number}")
    return Person(f"W{number}", other.write, lambda: other.chat, count)


async def _deliver(api: Emulator) -> None:
    """What happened, and what was not taken, goes to the servers."""
    while True:
        await api.deliveries.deliver()
        await asyncio.sleep(0.01)


async def _nothing() -> int:
    """Members do not wait until what they wrote is delivered."""
    return 0


async def _kills(servers: Servers, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        await servers.kill()
        await servers.start()


async def _until_done(talks: list[asyncio.Task[None]], people: list[Person]) -> list[str]:
    """Wait until everybody is done, or nothing new comes any more; who waits then."""
    seen, since = -1, time.monotonic()
    while not all(task.done() for task in talks):
        changes = sum(person.chat().changes for person in people)
        if changes != seen:
            seen, since = changes, time.monotonic()
        if time.monotonic() - since > PATIENCE:
            break
        await asyncio.sleep(0.2)
    waiting = [person.name for person, task in zip(people, talks, strict=True) if not task.done()]
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)
    return waiting


async def _quiet(*apis: Emulator) -> None:
    """Until nothing waits, and nothing came for longer than a lease."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < LEASE * 3:
        sent = sum(len(api.ledger) for api in apis) + sum(len(api.deliveries.waiting) for api in apis)
        if sent != seen:
            seen, since = sent, time.monotonic()
        await asyncio.sleep(0.2)


def _wrong(people: list[Person], hasty: set[int]) -> list[str]:
    found = []
    for number, person in enumerate(people):
        told = person.told
        by_number: dict[int, set[str]] = {}
        by_text: dict[str, set[int]] = {}
        for count, text in told:
            by_number.setdefault(count, set()).add(text)
            by_text.setdefault(text, set()).add(count)
        found += [
            f"{person.name}: {count} stands for {texts}"
            for count, texts in by_number.items()
            if len(texts) > 1
        ]
        found += [
            f"{person.name}: {text} was taken as {counts}"
            for text, counts in by_text.items()
            if len(counts) > 1
        ]
        taken = [next(iter(by_number[count])) for count in sorted(by_number) if count]
        places = [int(text.rpartition("-")[2]) for text in taken if "-" in text]
        order = places if person.tells_order else [person.at[place] for place in places]
        if order != sorted(order):
            found.append(f"{person.name}: out of order: {places}")
        if number not in hasty and places != list(range(1, person.count)):
            found.append(f"{person.name}: wrote {person.count - 1}, and was told of {len(places)}: {places}")
        replies = len([message for message in person.chat().heard if message.text])
        if replies < person.count:
            found.append(f"{person.name}: {person.count} messages, {replies} replies")
    return found


def _unanswered(log: Path) -> int:
    """How often the app sent something again since it heard nothing: it may have been taken."""
    found = 0
    for line in log.read_text().splitlines():
        if '"message.retried"' in line:
            reason = msgspec.json.decode(line).get("reason", "")
            found += not reason.startswith("HTTP")
    return found


def _figures(
    people: list[Person],
    hasty: set[int],
    watches: list[Watch],
    servers: Servers,
    seconds: float,
    plan: Plan,
    violations: list[str],
    unanswered: int,
) -> dict[str, int | float | str]:
    copies = explained = 0
    for number, person in enumerate(people):
        if number in hasty:
            continue  # the open question shown again looks the same
        first: dict[str, float] = {}
        for message in person.chat().heard:
            before = first.setdefault(message.text, message.at)
            if before != message.at:
                copies += 1
                explained += any(-CLOSE / 5 < kill - before < CLOSE for kill in servers.kills)
                first[message.text] = message.at  # of three, the third is a copy of the second
    moods = sum((watch.moods for watch in watches), Counter[str]())
    unanswered = max(0, unanswered - moods["refuses"])  # those were not taken
    if copies > explained + unanswered:
        said = f"{explained} of what was sent before a kill, {unanswered} got no answer"
        violations.append(f"{copies} copies: {said}")
    taken = sum(len({count for count, _ in person.told if count}) for person in people)
    apis = [watch.api for watch in watches]
    taken_by_us = [parcel for api in apis for parcel in api.deliveries.taken]
    again = sum(parcel.copy for parcel in taken_by_us)
    retried = sum(len(parcel.answers) - 1 for parcel in taken_by_us)
    return {
        "processes": plan.processes,
        "messages": sum(person.count for person in people),
        "members": len(people),
        "requests of providers": sum(api.deliveries.tries for api in apis),
        "of what was delivered before": again,
        "of what was not taken before": retried,
        "kills": len(servers.kills),
        "sends that failed, were too many, or got no answer": sum(moods.values()),
        "messages sent": sum(len(api.ledger) for api in apis),
        "messages taken as answers": taken,
        "copies that patient members saw": copies,
        "of these, sent first right before a kill": explained,
        "sends whose answer the app did not get": unanswered,
        "limits exceeded": sum(watch.breaches for watch in watches),
        "calls against a rule": sum(refusal.code != 429 for api in apis for refusal in api.refused),
        "seconds": round(seconds, 1),
    }


def _plan(processes: int, quick: bool) -> Plan:
    return Plan(400, 40, processes, 1.5) if quick else Plan(10_000, 1_000, processes, 4.0)


async def sqlite(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "SQLite", _plan(1, quick), seed)


async def postgresql(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "PostgreSQL", _plan(2, quick), seed)


async def valkey(folder: Path, *, quick: bool, seed: int) -> Report:
    return await run(folder, "Valkey", _plan(2, quick), seed)
