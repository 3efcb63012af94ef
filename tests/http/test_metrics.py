"""/metrics: for who shows the operator token, or, in development without one, for a program on this machine."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from kikao import App, Chat, Flows, t
from kikao.channels.ussd.clients.africastalking import AfricasTalkingClient
from kikao.config import load
from kikao.events import Event, RequestRefused
from kikao.server import Server
from kikao.sessions.stores.memory import MemoryStore
from tests.http.asgi import Headers, call

TOKEN = "0f8d5e1c9a7b3f6420d1c8e7"
BEARER = ("authorization", f"Bearer {TOKEN}")
PRODUCTION = {
    "KIKAO_ENV": "production",
    "KIKAO_SECRET_KEYS": "k1:QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY=",
    "KIKAO_USSD_AFRICASTALKING_TOKEN": "x9Hq2vTt-7LmB_4w",
}
ELSEWHERE = "198.51.100.7"
events: list[Event] = []


@asynccontextmanager
async def serving(folder: Path, **settings: str) -> AsyncIterator[Server]:
    flows = Flows()

    @flows.flow("hello")
    async def hello(chat: Chat) -> None:
        await chat.end(t("Hello."))

    events.clear()
    app = App(flows, entry="hello", members=False, subscribers=[events.append])
    loaded = load(settings, folder, makes_keys=True)
    async with app.serving(loaded, store=MemoryStore(), background=False) as server:
        yield server


# --- with a token ---


@pytest.mark.parametrize("settings", [{}, PRODUCTION], ids=["dev", "production"])
async def test_who_shows_the_token_reads_the_counters(tmp_path: Path, settings: dict[str, str]) -> None:
    async with serving(tmp_path, **settings, KIKAO_OPERATOR_TOKEN=TOKEN) as server:
        answer = await call(server, "/metrics", headers=[BEARER], client=ELSEWHERE, host="kikao.example")
        assert answer.status == 200
        assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
        assert b"# TYPE kikao_inbounds_total counter" in answer.body


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("authorization", "")],
        [("authorization", TOKEN)],
        [("authorization", "Bearer")],
        [("authorization", "Bearer ")],
        [("authorization", f"Bearer {TOKEN[:-1]}")],
        [("authorization", f"Bearer {TOKEN}x")],
        [("authorization", f"Bearer {TOKEN.upper()}")],
        [("authorization", f"Bearer {TOKEN} {TOKEN}")],
        [("authorization", f"Basic {TOKEN}")],
        [("authorization", f"Bearer{TOKEN}")],
        [BEARER, BEARER],
        [BEARER, ("authorization", "Bearer x")],
        [("x-authorization", f"Bearer {TOKEN}")],
        [("authorization", "Bearer ŋ")],
        [("cookie", f"token={TOKEN}")],
    ],
)
async def test_anything_else_is_answered_as_if_there_were_nothing(tmp_path: Path, headers: Headers) -> None:
    async with serving(tmp_path, KIKAO_OPERATOR_TOKEN=TOKEN) as server:
        answer = await call(server, "/metrics", headers=headers)
        assert answer == await call(server, "/nothing")
        assert (answer.status, answer.body) == (404, b"not found\n")
        (refused,) = [event for event in events if isinstance(event, RequestRefused)]
        assert (refused.channel, refused.gateway, refused.status) == ("operator", "metrics", 404)
        assert TOKEN not in refused.reason


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER  "])
async def test_the_scheme_may_be_written_in_any_case(tmp_path: Path, scheme: str) -> None:
    async with serving(tmp_path, KIKAO_OPERATOR_TOKEN=TOKEN) as server:
        assert (await call(server, "/metrics", headers=[("authorization", scheme + TOKEN)])).status == 200


@pytest.mark.parametrize("method", ["POST", "HEAD", "PUT", "DELETE"])
async def test_metrics_are_only_read(tmp_path: Path, method: str) -> None:
    async with serving(tmp_path, KIKAO_OPERATOR_TOKEN=TOKEN) as server:
        answer = await call(server, "/metrics", headers=[BEARER], method=method)
        assert (answer.status, answer.headers["allow"]) == (405, "GET")
        assert (await call(server, "/metrics", method=method)).status == 404


# --- without ---


async def test_in_production_without_a_token_there_are_none(tmp_path: Path) -> None:
    async with serving(tmp_path, **PRODUCTION) as server:
        for headers in ([], [BEARER], [("authorization", "Bearer ")]):
            assert (await call(server, "/metrics", headers=headers)).status == 404


@pytest.mark.parametrize("client", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
@pytest.mark.parametrize("host", ["localhost", "LocalHost:8000", "127.0.0.1:8000", "[::1]:8000", "[::1]"])
async def test_in_development_a_program_on_this_machine_reads_them(
    tmp_path: Path, client: str, host: str
) -> None:
    async with serving(tmp_path) as server:
        assert (await call(server, "/metrics", client=client, host=host)).status == 200


@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        (ELSEWHERE, "localhost:8000", []),
        ("10.0.0.1", "localhost:8000", []),
        (None, "localhost:8000", []),
        ("/run/kikao.sock", "localhost:8000", []),
        ("127.0.0.1", "evil.example:8000", []),
        ("127.0.0.1", "localhost.evil.example", []),
        ("127.0.0.1", "127.0.0.1.evil.example", []),
        ("127.0.0.1", "", []),
        ("127.0.0.1", None, []),
        ("127.0.0.1", "localhost", [("host", "evil.example")]),
        ("127.0.0.1", "kikao.example", []),
        ("127.0.0.1", "localhost", [("x-forwarded-for", "127.0.0.1")]),
        ("127.0.0.1", "localhost", [("x-forwarded-host", "localhost")]),
        ("127.0.0.1", "localhost", [("forwarded", "for=127.0.0.1")]),
        ("127.0.0.1", "localhost", [("x-real-ip", "127.0.0.1")]),
        ("127.0.0.1", "localhost", [("via", "1.1 tunnel")]),
    ],
)
async def test_in_development_nobody_else_does(
    tmp_path: Path, client: str | None, host: str | None, headers: Headers
) -> None:
    async with serving(tmp_path, KIKAO_TRUSTED_PROXIES="127.0.0.1") as server:
        assert (await call(server, "/metrics", client=client, host=host, headers=headers)).status == 404


# --- what they say ---


async def test_turns_and_refusals_are_counted(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        dial = AfricasTalkingClient("+256772000001", "*284#").dial("S1")
        for _ in range(2):
            await call(server, "/ussd/africastalking", dial.body, dial.headers, method="POST")
        await call(server, "/ussd/africastalking")
        await server.sweeper.once()
        text = (await call(server, "/metrics")).body.decode()
    lines = text.splitlines()
    assert [each for each in lines if each.startswith("kikao_") and not re.search("seconds|pages", each)] == [
        'kikao_inbounds_total{channel="ussd",gateway="africastalking",what="ended"} 1.0',
        'kikao_inbounds_total{channel="ussd",gateway="africastalking",what="duplicate"} 1.0',
        'kikao_flows_started_total{flow="hello"} 1.0',
        'kikao_flows_finished_total{flow="hello",what="ended"} 1.0',
        "kikao_open_intents 0.0",
        'kikao_queue_depth{queue="inbounds"} 0.0',
        'kikao_queue_depth{queue="effects"} 0.0',
        'kikao_queue_depth{queue="events"} 0.0',
        'kikao_queue_depth{queue="store_writes"} 0.0',
        'kikao_requests_refused_total{channel="ussd",gateway="africastalking",status="405"} 1.0',
        "kikao_sweeps_total 1.0",
        "kikao_sessions_swept_total 0.0",
        "kikao_files_swept_total 0.0",
        "kikao_shards 64.0",
        "kikao_workers 1.0",
    ]
    assert 'kikao_turn_seconds_count{channel="ussd",gateway="africastalking"} 1.0' in text


async def test_no_request_makes_a_new_series(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        for n in range(300):
            await call(server, f"/ussd/gateway{n}", client=f"192.0.2.{n % 250}")
            await call(server, f"/ussd/africastalking/token{n}", client=f"192.0.2.{n % 250}", method="POST")
            await call(server, f"/path{n}", method=f"METHOD{n}")
        text = (await call(server, "/metrics")).body.decode()
    assert [line for line in text.splitlines() if "refused_total{" in line] == [
        'kikao_requests_refused_total{channel="ussd",gateway="",status="404"} 300.0',
        'kikao_requests_refused_total{channel="ussd",gateway="africastalking",status="404"} 300.0',
    ]
