"""Who may open the simulator, and what may tell it to do something."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from kikao.channels.ussd.registry import SLUGS
from kikao.config import Access, Settings, SettingsError, load
from kikao.server import Server
from kikao.testing import Stage
from tests.console.table import OWN
from tests.http.asgi import Answer, Headers, call
from tests.testing.shop import an_app

SETUP = "/simulator/api/setup"
PHONES = "/simulator/api/phones"
A_PHONE = b'{"endpoint":"nalo","number":"+256772000001"}'


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Stage(an_app()) as stage:
        yield stage.server


def settings(tmp_path: Path, access: Access) -> Settings:
    return load({"KIKAO_SIMULATOR": access}, tmp_path, gateways=SLUGS)


async def post(server: Server, headers: Headers, body: bytes = A_PHONE, **options: str) -> Answer:
    return await call(server, PHONES, body, headers, method="POST", **options)


# --- from where ---


@pytest.mark.parametrize(
    ("client", "host"),
    [
        ("127.0.0.1", "localhost:8000"),
        ("127.0.0.1", "127.0.0.1"),
        ("::1", "[::1]:8000"),
        ("127.5.5.5", "LOCALHOST"),
    ],
)
async def test_this_machine_is_let_in(server: Server, client: str, host: str) -> None:
    for path in ("/simulator", "/simulator/", SETUP):
        assert (await call(server, path, client=client, host=host)).status == 200


@pytest.mark.parametrize("path", ["/simulator", SETUP])
@pytest.mark.parametrize(
    ("client", "host", "headers"),
    [
        ("192.0.2.1", "localhost:8000", ()),
        (None, "localhost:8000", ()),
        ("127.0.0.1", None, ()),
        ("127.0.0.1", "rebound.example.com", ()),
        ("127.0.0.1", "localhost.example.com:8000", ()),
        ("127.0.0.1", "localhost:8000@example.com", ()),
        ("127.0.0.1", "[::1].example.com", ()),
        ("127.0.0.1", "localhost:8000", (("x-forwarded-for", "192.0.2.1"),)),
        ("127.0.0.1", "localhost:8000", (("x-forwarded-host", "example.com"),)),
        ("127.0.0.1", "localhost:8000", (("forwarded", "for=192.0.2.1"),)),
        ("127.0.0.1", "localhost:8000", (("x-real-ip", "192.0.2.1"),)),
        ("127.0.0.1", "localhost:8000", (("via", "1.1 proxy"),)),
        ("127.0.0.1", "localhost:8000", (("host", "localhost"),)),
    ],
)
async def test_nobody_else_is(
    server: Server, path: str, client: str | None, host: str | None, headers: Headers
) -> None:
    refused = await call(server, path, headers=headers, client=client, host=host)
    assert refused.status == 403
    assert b"for this machine alone" in refused.body


async def test_everyone_is_where_that_is_set(tmp_path: Path) -> None:
    async with Stage(an_app(), settings(tmp_path, "everyone")) as stage:
        answer = await call(stage.server, SETUP, client="192.0.2.1", host="kikao.example.com")
        assert answer.status == 200
        own = (("content-type", "application/json"), ("origin", "https://kikao.example.com"))
        added = await post(stage.server, own, client="192.0.2.1", host="kikao.example.com")
        assert added.status == 200


async def test_it_is_not_there_where_it_is_off(tmp_path: Path) -> None:
    async with Stage(an_app(), settings(tmp_path, "off")) as stage:
        assert stage.server.sessions.clock is stage.clock
        for path in ("/simulator", SETUP, "/simulator/assets/index.html"):
            answer = await call(stage.server, path)
            assert (answer.status, answer.body) == (404, b"not found\n")
        assert (await post(stage.server, OWN)).status == 404


async def test_production_does_not_start_with_it(tmp_path: Path) -> None:
    unsafe = msgspec.structs.replace(settings(tmp_path, "loopback"), env="production")
    guarded = msgspec.structs.replace(
        unsafe, ussd=load({"KIKAO_USSD_NALO_TOKEN": "a-long-random-token"}, tmp_path, gateways=SLUGS).ussd
    )
    with pytest.raises(SettingsError, match="production has no simulator"):
        async with Stage(an_app(), guarded):
            pass


# --- from which page ---


@pytest.mark.parametrize(
    "headers",
    [
        (("origin", "http://localhost:8000"),),
        (("origin", "http://LOCALHOST:8000"), ("sec-fetch-site", "same-origin")),
        (("sec-fetch-site", "same-origin"),),
    ],
)
async def test_its_own_page_may_change_something(server: Server, headers: Headers) -> None:
    assert (await post(server, [("content-type", "application/json; charset=utf-8"), *headers])).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        (),
        (("origin", "null"),),
        (("origin", "http://evil.example.com"),),
        (("origin", "http://localhost:8001"),),
        (("origin", "file://localhost:8000"),),
        (("origin", "http://localhost:8000"), ("sec-fetch-site", "cross-site")),
        (("origin", "http://localhost:8000"), ("sec-fetch-site", "none")),
        (("origin", "http://evil.example.com"), ("sec-fetch-site", "same-origin")),
        (("sec-fetch-site", "same-site"),),
    ],
)
async def test_another_page_may_not(server: Server, headers: Headers) -> None:
    json = ("content-type", "application/json")
    assert (await post(server, [json, *headers])).status == 403
    deleted = await call(server, f"{PHONES}/0123456789abcdef", b"", [json, *headers], method="DELETE")
    assert deleted.status == 403
    assert (await call(server, PHONES)).body == b"[]"


async def test_a_header_given_twice_is_not_believed(server: Server) -> None:
    origin = ("origin", "http://localhost:8000")
    assert (await post(server, [("content-type", "application/json"), origin, origin])).status == 400


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
async def test_a_form_may_not(server: Server, kind: str) -> None:
    assert (await post(server, [("origin", "http://localhost:8000"), ("content-type", kind)])).status == 415


async def test_another_page_may_not_read_either(server: Server) -> None:
    for site, status in (("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)):
        assert (await call(server, SETUP, headers=[("sec-fetch-site", site)])).status == status
    link = await call(server, "/simulator", headers=[("sec-fetch-site", "cross-site")])
    assert link.status == 200, "a link may lead to the page"
    assert "access-control-allow-origin" not in link.headers


async def test_what_is_refused_is_told_and_counted(tmp_path: Path) -> None:
    async with Stage(an_app(), settings(tmp_path, "loopback")) as stage:
        for _ in range(130):
            await call(stage.server, "/simulator", client="192.0.2.1")
        assert (await call(stage.server, "/simulator", client="192.0.2.1")).status == 429
        told = stage.events[0]
        assert type(told).__name__ == "RequestRefused"
        assert (getattr(told, "gateway", ""), getattr(told, "status", 0)) == ("simulator", 403)
        assert (await call(stage.server, "/simulator")).status == 200
