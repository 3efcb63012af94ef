"""Bad input of every kind: requests through the edge, octets over real connections, settings from all their sources."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from kikao.channels.ussd.clients.client import FORM
from kikao.testing import Phone
from tests.http.forked import fork
from tests.http.servers import ServerProcess
from tests.http.wire import PATH, over_wire, parsed, raw, request
from tests.reliability import bad_requests, bad_settings, spoiling
from tests.reliability.report import Report, at_least, exactly, report

AT_ONCE: Final = 8
"""Connections at the same time."""


NO_HTTP: Final = "WARNING:  Invalid HTTP request received."
"""What the HTTP server says."""


async def part(folder: Path, *, quick: bool, seed: int) -> Report:
    """60,000 cases; 4,000 in the slice."""
    asked, wired, read = (3_000, 150, 1_000) if quick else (40_000, 2_500, 20_000)
    figures, violations = await bad_requests.run(folder, asked, seed)
    streams, broken = await over_sockets(folder / "wire", wired, seed)
    settings, wrong = bad_settings.run(folder, read, seed)
    return report(
        {"cases": asked + wired + read, **figures, **streams, **settings},
        violations + broken + wrong,
        cases=at_least(4_000 if quick else 50_000),
        requests_without_an_answer=exactly(0),
        answers_or_states_that_broke_a_law=exactly(0),
        connections_that_hang=exactly(0),
        secrets_shown=exactly(0),
    )


async def over_sockets(folder: Path, count: int, seed: int) -> tuple[dict[str, int | float | str], list[str]]:
    """Octets that are nearly HTTP, to a server in a process of its own: it answers below 500, or hangs up."""
    folder.mkdir()
    server = await asyncio.to_thread(lambda: fork(folder / "data").wait_until_up())
    chance, gate = random.Random(seed), asyncio.Semaphore(AT_ONCE)
    statuses: list[int | None] = []
    violations: list[str] = []

    async def one(octets: bytes) -> None:
        async with gate:
            try:
                answer = await raw(server.port, octets, shut=True)
                statuses.append(parsed(answer)[0] if answer else None)
            except ConnectionError:
                statuses.append(None)
            except TimeoutError:
                violations.append(f"no answer and no end: {octets[:500]!r}")
                return
        if (statuses[-1] or 0) >= 500:
            violations.append(f"answered {statuses[-1]}: {octets[:500]!r}")

    try:
        await asyncio.gather(*(one(spoiling.octets(chance, right(chance))) for _ in range(count)))
        hangs = count - len(statuses)
        phone = Phone(over_wire(server.port), "+256772999999")
        await phone.dial()
        if not phone.screen:
            violations.append("afterwards nobody is served")
        violations += left(folder / "data") + noise(server)
    finally:
        code = server.stop()
    if code:
        violations.append(f"SIGTERM ended the server with {code}")
    return {
        "connections with octets": count,
        "answered below 500": sum(status is not None and status < 500 for status in statuses),
        "hung up on": statuses.count(None),
        "connections that hang": hangs,
    }, violations


def right(chance: random.Random) -> bytes:
    """A request as Africa's Talking sends it."""
    fields = {
        "sessionId": f"s{chance.randrange(10**9)}",
        "phoneNumber": f"+2567720{chance.randrange(10**5):05d}",
        "serviceCode": "*284#",
        "text": chance.choice(("", "1", "1*Asha")),
    }
    return request(PATH, urlencode(fields).encode(), headers=FORM)


def left(data: Path) -> list[str]:
    """Sessions without a version, or effects that nobody asked for."""
    with closing(sqlite3.connect(f"{(data / 'sessions.db').as_uri()}?mode=ro", uri=True)) as connection:
        (wrong,) = connection.execute("SELECT count(*) FROM sessions WHERE version < 1").fetchone()
        (intents,) = connection.execute("SELECT count(*) FROM intents").fetchone()
    return [f"{wrong} sessions without a version, {intents} open effects"] if wrong or intents else []


def noise(server: ServerProcess) -> list[str]:
    """Lines of the log that say that something broke."""
    lines = server.log.read_text(errors="replace").splitlines()
    told = (line for line in lines if line != NO_HTTP)
    return [line for line in told if not line.startswith("{") or '"what":"failed"' in line][:5]
