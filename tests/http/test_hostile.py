"""Requests that no gateway sends: none of them breaks the server, and none of them changes a conversation."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest

from kikao.channels.ussd.clients.client import FORM, Exchange
from kikao.testing import Phone
from tests.http.forked import serving
from tests.http.servers import ServerProcess
from tests.http.wire import PATH, over_wire, parsed, post, raw, request

VALID = {
    "sessionId": "S1",
    "phoneNumber": "+256772000001",
    "serviceCode": "*284#",
    "networkCode": "99999",
    "text": "Asha",
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hostile") / "data"


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[ServerProcess]:
    with serving(data) as running:
        yield running


def form(**changes: str | None) -> bytes:
    fields = {**VALID, **changes}
    return urlencode({name: value for name, value in fields.items() if value is not None}).encode()


def posted(body: bytes, path: str = PATH, kind: str = FORM[0][1]) -> bytes:
    return request(path, body, headers=(("content-type", kind),))


REFUSED = {
    "no session id": (posted(form(sessionId=None)), 400),
    "no number": (posted(form(phoneNumber=None)), 400),
    "no service code": (posted(form(serviceCode=None)), 400),
    "no text": (posted(form(text=None)), 400),
    "no fields": (posted(b""), 400),
    "empty number": (posted(form(phoneNumber="")), 400),
    "a name as number": (posted(form(phoneNumber="Asha")), 400),
    "a local number": (posted(form(phoneNumber="0772000001")), 400),
    "a number in Arabic digits": (posted(form(phoneNumber="+٢٥٦٧٧٢٠٠٠٠٠١")), 400),
    "empty session id": (posted(form(sessionId="")), 400),
    "a long session id": (posted(form(sessionId="x" * 5000)), 400),
    "invalid UTF-8": (posted(form() + b"%ff%fe"), 400),
    "raw invalid UTF-8": (posted(form() + b"\xff\xfe"), 400),
    "a lone surrogate": (posted(form(text=None) + b"&text=%ed%a0%80"), 400),
    "NUL": (posted(form(text="1\0")), 400),
    "raw NUL": (posted(form() + b"\0"), 400),
    "a broken escape": (posted(form() + b"%4"), 400),
    "a text of 10 KB": (posted(form(text="1*" * 5000)), 400),
    "a body of 1 MB": (posted(form(text="1" * 1_000_000)), 413),
    "the text twice": (posted(form() + b"&text=2"), 400),
    "the number twice": (posted(form() + b"&phoneNumber=%2B256772000009"), 400),
    "the number twice, escaped": (posted(form() + b"&phone%4eumber=%2B256772000009"), 400),
    "a thousand fields": (posted(form() + b"&x=1" * 1000), 400),
    "a status beside no number": (posted(b"status=Success"), 400),
    "JSON": (posted(b"{}", kind="application/json"), 400),
    "multipart": (posted(form(), kind="multipart/form-data; boundary=x"), 400),
    "GET": (request(PATH + "?" + form().decode(), method="GET"), 405),
    "PUT": (request(PATH, form(), method="PUT", headers=FORM), 405),
    "DELETE": (request(PATH, method="DELETE"), 405),
    "TRACE": (request(PATH, method="TRACE"), 405),
    "an unknown gateway": (posted(form(), "/ussd/nobody"), 404),
    "no gateway": (posted(form(), "/ussd/"), 404),
    "a token where there is none": (posted(form(), f"{PATH}/secret"), 404),
    "a folder above": (posted(form(), f"{PATH}/../africastalking"), 404),
    "an escaped folder above": (posted(form(), "/ussd/%2e%2e/ussd/africastalking"), 404),
    "a doubled slash": (posted(form(), "//ussd/africastalking"), 404),
    "upper case": (posted(form(), "/USSD/AfricasTalking"), 404),
    "NUL in the path": (posted(form(), f"{PATH}%00"), 404),
    "UTF-8 in the path": (posted(form(), f"{PATH}/%F0%9F%98%80"), 404),
    "invalid UTF-8 in the path": (posted(form(), f"{PATH}/%FF"), 404),
    "the root": (request("/", method="GET"), 404),
    "two lengths": (
        request(PATH, form(), headers=(*FORM, ("content-length", "1"))),
        400,
    ),
    "a negative length": (f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".encode(), 400),
    "a header of 1 MB": (request(PATH, form(), headers=(*FORM, ("x", "y" * 1_000_000))), 400),
    "no HTTP": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", 400),
}


@pytest.mark.parametrize(("octets", "status"), REFUSED.values(), ids=REFUSED.keys())
async def test_a_request_that_no_gateway_sends_is_refused(
    server: ServerProcess, data: Path, octets: bytes, status: int
) -> None:
    before = stored(data)

    answer = await sent(server.port, octets)

    assert status == 413 if answer is None and status != 400 else answer is None or answer[0] == status
    assert stored(data) == before


async def test_a_body_that_never_ends_is_given_up(server: ServerProcess, data: Path) -> None:
    before = stored(data)
    octets = posted(form()).replace(b"content-length: ", b"content-length: 1")

    assert await raw(server.port, octets, shut=True) == b""
    assert stored(data) == before


ODD = {
    "emoji": "😀",
    "right to left": "\u202eاسم",
    "spaces": "     ",
    "markup": "<b>x</b>\r\nSet-Cookie: a=b",
    "quotes": "'; DROP TABLE sessions; --",
    "a format": "{0.__class__} %s",
    "4 KB": "9" * 4000,
    "control characters": "\x1b[31m\x07\x7f",
    "many stars": "*" * 200,
    "a combining flood": "1" + "\u0301" * 500,
}


@pytest.mark.parametrize("typed", ODD.values(), ids=ODD.keys())
async def test_odd_text_is_an_answer_that_is_asked_again(server: ServerProcess, typed: str) -> None:
    asha = Phone(over_wire(server.port), "+256772000003")
    await asha.dial()
    if "Start again" in asha.screen:
        await asha.reply("2")
    if "Choose language" in asha.screen:
        await asha.reply("1")
    await asha.reply("Asha")
    assert "Choose your currency" in asha.screen

    assert "Choose your currency" in await asha.reply(typed)
    assert "Choose a 4-digit PIN" in await asha.reply("1")


async def test_a_text_that_shrank_is_never_an_answer(server: ServerProcess) -> None:
    number = "+256772000004"
    asha = Phone(over_wire(server.port), number)
    await asha.dial()
    question = await asha.reply("1", "Asha", "1")

    for text in ("1*Asha*2", "2", ""):
        fields = {**VALID, "phoneNumber": number, "sessionId": session_of(asha), "text": text}
        status, body = await post(server.port, Exchange("", FORM, urlencode(fields).encode()))
        assert (status, body) == (200, f"CON {question}".encode()) if text else status == 200
    assert "Choose a 4-digit PIN" in question


def session_of(phone: Phone) -> str:
    return dict(pair.split("=", 1) for pair in phone.exchange.body.decode().split("&"))["sessionId"].replace(
        "%2B", "+"
    )


async def sent(port: int, octets: bytes) -> tuple[int, bytes] | None:
    """Status and body; None when the server only closed the connection."""
    try:
        return parsed(await raw(port, octets))
    except ConnectionError:
        return None


def stored(data: Path) -> list[tuple[bytes, int]]:
    """Every session with its version."""
    with closing(sqlite3.connect(f"{(data / 'sessions.db').as_uri()}?mode=ro", uri=True)) as connection:
        return connection.execute("SELECT key, version FROM sessions ORDER BY key").fetchall()
