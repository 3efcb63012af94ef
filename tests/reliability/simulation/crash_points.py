"""Every crash point: eight conversations, killed at each thing that a worker awaits, and at each pair of these.

A point is a step of the event loop. The process at work dies before it; what it had sent arrives, or is lost with it:
both are tried. A conversation is recovered when it came to its goal after all (told, and done exactly once), nothing is
open, and no law was broken on the way.

Of pairs only those are run that can differ: between two steps in which nothing left the process and nothing outside of
it happened, a death leaves the same behind, since a process takes with it whatever only it knew.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from math import inf
from multiprocessing import get_context
from typing import Final, NamedTuple

import msgspec

from kikao.conversation.engine import Engine
from tests.reliability.simulation import laws
from tests.reliability.simulation.bank import Bank
from tests.reliability.simulation.edge import simulated
from tests.reliability.simulation.flows import make_flows
from tests.reliability.simulation.loop import Loop, Owner
from tests.reliability.simulation.members import CONTINUES, Member
from tests.reliability.simulation.running import cores
from tests.reliability.simulation.weather import Weather
from tests.reliability.simulation.world import CALM, MEMBERS, World, at_once

QUIET: Final = Weather("quiet", copies=0.0, late=0.0)
LANGUAGES: Final = Engine(make_flows(), entry="main", locales={"en": "English", "fr": "Français"})
SCREENS: Final = 40
"""After so many a conversation has not come to its goal."""

NOT_REACHED: Final = "a conversation did not come to its goal"


class Crash(NamedTuple):
    """A death before a step; whether what was under way is lost with the process."""

    step: int
    loses: bool


class Conversation(msgspec.Struct, frozen=True):
    """One that is held to its end, whatever dies meanwhile."""

    name: str
    flow: str
    """What is chosen in the menu."""
    told: tuple[str, ...]
    """What its member must have read in the end."""
    orders: tuple[str, ...] = ()
    """Kinds of orders that must have been carried out, each once."""
    may_lack: tuple[str, ...] = ()
    """Of these, what may also have been refused for ever, if that was told."""
    also: tuple[tuple[str, str], ...] = ()
    """What is typed once, where these words are on the screen, in this order."""
    mistaken: bool = False
    """A wrong PIN comes first."""
    single: bool = False
    """One process on one machine; otherwise two on a shared store."""
    delays: tuple[tuple[str, float, float], ...] = ()
    """Kinds of requests to the bank, with the seconds there and back."""
    away: int = 0
    """So often the bank does not answer when it is asked what it did; `also` may then never come to be typed."""
    then: str = ""
    """What is chosen in the menu once something was carried out."""


CONVERSATIONS: Final = (
    Conversation(
        "a menu",
        "1",
        ("Main menu", "Pay whom?", "How much?"),
        also=(("Main menu", "7"), ("Pay whom?", "0"), ("How much?", "hang up")),
    ),
    Conversation("registration with a PIN", "2", ("Your name?", "Welcome words"), orders=("register",)),
    Conversation("a transfer", "1", ("Ref T1x", "Thank you for paying"), orders=("send",)),
    Conversation(
        "a transfer past the deadline",
        "1",
        ("Ref T1x",),
        orders=("send",),
        delays=(("bank send", 2.0, 4.0),),
        single=True,
    ),
    Conversation(
        "a wrong PIN, then the right one",
        "1",
        ("Ref T1x",),
        orders=("send",),
        mistaken=True,
    ),
    Conversation(
        "back, home and language",
        "1",
        ("You are at the start", "Choose", "Ref T1x"),
        orders=("send",),
        also=(
            *(("Main menu", "97"), ("English", "1"), ("How much?", "0"), ("Pay UGX", "0"), ("Your PIN?", "00")),
            ("Main menu", "0"),
        ),
        single=True,
    ),
    Conversation("two steps at once", "4", ("Ref",), orders=("left", "right"), may_lack=("left",)),
    Conversation(
        "an outcome that waits while its member goes elsewhere",
        "1",
        ("Ref T1x", "Welcome"),
        orders=("send", "register"),
        also=(("We are checking your last", "2"),),
        delays=(("bank send", 0.001, inf),),
        away=3,
        then="2",
    ),
)  # fmt: skip


class Scripted(Member):
    """A member who knows what to do."""

    def __init__(self, world: World, conversation: Conversation) -> None:
        number, pin, wrong = MEMBERS[0]
        super().__init__(world, number, pin, wrong, conversation.flow, single=False)
        self.sure = not conversation.mistaken
        self.seen: list[str] = []
        self._conversation = conversation
        self._also = list(conversation.also)

    def satisfied(self) -> bool:
        """Whether everything was said and done."""
        told = all(any(words in text for text in self.seen) for words in self._conversation.told)
        return told and (not self._also or self._conversation.away > 0) and self.done()

    def done(self) -> bool:
        """Whether every order was carried out, once."""
        bank = self.world.bank
        kinds = [movement.order.kind for movement in bank.movements] + ["register"] * len(bank.registered)
        told = any("not carried out" in text for text in self.seen)
        lacking = self._conversation.may_lack if told else ()
        return sorted(kinds) in (
            sorted(self._conversation.orders),
            sorted({*self._conversation.orders} - {*lacking}),
        )

    async def live(self, screens: int) -> None:
        """To the goal, or until `screens` were seen."""
        await self._dial()
        for _ in range(screens):
            if self.satisfied():
                return
            if self.ended:
                await asyncio.sleep(20.0)
                await self._dial()
            elif self._conversation.orders and self.done() and "Main menu" in self.text:
                self.ended = True  # hangs up: what is missing will be told
            else:
                await self._say(self._planned())

    def _planned(self) -> str:
        if self._also and self._also[0][0] in self.text:
            return self._also.pop(0)[1]
        if self._conversation.then and self.world.bank.movements:
            self.flow = self._conversation.then
        if any(words in self.text for words in CONTINUES):
            return "1"
        return self._choice()

    def _see(self, reply: bytes) -> None:
        super()._see(reply)
        self.seen.append(self.text)


class Played(msgspec.Struct):
    """What came of one try."""

    broken: list[str]
    every: list[tuple[int, bool]]
    """Steps behind the last death that was asked for; and whether something was under way then."""
    points: list[tuple[int, bool]]
    """Of these, the first ones of each state that a death may leave."""
    deaths: int


def play(
    conversation: Conversation, crashes: tuple[Crash, ...] = (), *, trace: list[str] | None = None
) -> Played:
    """Hold a conversation, with these deaths."""
    loop = Loop()  # type: ignore[abstract]
    with simulated(0, loop):
        world = World(0, loop, weather=QUIET, single=conversation.single, tracing=trace is not None)
        world.calm = True
        world.bank = Bank(tombstones=True, keeps_refusals=True)
        world.bank_patience = 60.0 if conversation.single else 3.0
        world.delays = {what: (there, back) for what, there, back in conversation.delays}
        if conversation.also and any(words == "English" for words, _ in conversation.also):
            world.engine = LANGUAGES
        if trace is not None:
            world.trace = trace
        watch = _Watch(world, crashes)
        loop.on_step = watch.before
        try:
            loop.run(_course(world, conversation, watch))
        except Exception as error:  # a world that falls apart is not recovered
            world.laws.broken(f"the world fell apart: {type(error).__name__}: {error}")
    return Played(list(dict.fromkeys(world.laws.violations)), watch.every, watch.points, watch.deaths)


class _Watch:
    """Counts steps, tells those apart that a death may leave something else behind at, and kills."""

    def __init__(self, world: World, crashes: tuple[Crash, ...]) -> None:
        self.steps = 0
        self.every: list[tuple[int, bool]] = []
        self.points: list[tuple[int, bool]] = []
        self.deaths = 0
        self.over = False
        self._world = world
        self._crashes = {crash.step: crash.loses for crash in crashes}
        self._last = max(self._crashes, default=-1)
        self._state = -1

    def before(self, owner: Owner | None) -> None:
        """A step is about to be taken, by `owner`."""
        if self.over:
            return
        world, step = self._world, self.steps
        self.steps += 1
        life = world.at_work
        if life is not None and not life.dead:
            if step in self._crashes:
                life.requests_die = self._crashes[step]
                self.deaths += 1
                world.note(life.name, f"dies before step {step}")
                life.worker.die()
            elif step > self._last:
                self.every.append((step, life.in_flight > 0))
                if world.changes != self._state:
                    self._state = world.changes
                    self.points.append(self.every[-1])


async def _course(world: World, conversation: Conversation, watch: _Watch) -> None:
    try:
        for worker in world.workers:
            worker.start()
        if conversation.away:
            world.silenced["bank find"] = conversation.away
        number, pin, _ = MEMBERS[0]
        world.bank.open(number, pin)
        member = Scripted(world, conversation)
        await member.live(SCREENS)
        watch.over = True
        await asyncio.sleep(CALM)
        for pause in (60.0, 700.0, 4000.0):
            if not at_once(world.store.due(now=1e15, limit=1)):
                break
            await asyncio.sleep(pause)
        else:
            world.laws.broken(laws.UNSETTLED)
        world.laws.moved()
        if not member.satisfied():
            world.laws.broken(NOT_REACHED, " | ".join(member.seen[-3:]))
    finally:
        watch.over = True
        await world.end()


class Tried(msgspec.Struct):
    """What came of the crash points of a conversation."""

    name: str
    points: int
    """Crash points: so many steps, each with what is under way arriving or lost."""
    run: int
    recovered: int
    pairs: int
    """All that there are."""
    distinct: int
    """That can differ."""
    pairs_run: int
    pairs_recovered: int
    broken: list[str]

    def add(self, played: Played, crashes: tuple[Crash, ...]) -> bool:
        """Note what was broken; whether it was recovered."""
        self.broken += [f"{self.name}, {_said(crashes)}: {law}" for law in played.broken]
        return not played.broken


def _said(crashes: tuple[Crash, ...]) -> str:
    return ", ".join(f"{crash.step}{' with its requests' if crash.loses else ''}" for crash in crashes)


def variants(points: list[tuple[int, bool]]) -> Iterator[Crash]:
    """The deaths at some points: where something is under way, there are two."""
    for step, under_way in points:
        yield Crash(step, False)
        if under_way:
            yield Crash(step, True)


def every_point(
    name: str, *, within: float = inf, most: float = inf, share: int = 0, shares: int = 1
) -> Tried:
    """All crash points of a conversation, and then pairs until so many seconds have passed, so many of them at most; or
    one share of that. The pairs come in an order of chance, so that those which are run are from everywhere."""
    (conversation,) = (each for each in CONVERSATIONS if each.name == name)
    gc.disable()
    until = time.monotonic() + within
    base = play(conversation)
    assert not base.broken, f"{name}: {base.broken} without any crash"
    tried = Tried(name, 0, 0, 0, 0, 0, 0, 0, [])
    distinct = list(variants(base.points))
    lengths: dict[int, Played] = {}
    for number, crash in enumerate(variants(base.every)):
        if number % shares != share:
            continue
        played = play(conversation, (crash,))
        tried.points += 1
        tried.run += played.deaths
        tried.recovered += tried.add(played, (crash,)) and played.deaths
        tried.pairs += len(list(variants(played.every)))
        if crash in distinct:
            lengths[distinct.index(crash)] = played
        _tidy(tried.run)
    pairs = [
        (distinct[place], second)
        for place, first in sorted(lengths.items())
        for second in variants(first.points)
    ]
    tried.distinct = len(pairs)
    random.Random(f"{name}/{share}").shuffle(pairs)
    for number, crashes in enumerate(pairs):
        if time.monotonic() > until or number >= most:
            break
        played = play(conversation, crashes)
        tried.pairs_run += 1
        tried.pairs_recovered += tried.add(played, crashes) and played.deaths == 2
        _tidy(number)
    gc.enable()
    return tried


def _tidy(count: int) -> None:
    if count % 50 == 0:
        gc.collect()


def every_conversation(
    *,
    seconds: float,
    most: int | None = None,
    workers: int | None = None,
    chosen: Callable[[Conversation], bool] = bool,
) -> list[Tried]:
    """All of them, over all cores, with all of their points; and pairs for about so many seconds, of each conversation
    `most` at most. What one does not need is for those behind it."""
    count = workers or cores()
    names = [conversation.name for conversation in CONVERSATIONS if chosen(conversation)]
    until = time.monotonic() + seconds
    found: dict[str, Tried] = {}
    with ProcessPoolExecutor(count, mp_context=get_context("spawn")) as pool:
        for number, name in enumerate(names):
            within = (until - time.monotonic()) / (len(names) - number)
            each = inf if most is None else -(-most // count)
            parts = [
                pool.submit(every_point, name, within=within, most=each, share=share, shares=count)
                for share in range(count)
            ]
            found[name] = _together([part.result() for part in parts])
    return list(found.values())


def _together(parts: list[Tried]) -> Tried:
    counts = ("points", "run", "recovered", "pairs", "distinct", "pairs_run", "pairs_recovered")
    sums = {name: sum(getattr(part, name) for part in parts) for name in counts}
    broken = list(itertools.chain.from_iterable(part.broken for part in parts))
    return Tried(parts[0].name, **sums, broken=broken)
