"""Secret canary: PINs are typed into a running wallet, then looked for wherever it writes.

Looked for: the PIN and every accumulated text that held it, as UTF-8, UTF-16, base64 (in all three alignments),
hexadecimal and percent-escapes, and as plain hashes, alone and with the member's number. Looked in: every file of the
data folder, logs and temporary files, and the sealed records once they are opened with their keys: what is encrypted
must not hold a PIN either.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from kikao.channels.ussd.clients import FORM, AfricasTalkingClient, Exchange
from kikao.config import load
from kikao.conversation.secrets import Secret
from kikao.sessions.policy import DEFAULTS, Address, key_parts, session_key
from kikao.sessions.sealing import KeyRing
from kikao.testing import Phone
from kikao_apps.wallet.pin_rules import is_easy
from tests.http.servers import ServerProcess, environment, logged, spawn, until
from tests.http.wire import PATH, over_wire, raw, request
from tests.reliability.members import CODE
from tests.reliability.moods import Mood

APP: Final = "tests.reliability.canary_app:app"
ASHA, BINTA, CHIDI = "+256772000001", "+256772000002", "+256772000003"
STRANGER: Final = "+256752000001"
HASHES: Final = ("md5", "sha1", "sha256")
SHORTEST: Final = 6
"""Octets of the shortest thing looked for: six digits do not turn up in a database by chance."""


class Result(msgspec.Struct):
    """What was looked for, where, and what was found."""

    figures: dict[str, int]
    found: list[str]


# --- what a secret may look like ---


def forms(text: str) -> Iterator[tuple[str, bytes]]:
    """A text in every plain encoding."""
    octets = text.encode()
    yield "UTF-16-LE", text.encode("utf-16-le")
    yield "UTF-16-BE", text.encode("utf-16-be")
    yield "reversed", octets[::-1]
    yield "percent", "".join(f"%{octet:02X}" for octet in octets).encode()
    yield from written(octets)


def hashes(text: str) -> Iterator[tuple[str, bytes]]:
    """A text under plain hashes: a PIN behind one is found by trying all PINs."""
    for name in HASHES:
        digest = hashlib.new(name, text.encode()).digest()
        yield from ((f"{name}, {form}", octets) for form, octets in written(digest))


def written(octets: bytes) -> Iterator[tuple[str, bytes]]:
    yield "raw", octets
    yield "hex", octets.hex().encode()
    yield "HEX", octets.hex().upper().encode()
    for alignment in range(3):
        yield f"base64+{alignment}", base64_core(octets, alignment)


def base64_core(octets: bytes, alignment: int) -> bytes:
    """The characters of base64 that do not depend on what stands before and after."""
    encoded = base64.b64encode(b"\0" * alignment + octets)
    first = (alignment * 8 + 5) // 6
    return encoded[first : (alignment + len(octets)) * 8 // 6]


class Canary:
    """The secrets that were typed, and what each would look like if it escaped."""

    def __init__(self) -> None:
        self.secrets = 0
        self.forms = 0
        self._needles: dict[bytes, dict[bytes, str]] = {}
        """By their first `SHORTEST` octets: thousands are looked for in one pass."""

    def watch_pin(self, pin: str, number: str) -> None:
        """Look for a PIN from now on. One of four digits only in forms that cannot turn up by chance."""
        self.secrets += 1
        if len(pin) >= SHORTEST:
            self._add(f"PIN of {len(pin)} digits", forms(pin))
        for joined in (
            pin,
            number + pin,
            pin + number,
            f"{number} {pin}",
            f"{number}:{pin}",
            f"{number}*{pin}",
        ):
            self._add("PIN with number", hashes(joined))
        self._add("PIN under an empty key", written(hmac.digest(b"", f"{number} {pin}".encode(), "sha256")))

    def watch_text(self, text: str, dialogue: str) -> None:
        """Look for an accumulated text."""
        self.secrets += 1
        self._add("accumulated text", [*forms(text), *hashes(text), *hashes(dialogue + text)])

    def search(self, haystacks: Iterable[tuple[str, bytes]]) -> list[str]:
        """Where something escaped to."""
        return [f"{place}: {what}" for place, octets in haystacks for what in self._found_in(octets)]

    def _found_in(self, octets: bytes) -> Iterator[str]:
        for at in range(len(octets) - SHORTEST + 1):
            if (near := self._needles.get(octets[at : at + SHORTEST])) is not None:
                yield from (what for needle, what in near.items() if octets.startswith(needle, at))

    def _add(self, what: str, needles: Iterable[tuple[str, bytes]]) -> None:
        for form, needle in needles:
            self.forms += 1
            self._needles.setdefault(needle[:SHORTEST], {})[needle] = f"{what} ({form})"


# --- where it may be ---


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file below a folder: databases, their logs and journals, log lines, temporary files."""
    for path in sorted(folder.rglob("*")):
        try:
            yield str(path.relative_to(folder)), path.read_bytes()
        except (IsADirectoryError, FileNotFoundError):
            continue  # a folder, or a journal that is gone already


def opened(data: Path, numbers: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """The sealed records of sessions and replies, unsealed."""
    settings = load(environment(data), data.parent)
    ring = KeyRing(settings.secret_keys)
    with closing(sqlite3.connect(f"{settings.store_path.as_uri()}?mode=ro", uri=True)) as connection:
        for number in numbers:
            key = session_key(
                ring,
                key_parts(
                    Address("ussd", "africastalking", number, CODE, number), DEFAULTS["ussd"], flow="wallet"
                ),
            )
            query = "SELECT version, state, address FROM sessions WHERE key = ?"
            for version, state, address in connection.execute(query, (key,)):
                yield f"state of {number}", ring.unseal(state, key, b"state", version)
                yield f"address of {number}", ring.unseal(address, key, b"address")
            query = "SELECT key, reply FROM dedupe WHERE session = ? AND reply IS NOT NULL"
            for dedupe, reply in connection.execute(query, (key,)):
                yield f"reply to {number}", ring.unseal(reply, key, b"reply" + dedupe)


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
            self._canary.watch_pin(typed, self.number)

    async def _send(self, exchange: Exchange) -> tuple[int, bytes]:
        fields = dict(parse_qsl(exchange.body.decode()))
        text = fields.get("text", "")
        if any(secret in text for secret in self._secrets):
            self._canary.watch_text(text, fields["sessionId"])
        status, body = await self._wire(exchange)
        self.replies.append(body)
        return status, body


def digits(count: int) -> str:
    """A random PIN, of those that the bank takes."""
    pin = "".join(secrets.choice("0123456789") for _ in range(count))
    return digits(count) if is_easy(Secret(pin), "") else pin


async def run(folder: Path) -> Result:
    """Type PINs of 4, 6 and 8 digits, let everything go wrong, and look for them after each part."""
    data, home = folder / "data", folder / "tmp"
    home.mkdir()
    canary = Canary()
    server = started(data, home)
    asha = Typist(lambda: server.port, canary, ASHA, digits(8))
    binta = Typist(lambda: server.port, canary, BINTA, digits(6))
    chidi = Typist(lambda: server.port, canary, CHIDI, digits(4))
    places = octets = 0
    found: dict[str, None] = {}

    def look(when: str) -> None:
        nonlocal places, octets
        replies = [(f"reply to {one.number}", reply) for one in (asha, binta, chidi) for reply in one.replies]
        for haystack in [*files(folder), *opened(data, (ASHA, BINTA, CHIDI)), *replies]:
            places, octets = places + 1, octets + len(haystack[1])
            found.update(dict.fromkeys(f"{when}: {hit}" for hit in canary.search([haystack])))

    try:
        for typist in (asha, binta, chidi):
            await typist.register()
            assert "You sent" in await typist.pay(Mood.HONEST, STRANGER)
            await typist.phone.again()
            assert "You sent" in await typist.pay(Mood.HONEST, STRANGER, digits(len(typist.pin)), typist.pin)
            await not_answers(typist)
        look("after right and wrong PINs, redelivery and broken requests")
        for typist in (asha, binta):
            await typist.pay(Mood.RAISES, STRANGER)
            await typist.phone.again()
            await settled(typist)
            assert "Request received" in await typist.pay(Mood.LATE, STRANGER)
            await typist.phone.again()
            await logged(server, '"what":"late"', times=2 if typist is binta else 1)
            await settled(typist)
            await typist.pay(Mood.TELLS, STRANGER)
            await settled(typist)
        look("after errors, a deadline and a bank that tells")
        for typist in (asha, binta):
            await typist.to_the_pin(Mood.STALLS, STRANGER)
        stalled = [asyncio.create_task(typist.secret(typist.pin)) for typist in (asha, binta)]
        await intents_open(data, len(stalled))
        server.kill()
        await asyncio.gather(*stalled, return_exceptions=True)
        look("after kill -9")
        if not any(STRANGER.encode() in octets for place, octets in opened(data, [ASHA]) if "state" in place):
            found["what was typed openly is not in the opened records: they were not searched"] = None
        server = started(data, home)
        for typist in (asha, binta):
            await typist.phone.again()
            await settled(typist)
        look("after a restart")
        code = server.stop()
        look("after SIGTERM")
    finally:
        if server.process.poll() is None:
            server.kill()
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


def started(data: Path, home: Path) -> ServerProcess:
    """A server that says as much as Python can be made to say, and keeps its temporary files where we look."""
    return spawn(data, APP, env={"TMPDIR": str(home), "PYTHONDEVMODE": "1"}).wait_until_up()


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


async def intents_open(data: Path, number: int) -> None:
    """Wait until so many effects are under way."""
    query = "SELECT count(*) FROM intents"
    with closing(sqlite3.connect(f"{(data / 'sessions.db').as_uri()}?mode=ro", uri=True)) as connection:
        await until(lambda: connection.execute(query).fetchone() == (number,), f"not {number} intents")


async def settled(typist: Typist) -> None:
    """Dial until nothing is open any more, and start again."""
    for _ in range(20):
        text = await typist.phone.dial()
        if "Start again" in text:
            text = await typist.phone.reply("2")
        if "Choose an option" in text:
            return
        if "still being processed" in text:
            await asyncio.sleep(0.1)
    raise AssertionError(f"{typist.number} is stuck: {typist.phone.screen}")
