"""Webhooks: what goes over the wire, what an answer means, and where they connect to."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from pathlib import Path

import httpcore
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kikao.channels.caller import READ
from kikao.channels.calling import Answer, judged, seconds_of
from kikao.channels.network import Forbidden, Guarded, allowed
from kikao.channels.outbox import Delivered, Letter, Outcome, Rejected, TryLater
from kikao.channels.webhook import BadSignature, signature, verify
from kikao.channels.webhook.sender import Webhook
from kikao.config import Hidden
from kikao.config.called import is_loopback
from tests.channels.webhook.receiver import OK, Receiver, Request
from tests.waiting import PATIENCE, until

SECRET, FORMER = b"s" * 20 + b"ecret-of-the-crm", b"f" * 20 + b"ormer-secret-of-it"
LETTER = Letter(bytes(range(16)), "webhook/crm", b'{"name":"Amina"}', 2)
NOW = 1_700_000_000.0


@contextlib.asynccontextmanager
async def webhook(url: str, *secrets: bytes, timeout: float = 2.0) -> AsyncIterator[Webhook]:
    sender = Webhook(
        Hidden(url.encode()), [Hidden(secret) for secret in secrets], timeout=timeout, clock=lambda: NOW
    )
    try:
        yield sender
    finally:
        await sender.close()


def answered(status: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""]).encode()


async def test_a_message_is_one_signed_post() -> None:
    async with Receiver() as crm, webhook(crm.url, SECRET, FORMER) as sender:
        assert await sender.send(LETTER) == Delivered()
        port = crm.port
    (request,) = crm.requests
    assert request.line == "POST /hook?token=t0ken HTTP/1.1"
    assert request.body == LETTER.body
    headers = request.headers
    assert headers["host"] == f"127.0.0.1:{port}"
    assert headers["content-type"] == "application/json"
    assert headers["kikao-message"] == "000102030405060708090a0b0c0d0e0f"
    assert headers["kikao-try"] == "2"
    for secret in (SECRET, FORMER):
        verify(secret, headers["kikao-signature"], headers["kikao-message"], request.body, NOW)
    with pytest.raises(BadSignature, match="another secret"):
        verify(b"another", headers["kikao-signature"], headers["kikao-message"], request.body, NOW)


async def test_connections_are_kept() -> None:
    async with Receiver() as crm, webhook(crm.url) as sender:
        for _ in range(3):
            assert await sender.send(LETTER) == Delivered()
    assert (crm.connections, len(crm.requests)) == (1, 3)
    assert "kikao-signature" not in crm.requests[0].headers


async def test_a_redirection_is_never_followed() -> None:
    async with Receiver() as other, Receiver() as crm, webhook(crm.url) as sender:
        crm.answer = lambda _: answered("307 Temporary Redirect", f"Location: {other.url}")
        assert await sender.send(LETTER) == Rejected("HTTP 307, not followed")
        assert other.requests == []


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Delivered()),
        (204, Delivered()),
        (301, Rejected("HTTP 301, not followed")),
        (400, Rejected("HTTP 400")),
        (404, Rejected("HTTP 404")),
        (408, TryLater("HTTP 408")),
        (410, Rejected("HTTP 410")),
        (425, TryLater("HTTP 425")),
        (429, TryLater("HTTP 429")),
        (500, TryLater("HTTP 500")),
        (503, TryLater("HTTP 503")),
    ],
)
def test_what_a_status_means(status: int, outcome: Outcome) -> None:
    assert judged(Answer(status), NOW) == outcome


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("30", 30.0),
        (" 0 ", 0.0),
        ("Tue, 14 Nov 2023 22:14:20 GMT", 60.0),
        ("Tuesday, 14-Nov-23 22:14:20 GMT", 60.0),
        ("Tue, 14 Nov 2023 22:13:00 GMT", 0.0),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("99999999999999999999", None),
        ("²", None),
    ],
)
def test_what_retry_after_says(retry_after: str, seconds: float | None) -> None:
    assert seconds_of(retry_after, NOW) == seconds


@given(st.text())
@settings(max_examples=50)
def test_no_retry_after_breaks_anything(text: str) -> None:
    found = seconds_of(text, NOW)
    assert found is None or found >= 0.0


async def test_the_other_side_says_to_wait() -> None:
    async with Receiver() as crm, webhook(crm.url) as sender:
        crm.answer = lambda _: answered("429 Too Many Requests", "Retry-After: 7")
        assert await sender.send(LETTER) == TryLater("HTTP 429", after=7.0)


async def test_of_an_answer_without_end_only_so_much_is_read() -> None:
    def endless(request: Request) -> bytes:
        return b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"x" * (2 * READ)

    async with Receiver(endless) as crm, webhook(crm.url) as sender:
        assert await sender.send(LETTER) == Delivered()


@pytest.mark.parametrize(
    ("status", "outcome"), [(b"200 OK", Delivered()), (b"410 Gone", Rejected("HTTP 410"))]
)
@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 5\r\n\r\nok",  # and never its end
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nnonsense\r\n",
    ],
)
async def test_a_status_counts_however_the_rest_of_the_answer_ends(
    monkeypatch: pytest.MonkeyPatch, rest: bytes, status: bytes, outcome: Outcome
) -> None:
    """Who said 200 has the message: it would get it again for nothing."""
    monkeypatch.setattr("kikao.channels.caller.READING", 0.05)
    async with Receiver(lambda _: b"HTTP/1.1 %b\r\n%b" % (status, rest)) as crm, webhook(crm.url) as sender:
        assert await sender.send(LETTER) == outcome
        crm.answer = lambda _: OK
        assert await sender.send(LETTER) == Delivered()
    assert len(crm.requests) == 2


@pytest.mark.parametrize("answer", [None, b"", b"\x00\xff garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Le"])
async def test_an_answer_that_is_cut_or_none_is_tried_again(answer: bytes | None) -> None:
    async with Receiver(lambda _: answer) as crm, webhook(crm.url, timeout=1.0) as sender:
        outcome = await sender.send(LETTER)
        assert isinstance(outcome, TryLater)
        assert "Amina" not in outcome.reason
        crm.answer = lambda _: OK
        assert await sender.send(LETTER) == Delivered()


async def test_nobody_answers() -> None:
    async with Receiver() as crm:
        url = crm.url
        crm.hold = asyncio.Event()
        async with webhook(url, timeout=0.05) as sender:
            assert await sender.send(LETTER) == TryLater("no answer in time")
    async with webhook(url) as sender:
        assert await sender.send(LETTER) == TryLater("ConnectError")


async def test_who_is_cancelled_leaves_the_connections_usable() -> None:
    async with Receiver() as crm, webhook(crm.url) as sender:
        crm.hold = asyncio.Event()
        sending = asyncio.create_task(sender.send(LETTER))
        await until(lambda: crm.requests, "a request")
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        crm.hold = None
        assert await sender.send(LETTER) == Delivered()


# --- signatures ---


ID = "000102030405060708090a0b0c0d0e0f"


@given(st.binary(max_size=200), st.integers(0, 10**11), st.binary(min_size=1, max_size=80))
@settings(max_examples=50)
def test_what_is_signed_is_verified_and_nothing_else(body: bytes, now: int, secret: bytes) -> None:
    header = signature([secret], ID, body, now)
    verify(secret, header, ID, body, now + 300)
    wrong: list[tuple[bytes, str, str, bytes, float]] = [
        (secret, header, ID, body + b" ", now),
        (secret, header, ID[:-1] + "0", body, now),  # or a copy would pass for another message
        (secret, header, "", body, now),
        (secret + b"x", header, ID, body, now),
        (secret, header, ID, body, now + 301),
        (secret, header.replace(f"t={now}", f"t={now + 1}"), ID, body, now),
        (secret, header[:-1], ID, body, now),
        (secret, "", ID, body, now),
    ]
    for arguments in wrong:
        with pytest.raises(BadSignature):
            verify(*arguments)


def test_the_form_of_a_signature_stays() -> None:
    """As by: printf '1700000000.000102030405060708090a0b0c0d0e0f.{}' | openssl dgst -sha256 -hmac secret."""
    header = signature([b"secret"], ID, b"{}", 1_700_000_000)
    assert header == "t=1700000000,v1=d039a2808f9263f4d5fc2923cefcdaec9c0f8cd374762a68ebd4094e53cd9ae7"


def test_the_receiver_in_the_documentation_takes_what_is_ours_and_no_header_breaks_it() -> None:
    text = (Path(__file__).parents[3] / "docs/reference/outbox.md").read_text(encoding="utf-8")
    found: dict[str, Callable[[bytes, str, str, bytes], bool]] = {}
    exec(text.partition("```python\n")[2].partition("```")[0], found)
    is_ours, now = found["is_ours"], time.time()
    header = signature([b"new", b"secret"], ID, b"{}", now)
    assert is_ours(b"secret", header, ID, b"{}")
    assert is_ours(b"new", header, ID, b"{}")
    assert not is_ours(b"other", header, ID, b"{}")
    assert not is_ours(b"secret", header, ID.upper(), b"{}")
    assert not is_ours(b"secret", signature([b"secret"], ID, b"{}", now - 400), ID, b"{}")
    for hostile in (
        "",
        "t",
        "t=",
        "t=\u00b2,v1=x",
        f"t={int(now)},v1=\u00e9",
        f"t={'9' * 5000}",
        ",=,==",
        "v1",
        "t=\u0663",
    ):
        assert not is_ours(b"secret", hostile, "\u00e9\ud800", b"{}")
        with pytest.raises(BadSignature):
            verify(b"secret", hostile, "\u00e9\ud800", b"{}", now)


# --- where to ---


@pytest.mark.parametrize(
    ("address", "may"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("10.1.2.3", True),
        ("192.168.0.7", True),
        ("fd12::7", True),
        ("64:ff9b::5db8:d822", True),
        ("169.254.169.254", False),
        ("fe80::1", False),
        ("fd00:ec2::254", False),
        ("100.100.100.200", False),
        ("168.63.129.16", False),
        ("192.0.0.192", False),
        ("fd20:ce::254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("::ffff:169.254.169.254", False),
        ("2002:a9fe:a9fe::", False),
        ("224.0.0.1", False),
        ("ff02::1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("240.0.0.1", False),
    ],
)
def test_where_a_webhook_may_connect_to(address: str, may: bool) -> None:
    for loopback in (False, True):
        assert allowed(ip_address(address), loopback=loopback) is may


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_is_reached_only_where_the_settings_name_it(address: str) -> None:
    assert allowed(ip_address(address), loopback=True)
    assert not allowed(ip_address(address), loopback=False)


def test_what_names_this_machine() -> None:
    assert [is_loopback(host) for host in ("localhost", "127.0.0.1", "[::1]", "::1", "crm.example")] == [
        True,
        True,
        True,
        True,
        False,
    ]


async def test_a_name_that_leads_to_this_machine_is_not_followed_there() -> None:
    """As by an attacker who controls the name: here a name of this machine that the settings do not mention."""
    async with Receiver() as crm:
        for host in ("127.0.0.1", "localhost"):
            with pytest.raises(Forbidden):
                await Guarded(loopback=False).connect_tcp(host, crm.port)
            stream = await Guarded(loopback=True).connect_tcp(host, crm.port, timeout=PATIENCE)
            await stream.aclose()
        with pytest.raises(httpcore.ConnectError):
            await Guarded(loopback=True).connect_tcp("no-such-name.invalid", 80, timeout=PATIENCE)
        with pytest.raises(Forbidden):
            await Guarded(loopback=True).connect_unix_socket("/run/docker.sock")
    async with webhook("http://169.254.169.254/latest/meta-data") as sender:
        outcome = await sender.send(LETTER)
    assert outcome == TryLater("the name leads to where nothing may connect to"), "nobody tried"
