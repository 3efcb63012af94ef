"""Which octets a request asks for (RFC 9110, 14)."""

from __future__ import annotations

import pytest

from kikao.channels.ranges import Unsatisfiable, asked_for

TAG = '"now"'


def asked(said: str, size: int = 10_000, method: str = "GET", of: str = TAG) -> range | None:
    return asked_for(method, {"range": said, "if-range": of}, size, TAG)


@pytest.mark.parametrize(  # the first four are the standard's own (14.1.2)
    ("said", "wanted"),
    [
        ("bytes=0-499", range(500)),
        ("bytes=500-999", range(500, 1000)),
        ("bytes=-500", range(9500, 10_000)),
        ("bytes=9500-", range(9500, 10_000)),
        ("bytes=0-0", range(1)),
        ("bytes=0-", range(10_000)),
        ("bytes=9999-20000", range(9999, 10_000)),
        ("bytes=-20000", range(10_000)),
        ("Bytes= 7-8", range(7, 9)),
    ],
)
def test_one_range(said: str, wanted: range) -> None:
    assert asked(said) == wanted


@pytest.mark.parametrize(
    "said",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=a-b",
        "bytes=9-8",
        "bytes=0-1,3-4",
        "lines=0-1",
        "bytes=1",
        "bytes=\u0661-",
    ],
)
def test_what_cannot_be_read_is_not_looked_at(said: str) -> None:
    assert asked(said) is None


@pytest.mark.parametrize(
    ("said", "size"), [("bytes=10000-", 10_000), ("bytes=-0", 9), ("bytes=0-", 0), ("bytes=-5", 0)]
)
def test_a_range_that_begins_behind_the_end(said: str, size: int) -> None:
    with pytest.raises(Unsatisfiable):
        asked(said, size)


def test_only_of_a_get_and_of_what_there_is_now() -> None:
    assert asked("bytes=0-1", method="HEAD") is None
    assert asked("bytes=0-1", of='"then"') is None
    assert asked("bytes=0-1", of="Sun, 06 Nov 1994 08:49:37 GMT") is None
    assert asked_for("GET", {"range": "bytes=0-1"}, 10_000, TAG) == range(2)
