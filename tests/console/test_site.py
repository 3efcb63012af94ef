"""The simulator over HTTP: its files, its headers, and whatever else is sent to it. Never a 500."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from kikao.console.simulator.site import ASSETS, KINDS
from kikao.server import Server
from kikao.testing import Stage
from tests.console.table import OWN, Table
from tests.http.asgi import call
from tests.testing.shop import an_app


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Stage(an_app()) as stage:
        yield stage.server


@pytest.mark.parametrize("path", ["/simulator", "/simulator/", "/simulator/assets/index.html"])
async def test_the_page(server: Server, path: str) -> None:
    page = await call(server, path)
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'self'; ")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"
    assert b"<script>" not in page.body, "the policy forbids a script that stands in the page"
    assert b" style=" not in page.body


async def test_every_file_of_the_page_is_given_out(server: Server) -> None:
    files = [path for path in ASSETS.rglob("*") if path.is_file() and path.suffix in KINDS]
    assert files
    for path in files:
        answer = await call(server, f"/simulator/assets/{path.relative_to(ASSETS)}")
        assert (answer.status, answer.body) == (200, path.read_bytes())
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "../site.py",
        "..%2fsite.py",
        "../assets/index.html",
        "./index.html",
        "/etc/passwd.txt",
        ".hidden.txt",
        "a//b.txt",
        "a/b/c/d.txt",
        "nothing.js",
        "index.html/",
        "index.html\0.js",
        "index",
        "x" * 5000 + ".js",
    ],
)
async def test_no_other_file_is(server: Server, name: str) -> None:
    assert (await call(server, f"/simulator/assets/{name}")).status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/simulation", 404),
        ("GET", "/simulator/api", 404),
        ("GET", "/simulator/api/nothing", 404),
        ("GET", "/simulator/api/clock", 405),
        ("POST", "/simulator", 405),
        ("POST", "/simulator/assets/index.html", 405),
        ("POST", "/simulator/api/setup", 405),
        ("DELETE", "/simulator/api/phones", 405),
        ("POST", "/simulator/api/transcript", 405),
        ("PUT", "/simulator/api/phones", 405),
        ("GET", "/simulator/api/phones/0123456789abcdef", 405),
        ("DELETE", "/simulator/api/phones/0123456789abcdef", 404),
        ("GET", "/simulator/api/phones/0123456789abcdef/conversation", 404),
        ("POST", "/simulator/api/phones/0123456789abcdef/conversation", 405),
        ("GET", "/simulator/api/phones/0123456789abcdef/dial", 405),
        ("POST", "/simulator/api/phones/0123456789abcdef/fly", 404),
        ("POST", "/simulator/api/phones/../dial", 404),
    ],
)
async def test_what_is_not_there(server: Server, method: str, path: str, status: int) -> None:
    answer = await call(server, path, b"{}", OWN, method=method)
    assert answer.status == status


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/phones", b""),
        ("/phones", b"[]"),
        ("/phones", b"null"),
        ("/phones", b"{"),
        ("/phones", b"\xff"),
        ("/phones", b'{"endpoint":"nalo"}'),
        ("/phones", b'{"endpoint":1,"number":"+256772000001"}'),
        ("/phones", b'{"endpoint":"nalo","number":"+256772000001","more":1}'),
        ("/phones", b"[" * 9000),
        ("/phones", b'{"a":' * 3000),
        ("/phones", b'{"endpoint":"nalo","number":"\\ud800"}'),
        ("/clock", b'{"advance":"1"}'),
        ("/clock", b'{"advance":true}'),
        ("/clock", b'{"advance":1e999}'),
        ("/clock", b'{"advance":-1}'),
        ("/clock", b'{"advance":NaN}'),
    ],
)
async def test_what_is_not_understood(server: Server, path: str, body: bytes) -> None:
    answer = await call(server, f"/simulator/api{path}", body, OWN, method="POST")
    assert answer.status == 400
    assert answer.headers["content-type"] == "application/json"


async def test_a_body_that_is_too_large(server: Server) -> None:
    answer = await call(server, "/simulator/api/phones", b" " * 20_000, OWN, method="POST")
    assert answer.status == 413


async def test_an_error_does_not_repeat_what_was_typed(server: Server) -> None:
    table = Table(server)
    phone = await table.phone()
    for body in ({"text": 7359}, {"text": ["7359"]}, {"text": "1", "7359": 1}):
        assert "7359" not in await table.error(f"/phones/{phone.id}/answer", body)


STRANGE: tuple[object, ...] = (
    None,
    [],
    {},
    7,
    "1",
    {"text": None},
    {"text": {"text": "1"}},
    {"ahead": ["1"]},
    {"locale": 2**63},
    {"text": "٣"},
    {"text": "ŋ" * 900},
    {"text": "=&+%00%ff"},
    {"text": "1*2*3"},
    {"text": "#"},
    {"text": " "},
    {"text": "\u2028\u202e"},
    {"text": ""},
    {"ahead": "*" * 999},
    {"ahead": "#%2A&text=1"},
    {"locale": ""},
    {"locale": "\N{PILE OF POO}"},
)


async def test_whatever_is_sent_is_no_mistake_of_the_server(server: Server) -> None:
    table = Table(server)
    actions = ["answer", "dial", "again", "hang_up", "drop", "language"]
    for endpoint in ("nalo", "africa-s-talking"):
        phone = await table.phone(endpoint)
        for strange in STRANGE:
            await phone.dial()
            for action in actions:
                answer = await table.ask(f"/api/phones/{phone.id}/{action}", strange, method="POST")
                assert answer.status in (200, 400, 409), (action, strange, answer)
                assert b'"status":500' not in answer.body
    await table.transcript()
