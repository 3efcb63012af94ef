"""Secret canary: PINs are typed into a running wallet, then looked for wherever it writes.

What is looked for is in `tests.secrets.needles`: the PIN and every accumulated text that held it. Looked in: every file
of the data folder, logs and temporary files; all that the store's server keeps (tables, keys, its own logs) and every
octet on the way to it; the sealed records once they are opened with their keys, since what is encrypted must not hold a
PIN either; what the server tells operators; and its command line and environment.
"""

from __future__ import annotations

import asyncio
import secrets
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, closing
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from click.testing import CliRunner

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.cli import main
from kikao.config import load
from kikao.conversation.secrets import Secret
from kikao.opening import make_store
from kikao.sessions.sealing import KeyRing
from kikao.sessions.store import SessionStore
from kikao.testing import Phone
from kikao_apps.wallet.pin_rules import is_easy
from tests.engines.proxy import Proxy
from tests.http.servers import ServerProcess, environment, logged, spawn
from tests.http.wire import PATH, get, over_wire, raw, request
from tests.reliability.dumping import dumps
from tests.reliability.grounds import SQLITE, Ground
from tests.reliability.members import CODE
from tests.reliability.moods import Mood
from tests.secrets.needles import Canary
from tests.secrets.places import files, opened
from tests.waiting import until

APP: Final = "tests.reliability.canary_app:app"
ASHA, BINTA, CHIDI = "+256772000001", "+256772000002", "+256772000003"
STRANGER: Final = "+256752000001"


class Result(msgspec.Struct):
    """What was looked for, where, and what was found."""

    figures: dict[str, int]
    found: list[str]


# --- the run ---


class Typist:
    """A phone whose owner types secrets. Every request that carries one is watched for from then on."""

    def __init__(self, port: Callable[[], int], canary: Canary, number: str, pin: str) -> None:
        self.number = number
        self.pin = pin
        self.port = port
        self.phone = Phone(self._send, number)
        self.replies: list[bytes] = []
        self._wire = over_wire(port)
        self._canary = canary
        self._secrets: list[str] = []

    async def register(self) -> None:
        """Open an account, at first with two PINs that differ."""
        await self.phone.dial()
        await self.phone.reply("1", "Asha", "1")
        for typed in (self.pin, digits(len(self.pin)), self.pin, self.pin):
            await self.secret(typed)
        assert "Choose an option" in self.phone.screen, self.phone.screen

    async def to_the_pin(self, mood: Mood, to: str) -> None:
        """Dial, and go as far as the PIN of a transfer."""
        await settled(self)
        await self.phone.reply("1", to, str(mood.value), "1")
        assert "PIN" in self.phone.screen, self.phone.screen

    async def pay(self, mood: Mood, to: str, *typed: str) -> str:
        """A transfer, typing these secrets at its end (by default the PIN)."""
        await self.to_the_pin(mood, to)
        for secret in typed or (self.pin,):
            await self.secret(secret)
        return self.phone.screen

    async def secret(self, typed: str) -> str:
        """Type a secret on the present screen."""
        self.watch(typed)
        return await self.phone.reply(typed)

    def watch(self, typed: str) -> None:
        if typed not in self._secrets:
            self._secrets.append(typed)
            self._canary.watch(typed, self.number)

    async def _send(self, exchange: Exchange) -> Response:
        fields = dict(parse_qsl(exchange.body.decode()))
        text = fields.get("text", "")
        if any(secret in text for secret in self._secrets):
            self._canary.watch_text(text, fields["sessionId"])
        response = await self._wire(exchange)
        self.replies.append(response.body)
        return response


def digits(count: int) -> str:
    """A random PIN, of those that the bank takes."""
    pin = "".join(secrets.choice("0123456789") for _ in range(count))
    return digits(count) if is_easy(Secret(pin), "") else pin


async def run(folder: Path, ground: Ground = SQLITE, *, thorough: bool = True) -> Result:
    """Type PINs of 4, 6 and 8 digits, let everything go wrong, and look for them after each part.

    Unless `thorough`, only one member does it all, and they are looked for after the kill and in the end.
    """
    data, home = folder / "data", folder / "tmp"
    home.mkdir()
    canary = Canary()
    places = octets = 0
    found: dict[str, None] = {}
    async with AsyncExitStack() as stack:
        proxy = Proxy(ground.target, recording=True) if ground.target else None
        env = {}
        if proxy is not None:
            await stack.enter_async_context(proxy)
            env = {"KIKAO_STORE": ground.through(proxy.address)}
        server = await asyncio.to_thread(started, data, home, env)
        stack.callback(lambda: server.kill() if server.process.poll() is None else None)
        asha = Typist(lambda: server.port, canary, ASHA, digits(8))
        binta = Typist(lambda: server.port, canary, BINTA, digits(6))
        chidi = Typist(lambda: server.port, canary, CHIDI, digits(4))

        everybody = [asha, binta, chidi] if thorough else [asha]
        careless = everybody[:2]

        async def look(when: str, *more: tuple[str, bytes]) -> None:
            nonlocal places, octets
            if not thorough and when not in ("after kill -9", "after SIGTERM"):
                return
            replies = [
                (f"reply to {one.number}", reply) for one in (asha, binta, chidi) for reply in one.replies
            ]
            kept = [record async for record in records(data, ground)]
            wire = (
                [("wire to the store", bytes(proxy.to_server)), ("from it", bytes(proxy.to_client))]
                if proxy
                else []
            )
            dumped = await dumps(ground)
            for haystack in [*files(folder), *dumped, *wire, *kept, *replies, *more]:
                places, octets = places + 1, octets + len(haystack[1])
                found.update(dict.fromkeys(f"{when}: {hit}" for hit in canary.search([haystack])))
            if ground.target and not (dumped and wire[0][1]):
                found[f"{when}: nothing was seen of the store"] = None

        for typist in everybody:
            await typist.register()
            assert "You sent" in await typist.pay(Mood.HONEST, STRANGER)
            await typist.phone.again()
            assert "You sent" in await typist.pay(Mood.HONEST, STRANGER, digits(len(typist.pin)), typist.pin)
            await not_answers(typist)
        await look("after right and wrong PINs, redelivery and broken requests")
        for typist in careless:
            await typist.pay(Mood.RAISES, STRANGER)
            await typist.phone.again()
            await settled(typist)
            assert "Request received" in await typist.pay(Mood.LATE, STRANGER)
            await typist.phone.again()
            await logged(server, '"what":"late"', times=careless.index(typist) + 1)
            await settled(typist)
            for mood in (Mood.TELLS, Mood.GROUPS, Mood.FORGETS):
                await typist.pay(mood, STRANGER)
                await settled(typist)
        for where in ("loop", "thread", "finaliser", "warning"):
            await logged(server, f'"where":"{where}"')
        await asha.to_the_pin(Mood.HONEST, STRANGER)
        if thorough:
            told = await told_to_operators(server, data, env)
            await look("after errors, a deadline and a bank that tells", *told)
            open_answers = [place for place, octets in told if STRANGER[1:].encode() in octets]
            found.update(dict.fromkeys(f"{place}: what a member typed openly" for place in open_answers))
        for typist in careless:
            await typist.to_the_pin(Mood.STALLS, STRANGER)
        stalled = [asyncio.create_task(typist.secret(typist.pin)) for typist in careless]
        await intents_open(data, ground, len(stalled))
        await asyncio.to_thread(server.kill)
        await asyncio.gather(*stalled, return_exceptions=True)
        await look("after kill -9")
        state = [octets async for place, octets in records(data, ground) if place == "state"]
        if not any(STRANGER.encode() in octets for octets in state):
            found["what was typed openly is not in the opened records: they were not searched"] = None
        server = await asyncio.to_thread(started, data, home, env)
        for typist in careless:
            await typist.phone.again()
            await settled(typist)
        await look("after a restart")
        code = await asyncio.to_thread(server.stop)
        await look("after SIGTERM")
        if code:
            found[f"SIGTERM ended the server with {code}"] = None
    figures = {
        "secrets typed": canary.secrets,
        "forms looked for": canary.forms,
        "places searched": places,
        "kilobytes searched": octets // 1024,
        "hits": len(found),
    }
    return Result(figures, list(found))


@asynccontextmanager
async def store_of(data: Path, ground: Ground) -> AsyncIterator[tuple[SessionStore, KeyRing]]:
    """The store beside the server that uses it, to look into it."""
    settings = load(environment(data, **({"KIKAO_STORE": ground.url} if ground.url else {})), data.parent)
    store = make_store(settings)
    await store.open()
    try:
        yield store, KeyRing(settings.secret_keys)
    finally:
        await store.close()


async def records(data: Path, ground: Ground) -> AsyncIterator[tuple[str, bytes]]:
    """The sealed records, opened with the keys of the server."""
    if not ground.url:  # one process has the file
        settings = load(environment(data), data.parent)
        for record in opened(settings.store_path, KeyRing(settings.secret_keys)):
            yield record
        return
    async with store_of(data, ground) as (store, ring):
        async for kept in store.scan():
            yield "state", ring.unseal(kept.state, kept.key, b"state", kept.version)
            yield "address", ring.unseal(kept.address, kept.key, b"address")
            for seen in await store.seen(kept.key):
                if seen.reply is not None:
                    yield "reply", ring.unseal(seen.reply, kept.key, b"reply" + seen.key)


async def told_to_operators(
    server: ServerProcess, data: Path, env: Mapping[str, str]
) -> list[tuple[str, bytes]]:
    """What a running server tells its operators, and the machine's other users."""
    process = Path("/proc") / str(server.process.pid)
    told = [(name, (process / name).read_bytes()) for name in ("cmdline", "environ") if process.is_dir()]
    told.append(("/metrics", (await get(server.port, "/metrics"))[1]))
    for words in (
        "sessions list --json",
        *(f"sessions show {number} --json" for number in (ASHA, BINTA, CHIDI)),
        *(f"sessions explain {number}" for number in (ASHA, BINTA)),
        *(f"members {what} {number}" for what in ("show", "export") for number in (ASHA, BINTA)),
    ):
        result = await asyncio.to_thread(
            CliRunner().invoke, main, words.split(), env=environment(data, **env)
        )
        assert result.exit_code == 0, f"kikao {words}: {result.output}"
        assert result.output
        told.append((f"kikao {words}", result.output.encode()))
    return told


def started(data: Path, home: Path, env: Mapping[str, str]) -> ServerProcess:
    """A server that says as much as Python can be made to say, and keeps its temporary files where we look."""
    return spawn(data, APP, env={**env, "TMPDIR": str(home), "PYTHONDEVMODE": "1"}).wait_until_up()


async def not_answers(typist: Typist) -> None:
    """Secrets where none is taken: too long, in a long dial, in a text that shrank, in requests that are refused."""
    pin = typist.pin
    await typist.to_the_pin(Mood.HONEST, STRANGER)
    await typist.secret(digits(9))
    await typist.secret(f"x{digits(8)}")
    shrunk = AfricasTalkingClient(typist.number, CODE).dial("shrunk", f"1*1*{pin}*{pin}")
    await typist.phone.send(shrunk)
    await typist.phone.send(AfricasTalkingClient(typist.number, CODE).dial("shrunk", f"1*{pin}"))
    await typist.phone.dial(f"1*{STRANGER}*{Mood.HONEST.value}*1*{pin}")
    good = AfricasTalkingClient(typist.number, CODE).dial("refused", f"1*{pin}").body
    ended = b"status=Success&durationInMillis=9&errorMessage=" + pin.encode()
    for body in (
        good + b"&text=" + pin.encode(),
        good.replace(b"sessionId", pin.encode()),
        good.replace(b"phoneNumber", b"number"),
        good + b"&" + pin.encode(),
        good.replace(b"&text=", b"&input=") + b"&" + ended,
    ):
        octets = await raw(typist.port(), request(PATH, body, headers=FORM))
        typist.replies.append(octets)


async def intents_open(data: Path, ground: Ground, number: int) -> None:
    """Wait until so many effects are under way."""
    query = "SELECT count(*) FROM intents"
    if not ground.url:
        with closing(sqlite3.connect(f"{(data / 'sessions.db').as_uri()}?mode=ro", uri=True)) as connection:
            await until(lambda: connection.execute(query).fetchone() == (number,), f"{number} intents")
        return
    async with store_of(data, ground) as (store, _):

        async def begun() -> bool:
            return len(await store.due(now=1e12, limit=10)) >= number

        await until(begun, f"{number} intents")


async def settled(typist: Typist) -> None:
    """Dial until nothing is open any more, and start again."""
    for _ in range(100):
        text = await typist.phone.dial()
        if "Start again" in text:
            text = await typist.phone.reply("2")
        if "Choose an option" in text:
            return
        if "still being processed" in text or "unavailable" in text:
            await asyncio.sleep(0.1)
    raise AssertionError(f"{typist.number} is stuck: {typist.phone.screen}")
