"""A server process under load, redelivery, restarts and signals."""

from __future__ import annotations

import asyncio
import itertools
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from kikao.channels.channel import Response
from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.testing import Phone
from tests.http.forked import serving
from tests.http.phones import register
from tests.http.servers import ServerProcess, logged, spawn
from tests.http.wire import get, over_wire, post
from tests.reliability.moods import Mood
from tests.waiting import until

numbers = (f"+2567720{n:05d}" for n in itertools.count(1))
STRANGER = "+256752000001"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    # A budget that a busy machine keeps too: what is asked here is whose data comes back, not how fast.
    with serving(tmp_path_factory.mktemp("http") / "data", TURN_BUDGET="14") as running:
        yield running


def phone(server: ServerProcess) -> Phone:
    """The phone of a member the server has not met."""
    return Phone(over_wire(server.port), next(numbers))


# --- many at once ---


async def test_fifty_members_at_once_keep_their_own_data(tmp_path: Path) -> None:
    # How fast that goes is for the benchmarks: here a busy machine may take its time.
    with serving(tmp_path / "data", TURN_BUDGET="12") as server:
        await fifty_at_once(server)


UNAVAILABLE = "Service unavailable. Try again later."
REDIALS = 20
"""More than a busy machine needs; who is not let in by then fails with that screen."""


async def fifty_at_once(server: ServerProcess) -> None:
    turns: list[float] = []

    async def timed(exchange: Exchange) -> Response:
        began = time.perf_counter()
        status, body = await post(server.port, exchange)
        turns.append(time.perf_counter() - began)
        return Response(status, (), body)

    async def member(n: int) -> None:
        own = Phone(timed, next(numbers))
        while (
            await own.dial() == UNAVAILABLE
        ):  # the directory puts nobody down who would wait too long for it
            pass
        name = f"Member {chr(97 + n // 10)}{chr(97 + n % 10)}"
        assert f"Hello {name}. " in await register(own, name, pin=f"{1421 + 7 * n}")
        await own.reply("1", STRANGER)
        assert f"Send UGX {1000 + n:,} to {STRANGER}" in await own.reply(str(1000 + n))
        assert f"You sent UGX {1000 + n:,} to {STRANGER}" in await own.reply("1", f"{1421 + 7 * n}")
        assert f"You sent UGX {1000 + n:,} to {STRANGER}" in await own.dial()
        await own.reply("2")
        assert "Your balance is UGX" in await own.reply(f"{1421 + 7 * n}")

    await asyncio.gather(*(member(n) for n in range(50)))

    turns.sort()
    print(f"{len(turns)} turns of 50 members: p50 {turns[len(turns) // 2] * 1000:.0f} ms, ", end="")
    print(f"p99 {turns[len(turns) * 99 // 100] * 1000:.0f} ms")


async def test_the_same_request_at_once_is_one_turn_and_one_reply(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        asha = phone(server)
        await asha.dial()
        await asha.reply("1")
        answer = asha.client.answer("Asha")

        replies = await asyncio.gather(*(post(server.port, answer) for _ in range(20)))

        assert set(replies) == {
            (200, b"CON Choose your currency\n1 UGX\n2 KES\n3 TZS\n4 RWF\n0 Back\n00 Home")
        }
        log = await logged(server, '"event":"turn.', times=22)
        assert (log.count('"what":"asked"'), log.count("turn.duplicated")) == (3, 19)


# --- restarts ---


async def test_a_redelivery_after_a_restart_gets_the_same_octets(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        asha = Phone(over_wire(server.port))
        await register(asha)
        await asha.reply("1", STRANGER, "5000", "1", "2580")
        receipt = asha.raw
        server.kill()
    with serving(tmp_path / "data") as server:
        assert await post(server.port, asha.exchange) == receipt
        assert await post(server.port, asha.exchange) == receipt


async def test_a_conversation_goes_on_after_a_restart(tmp_path: Path) -> None:
    with serving(tmp_path / "data") as server:
        asha = Phone(over_wire(lambda: server.port))
        await register(asha, "Asha")
        await asha.reply("1", STRANGER)
        server.kill()
    with serving(tmp_path / "data") as server:
        assert f"Send UGX 5,000 to {STRANGER}" in await asha.reply("5000")


async def test_sigterm_finishes_the_turn_in_flight_and_closes_the_store(tmp_path: Path) -> None:
    data, unhurried = tmp_path / "data", "5"  # a tenth of which is for what is written after the deadline
    with serving(data, "tests.reliability.canary_app:app", TURN_BUDGET=unhurried) as server:
        asha = Phone(over_wire(server.port))
        await register(asha)
        await asha.reply("1", STRANGER, str(Mood.LATE.value), "1")
        paying = asyncio.create_task(asha.reply("2580"))
        await until_paid(data)

        assert await asyncio.to_thread(server.stop) == 0

        assert await paying == "Request received. Do not repeat it. Dial again to see the result."
        assert sorted(path.name for path in data.glob("*.db-*")) == []
    with serving(data, "tests.reliability.canary_app:app") as server:
        asha = Phone(over_wire(server.port))
        assert "You sent UGX 1,002" in await asha.dial()
        assert '"event":"recovery.done"' in server.log.read_text()


async def until_paid(data: Path) -> None:
    """Wait until the bank has paid, while the turn that asked for it still runs."""
    query = "SELECT count(*) FROM wallet_transfers WHERE kind = 'payment'"
    with closing(sqlite3.connect(f"{(data / 'records.db').as_uri()}?mode=ro", uri=True)) as connection:
        await until(lambda: connection.execute(query).fetchone() == (1,), "the bank to pay")


def test_sigterm_during_the_start_is_not_forgotten(tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW_START)
    server = spawn(tmp_path / "data", "slow:app")
    assert server.process.stdout is not None
    assert server.process.stdout.readline() == "starting\n"

    assert server.stop() == 0
    assert server.said == []


SLOW_START = """
import time
from contextlib import asynccontextmanager
from kikao.app import App
from kikao_apps.wallet.flows import flows

@asynccontextmanager
async def services(settings):
    print("starting", flush=True)
    time.sleep(0.5)  # as a migration would
    yield {}

app = App(flows, entry="wallet", services=services)
"""


# --- health ---


async def test_a_server_that_can_store_is_ready(server: ServerProcess) -> None:
    assert await get(server.port, "/healthz") == (200, b"ok\n")
    status, words = await get(server.port, "/readyz")
    assert status == 200
    assert {b"sessions: ok", b"records: ok", b"disk: ok"} <= {*words.split(b"\n")}


async def test_a_program_on_this_machine_reads_the_counters(server: ServerProcess) -> None:
    await phone(server).dial()
    status, body = await get(server.port, "/metrics")
    assert status == 200
    assert re.search(
        rb'kikao_inbounds_total{channel="ussd",gateway="africastalking",what="asked"} [1-9]', body
    )


async def test_a_full_disk_makes_the_server_unready_and_takes_no_turn(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with serving(data):
        pass
    server = spawn(data, largest_file=256).wait_until_up()
    try:
        asha = Phone(over_wire(server.port))
        for _ in range(200):
            if "unavailable" in await asha.dial():
                break
        assert asha.raw == (200, b"END Service unavailable. Try again later.")
        assert await get(server.port, "/healthz") == (200, b"ok\n")
        status, words = await get(server.port, "/readyz")
        assert (status, words.splitlines()[0]) == (503, b"sessions: away")
    finally:
        server.kill()
    with serving(data) as server:
        assert "Enter your name" in await Phone(over_wire(server.port)).dial()


# --- who may call ---

ENDED = b"sessionId=S1&phoneNumber=%2B256772000001&serviceCode=*284%23&status=Success&durationInMillis=900"


async def test_an_end_notification_is_acknowledged(server: ServerProcess) -> None:
    assert await post(server.port, Exchange("", FORM, ENDED)) == (200, b"")


async def test_a_path_token_keeps_strangers_out(tmp_path: Path) -> None:
    token = "a" * 32
    with serving(tmp_path / "data", KIKAO_USSD_AFRICASTALKING_TOKEN=token) as server:
        dial = phone(server).client.dial("S1")
        for path in ("", "/", "/" + "b" * 32, f"/{token}/", f"/{token}x", f"/{token[:-1]}", "/%00"):
            assert (await post(server.port, dial, f"/ussd/africastalking{path}"))[0] == 404
        status, body = await post(server.port, dial, f"/ussd/africastalking/{token}")
        assert (status, body[:4]) == (200, b"CON ")
        assert token not in server.log.read_text()


@pytest.mark.parametrize(
    ("proxies", "cases"),
    [
        ("", [("", 403), ("10.0.0.1", 403)]),
        ("127.0.0.1", [("10.0.0.1", 200), ("10.0.0.1, 192.0.2.1", 403)]),
    ],
    ids=["alone", "behind a proxy"],
)
async def test_an_allow_list_lets_only_its_networks_in(
    tmp_path: Path, proxies: str, cases: list[tuple[str, int]]
) -> None:
    env = {
        "KIKAO_USSD_AFRICASTALKING_ALLOW": "10.0.0.0/8",
        "KIKAO_USSD_MOBILESASA_ALLOW": "127.0.0.0/8",
        **({"KIKAO_TRUSTED_PROXIES": proxies} if proxies else {}),
    }
    with serving(tmp_path / "data", **env) as server:
        dial = phone(server).client.dial("S1")
        for forwarded, status in cases:
            headers = (*dial.headers, ("X-Forwarded-For", forwarded)) if forwarded else dial.headers
            assert (await post(server.port, Exchange("", headers, dial.body)))[0] == status, forwarded
        assert (await post(server.port, dial, "/ussd/mobilesasa"))[0] == 200
