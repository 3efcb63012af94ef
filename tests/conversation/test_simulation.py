"""Thousands of small disasters, each from a seed: everything that can happen between two steps of a turn happens.

Two members talk to one or two servers over one store. A seeded scheduler decides how long every store call and every
bank call takes (up to longer than a lease), which processes die where (12 % at every point, before and after), which
requests come twice, late or crossed, and when recovery looks. Time is virtual, so a seed always does the same.

The laws are checked on what is written, on what the bank is asked and on what members read; a violation names the law.
`MUTANTS` are engines with one rule taken out: each must break a law within some seeds, or the laws are too weak.

More seeds: `python -m tests.conversation.test_simulation 100000 [first seed]`.
"""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
import os
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from msgspec import structs

import kikao.conversation.runner as runner_module
from kikao.channels import accumulated
from kikao.channels.channel import Response
from kikao.channels.inbound import Inbound
from kikao.conversation import Choice, Done, Refused, Secret, Unknown, Voided
from kikao.conversation.effects import Settled, Step, Work, attempt, inquire
from kikao.conversation.inputs import Given
from kikao.conversation.journal import BARRIERS, Intent, Run
from kikao.conversation.screens import Option
from kikao.sessions.keeper import Held, Sessions
from kikao.sessions.session import decode
from kikao.sessions.store import Dedupe, Write
from kikao.sessions.stores.memory import MemoryStore
from kikao.testing import Mortal, ProcessDied
from kikao.turn import Turns
from tests.conversation.world import (
    PINS,
    WRONG,
    Bank,
    Book,
    LoopClock,
    Receipt,
    Registry,
    VirtualLoop,
    flows_of,
    seeded_randomness,
)
from tests.talk import PlainGateway, Process

CRASH = 0.12
MAX_CRASHES = 4
DELAYS = (0.0,) * 30 + (0.01, 0.05, 0.3, 1.0, 5.0, 20.0)
"""How long a point takes: mostly nothing, at times longer than a turn's budget (4 s) or a lease (15 s)."""

QUESTIONS = {"purpose": "What for?", "comment": "Any comment?", "amount": "How much?", "to": "Pay whom?"}
FLOWS = flows_of("chatty")
SERVICE_AWAY = ("Service unavailable", "Something went wrong", "still being processed")


class World:
    """One seed's run: the scheduler, the laws, and everything that lives."""

    def __init__(self, seed: int, loop: VirtualLoop) -> None:
        self.random = random.Random(seed)
        self.loop = loop
        self.clock = LoopClock(loop)
        self.stored = MemoryStore()
        self.bank = Bank(tombstones=self.random.random() < 0.7)
        self.book = Book()
        self.registry = Registry()
        self.crashes = 0
        self.safe = self.random.choice((0, 20, 40, 60))
        """How many points pass before the first death: so that deaths come early and late in a conversation."""
        self.calm = False
        self.violations: list[str] = []
        self.points = 0
        self.closing: list[asyncio.Task[None]] = []
        self.amounts = itertools.count(501)
        self.typed: dict[str, set[str]] = {prompt: set() for prompt in QUESTIONS.values()}
        """What members typed, by the question they were looking at."""
        self.servers = [Server(self) for _ in range(self.random.choice((1, 1, 2)))]
        self.ring = self.servers[0].process.sessions.ring
        self.orders: dict[str, tuple[str, str, int]] = {}
        self._effects: dict[str, list[str]] = {}
        self._versions: set[tuple[bytes, int]] = set()
        self._taken: dict[str, str] = {}
        self._durable: set[bytes] = set()

    def violated(self, law: str) -> None:
        self.violations.append(law)

    async def point(self, server: Server, name: str) -> None:
        """Somewhere between two steps: time passes, and the process may die."""
        self.points += 1
        if server.process.store.dead:
            raise ProcessDied
        if self.calm:
            return
        delay = self.random.choice(DELAYS)
        if delay:
            await asyncio.sleep(delay)
        if server.process.store.dead:
            raise ProcessDied
        if self.points > self.safe and self.crashes < MAX_CRASHES and self.random.random() < CRASH:
            self.crashes += 1
            server.die()
            raise ProcessDied

    # The laws.

    def written(self, write: Write) -> None:
        """A write that the store took."""
        if (write.key, write.version) in self._versions:
            self.violated("one version was written twice")
        self._versions.add((write.key, write.version))
        session = decode(self.ring.unseal(write.state, write.key, b"state", write.version + 1))
        runs = session.conversation.runs()
        for run in runs:
            self._journal(run)
        kept = [[r.journal, r.pending, r.notices, r.receipts, r.args] for r in runs]
        plain = msgspec.json.encode([kept, session.conversation.notices, session.conversation.farewell])
        if any(pin.encode() in plain for pin in (*PINS, *WRONG)):
            self.violated("a PIN was kept")
        held = {self.ring.lookup("intent", i.token) for run in runs for i in run.intents if i.entry is None}
        self._durable |= held
        if held != self._indexed(write.key):
            self.violated("an open effect is not in the index, or one in the index is not open")

    def _journal(self, run: Run) -> None:
        effects = [entry.key for entry in run.journal if entry.kind in BARRIERS]
        before = self._effects.get(run.id, [])
        if effects[: len(before)] != before:
            self.violated("something done was forgotten")
        self._effects[run.id] = effects
        for entry in run.journal:
            name = entry.key.rpartition("/")[2].partition("#")[0]
            if entry.kind != "ask" or name not in QUESTIONS:
                continue
            text = str(entry.value[1]) if name == "amount" else str(entry.value)
            if text not in self.typed[QUESTIONS[name]]:
                self.violated("an answer was taken for a question it did not see")
            if name != "to" and self._taken.setdefault(text, run.id) != run.id:
                self.violated("an answer was taken twice")

    def _indexed(self, key: bytes) -> set[bytes]:
        claim = self.stored._look(key, None, 0.0)  # its own index, without a lease
        return {row.id for row in claim[2]}

    def asked_for(self, key: str, order: tuple[str, str, int]) -> None:
        """The bank is asked for a transfer."""
        if self.ring.lookup("intent", key) not in self._durable:
            self.violated("an effect was begun before its intent was durable")
        if self.orders.setdefault(key, order) != order:
            self.violated("one key was used for two orders")

    def money(self) -> None:
        """What must be true of the bank at any time."""
        moved = Counter((t.payer, t.minor) for t in self.bank.transfers)
        if any(times > 1 for times in moved.values()):
            self.violated("money was moved twice")
        if sum(self.bank.balances.values()) != 0:
            self.violated("money was made or lost")


class Server:
    """A process of the app, and the ones that follow it when it dies."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.process = self._start()

    def _start(self) -> Process:
        world = self.world
        services = {Bank: Client(self), Book: world.book, Registry: world.registry}
        process = Process(FLOWS, "main", world.stored, world.clock, services=services)
        process.store = process.sessions.store = Points(self, process.store)
        self.process = process
        return process

    def die(self) -> None:
        """kill -9, and a new process at once."""
        dead = self.process
        dead.store.dead = True
        self.world.closing.append(self.world.loop.create_task(dead.late.close(0.0)))
        self._start()

    async def handle(self, inbound: Inbound, gateway: PlainGateway, *, at_once: bool) -> Response:
        if not at_once:
            await self.world.point(self, "request")
        process = self.process
        response = await process.turns.handle(inbound, gateway)
        if process.store.dead:
            raise ProcessDied
        return response


class Points(Mortal):
    """The store as one process sees it, with a point before and after every call."""

    def __init__(self, server: Server, mortal: Mortal) -> None:
        super().__init__(mortal.store)
        self._server = server

    async def _do(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if self.dead:
            raise ProcessDied
        if name != "claim":  # on the way to the claim is on the way to the server
            await self._point()
        result = await getattr(self.store, name)(*args, **kwargs)
        if name in ("intent", "commit"):
            self._server.world.written(args[0])
            if message := AT_WORK.get():
                message.consumed = True
        if name == "claim":
            await asyncio.sleep(0)  # others arrive while this turn is at work
        await self._point()
        return result

    async def _point(self) -> None:
        if self.dead:
            raise ProcessDied
        await self._server.world.point(self._server, "store")
        if self.dead:
            raise ProcessDied


class Client:
    """The bank as a process reaches it: a request that was sent arrives, whatever becomes of the sender."""

    def __init__(self, server: Server) -> None:
        self._server = server

    @property
    def fee(self) -> Callable[..., int]:
        return self._server.world.bank.fee

    async def transfer(
        self, payer: str, payee: str, minor: int, pin: Secret, key: str
    ) -> Done[Receipt] | Refused:
        self._server.world.asked_for(key, (payer, payee, minor))
        answer: Done[Receipt] | Refused
        answer = await self._sent(self._server.world.bank.transfer(payer, payee, minor, pin, key))
        return answer

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        found: Done[Receipt] | Voided | Unknown = await self._sent(self._server.world.bank.find(key))
        return found

    async def _sent(self, call: Coroutine[Any, Any, Any]) -> Any:
        world, process = self._server.world, self._server.process
        try:
            if process.store.dead:
                raise ProcessDied
            await world.point(self._server, "sending")
        except BaseException:
            call.close()
            raise
        slow = 0.0 if world.calm else world.random.choice(DELAYS)

        async def arrives() -> Any:
            if slow:
                await asyncio.sleep(slow)
            answer = await call
            world.money()
            return answer

        answer = await asyncio.shield(world.loop.create_task(arrives()))
        if process.store.dead:
            raise ProcessDied
        await world.point(self._server, "answered")
        return answer


@dataclass
class Message:
    """A request as the gateway sends it, perhaps several times."""

    id: str
    text: str
    dialogue: str
    begins: bool
    past: bool = False
    """Whether its screen is gone, so that nobody would send it on for the first time."""
    flying: int = 0
    """How many copies of it are on their way."""
    consumed: bool = False
    """Whether anything was written for it."""
    replies: list[bytes] = field(default_factory=list)


AT_WORK: ContextVar[Message | None] = ContextVar("at_work", default=None)
"""The request that the running task processes."""


class Caller:
    """A member who wants to pay, reads what is shown, and has a bad line. `chat` is a channel without dialogues."""

    def __init__(self, world: World, number: str, pin: str, *, chat: bool) -> None:
        self.world = world
        self.number = number
        self.pin = pin
        self.chat = chat
        self.gateway = PlainGateway()
        self.sent: list[Message] = []
        self.text = ""
        self.ended = True
        self.wanted: dict[str, str] = {}
        self.open: list[int] = []
        """Amounts a PIN was entered for and nobody has said what became of."""
        self.mistaken = False
        """Whether a wrong PIN was entered, which a bank refuses for certain."""
        self._typed = ""
        self._dials = 0
        self._strays: list[asyncio.Task[None]] = []

    async def live(self) -> None:
        """Pays, again and again, with everything that goes wrong."""
        chance = self.world.random
        await self._dial()
        for _ in range(14):
            if self.ended or chance.random() < 0.03:  # hangs up
                await asyncio.sleep(chance.choice((1.0, 8.0, 20.0)))
                await self._dial()
                continue
            if chance.random() < 0.1:
                self.world.book.change(chance.randrange(20))
            await asyncio.sleep(chance.choice((0.0, 0.0, 0.0, 2.0, 12.0)))
            await self._answer()
            if self.chat and chance.random() < 0.2:
                self._stray(chance.choice(self.sent))
        await asyncio.gather(*self._strays)

    async def pays(self) -> bool:
        """On a good day: one wrong PIN, then the right one. Whether it says that it is paid."""
        bank = self.world.bank
        bank.failures[self.number] = 0
        bank.balances[self.number] += 5000
        bank.balances["vault"] -= 5000
        mistaken = False
        self.mistaken = True
        await self._dial()
        for _ in range(25):
            if self.ended:
                await asyncio.sleep(20.0)
                await self._dial()
            if "Your PIN?" in self.text:
                await self._say(self.pin if mistaken else WRONG[0])
                if mistaken and "Paid UGX" in self.text:
                    return True
                mistaken = True
            elif "Continue where" in self.text or "We are checking" in self.text:
                await self._say("2")
            else:
                await self._answer()
        return False

    async def _dial(self) -> None:
        self._dials += 1
        self._typed = ""
        self.ended = False
        await self._request(self._message("", begins=True))

    def _message(self, text: str, *, begins: bool = False) -> Message:
        if self.chat:
            message = Message(f"{self.number}/{len(self.sent)}", text, "", begins)
        else:
            self._typed = f"{self._typed}*{text}" if self._typed and text else text or self._typed
            dialogue = f"{self.number}/{self._dials}"
            message = Message(f"{dialogue}|{self._typed}", self._typed, dialogue, begins)
        self.sent.append(message)
        return message

    async def _answer(self) -> None:
        chance, text = self.world.random, self._choice()
        if chance.random() < 0.08 and text == "1":
            # Two taps: the second one answers nothing that was seen.
            first = self._message(text)
            second = self._message(text)
            second.past = True
            await asyncio.gather(self._deliver(first, at_once=True), self._deliver(second, at_once=True))
            first.past = True
            self._shown(second)
        else:
            await self._say(text)

    async def _say(self, text: str) -> None:
        await self._request(self._message(text))

    def _choice(self) -> str:
        """What to type, looking at the screen."""
        world, chance, text = self.world, self.world.random, self.text
        options: dict[str, str] = dict(re.findall(r"^(\d+) (.+)$", text, re.MULTILINE))
        prompt = next((prompt for prompt in world.typed if prompt in text), "")
        if not world.calm and "Paid UGX" in text and chance.random() < 0.2:
            return "0"
        if not world.calm and chance.random() < 0.05:
            odd = chance.choice(("0", "00", f"odd {next(world.amounts)}"))
            world.typed.get(prompt, set()).add(odd)
            return odd
        if "Pay whom?" in text:
            key = chance.choice([key for key in options if key not in ("0", "00")])
            self.wanted["to"] = options[key]
            world.typed[prompt].add(options[key])
            return key
        if "How much?" in text:
            self.wanted["amount"] = answer = str(next(world.amounts))
        elif prompt:
            answer = f"words *{next(world.amounts)}"
        elif "Your PIN?" in text:
            if not world.calm and chance.random() < 0.15:
                self.mistaken = True
                return WRONG[0]
            self.open.append(int(self.wanted.get("amount", "0")))
            return self.pin
        elif "Confirm" in options.values():
            amount, to = self.wanted.get("amount", ""), self.wanted.get("to", "")
            if f"Pay UGX {amount} to {to}?" not in text:
                world.violated("a confirmation showed what the member did not choose")
            return "1"
        elif "Rate us" in text:
            return chance.choice("135")
        elif "Continue where" in text or "We are checking" in text:
            return chance.choice(("1", "1", "2"))
        else:
            return "1"
        world.typed[prompt].add(answer)
        return answer

    async def _request(self, message: Message) -> None:
        """Send until there is an answer; a gateway that waited too long sends again."""
        chance = self.world.random
        if not self.world.calm and chance.random() < 0.1:
            self._stray(message)
        for _ in range(4 if self.world.calm else chance.choice((1, 2, 4))):
            task = self.world.loop.create_task(self._deliver(message))
            self._strays.append(task)
            await asyncio.wait({task}, timeout=7.0)
            if message.replies:
                break
            await asyncio.sleep(chance.choice((0.1, 2.0, 16.0)))
        while message.flying and not message.replies:  # noqa: ASYNC110 - virtual time
            await asyncio.sleep(1.0)
        message.past = True
        if not message.replies:
            self._stray(message, after=(5.0, 15.0, 30.0, 45.0))  # the provider has not given up
        self._shown(message)

    def _shown(self, message: Message) -> None:
        if message.replies:
            self._see(message.replies[-1])
        else:
            self.ended = True

    def _stray(self, message: Message, after: tuple[float, ...] = (0.0, 1.0, 10.0, 25.0)) -> None:
        """The same request once more, at some time."""

        async def later() -> None:
            await asyncio.sleep(self.world.random.choice(after))
            await self._deliver(message)

        self._strays.append(self.world.loop.create_task(later()))

    async def _deliver(self, message: Message, *, at_once: bool = False) -> None:
        inbound = Inbound(
            channel="ussd",
            gateway="plain",
            identity=self.number,
            happening="new" if message.begins else "reply",
            text=Secret(message.text),
            dialogue=message.dialogue,
            msisdn=self.number,
            message_id=Secret(message.id),
            accumulated=not self.chat,
        )
        if message.past and not message.consumed and not at_once:
            return
        server = self.world.random.choice(self.world.servers)
        AT_WORK.set(message)
        message.flying += 1
        try:
            reply = (await server.handle(inbound, self.gateway, at_once=at_once)).body
        except ProcessDied:
            return
        finally:
            message.flying -= 1
        if b"Something went wrong" in reply:
            self.world.violated("the engine broke")
        if (
            any(text.encode() in reply for text in SERVICE_AWAY[:1])
            or b"END Your last request is still" in reply
            or reply.startswith(b"END We are checking your request")
        ):
            return  # not a turn, or one that only asks for patience: the gateway may try again
        message.replies.append(reply)
        if len(set(message.replies)) > 1:
            self.world.violated("a redelivery was answered otherwise")

    def _see(self, reply: bytes) -> None:
        state, _, self.text = reply.decode().partition(" ")
        self.ended = state == "END"
        bank = self.world.bank
        for amount, ref in re.findall(r"Paid UGX ([\d,]+)\. Ref (T\d+x)", self.text):
            minor = int(amount.replace(",", ""))
            self.open = [open_ for open_ in self.open if open_ != minor]
            if not any(t.ref == ref and t.minor == minor and t.payer == self.number for t in bank.transfers):
                self.world.violated("a receipt was shown for money that was not moved")
        if "not carried out" in self.text:
            if not bank.tombstones and not self.mistaken:
                self.world.violated("'not carried out' was said though nobody can know")
            if self.open and all(bank.moved(self.number, minor) for minor in self.open):
                self.world.violated("'not carried out' was said of money that was moved")


async def recovery(world: World) -> None:
    """Looks at what is due every now and then, on any server."""
    while True:
        await asyncio.sleep(world.random.choice((3.0, 9.0)))
        server = world.random.choice(world.servers)
        try:
            await server.process.recovery.once()
        except ProcessDied:
            continue


def simulate(seed: int) -> World:
    """One seed, to its end."""
    loop = VirtualLoop()
    loop.set_exception_handler(lambda loop, context: None)  # tasks of dead processes end with their death
    try:
        with seeded_randomness(seed):
            world = World(seed, loop)
            loop.run_until_complete(_simulate(world))
    finally:
        loop.close()
    return world


async def _simulate(world: World) -> None:
    callers: list[Caller] = []
    for number, pin in zip(("+256772000001", "+256772000002"), PINS, strict=False):
        if len(callers) < world.random.choice((1, 1, 1, 2)):
            world.bank.open(number, pin)
            callers.append(Caller(world, number, pin, chat=world.random.random() < 0.4))
    looking = asyncio.create_task(recovery(world))
    await asyncio.gather(*(caller.live() for caller in callers))
    # The weather clears: whatever happened, everything comes to its end and everybody can go on.
    world.calm = True
    await asyncio.sleep(40.0)
    looking.cancel()
    for _ in range(3):
        for server in world.servers:
            await server.process.recovery.once()
        await asyncio.sleep(3700.0)
    world.money()
    if world.bank.tombstones and await world.stored.due(now=1e15, limit=10):
        world.violated("an open effect was never settled")
    if world.random.random() < 0.5 and not await world.random.choice(callers).pays():
        world.violated("a member could not pay any more")
    world.money()
    for server in world.servers:
        await server.process.late.close(0.0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def run(
    seeds: range, *, until: Callable[[list[str]], bool] = bool
) -> tuple[int | None, list[str], Counter[str]]:
    """Seeds until one breaks a law: that seed, the laws, and what happened on the way."""
    totals: Counter[str] = Counter()
    for seed in seeds:
        world = simulate(seed)
        happened = {"crashes": world.crashes, "points": world.points, "transfers": len(world.bank.transfers)}
        totals.update(happened, seeds=1)
        if until(world.violations):
            return seed, world.violations, totals
    return None, [], totals


SEEDS = range(150)
MUTANT_SEEDS = 400


def test_no_disaster_breaks_a_law() -> None:
    seed, laws, totals = run(SEEDS)
    assert seed is None, f"seed {seed}: {laws}"
    assert totals["crashes"] > len(SEEDS)
    assert totals["transfers"] > len(SEEDS)


def test_a_seed_repeats_exactly() -> None:
    def traces(seed: int) -> tuple[int, int, list[Any]]:
        world = simulate(seed)
        return world.points, world.crashes, world.bank.transfers

    assert [traces(seed) for seed in range(20)] == [traces(seed) for seed in range(20)]


# Engines with one rule taken out. Everything here is wrong on purpose.


def no_dedupe(mp: pytest.MonkeyPatch) -> None:
    """Inbounds are not recognised when they come again."""
    mp.setattr(Turns, "_names", lambda self, inbound, gateway: ())


def no_version_check(mp: pytest.MonkeyPatch) -> None:
    """A writer that was overtaken writes all the same."""
    check = MemoryStore._apply

    def unchecked(self: MemoryStore, write: Write) -> None:
        record = self._look(write.key, None, 0.0)[0]
        if record is not None and record.version > write.version:
            blob = self._sessions.pop(write.key)  # as if it had never been
            check(self, structs.replace(write, version=0))
            assert blob
            stored = bytearray(self._sessions[write.key])
            stored[:8] = (write.version + 1).to_bytes(8, "little")
            self._sessions[write.key] = bytes(stored)
        else:
            check(self, write)

    mp.setattr(MemoryStore, "_apply", unchecked)


def no_consumed_marker(mp: pytest.MonkeyPatch) -> None:
    """The commit before an effect does not say which inbound it belongs to."""
    intend = Held.intend

    async def unmarked(self: Held, dedupe: Dedupe | None, tokens: Any) -> None:
        await intend(self, None, tokens)

    mp.setattr(Held, "intend", unmarked)


def no_intent_before(mp: pytest.MonkeyPatch) -> None:
    """Effects begin before anything of them is durable."""

    async def later(self: Held, dedupe: Dedupe | None, tokens: Any) -> None:
        return None

    mp.setattr(Held, "intend", later)


def another_key_each_try(mp: pytest.MonkeyPatch) -> None:
    """The idempotency key is made anew for every try."""

    def tried(intent: Intent, step: Step, secret: Secret | None = None) -> Work:
        key = os.urandom(16).hex()
        return attempt(intent, dataclasses.replace(step, effect=lambda token: step.effect(key)), secret)

    mp.setattr(runner_module, "attempt", tried)


def no_barrier(mp: pytest.MonkeyPatch) -> None:
    """Back goes past what is done."""
    mp.setattr(Run, "barrier", lambda self: 0)


def refusals_kept(mp: pytest.MonkeyPatch) -> None:
    """The attempt after a refusal has the same key, under which the bank has refused."""
    token = Run.token

    def same(self: Run, key: str) -> str:
        return token(structs.replace(self, attempts={}), key)

    mp.setattr(Run, "token", same)


def options_of_today(mp: pytest.MonkeyPatch) -> None:
    """A number means what would be displayed now."""
    parse = Choice.parse

    def parsed(self: Choice[Any], given: Given, options: tuple[Option, ...]) -> Any:
        return parse(self, given, self.options())

    mp.setattr(Choice, "parse", parsed)


def crossed_taken(mp: pytest.MonkeyPatch) -> None:
    """What arrived while another turn was at work counts as an answer to that turn's screen."""
    claim = Sessions.claim

    async def arrived_just_now(self: Sessions, *args: Any, **kwargs: Any) -> Any:
        held = await claim(self, *args, **kwargs)
        if isinstance(held, Held):
            held.claim = structs.replace(held.claim, version_on_arrival=held.version)
        return held

    mp.setattr(Sessions, "claim", arrived_just_now)


def last_part_taken(mp: pytest.MonkeyPatch) -> None:
    """Of accumulated text the last piece is the answer, new or not."""
    mp.setattr(accumulated, "_new_part", lambda text, dialogue, hashed: text.rpartition("*")[2] or None)


def unknown_is_no(mp: pytest.MonkeyPatch) -> None:
    """What the bank cannot find did not happen."""

    def guessed(intent: Intent, step: Step) -> Work:
        asked = inquire(intent, step)

        async def perform() -> Settled:
            settled = await asked.perform()
            return Settled("voided") if settled.kind == "unknown" else settled

        return Work(intent, perform)

    mp.setattr(runner_module, "inquire", guessed)


MUTANTS: dict[Callable[[pytest.MonkeyPatch], None], str] = {
    no_dedupe: "an answer was taken",
    no_version_check: "one version was written twice",
    no_consumed_marker: "an answer was taken for a question it did not see",
    no_intent_before: "an effect was begun before its intent was durable",
    another_key_each_try: "money was moved twice",
    no_barrier: "something done was forgotten",
    refusals_kept: "a member could not pay any more",
    options_of_today: "a confirmation showed what the member did not choose",
    crossed_taken: "an answer was taken for a question it did not see",
    last_part_taken: "an answer was taken",
    unknown_is_no: "'not carried out' was said though nobody can know",
}
"""Each with the law that must catch it; others may break too."""


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.__name__)
def test_a_mutant_is_caught(
    mutant: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    mutant(monkeypatch)
    law = MUTANTS[mutant]
    seed, _, _ = run(range(MUTANT_SEEDS), until=lambda laws: any(broken.startswith(law) for broken in laws))
    assert seed is not None, f"{MUTANT_SEEDS} seeds and no violation of: {law}"


if __name__ == "__main__":
    count = int(sys.argv[1]) if len(sys.argv) > 1 else len(SEEDS)
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    began = time.perf_counter()
    broken, which, happened = run(range(first, first + count))
    print(dict(happened), f"{time.perf_counter() - began:.1f} s")
    if broken is not None:
        sys.exit(f"seed {broken}: {which}")
