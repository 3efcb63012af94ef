"""kill -9 at random moments, over and over, while members send each other money.

What must hold afterwards, whatever was killed when:

- no acknowledged turn is lost: its reply is the same, octet for octet, when the request comes again, and the stored
  conversation has a version for each turn that was acknowledged;
- the books sum to zero, nobody is overdrawn, and no transfer happened that nobody asked for, or twice;
- each receipt that a member saw stands in the books once, and a member who waited for every reply saw them all;
- every member can go on, and nothing is left open.
"""

from __future__ import annotations

import asyncio
import json
import random
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import msgspec

from kikao.config import load
from kikao.opening import make_store
from kikao.records import Records
from kikao.sessions.keeper import Sessions
from kikao.sessions.policy import DEFAULTS, Address, key_parts, session_key
from kikao.sessions.sealing import KeyRing
from kikao_apps.wallet.audit import Audit, audit
from tests.http.forked import fork
from tests.http.servers import CHEAP_WALLET, ServerProcess, environment
from tests.http.wire import over_wire
from tests.reliability.members import CODE, Member, Receipt, Transfer

LIFE: Final = (0.05, 0.9)
"""Seconds a server lives after it began to answer."""

STILLBORN: Final = 0.12
"""The share of servers that are killed while they start."""

BIRTH: Final = 0.15
"""Seconds until a server answers, or a little longer."""

BANK: Final = {"BANK_PAUSE": "0.03", "TURN_BUDGET": "0.5"}
"""How slow the bank is: see `wallet_app`."""

STRANGERS: Final = ("+256752000001", "+256752000002")
"""Numbers that never register: money waits for them."""

AT_ONCE: Final = 16
"""Requests of the last round of redelivery that run at the same time."""

PAYMENTS: Final = (
    "SELECT t.ref, d.msisdn, c.msisdn, e.amount FROM wallet_transfers t "
    "JOIN wallet_entries e ON e.transfer_id = t.id "
    "JOIN wallet_accounts d ON d.id = e.debit_id JOIN wallet_accounts c ON c.id = e.credit_id "
    "WHERE t.kind = 'payment' AND c.kind <> 'fees'"
)


class Outcome(msgspec.Struct):
    """The figures of a run, and what was wrong: nothing, if all is well."""

    figures: dict[str, int | float]
    violations: list[str]


class Meanwhile:
    """What an operator does while the server is down, between a message and its redelivery. This one does nothing.

    Others override what they need.
    """

    def __init__(self) -> None:
        self.figures: dict[str, int] = {}
        """What was done, for the table."""

    def env(self) -> dict[str, str]:
        """Settings of the next server."""
        return {}

    async def prepare(self, data: Path) -> None:
        """Before the first server starts."""

    async def act(self, data: Path) -> list[str]:
        """After a kill; what went wrong."""
        return []

    async def check(self, data: Path) -> list[str]:
        """After the last server has stopped; what is wrong."""
        return []


class Killed:
    """Servers that are killed, one at a time, and started again. Members wait here until one answers."""

    def __init__(
        self,
        data: Path,
        target: str = CHEAP_WALLET,
        env: Mapping[str, str] = BANK,
        meanwhile: Meanwhile | None = None,
        *,
        processes: int = 1,
        seed: int = 0,
    ) -> None:
        self.kills = 0
        self._data = data
        self._target = target
        self._env = env
        self._meanwhile = meanwhile or Meanwhile()
        self._chance = random.Random(seed)
        self._processes = processes
        self._servers: list[ServerProcess] = []
        self._up = asyncio.Event()

    @property
    def port(self) -> int:
        """Of one of those that answer, at random."""
        ports = [server.port for server in self._servers if server.port]
        return self._chance.choice(ports) if ports else 0

    @property
    def up(self) -> bool:
        return self._up.is_set()

    async def answers(self) -> None:
        await self._up.wait()

    async def start(self) -> None:
        """Start as many as there should be, and wait until the last answers."""
        while len(self._servers) < self._processes:
            self._servers.append(self._spawn())
            await asyncio.to_thread(self._servers[-1].wait_until_up)
            self._up.set()

    async def kill(self, after: float) -> None:
        """Kill one, at random."""
        await asyncio.sleep(after)
        chosen = self._servers.pop(self._chance.randrange(len(self._servers)))
        if not self._servers:
            self._up.clear()
        chosen.kill()
        self.kills += 1

    async def dies(self, within: float) -> bool:
        """Wait for a server that was told to die; kill one that is still alive. Whether it died by itself."""
        process = self._servers[-1].process
        with suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(process.wait, within)
        died = process.poll() is not None
        await self.kill(0.0)
        return died

    async def kill_at_birth(self, after: float) -> None:
        self._servers.append(self._spawn())
        await asyncio.sleep(after)
        self._servers.pop().kill()
        self.kills += 1

    def stop(self) -> int:
        """SIGTERM to all; the first exit code that is not 0."""
        self._up.clear()
        codes = [server.stop() for server in self._servers]
        return next(filter(None, codes), 0)

    def abandon(self) -> None:
        for server in self._servers:
            if server.process.poll() is None:
                server.kill()

    def _spawn(self) -> ServerProcess:
        return fork(self._data, self._target, env={**self._env, **self._meanwhile.env()})


async def run(
    folder: Path,
    *,
    kills: int,
    members: int,
    seconds: float,
    seed: int,
    meanwhile: Meanwhile | None = None,
    store: str = "",
    processes: int = 1,
    lease: float | None = None,
) -> Outcome:
    """Kill so many times, but for no longer than `seconds`; then check.

    `store` is `KIKAO_STORE`, by default SQLite. `lease` is how long a killed process keeps a session, in seconds.
    """
    data, began = folder / "data", time.monotonic()
    chance, meanwhile, violations = random.Random(seed), meanwhile or Meanwhile(), []
    env = {**BANK, **({"KIKAO_STORE": store} if store else {}), **({"LEASE": f"{lease}"} if lease else {})}
    server = Killed(data, env=env, meanwhile=meanwhile, processes=processes, seed=seed)
    send = over_wire(lambda: server.port)
    people = [
        Member(f"+25677200{n:04d}", send, server.answers, chance.randrange(2**32), patient=n % 2 == 0)
        for n in range(members)
    ]
    for person in people:
        person.others = [other.number for other in people if other is not person] + [*STRANGERS]
    enough = asyncio.Event()
    try:
        await meanwhile.prepare(data)
        await server.start()
        async with asyncio.TaskGroup() as tasks:
            for person in people:
                tasks.create_task(person.live(enough))
            while server.kills < kills and time.monotonic() - began < seconds:
                await server.kill(chance.uniform(*LIFE))
                while server.kills < kills - 1 and chance.random() < STILLBORN:
                    await server.kill_at_birth(chance.uniform(0, BIRTH))
                violations += await meanwhile.act(data)
                await server.start()
            enough.set()
        killing = time.monotonic() - began
        finished = await asyncio.gather(*(person.finish() for person in people))
        await redeliver_everything(people)
        code = server.stop()
    finally:
        server.abandon()
    violations += [
        f"{person.number} cannot go on: {screen}"
        for person, screen in zip(people, finished, strict=True)
        if screen
    ]
    violations += [change for person in people for change in person.changed]
    if code:
        violations.append(f"SIGTERM ended the server with {code}")
    if server.kills < kills:
        violations.append(f"only {server.kills} of {kills} kills within {seconds:g} s")
    payments = payments_in(data / "records.db")
    violations += check_payments(payments, people)
    violations += check_audit(await books_of(data / "records.db"), len(payments))
    violations += await check_sessions(data, people, {**env, **meanwhile.env()})
    violations += await meanwhile.check(data)
    logged, noise = read_log(data.with_suffix(".log"))
    violations += noise
    figures = {
        "kills": server.kills,
        "members": members,
        "turns acknowledged": sum(len(person.acknowledged) for person in people),
        "requests sent again": sum(person.redelivered for person in people),
        "duplicates served": logged["turn.duplicated"],
        "transfers": len(payments),
        "receipts seen": len({receipt for person in people for receipt in person.receipts}),
        "told after the deadline": logged["turn.committed overdue"],
        "outcomes written late": logged["recovery.done late"],
        "intents settled by recovery": logged["recovery.done settled"],
        **meanwhile.figures,
        "seconds of killing": round(killing, 1),
    }
    return Outcome(figures, violations)


async def redeliver_everything(people: list[Member]) -> None:
    """Every request that was ever acknowledged, once more."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def again(person: Member) -> None:
        for exchange in list(person.acknowledged):
            async with gate:
                await person.check(exchange)

    await asyncio.gather(*(again(person) for person in people))


def payments_in(path: Path) -> list[Receipt]:
    """What the books say was sent, as a member would be told it."""
    with closing(sqlite3.connect(path)) as connection:
        return [Receipt(*row) for row in connection.execute(PAYMENTS)]


async def books_of(path: Path) -> Audit:
    records = Records(path)
    try:
        return await records.read(audit)
    finally:
        await records.close()


def check_payments(payments: list[Receipt], people: list[Member]) -> list[str]:
    """At most once, only what was asked for, and nothing that was told is missing."""
    found = []
    paid = Counter(Transfer(payment.sender, payment.to, payment.amount) for payment in payments)
    asked_for = {transfer for person in people for transfer in person.asked_for}
    found += [f"paid {times} times: {transfer}" for transfer, times in paid.items() if times > 1]
    found += [f"paid, but nobody asked for it: {transfer}" for transfer in paid.keys() - asked_for]
    times_in_books = Counter(payments)
    for person in people:
        found += [
            f"{times_in_books[receipt]} times in the books: {receipt}"
            for receipt in person.receipts
            if times_in_books[receipt] != 1
        ]
        if person.patient:
            sent = {payment for payment in payments if payment.sender == person.number}
            found += [f"never told: {payment}" for payment in sent - person.receipts]
    return found


def check_audit(books: Audit, payments: int) -> list[str]:
    found = [] if books.right else [f"the books are wrong: {books}"]
    if books.payments != payments:
        found.append(f"{books.payments} payments in the books, {payments} in the entries")
    return found


async def check_sessions(data: Path, people: list[Member], env: Mapping[str, str]) -> list[str]:
    """The stored conversations are at or after what was acknowledged, and nothing is open."""
    settings = load(environment(data, **env), data.parent)
    store = make_store(settings)
    sessions = Sessions(store, KeyRing(settings.secret_keys))
    await sessions.open()
    found = []
    try:
        records = {record.key: record async for record in store.scan()}
        for person in people:
            address = Address("ussd", "africastalking", person.number, CODE, person.number)
            record = records.get(
                session_key(sessions.ring, key_parts(address, DEFAULTS["ussd"], flow="wallet"))
            )
            turns = len(person.acknowledged)
            if record is None or record.version < turns:
                found.append(
                    f"{person.number}: version {record.version if record else 0} after {turns} acknowledged turns"
                )
                continue
            conversation = sessions.session_of(record).conversation
            if any(run.intents for run in conversation.runs()):
                found.append(f"{person.number}: an effect is still open")
        if due := await store.due(now=time.time() + 1e6, limit=1):
            found.append(f"an intent is left open: {due}")
    finally:
        await store.close()
    return found


def read_log(path: Path) -> tuple[Counter[str], list[str]]:
    """How often each thing was logged; and lines that say that something broke."""
    logged: Counter[str] = Counter()
    noise = []
    for line in path.read_text().splitlines():
        try:
            event: dict[str, Any] = json.loads(line)
        except ValueError:
            # The last line of a killed process may be cut.
            if not line.startswith("{"):
                noise.append(f"in the log: {line}")
            continue
        what = event.get("what", "")
        logged[f"{event['event']} {what}".strip()] += 1
        # On a busy machine the bank's books may take longer than a turn has: its member is told so, nothing is lost.
        overdue = str(event.get("error", "")).startswith(("TimeoutError at sqlite.py", "BackendError at"))
        if (what in ("failed", "parked") and not overdue) or (
            event["event"] == "keys.resealed" and "error" in event
        ):
            noise.append(f"in the log: {line}")
    return logged, noise[:10]
