"""Requests in files: as they are on the wire, or what of them matters."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kikao.channels.ussd.clients.client import FORM, JSON, Exchange
from kikao.cli.raw_requests import Unreadable, read_request

POSTED = Exchange("", JSON, b"{}")
ASKED = Exchange("", (("accept", "text/plain"),), b"", method="GET", query="MSISDN=1")
REST = re.compile("session/[0-9]+/(start|end)")


def test_a_request_as_it_is_on_the_wire() -> None:
    octets = b'PUT /a/session/7/end?x=1%202 HTTP/1.1\r\nHost: h\r\nX-Kind:  a b \r\n\r\n{"a": 1}\r\n'
    read = read_request(octets, POSTED, REST)
    assert read == Exchange("", (("x-kind", "a b"),), b'{"a": 1}', "PUT", "x=1%202", "session/7/end")


@pytest.mark.parametrize("line", [b"POST /cb HTTP/1.1", b"POST /cb", b"POST http://h:80/cb HTTP/1.0"])
def test_a_request_line_may_be_written_in_several_ways(line: bytes) -> None:
    read = read_request(b"\n" + line + b"\nContent-Type: text/xml\n\n<a>\n\n</a>\n", POSTED, None)
    assert read == Exchange("", (("content-type", "text/xml"),), b"<a>\n\n</a>")


def test_a_request_line_alone_is_a_request() -> None:
    read = read_request(b"GET /cb?MSISDN=2&INPUT=*1%23 HTTP/1.1", POSTED, None)
    assert (read.method, read.query, read.headers, read.body) == ("GET", "MSISDN=2&INPUT=*1%23", (), b"")


@pytest.mark.parametrize("target", ["//[", "http://[::1", "http://[4321]/"])
def test_a_request_line_that_leads_nowhere(target: str) -> None:
    with pytest.raises(Unreadable, match="line 1 is no path or URL") as refused:
        read_request(f"POST {target} HTTP/1.1\n\n{{}}".encode(), POSTED, None)
    assert "4321" not in str(refused.value)


def test_headers_without_a_body() -> None:
    read = read_request(b"GET /?a=1 HTTP/1.1\nX-A: 1\n\n", ASKED, None)
    assert (read.headers, read.body) == ((("x-a", "1"),), b"")


@pytest.mark.parametrize(
    ("length", "body"), [(2, b"ab"), (3, b"ab\n"), (99, b"ab"), (0, b""), ("x", b"ab"), ("\u00b2", b"ab")]
)
def test_a_line_end_belongs_to_the_body_only_where_it_is_counted(length: object, body: bytes) -> None:
    written = f"POST / HTTP/1.1\nContent-Length: {length}\n\nab\n".encode("latin-1")
    assert read_request(written, POSTED, None).body == body


def test_a_body_alone_gets_the_rest_from_what_the_provider_sends() -> None:
    shape = Exchange("/somewhere", FORM, b"a=1", rest="session/1/start")
    read = read_request(b"\xef\xbb\xbfa=2&b=%C3%A9\n", shape, REST)
    assert read == Exchange("", FORM, b"a=2&b=%C3%A9", rest="session/1/start")


@pytest.mark.parametrize("written", [b"MSISDN=3&X=", b"?MSISDN=3&X=\n", b"https://h/cb?MSISDN=3&X=\r\n"])
def test_a_query_alone_does_too(written: bytes) -> None:
    assert read_request(written, ASKED, None).query == "MSISDN=3&X="


@pytest.mark.parametrize(
    ("written", "why"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b'POST / HTTP/1.1\nA: b\n{"pin": 4321}', "line 3 is no header"),
        (b"POST / HTTP/1.1\nTransfer-Encoding: chunked\n\n4\nabcd\n0\n", "in chunks"),
    ],
)
def test_what_is_no_request_is_told_without_a_value(written: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why) as told:
        read_request(written, POSTED, None)
    assert "4321" not in str(told.value)


def test_a_gateway_that_is_asked_has_no_body() -> None:
    with pytest.raises(Unreadable, match="asked by GET"):
        read_request(b"<a>\n</a>", ASKED, None)


def test_the_longest_end_of_the_path_is_the_providers() -> None:
    anything = re.compile("[a-z]+(/[a-z]+)?")
    assert read_request(b"POST /1/b/c HTTP/1.1\n\n", POSTED, anything).rest == "b/c"
    assert read_request(b"POST /1/2 HTTP/1.1\n\n", POSTED, anything).rest == ""


@given(st.binary(max_size=200))
def test_no_file_is_too_strange(octets: bytes) -> None:
    for shape in (POSTED, ASKED):
        for written in (octets, b"POST /a HTTP/1.1\n" + octets):
            try:
                read = read_request(written, shape, REST)
            except Unreadable as told:
                assert str(told)  # noqa: PT017 - it is one of two ends that are right
            else:
                assert read.method in ("GET", "POST", "PUT")
