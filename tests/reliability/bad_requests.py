"""Requests that no gateway sends, through the edge of a server at work: bodies, headers, methods, paths, encodings.

Among them are right ones, of members in all states. For every request:

- it is answered, in time, and not with a 5xx: nothing in it may break a turn either;
- one that is refused changes nothing in the store, and no session stays in anybody's hands;
- what a member typed is not in the answer to a refused request, and in nothing that is told of it.

In the end every member can still begin anew, and every stored session opens.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote_plus

import msgspec

from kikao import App, Chat, Flows, Number, Pin, Text, t
from kikao.config import Settings, load
from kikao.conversation.outcomes import Done
from kikao.conversation.secrets import Secret
from kikao.events.types import ErrorUncaught, TurnCommitted, TurnRejected
from kikao.server import Server
from kikao.sessions.keeper import Sessions
from kikao.sessions.store import Write
from kikao.sessions.stores.memory import MemoryStore
from tests.reliability import spoiling

PATIENCE: Final = 5.0
"""Seconds an answer may take."""

MARKER: Final = "73519824"
"""What a member typed who typed a secret: in the answer to a refused request, or in the log, it has got out."""

FINE: Final = frozenset({200, 400, 403, 404, 405, 408, 413, 415, 429})
GATEWAYS: Final = ("africastalking", "nalo")
MEMBERS: Final = 60
TOKEN: Final = "tokentokentoken1"

flows = Flows()


async def take(pin: Secret, key: str) -> Done[None]:
    return Done(None)


@flows.flow("start")
async def start(chat: Chat) -> None:
    """A question of each kind, and an effect."""
    await chat.ask("name", Text(max=30), t("Name?"))
    amount = await chat.ask("amount", Number(min=1), t("Amount?"))
    await chat.secret("pin", Pin((4, 8)), t("PIN?"), use=take)
    await chat.end(t("Thank you. {amount}", amount=amount))


class Watched(MemoryStore):
    """Counts what was written."""

    writes = 0

    async def intent(self, write: Write) -> None:
        self.writes += 1
        await super().intent(write)

    async def commit(self, write: Write) -> None:
        self.writes += 1
        await super().commit(write)


class Case(msgspec.Struct):
    """One request as an ASGI server hands it over."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    chunks: list[bytes]
    client: tuple[str, int] | None
    query: bytes = b""
    leaves: bool = False
    """The client is gone after these chunks."""


class Requests:
    """A server, and what it was asked."""

    def __init__(self, server: Server, store: Watched, chance: random.Random) -> None:
        self.figures: Counter[str] = Counter()
        self.violations: list[str] = []
        self._server = server
        self._store = store
        self._chance = chance
        self._texts: dict[str, str] = {}
        self._dialogues: dict[str, int] = {}
        self._heard: list[Any] = []
        server.publish.on("*", self._heard.append)

    async def ask(self, case: Case) -> tuple[int, bytes]:
        """One request, held to the laws."""
        before, self._heard[:] = self._store.writes, []
        status, body = await self._answer(case)
        self.figures["requests"] += 1
        self.figures["answered" if status == 200 else "refused"] += 1
        if status not in FINE:
            self._violated(f"answered {status}", case)
        if status != 200 and self._store.writes != before:
            self._violated(f"answered {status}, and something was written", case)
        if status != 200 and MARKER.encode() in body:
            self._violated("what was typed is in the answer", case)
        for event in self._heard:
            if isinstance(event, ErrorUncaught) or (
                isinstance(event, TurnCommitted | TurnRejected) and event.what in ("failed", "unavailable")
            ):
                self._violated(f"{event}", case)
            if status != 200 and MARKER in f"{event!r}{msgspec.json.encode(event).decode()}":
                self._violated(f"what was typed is in {type(event).__name__}", case)
        return status, body

    async def _answer(self, case: Case) -> tuple[int, bytes]:
        sent: list[dict[str, Any]] = []
        chunks = list(case.chunks)

        async def receive() -> dict[str, Any]:
            if chunks:
                chunk = chunks.pop(0)
                return {"type": "http.request", "body": chunk, "more_body": bool(chunks) or case.leaves}
            return {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": case.method,
            "path": case.path,
            "query_string": case.query,
            "headers": case.headers,
            "client": case.client,
        }
        try:
            async with asyncio.timeout(PATIENCE):
                await self._server(scope, receive, send)
        except TimeoutError:
            self.figures["hangs"] += 1
            self._violated("no answer", case)
            return 0, b""
        except Exception as error:
            self._violated(f"{type(error).__name__}: {error}", case)
            return 0, b""
        return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])

    def _violated(self, what: str, case: Case) -> None:
        if len(self.violations) < 20:
            self.violations.append(f"{what}: {case}"[:1500])
        self.figures["violated"] += 1

    # --- what is asked ---

    def case(self) -> Case:
        """A request with something wrong with it, mostly."""
        chance = self._chance
        gateway = chance.choice(GATEWAYS)
        number = f"+25677200{chance.randrange(MEMBERS):04d}"
        fields = self._fields(gateway, number)
        body = self._body(gateway, fields)
        if chance.random() < 0.35:
            body = spoiling.octets(chance, body)
        kind = {"africastalking": "application/x-www-form-urlencoded", "nalo": "application/json"}[gateway]
        headers = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(body))]
        case = Case("POST", self._path(gateway), headers, [body], (self._address(), 5))
        if chance.random() < 0.35:
            self._spoil_around(case)
        return case

    def right(self, gateway: str, number: str, typed: str, *, begins: bool) -> Case:
        """A request as the gateway sends it."""
        fields = self._right_fields(gateway, number, typed, begins=begins)
        kind = {"africastalking": "application/x-www-form-urlencoded", "nalo": "application/json"}[gateway]
        return Case(
            "POST",
            self._path(gateway),
            [(b"content-type", kind.encode())],
            [_encoded(gateway, fields)],
            ("127.0.0.1", 5),
        )

    def _path(self, gateway: str) -> str:
        return f"/ussd/{gateway}/{TOKEN}" if gateway == "nalo" else f"/ussd/{gateway}"

    def _address(self) -> str:
        return (
            f"10.{self._chance.randrange(256)}.{self._chance.randrange(256)}.{self._chance.randrange(1, 255)}"
        )

    def _right_fields(self, gateway: str, number: str, typed: str, *, begins: bool) -> dict[str, Any]:
        if gateway == "nalo":
            return {
                "USERID": "company",
                "MSISDN": number.replace("+256772", "+233240"),
                "USERDATA": "*920*1#" if begins else typed,
                "MSGTYPE": begins,
                "NETWORK": "MTN",
                "SESSIONID": f"n{self._dialogues.get(number, 0)}",
            }
        if begins:
            self._dialogues[number] = self._dialogues.get(number, 0) + 1
            self._texts[number] = ""
        else:
            before = self._texts.get(number, "")
            self._texts[number] = f"{before}*{typed}" if before else typed
        return {
            "sessionId": f"s{number[1:]}x{self._dialogues.get(number, 0)}",
            "phoneNumber": number,
            "serviceCode": "*284#",
            "networkCode": "64110",
            "text": self._texts.get(number, "")[-3000:],
        }

    def _fields(self, gateway: str, number: str) -> dict[str, Any]:
        chance = self._chance
        typed = chance.choice(
            ("1", "Asha", "500", MARKER, MARKER, "0", "00", "98", spoiling.text(chance, "1"))
        )
        fields = self._right_fields(gateway, number, typed, begins=chance.random() < 0.25)
        for _ in range(chance.choice((0, 0, 1, 1, 2))):
            name = chance.choice(list(fields) or ["text"])
            match chance.randrange(5):
                case 0:
                    fields.pop(name, None)
                case 1:
                    fields[name] = chance.choice(spoiling.ODD_VALUES)
                case 2:
                    fields[spoiling.text(chance, name)] = fields.pop(name, "")
                case 3:
                    fields[name] = spoiling.text(chance, str(fields.get(name, "")))
                case _:
                    fields |= {f"x{n}": MARKER for n in range(chance.choice((1, 20, 70)))}
        return fields

    def _body(self, gateway: str, fields: dict[str, Any]) -> bytes:
        chance = self._chance
        match chance.randrange(40):
            case 0:
                return spoiling.nested(chance)
            case 1:
                return _encoded(gateway, fields) + b"&" * chance.choice((1, 70, 70_000))
            case 2:
                return chance.randbytes(chance.choice((0, 1, 200, 66_000)))
            case 3:
                return _encoded(chance.choice(GATEWAYS), fields)
            case 4:
                encoded = _encoded(gateway, fields)
                return encoded + b"&" + encoded if gateway != "nalo" else encoded[:-1] + b"," + encoded[1:]
        return _encoded(gateway, fields)

    def _spoil_around(self, case: Case) -> None:
        chance = self._chance
        match chance.randrange(8):
            case 0:
                case.method = chance.choice(
                    ("GET", "PUT", "HEAD", "OPTIONS", "post", "", "BREW", "POST " * 50)
                )
            case 1:
                case.path = spoiling.text(chance, case.path)
            case 2:
                name = chance.choice(
                    (b"content-type", b"content-length", b"host", b"authorization", b"x-forwarded-for")
                )
                case.headers = [(n, v) for n, v in case.headers if n != name or chance.random() < 0.3]
                case.headers.append(
                    (name, spoiling.octets(chance, b"application/json; charset=utf-8, 127.0.0.1:80"))
                )
            case 3:
                case.headers.append(
                    (
                        spoiling.octets(chance, b"x-header").lower(),
                        chance.randbytes(chance.choice((0, 9, 9000))),
                    )
                )
            case 4:
                body = case.chunks[0]
                cuts = sorted(chance.randrange(len(body) + 1) for _ in range(chance.choice((1, 3, 30))))
                case.chunks = [body[a:b] for a, b in zip([0, *cuts], [*cuts, len(body)], strict=True)]
                case.leaves = chance.random() < 0.5
            case 5:
                case.client = chance.choice(
                    (None, ("", 0), ("unix:", 1), ("::ffff:10.0.0.1", 5), ("not an address", -1))
                )
            case 6:
                case.query = spoiling.octets(chance, b"text=1&phoneNumber=" + MARKER.encode())
            case _:
                case.path = chance.choice(
                    (
                        "/",
                        "",
                        "*",
                        "/ussd",
                        "/ussd/",
                        "/USSD/nalo",
                        "/metrics",
                        "/readyz",
                        "/healthz",
                        "/simulator/x",
                        "/simulator",
                        f"/ussd/nalo/{MARKER}x",
                        "//",
                        "/ussd/nalo/a/b",
                    )
                )


def _encoded(gateway: str, fields: dict[str, Any]) -> bytes:
    if gateway == "nalo":
        return json.dumps(fields, ensure_ascii=False).encode("utf-8", "surrogatepass")
    pairs = (f"{_quoted(name)}={_quoted(value)}" for name, value in fields.items())
    return "&".join(pairs).encode("utf-8", "surrogatepass")


def _quoted(value: object) -> str:
    return quote_plus(str(value), errors="surrogatepass")


def right_settings(folder: Path) -> Settings:
    return load(
        {"KIKAO_DATA": str(folder / "data"), "KIKAO_STORE": "memory:", "KIKAO_USSD_NALO_TOKEN": TOKEN},
        folder,
        makes_keys=True,
    )


@contextlib.asynccontextmanager
async def serving(
    folder: Path, seed: int, clock: Iterator[float]
) -> AsyncIterator[tuple[Requests, Sessions]]:
    """A server on a clock that moves on with each look at it."""
    app = App(flows, entry="start", members=False, subscribers=[lambda event: None])
    store = Watched()
    async with app.serving(
        right_settings(folder), store=store, clock=lambda: next(clock), background=False
    ) as server:
        yield Requests(server, store, random.Random(seed)), server.sessions


def ticking(step: float) -> Iterator[float]:
    now = 1_790_000_000.0
    while True:
        now += step
        yield now


async def run(folder: Path, count: int, seed: int) -> tuple[dict[str, int | float | str], list[str]]:
    """Ask so often; the figures, and what was violated."""
    async with serving(folder, seed, ticking(0.05)) as (requests, sessions):
        for _ in range(count):
            await requests.ask(requests.case())
        for n in range(MEMBERS):
            await begins_anew(requests, f"+25677200{n:04d}")
        opened = 0
        async for record in sessions.store.scan():
            sessions.session_of(record)
            opened += 1
    figures = requests.figures
    return {
        "requests to gateways": figures["requests"],
        "taken": figures["answered"],
        "refused": figures["refused"],
        "requests without an answer": figures["hangs"],
        "answers or states that broke a law": figures["violated"],
        "sessions left, all of which open": opened,
    }, requests.violations


async def begins_anew(requests: Requests, number: str) -> None:
    """A member dials, and comes to the first question whatever was before."""
    status, body = 0, b""
    for typed in ("", "2", "1"):
        status, body = await requests.ask(requests.right("africastalking", number, typed, begins=not typed))
        if status == 200 and b"?" in body:
            return
    requests.violations.append(f"{number} cannot begin anew: {status} {body!r}")
