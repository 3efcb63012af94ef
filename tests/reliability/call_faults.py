"""A fault proxy before those whom a conversation calls: the bank of an effect, and the receiver of a webhook.

The bank. A member pays while the connection to the bank fails, in each way, at the payment or also when the bank is
then asked what became of it. Every reply comes within a turn's budget; it is paid once; the member reads so.

The webhook. Messages leave with their turns while the connection to their receiver fails, in each way. Each arrives,
those of a member in their order. One arrives twice only where the fault struck after the receiver had it: nothing told
the sender that it was taken, and the receiver knows it by its id.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from msgspec import structs

from kikao import App, Chat, Flows, Number, t
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import Exchange
from kikao.channels.webhook.signing import MESSAGE
from kikao.config import load
from kikao.conversation.outcomes import Done, Refused, Unknown, Voided
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from tests.channels.webhook.receiver import Receiver
from tests.engines import proxy as faults
from tests.engines.proxy import Fault, Proxy
from tests.http.asgi import call
from tests.http.servers import environment
from tests.reliability.members import APOLOGY
from tests.reliability.report import Report, exactly, report
from tests.reliability.shopping import CODE, NO_TURNS, Shopper, app
from tests.reliability.store_faults import BUDGET, SLACK, STEP, TRIES, Clock
from tests.reliability.till import Bank, Client, Receipt, Till

FAULTS: Final[dict[str, Fault]] = {
    "cut before it was sent": faults.CutAfter(octets=0, times=1),
    "cut while it was sent": faults.CutAfter(octets=9, times=1),
    "cut after it was sent": faults.CutBeforeAnswer(times=1),
    "cut in the answer": faults.CutAfter(octets=3, to="client", times=1),
    "garbage in the answer": faults.Garbage(times=1),
    "slow": faults.Latency(seconds=0.05, times=2),
    "far too slow": faults.Latency(seconds=3.0, times=1),
    "answer lost": faults.Mute(times=1),
    "half open": faults.HalfOpen(times=1),
    "black hole": faults.BlackHole(times=1),
    "refused": faults.Refuse(times=1),
}

ARRIVED: Final = frozenset(
    {
        "cut after it was sent",
        "cut in the answer",
        "garbage in the answer",
        "far too slow",
        "answer lost",
        "black hole",
    }
)
"""After these the receiver may have what the sender does not know of."""


# --- the bank ---


class Exposed(Client):
    """A client behind the proxy, whose calls bring the faults down."""

    def __init__(self, proxy: Proxy) -> None:
        super().__init__(proxy.address)
        self.at_pay: Fault | None = None
        self.at_find: Fault | None = None
        self._proxy = proxy

    async def pay(self, amount: int, key: str) -> Done[Receipt] | Refused:
        self._proxy.fault, self.at_pay = self.at_pay, None
        return await super().pay(amount, key)

    async def find(self, key: str) -> Done[Receipt] | Voided | Unknown:
        self._proxy.fault, self.at_find = self.at_find, None
        return await super().find(key)


class Payments:
    """A server whose bank is behind a proxy, and what was seen."""

    def __init__(self, server: Server, clock: Clock) -> None:
        self.slowest = 0.0
        self.violations: list[str] = []
        self._server = server
        self._clock = clock

    async def send(self, exchange: Exchange) -> bytes:
        began = time.monotonic()
        answer = await call(
            self._server, "/ussd/africastalking", exchange.body, exchange.headers, method="POST"
        )
        self.slowest = max(self.slowest, time.monotonic() - began)
        return answer.body

    async def buys(self, member: Shopper) -> bytes:
        """Until it reads that it is paid; the last reply."""
        exchange, said = member.dial(), b""
        for _ in range(TRIES):
            said = await self.send(exchange)
            if said in NO_TURNS or b"being processed" in said or b"Request received" in said:
                if said == APOLOGY:
                    await asyncio.sleep(0.02)
                self._clock.ahead += STEP
                await self._server.recovery.look()
            following = member.next(said.decode())
            if following is None:
                break
            exchange = following
        return said


async def bank(folder: Path, *, quick: bool) -> Report:
    """Each fault at the payment, alone and with each fault at the question after it."""
    cases = [(at_pay, at_find) for at_pay in FAULTS for at_find in ("", *FAULTS)]
    if quick:
        cases = [(at_pay, "") for at_pay in FAULTS]
    clock, asked = Clock(), 0
    settings = load(environment(folder / "data", KIKAO_STORE="memory:"), folder, makes_keys=True)
    async with Till() as till, Proxy(f"127.0.0.1:{till.port}") as proxy:
        client = Exposed(proxy)
        async with app(BUDGET).serving(
            settings, store=MemoryStore(), services={Bank: client}, clock=clock, background=False
        ) as server:
            payments = Payments(server, clock)
            for amount, (at_pay, at_find) in enumerate(cases, 1_000):
                client.at_pay, client.at_find = FAULTS[at_pay], FAULTS.get(at_find)
                said = await payments.buys(Shopper(f"+256772{amount:06d}", amount))
                where = f"{at_pay}, then {at_find or 'nothing'}"
                asked += client.at_find is None and bool(at_find)
                if b"Paid" not in said:
                    payments.violations.append(f"{where}: never told that it is paid: {said!r}")
                if till.paid[amount] != 1:
                    payments.violations.append(f"{where}: paid {till.paid[amount]} times")
                client.at_find = proxy.fault = None
            clock.ahead += 4_000
            await server.recovery.look()
            if left := await server.sessions.store.due(now=clock() + 1e6, limit=10):
                payments.violations.append(f"left open: {left}")
    if payments.slowest > BUDGET + SLACK:
        payments.violations.append(f"a reply took {payments.slowest:.1f} s")
    return report(
        {
            "payments through a fault": len(cases),
            "with another at the question": asked,
            "paid once, and told": sum(till.paid[amount] == 1 for amount in till.paid),
            "longest wait for a reply (s)": round(payments.slowest, 2),
        },
        payments.violations,
        **{"paid_once,_and_told": exactly(len(cases))},
    )


# --- the webhook ---

orders = Flows()


@orders.flow("order")
async def order(chat: Chat) -> None:
    """Two messages in one conversation: their order can be seen."""
    number = await chat.ask("number", Number(min=1), t("Number?"))
    await chat.post("first", "crm", {"number": number, "part": 1})
    await chat.post("second", "crm", {"number": number, "part": 2})
    await chat.end(t("Ordered."))


@asynccontextmanager
async def posting(folder: Path, proxy: Proxy, clock: Clock) -> AsyncIterator[Server]:
    env = environment(
        folder / "data",
        KIKAO_STORE="memory:",
        KIKAO_WEBHOOK_CRM_URL=f"http://{proxy.address}/hook",
        KIKAO_WEBHOOK_CRM_TIMEOUT="1",
    )
    ordering = App(orders, entry="order", members=False, subscribers=[lambda event: None])
    async with ordering.serving(
        load(env, folder, makes_keys=True), store=MemoryStore(), clock=clock, background=False
    ) as server:
        yield server


async def webhook(folder: Path, *, quick: bool) -> Report:
    """Each fault at each of two messages."""
    clock, violations = Clock(), []
    rounds, struck, duplicates, explained = 1 if quick else 2, 0, 0, 0
    cases = [(name, part) for _ in range(rounds) for name in FAULTS for part in (1, 2)]
    async with Receiver() as receiver, AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(Proxy(f"127.0.0.1:{receiver.port}"))
        server = await stack.enter_async_context(posting(folder, proxy, clock))
        for number, (name, part) in enumerate(cases, 1_000):
            client = AfricasTalkingClient(f"+256772{number:06d}", CODE)
            for exchange in (client.dial(f"d{number}"), client.answer(str(number))):
                await call(server, "/ussd/africastalking", exchange.body, exchange.headers, method="POST")
            hits = proxy.hits.total()
            proxy.fault = structs.replace(FAULTS[name], holding=f'"part":{part}'.encode())
            for _ in range(12):
                await server.dispatcher.once()
                if not await waiting(server):
                    break
                clock.ahead += 400
            struck += proxy.hits.total() > hits
            proxy.fault = None
        # What was stuck on its way arrives by now, long after its conversation.
        for number, (name, part) in enumerate(cases, 1_000):
            came = [
                (request.headers[MESSAGE.lower()], b'"part":1' in request.body)
                for request in receiver.requests
                if f'"number":{number},'.encode() in request.body
            ]
            firsts = [one for at, (id_, one) in enumerate(came) if id_ not in {i for i, _ in came[:at]}]
            if firsts != [True, False]:
                violations.append(f"{name} at {part}: {came} arrived")
            again = len(came) - len(firsts)
            duplicates += again
            explained += again if name in ARRIVED and again <= 1 else 0
    if duplicates != explained:
        violations.append(f"{duplicates} duplicates, {explained} of them explained")
    return report(
        {
            "conversations with a fault": len(cases),
            "faults that struck": struck,
            "messages": 2 * len(cases),
            "that arrived twice": duplicates,
            "of these explained by the fault": explained,
        },
        violations,
        faults_that_struck=exactly(len(cases)),
    )


async def waiting(server: Server) -> int:
    """How many messages are not sent yet."""
    return sum(each.waiting for each in await server.sessions.store.backlog())


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """Both."""
    together = report({}, [])
    for name, half in (("bank", bank), ("webhook", webhook)):
        (folder / name).mkdir()
        found = await half(folder / name, quick=quick)
        together.figures |= {f"{name}: {title}": value for title, value in found.figures.items()}
        together.musts |= {f"{name}: {title}": must for title, must in found.musts.items()}
        together.violations += [f"{name}: {violation}" for violation in found.violations]
    return together
