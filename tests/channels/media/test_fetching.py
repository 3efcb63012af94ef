"""Files that are fetched: from whom, and whatever they answer."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_address
from typing import Any

import pytest

from kikao.channels.media.errors import (
    Answered,
    NotAllowed,
    NotAnswered,
    NotAsAnnounced,
    NotFetched,
    TookTooLong,
    TooLarge,
)
from kikao.channels.media.fetching import HOSTS, Fetcher
from kikao.channels.media.remote import Located, Remote, digest_of
from kikao.channels.network import public
from kikao.config import Hidden
from kikao.config.media import is_host
from tests.channels.webhook.receiver import Receiver, Request
from tests.waiting import PATIENCE

TOKEN = "7000000001:AAtoken"
DATA = b"\xff\xd8\xff" + b"photo" * 5000
MOST = 1_000_000

SOON = 1.0
"""Seconds after which what never ends is given up, and in which a busy machine has begun with it."""


@contextlib.asynccontextmanager
async def fetching(api: str, *hosts: str) -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(api, hosts)
    try:
        yield fetcher
    finally:
        await fetcher.close()


async def fetched(
    fetcher: Fetcher,
    url: str,
    *,
    most: int = MOST,
    within: float = PATIENCE,
    sha256: bytes | None = None,
    size: int = 0,
) -> bytes:
    found = bytearray()

    async def take(part: bytes) -> None:
        found.extend(part)

    headers = (("Authorization", f"Bearer {TOKEN}"),)
    located = Located(Hidden(url.encode(errors="surrogateescape")), headers, size, sha256)
    await fetcher(located, take, most=most, within=within)
    return bytes(found)


def file(data: bytes, *headers: str, status: str = "200 OK") -> Callable[[Request], bytes]:
    head = [f"HTTP/1.1 {status}", *(headers or (f"Content-Length: {len(data)}",)), "", ""]
    return lambda _: "\r\n".join(head).encode() + data


# --- what comes ---


async def test_a_file_comes_whole_with_the_token_that_it_wants() -> None:
    async with Receiver(file(DATA)) as api, fetching(f"http://127.0.0.1:{api.port}") as fetcher:
        url = f"http://127.0.0.1:{api.port}/file/bot{TOKEN}/photos/file_1.jpg"
        assert await fetched(fetcher, url, sha256=hashlib.sha256(DATA).digest()) == DATA
        (request,), port = api.requests, api.port
    assert request.line == f"GET /file/bot{TOKEN}/photos/file_1.jpg HTTP/1.1"
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["host"] == f"127.0.0.1:{port}"


async def test_a_file_in_chunks_comes_too() -> None:
    chunked = b"5\r\nabcde\r\n3\r\nfgh\r\n0\r\n\r\n"
    async with (
        Receiver(file(chunked, "Transfer-Encoding: chunked")) as api,
        fetching(f"http://127.0.0.1:{api.port}") as fetcher,
    ):
        assert await fetched(fetcher, f"http://127.0.0.1:{api.port}/f") == b"abcdefgh"


HOSTILE: list[tuple[Callable[[Request], bytes | None], type[NotFetched], str, bool]] = [
    (file(b"", status="404 Not Found"), Answered, "HTTP 404", False),
    (file(b"", status="401 Unauthorized"), Answered, "HTTP 401", False),
    (file(b"", status="503 Away"), Answered, "HTTP 503", True),
    (file(b"", "Content-Length: 0", "Retry-After: 7", status="429 Slow"), Answered, "HTTP 429", True),
    (file(DATA, f"Content-Length: {MOST + 1}"), TooLarge, "larger than 1,000,000 octets", False),
    (file(DATA, f"Content-Length: {'9' * 18}"), TooLarge, "larger than", False),
    (file(DATA, f"Content-Length: {len(DATA) + 10}"), TookTooLong, f"not all there in {SOON:g} s", True),
    (file(bytes(MOST + 10), "Connection: close"), TooLarge, "larger than 1,000,000 octets", False),
    (file(b"5\r\nabc", "Transfer-Encoding: chunked"), TookTooLong, f"not all there in {SOON:g} s", True),
    (file(b"nonsense\r\n", "Transfer-Encoding: chunked"), NotAnswered, "RemoteProtocolError", True),
    (file(DATA, "Content-Encoding: gzip", f"Content-Length: {len(DATA)}"), NotAsAnnounced, "packed", False),
    (lambda _: b"\x00\xff garbage\r\n\r\n", NotAnswered, "RemoteProtocolError", True),
    (lambda _: None, NotAnswered, "RemoteProtocolError", True),
]


@pytest.mark.parametrize("which", range(len(HOSTILE)))
async def test_what_a_hostile_server_answers(which: int) -> None:
    answer, kind, text, again = HOSTILE[which]
    within = SOON if kind is TookTooLong else PATIENCE
    async with Receiver(answer) as api, fetching(f"http://127.0.0.1:{api.port}") as fetcher:
        with pytest.raises(kind, match=text) as caught:
            await fetched(fetcher, f"http://127.0.0.1:{api.port}/file/bot{TOKEN}/f", within=within)
        assert caught.value.again is again
        assert len(api.requests) == 1
    if isinstance(caught.value, Answered) and caught.value.status == 429:
        assert caught.value.after == 7.0
    shown = "".join(traceback.format_exception(caught.value)) + repr(caught.value)
    assert TOKEN not in shown


async def test_a_redirection_is_not_followed_wherever_it_leads() -> None:
    async with Receiver(file(DATA)) as secret, Receiver() as api:
        api.answer = file(
            b"",
            f"Location: http://127.0.0.1:{secret.port}/latest/meta-data",
            "Content-Length: 0",
            status="302 Found",
        )
        async with fetching(f"http://127.0.0.1:{api.port}") as fetcher:
            with pytest.raises(Answered, match="HTTP 302, not followed"):
                await fetched(fetcher, f"http://127.0.0.1:{api.port}/f")
        assert secret.requests == []


async def test_an_endless_slow_body_ends_in_time() -> None:
    writers = []

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while not writer.is_closing():
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.01)

    server = await asyncio.start_server(trickle, "127.0.0.1")
    port = server.sockets[0].getsockname()[1]
    async with fetching(f"http://127.0.0.1:{port}") as fetcher:
        with pytest.raises(TookTooLong, match=f"not all there in {SOON:g} s"):
            await fetched(fetcher, f"http://127.0.0.1:{port}/f", within=SOON)
    for writer in writers:
        writer.transport.abort()
    server.close()


async def test_another_hash_is_not_what_was_announced() -> None:
    async with Receiver(file(DATA)) as api, fetching(f"http://127.0.0.1:{api.port}") as fetcher:
        with pytest.raises(NotAsAnnounced, match="hash"):
            await fetched(fetcher, f"http://127.0.0.1:{api.port}/f", sha256=hashlib.sha256(b"other").digest())
        with pytest.raises(TooLarge):
            await fetched(fetcher, f"http://127.0.0.1:{api.port}/f", size=MOST + 1)
        assert len(api.requests) == 1, "what is announced as too large is not even asked for"


async def test_what_takes_it_may_fail_and_that_is_told() -> None:
    async def take(part: bytes) -> None:
        raise TimeoutError("a slow disk")

    async with Receiver(file(DATA)) as api, fetching(f"http://127.0.0.1:{api.port}") as fetcher:
        url = Hidden(f"http://127.0.0.1:{api.port}/f".encode())
        with pytest.raises(TimeoutError, match="a slow disk"):
            await fetcher(Located(url), take, most=MOST, within=PATIENCE)


async def test_nobody_answers() -> None:
    async with Receiver() as gone:
        url = f"http://127.0.0.1:{gone.port}"
    async with fetching(url) as fetcher:
        with pytest.raises(NotAnswered, match="ConnectError"):
            await fetched(fetcher, f"{url}/f")


# --- from where ---


@pytest.mark.parametrize(
    "url",
    [
        "http://lookaside.fbsbx.com/f",
        "https://lookaside.fbsbx.com:8443/f",
        "https://evil.example/f",
        "https://lookaside.fbsbx.com.evil.example/f",
        "https://evil.example/lookaside.fbsbx.com",
        "https://lookaside.fbsbx.com@evil.example/f",
        "https://evil.example\\@lookaside.fbsbx.com/f",
        "https://evil.example#lookaside.fbsbx.com/f",
        "https://xlookaside.fbsbx.com/f",
        "https://127.0.0.1/f",
        "https://[::1]/f",
        "https://169.254.169.254/latest/meta-data",
        "http://localhost/f",
        "file:///etc/passwd",
        "ftp://lookaside.fbsbx.com/f",
        "//lookaside.fbsbx.com/f",
        "https:///f",
        "",
        "https://lookaside.fbsbx.com/\r\nX-Evil: 1",
        "https://lookaside.fbsbx.com/\udcff",
        "https://lookaside.fbsbx.com:99999999/f",
        "https://graph.facebook.com:444/f",
    ],
)
async def test_nothing_is_fetched_from_elsewhere(url: str) -> None:
    async with fetching("https://graph.facebook.com", *HOSTS["whatsapp"]) as fetcher:
        with pytest.raises(NotAllowed) as caught:
            await fetched(fetcher, url)
    assert TOKEN not in str(caught.value)
    assert "meta-data" not in str(caught.value)


async def test_a_host_that_is_not_allowed_is_named_to_operators() -> None:
    async with fetching("https://graph.facebook.com") as fetcher:
        with pytest.raises(NotAllowed, match=r"fetched from: scontent.fbcdn.net$"):
            await fetched(fetcher, f"https://scontent.fbcdn.net/v/f.jpg?token={TOKEN}")


@pytest.mark.parametrize(
    "leads_to",
    ["127.0.0.1", "169.254.169.254", "10.0.0.5", "192.168.1.1", "100.64.0.1", "::1", "fe80::1", "fd00::1", "0.0.0.0",
     "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "100.100.100.200", "224.0.0.1"],
)  # fmt: skip
async def test_a_name_that_leads_to_a_private_address_is_not_followed(
    leads_to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by DNS rebinding: what was looked at is what would be connected to, and nothing is asked again."""
    asked: list[str] = []

    async def resolve(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to, port))]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    async with fetching("https://graph.facebook.com", "*.media.example") as fetcher:
        for url in ("https://a.media.example/f", "https://a.b.media.example/f"):
            with pytest.raises(NotAllowed, match="leads to an address"):
                await fetched(fetcher, url)
    assert asked == ["a.media.example", "a.b.media.example"]


async def test_an_emulator_on_this_machine_may_send_to_another_port_of_it() -> None:
    async with Receiver(file(DATA)) as other, fetching("http://localhost:1") as fetcher:
        assert await fetched(fetcher, f"http://127.0.0.1:{other.port}/f") == DATA
        with pytest.raises(NotAllowed):
            await fetched(fetcher, "http://10.0.0.5/f")


async def test_the_api_itself_may_be_in_the_same_network_but_by_https_alone() -> None:
    async with fetching("https://10.255.255.1:8081") as fetcher:
        with pytest.raises((NotAnswered, TookTooLong)):  # it is tried
            await fetched(fetcher, "https://10.255.255.1:8081/file/f", within=0.1)
        with pytest.raises(NotAllowed):
            await fetched(fetcher, "http://10.255.255.1:8081/file/f")
    async with fetching("http://10.255.255.1:8081") as fetcher:
        with pytest.raises(NotAllowed):
            await fetched(fetcher, "http://10.255.255.1:8081/file/f")


@pytest.mark.parametrize(
    ("host", "fits"),
    [
        ("lookaside.fbsbx.com", True),
        ("*.fbcdn.net", True),
        ("*.com", False),
        ("*", False),
        ("*.*.com", False),
        ("com", False),
        ("127.0.0.1", False),
        ("-a.example.com", False),
        ("a.example.com:443", False),
        ("https://a.example.com", False),
        ("", False),
    ],
)
def test_what_may_be_a_host(host: str, fits: bool) -> None:
    assert is_host(host) is fits


def test_public_addresses() -> None:
    good = ("93.184.216.34", "2606:2800:220:1::1", "64:ff9b::5db8:d822", "::ffff:93.184.216.34")
    bad = (
        "10.1.2.3",
        "fd12::7",
        "192.0.2.1",
        "198.18.0.1",
        "fec0::1",
        "2001::1",
        "168.63.129.16",
        "ff0e::1",
        "240.0.0.1",
    )
    assert [public(ip_address(each)) for each in good] == [True] * len(good)
    assert [public(ip_address(each)) for each in bad] == [False] * len(bad)


# --- what is announced ---


def test_hashes_as_providers_write_them() -> None:
    digest = hashlib.sha256(b"x").digest()
    assert digest_of(digest.hex()) == digest_of(digest.hex().upper()) == digest
    assert digest_of("LXEWQrcmsEQBYnyp+6wy9cTDDrQgOVyw7DZnkRSzIlg=") is not None
    for other in ("", "abc", "ü" * 64, "LXEW", digest.hex()[:-1]):
        assert digest_of(other) is None


def test_where_a_file_lies_is_not_shown() -> None:
    located = Located(
        Hidden(b"https://api.telegram.org/file/bot" + TOKEN.encode()), (("Authorization", TOKEN),)
    )
    assert TOKEN not in repr(located)
    assert "id7" not in repr(Remote("id7", "image"))
