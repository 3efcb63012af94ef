"""The request that opens a socket: versions, origins, subprotocols and tokens."""

from __future__ import annotations

import base64

import pytest

from kikao.channels.socket.handshake import BEARER, Handshake, Refusal, allowed, handshake


def asked(
    query: str = "token=abc&vsn=2.0.0", *, origin: str = "", protocols: tuple[str, ...] = ()
) -> Handshake | Refusal:
    headers = [(b"host", b"kikao.example")]
    if origin:
        headers.append((b"origin", origin.encode()))
    return handshake(query.encode(), headers, protocols, origins=("https://app.example", "self"))


def bearer(token: str) -> str:
    return BEARER + base64.b64encode(token.encode()).decode().rstrip("=")


def test_a_token_may_be_a_parameter() -> None:
    found = asked("token=a.b.c&device=phone&vsn=2.0.0")
    assert isinstance(found, Handshake)
    assert found.token is not None
    assert found.token.reveal() == b"a.b.c"
    assert found.params == {"device": "phone"}
    assert found.protocol is None
    assert "a.b.c" not in repr(found)


def test_a_token_may_stand_among_the_subprotocols() -> None:
    found = asked("vsn=2.0.0", protocols=("phoenix", bearer("a.b.c-_")))
    assert isinstance(found, Handshake)
    assert found.token is not None
    assert found.token.reveal() == b"a.b.c-_"
    assert found.protocol == "phoenix"


def test_of_two_tokens_among_the_subprotocols_none_counts() -> None:
    found = asked("vsn=2.0.0", protocols=("phoenix", bearer("one"), bearer("two")))
    assert isinstance(found, Handshake)
    assert found.token is None


@pytest.mark.parametrize("text", ["%%%", "A", "////", "_-_-"])
def test_a_subprotocol_that_is_no_base64_is_no_token(text: str) -> None:
    found = asked("vsn=2.0.0", protocols=("phoenix", BEARER + text))
    assert isinstance(found, Handshake)
    assert found.token is None


@pytest.mark.parametrize(
    ("query", "is_spoken"),
    [
        ("vsn=2.0.0", True),
        ("vsn=2.0.7", True),
        ("vsn=2.0.0-rc.1", True),
        ("", False),
        ("vsn=1.0.0", False),
        ("vsn=2.1.0", False),
        ("vsn=3.0.0", False),
        ("vsn=two", False),
        ("vsn=", False),
        ("vsn=2.0.0;drop", False),
    ],
)
def test_versions(query: str, is_spoken: bool) -> None:
    found = asked(query)
    assert isinstance(found, Handshake if is_spoken else Refusal)
    assert is_spoken or (isinstance(found, Refusal) and found.status == 403)


def test_other_subprotocols_are_refused() -> None:
    assert isinstance(asked(protocols=("graphql-ws",)), Refusal)


def test_a_query_without_end_is_refused() -> None:
    assert isinstance(asked("a=" + "x" * 9000), Refusal)


def test_an_origin_is_looked_at_before_the_token() -> None:
    found = asked("vsn=2.0.0", origin="https://evil.example")
    assert isinstance(found, Refusal)
    assert "origin" in found.reason
    assert isinstance(asked("vsn=2.0.0", origin="https://app.example"), Handshake)


@pytest.mark.parametrize(
    ("origin", "origins", "is_in"),
    [
        ("https://app.example", "https://app.example", True),
        ("https://app.example:443", "https://app.example", True),
        ("http://app.example", "https://app.example", False),
        ("https://app.example:8443", "https://app.example", False),
        ("https://app.example:8443", "//app.example", True),
        ("http://app.example", "//app.example", True),
        ("http://a.app.example", "//app.example", False),
        ("http://a.app.example", "//*.app.example", True),
        ("http://app.example", "//*.app.example", True),
        ("http://evilapp.example", "//*.app.example", False),
        ("http://app.example:81", "//app.example:81", True),
        ("http://app.example", "//app.example:81", False),
        ("http://app.example", "//app.example:80", True),
        ("HTTPS://APP.example", "https://app.example", True),
        ("http://kikao.example:8000", "self", True),
        ("http://kikao.example", "self", False),
        ("http://other.example:8000", "self", False),
        ("null", "https://app.example", False),
        ("null", "*", True),
        ("http://app.example:99999", "*", False),
    ],
)
def test_origins(origin: str, origins: str, is_in: bool) -> None:
    assert allowed(origin, (origins,), "kikao.example:8000") is is_in


def test_a_host_without_a_port_and_one_of_ipv6() -> None:
    assert allowed("https://kikao.example", ("self",), "kikao.example")
    assert allowed("http://[::1]:8000", ("self",), "[::1]:8000")
