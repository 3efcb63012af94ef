"""The edge: who is let in, how much is read, and how little a refusal tells."""

import asyncio
import logging
from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.channel import Request, Response
from kikao.channels.edge import (
    Denied,
    Guard,
    Message,
    Network,
    Scope,
    admit,
    client_address,
    respond,
    ussd_guard,
    ussd_path,
)
from kikao.config import Hidden, load
from tests.waiting import PATIENCE

TOKEN = "x9Hq2vTt-7LmB_4w"
SECRET = Guard(token=Hidden(TOKEN.encode()))
Headers = Sequence[tuple[str, str]]


def networks(*written: str) -> tuple[Network, ...]:
    return tuple(ip_network(each) for each in written)


def scope_of(
    headers: Headers = (), *, method: str = "POST", path: str = "/ussd/x", client: Any = ("198.51.100.7", 5)
) -> Scope:
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": b"a=1",
        "headers": raw,
        "client": client,
    }


class Sender:
    """What a client sends, message by message; `read` counts those taken."""

    def __init__(self, *chunks: bytes, leaves: bool = False) -> None:
        self.messages: list[Message] = [
            {"type": "http.request", "body": chunk, "more_body": leaves or n < len(chunks) - 1}
            for n, chunk in enumerate(chunks)
        ]
        self.messages += [{"type": "http.disconnect"}] if leaves else []
        self.read = 0

    async def __call__(self) -> Message:
        self.read += 1
        return self.messages[self.read - 1]


async def ask(
    headers: Headers = (),
    body: bytes = b"text=1",
    *,
    guard: Guard = Guard(),  # noqa: B008 - frozen
    token: str | None = None,
    **scope: Any,
) -> Request:
    return await admit(scope_of(headers, **scope), Sender(body), guard=guard, rest=token or "")


async def refusal(*args: Any, **kwargs: Any) -> Denied:
    with pytest.raises(Denied) as denied:
        await ask(*args, **kwargs)
    return denied.value


# --- paths ---


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/ussd/africastalking", ("africastalking", "")),
        ("/ussd/africastalking/", ("africastalking", "")),
        ("/ussd/mtn_madapi/s3cret", ("mtn_madapi", "s3cret")),
        ("/ussd/infobip/a/b", ("infobip", "a/b")),
        ("/ussd/africastalking//", ("africastalking", "/")),
        ("/ussd/", None),
        ("/ussd", None),
        ("/ussd/AfricasTalking", None),
        ("/ussd/../x", None),
        ("/sms/africastalking", None),
        ("", None),
    ],
)
def test_paths(path: str, found: tuple[str, str] | None) -> None:
    assert ussd_path(path) == found


@given(st.text())
def test_no_path_is_too_strange(text: str) -> None:
    ussd_path(text)
    found = ussd_path(f"/ussd/nalo/{text}")
    assert found == ("nalo", text)


# --- tokens ---


async def test_the_right_token_opens_and_goes_no_further() -> None:
    request = await ask(guard=SECRET, token=TOKEN, path=f"/ussd/x/{TOKEN}")
    assert request.path == "/ussd/x"
    assert TOKEN not in repr(request)
    assert (request.method, request.query, request.body) == ("POST", b"a=1", b"text=1")


@pytest.mark.parametrize(
    "token", [None, "", "x", TOKEN[:-1], TOKEN + "x", TOKEN.lower(), "ŋ", "\ud800", "x" * 9999]
)
async def test_any_other_token_tells_nothing(token: str | None) -> None:
    denied = await refusal(guard=SECRET, token=token)
    missing = await refusal(guard=Guard(closed=True), token=token)
    assert (denied.status, denied.response) == (404, missing.response)
    assert denied.response.body == b"not found\n"
    assert TOKEN not in f"{denied!r} {denied.reason}"
    assert not token or len(token) < 2 or token not in denied.reason


@pytest.mark.parametrize("behind", ["/", "//", "/x", f"/{TOKEN}"])
async def test_nothing_stands_behind_the_right_one_that_the_provider_does_not_add(behind: str) -> None:
    denied = await refusal(guard=SECRET, token=TOKEN + behind)
    assert denied.status == 404
    assert TOKEN not in denied.reason


async def test_a_token_where_none_is_set_is_another_address() -> None:
    assert (await refusal(token="x")).status == 404
    assert (await ask()).body == b"text=1"


async def test_nothing_is_read_before_the_token_is_right() -> None:
    sender = Sender(b"text=1")
    broken: Scope = {"type": "http", "headers": None}
    with pytest.raises(Denied):
        await admit(broken, sender, guard=SECRET, rest="wrong")
    assert sender.read == 0


# --- methods ---


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "post", "OPTIONS"])
async def test_other_methods_are_told_which_one(method: str) -> None:
    denied = await refusal(method=method)
    assert denied.status == 405
    assert ("allow", "POST") in denied.response.headers
    assert (await refusal(method=method, guard=SECRET)).status == 404


async def test_a_gateway_may_take_several_methods() -> None:
    guard = Guard(methods=("GET", "POST"))
    assert (await ask(method="GET", guard=guard, body=b"")).method == "GET"
    assert ("allow", "GET, POST") in (await refusal(method="PUT", guard=guard)).headers


# --- where a request comes from ---

PROXIES = networks("10.0.0.0/8", "127.0.0.1/32", "2001:db8::/32")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("198.51.100.7", "", "198.51.100.7"),
        ("198.51.100.7", "203.0.113.9", "198.51.100.7"),  # not our proxy: its word is nothing
        ("127.0.0.1", "203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, 10.1.2.3", "203.0.113.9"),
        (
            "127.0.0.1",
            "192.0.2.1, 203.0.113.9,10.1.2.3",
            "203.0.113.9",
        ),  # 192.0.2.1 is what the client claims
        ("127.0.0.1", "10.9.9.9, 10.1.2.3", "10.9.9.9"),  # from within
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
        ("127.0.0.1", "[2001:db9::1]:443", "2001:db9::1"),
        ("127.0.0.1", "2001:db9::1, 2001:db8::5", "2001:db9::1"),
        ("::ffff:127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
        ("127.0.0.1", "203.0.113.9, unknown", None),
        ("127.0.0.1", "203.0.113.9,", None),
        ("127.0.0.1", "203.0.113.9, ,10.0.0.1", None),
        ("127.0.0.1", "203.0.113.9, 10.0.0.300", None),
        ("127.0.0.1", "fe80::1%eth0", None),
        ("127.0.0.1", "203.0.113.9" + ", 10.0.0.1" * 500, None),
        ("", "203.0.113.9", None),
        ("/run/kikao.sock", "203.0.113.9", None),
    ],
)
def test_the_client_is_the_first_that_no_proxy_of_ours_is(
    peer: str, forwarded: str, client: str | None
) -> None:
    found = client_address(peer, forwarded, PROXIES)
    assert (str(found) if found else None) == client


@given(st.text(max_size=40))
def test_what_a_client_claims_changes_nothing(claimed: str) -> None:
    found = client_address("127.0.0.1", f"{claimed},203.0.113.9,10.0.0.1", PROXIES)
    assert str(found) == "203.0.113.9"


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_address_is_too_strange(peer: str, forwarded: str) -> None:
    client_address(peer, forwarded, PROXIES)
    client_address("127.0.0.1", forwarded, PROXIES)


LISTED = Guard(allow=networks("203.0.113.0/24", "2001:db9::/32"), trusted=PROXIES)


@pytest.mark.parametrize(
    ("client", "headers", "let_in"),
    [
        (("203.0.113.9", 1), [], True),
        (("198.51.100.7", 1), [], False),
        (("198.51.100.7", 1), [("x-forwarded-for", "203.0.113.9")], False),
        (("127.0.0.1", 1), [("x-forwarded-for", "203.0.113.9")], True),
        (("127.0.0.1", 1), [("x-forwarded-for", "203.0.113.9, 198.51.100.7")], False),
        (("127.0.0.1", 1), [("x-forwarded-for", "203.0.113.9"), ("x-forwarded-for", "198.51.100.7")], False),
        (("127.0.0.1", 1), [("x-forwarded-for", "198.51.100.7"), ("x-forwarded-for", "203.0.113.9")], True),
        (("127.0.0.1", 1), [("x-forwarded-for", "nonsense")], False),
        (("127.0.0.1", 1), [("x-forwarded-for", "\xff")], False),
        (("127.0.0.1", 1), [], False),
        (("2001:db9::7", 1), [], True),
        (None, [], False),
        (None, [("x-forwarded-for", "203.0.113.9")], False),
    ],
)
async def test_an_allow_list_judges_the_client(client: Any, headers: Headers, let_in: bool) -> None:
    if let_in:
        assert (await ask(headers, client=client, guard=LISTED)).body == b"text=1"
        return
    denied = await refusal(headers, client=client, guard=LISTED)
    assert (denied.status, denied.response.body) == (403, b"forbidden\n")


async def test_two_guards_judge_each_for_itself() -> None:
    assert (await ask(client=("203.0.113.9", 1), guard=LISTED)).body
    other = Guard(allow=networks("192.0.2.0/24"), trusted=PROXIES)
    assert (await refusal(client=("203.0.113.9", 1), guard=other)).status == 403


# --- bodies ---


async def read(
    *chunks: bytes, length: str | None = None, leaves: bool = False, most: int = 10
) -> tuple[Request, int]:
    sender = Sender(*chunks, leaves=leaves)
    headers = [("content-length", length)] if length is not None else []
    try:
        return await admit(scope_of(headers), sender, guard=Guard(max_body=most)), sender.read
    except Denied as denied:
        denied.headers += (("read", str(sender.read)),)
        raise


async def test_a_body_is_put_together() -> None:
    request, _ = await read(b"te", b"", b"xt=1")
    assert request.body == b"text=1"
    assert (await read(b"", length="0"))[0].body == b""
    assert (await read(b"x" * 10, length="10"))[0].body == b"x" * 10


async def test_a_declared_length_over_the_cap_is_not_read() -> None:
    with pytest.raises(Denied) as denied:
        await read(b"x" * 11, length="11")
    assert (denied.value.status, denied.value.headers) == (413, (("read", "0"),))


async def test_a_body_over_the_cap_is_not_read_on() -> None:
    with pytest.raises(Denied) as denied:
        await read(b"x" * 6, b"x" * 6, b"x" * 6, b"x" * 6)
    assert (denied.value.status, denied.value.headers) == (413, (("read", "2"),))


@pytest.mark.parametrize("length", ["-1", "1e1", "0x1", " 6", "+6", "6, 6", "", "٦", "9" * 13])
async def test_a_length_that_is_no_number_is_refused(length: str) -> None:
    raw = [(b"content-length", length.encode())]
    with pytest.raises(Denied) as denied:
        await admit({**scope_of(), "headers": raw}, Sender(b"text=1"), guard=Guard())
    assert denied.value.status == 400


async def test_two_lengths_are_refused() -> None:
    headers = [("content-length", "6"), ("content-length", "7")]
    assert (await refusal(headers)).status == 400


@pytest.mark.parametrize("length", ["5", "7"])
async def test_a_length_that_lies_is_refused(length: str) -> None:
    with pytest.raises(Denied) as denied:
        await read(b"text=1", length=length)
    assert denied.value.status == 400


async def test_a_client_that_leaves_is_not_served_half_a_body() -> None:
    with pytest.raises(Denied) as denied:
        await read(b"text=1", leaves=True)
    assert denied.value.status == 400


async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    with pytest.raises(Denied) as denied:
        await admit(scope_of(), silent, guard=Guard(patience=0.01))
    assert denied.value.status == 408


async def test_a_body_that_comes_late_is_read() -> None:
    sender = Sender(b"te", b"xt", b"=1")

    async def slow() -> Message:
        await asyncio.sleep(0)
        return await sender()

    assert (await admit(scope_of(), slow, guard=Guard())).body == b"text=1"


async def test_a_server_that_fails_while_a_body_is_awaited_is_heard() -> None:
    async def failing() -> Message:
        await asyncio.sleep(0)
        raise OSError("the server failed")

    with pytest.raises(OSError, match="the server failed"):
        await admit(scope_of(), failing, guard=Guard())


async def test_a_turn_that_is_cancelled_while_a_body_is_awaited_ends() -> None:
    cleaned = asyncio.Event()

    async def silent() -> Message:
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.set()
        raise AssertionError("nobody sets it")

    task = asyncio.create_task(admit(scope_of(), silent, guard=Guard()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleaned.is_set()


async def test_headers_given_twice_are_joined_in_order() -> None:
    request = await ask([("x-a", "1"), ("x-b", "é"), ("x-a", "2")])
    assert request.headers == {"x-a": "1, 2", "x-b": "é"}


# --- responses ---


async def test_a_response_is_sent_with_its_length() -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await respond(send, Response(200, (("content-type", "text/plain"), ("Freeflow", "FC")), "CON ŋ".encode()))
    assert sent[0]["status"] == 200
    told = [(b"content-type", b"text/plain"), (b"Freeflow", b"FC"), (b"content-length", b"6")]
    assert list(sent[0]["headers"]) == told
    assert sent[1]["body"] == "CON ŋ".encode()


async def test_a_caller_that_left_is_no_error() -> None:
    async def gone(message: Message) -> None:
        raise OSError("connection lost")

    await respond(gone, Response(200, (), b""))


# --- settings ---


def test_a_guard_is_what_the_settings_say(tmp_path: Path) -> None:
    settings = load(
        {
            "KIKAO_USSD_AFRICASTALKING_TOKEN": TOKEN,
            "KIKAO_USSD_AFRICASTALKING_ALLOW": "203.0.113.0/24",
            "KIKAO_TRUSTED_PROXIES": "10.0.0.0/8",
        },
        tmp_path,
    )
    guard = ussd_guard(settings, "africastalking", methods=("GET",))
    assert guard.token is not None
    assert guard.token.reveal() == TOKEN.encode()
    assert TOKEN not in repr(guard)
    assert (guard.methods, guard.allow, guard.trusted) == (
        ("GET",),
        networks("203.0.113.0/24"),
        networks("10.0.0.0/8"),
    )
    assert not ussd_guard(settings, "nalo").closed


async def test_in_production_a_gateway_without_settings_does_not_exist(tmp_path: Path) -> None:
    keys = "k1:" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="
    settings = load({"KIKAO_ENV": "production", "KIKAO_SECRET_KEYS": keys}, tmp_path)
    assert (await refusal(guard=ussd_guard(settings, "nalo"))).status == 404


# --- a real server ---


class Started(uvicorn.Server):
    """A server that tells when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()

    async def startup(self, sockets: Any = None) -> None:
        await super().startup(sockets)
        self.ready.set()


class Served:
    """`admit` and `respond` behind uvicorn on a free port, as raw bytes in and out."""

    def __init__(self, guard: Guard) -> None:
        self.guard = guard
        self.bodies: list[bytes] = []
        self.reasons: list[str] = []
        self.refused = asyncio.Event()

    async def app(self, scope: Scope, receive: Any, send: Any) -> None:
        path = ussd_path(scope["path"])
        assert path is not None
        try:
            request = await admit(scope, receive, guard=self.guard, rest=path.rest)
            self.bodies.append(request.body)
            response = Response(200, (("content-type", "text/plain"),), b"CON hello")
        except Denied as denied:
            self.reasons.append(denied.reason)
            self.refused.set()
            response = denied.response
        await respond(send, response)

    async def __aenter__(self) -> "Served":
        config = uvicorn.Config(
            self.app,
            interface="asgi3",
            port=0,
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
        )
        self.server = Started(config)
        self.serving = asyncio.create_task(self.server.serve())
        await self.server.ready.wait()
        self.port = self.server.servers[0].sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.server.should_exit = True
        await self.serving

    async def send(self, head: str, *bodies: bytes, leave: bool = False) -> bytes:
        """Send a request and read until the server closes the connection."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.replace("\n", "\r\n").encode() + b"\r\n\r\n")
            for body in bodies:
                writer.write(body)
                await writer.drain()
            if leave:
                return b""
            return await reader.read()
        finally:
            writer.close()


async def test_over_http_a_request_is_answered() -> None:
    async with Served(SECRET) as served:
        head = f"POST /ussd/nalo/{TOKEN} HTTP/1.1\nhost: x\nconnection: close\ncontent-length: 6"
        reply = await served.send(head, b"text=1")
        assert reply.startswith(b"HTTP/1.1 200")
        assert reply.endswith(b"CON hello")
        assert served.bodies == [b"text=1"]


async def test_over_http_a_chunked_body_is_read_and_capped() -> None:
    async with Served(Guard(max_body=10)) as served:
        head = "POST /ussd/nalo HTTP/1.1\nhost: x\nconnection: close\ntransfer-encoding: chunked"
        assert b"200 OK" in await served.send(head, b"3\r\ntex\r\n", b"3\r\nt=1\r\n0\r\n\r\n")
        assert served.bodies == [b"text=1"]
        endless = b"6\r\nxxxxxx\r\n"
        reply = await served.send(head.replace("connection: close\n", ""), endless, endless)
        assert reply.startswith(b"HTTP/1.1 413")  # and closed, though the body never ended
        assert len(served.bodies) == 1


async def test_over_http_a_large_body_is_refused_before_it_is_sent() -> None:
    async with Served(Guard()) as served:
        head = "POST /ussd/nalo HTTP/1.1\nhost: x\ncontent-length: 1000000"
        reply = await served.send(head, b"x")
        assert reply.startswith(b"HTTP/1.1 413")
        assert b"\r\nconnection: close\r\n" in reply


async def test_over_http_lies_about_the_length_never_reach_a_gateway() -> None:
    async with Served(Guard(patience=0.05)) as served:
        more = "POST /ussd/nalo HTTP/1.1\nhost: x\ncontent-length: 60"
        assert (await served.send(more, b"text=1")).startswith(b"HTTP/1.1 408")
        twice = "POST /ussd/nalo HTTP/1.1\nhost: x\ncontent-length: 6\ncontent-length: 7"
        assert not (await served.send(twice, b"text=1x")).startswith(b"HTTP/1.1 200")
        both = "POST /ussd/nalo HTTP/1.1\nhost: x\ncontent-length: 6\ntransfer-encoding: chunked"
        assert not (await served.send(both, b"0\r\n\r\n")).startswith(b"HTTP/1.1 200")
        assert served.bodies == []


async def test_over_http_a_client_that_leaves_is_noticed() -> None:
    async with Served(Guard()) as served:
        await served.send("POST /ussd/nalo HTTP/1.1\nhost: x\ncontent-length: 60", b"text=1", leave=True)
        async with asyncio.timeout(PATIENCE):
            await served.refused.wait()
        assert served.reasons == ["the client left before its request was complete"]
        assert served.bodies == []


async def test_over_http_a_wrong_token_is_answered_like_a_missing_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        async with Served(SECRET) as served:
            replies = [
                await served.send(f"POST {path} HTTP/1.1\nhost: x\ncontent-length: 0")
                for path in (f"/ussd/nalo/{TOKEN}x", "/ussd/nalo/%FF%00", "/ussd/nalo")
            ]
        heads = {reply.partition(b"date:")[0] for reply in replies}
        assert len(heads) == 1
        assert all(reply.startswith(b"HTTP/1.1 404") for reply in replies)
    assert TOKEN not in caplog.text
