"""What URLs of Redis and Valkey say."""

from __future__ import annotations

import pytest

from kikao.config import Where
from kikao.config.redis_urls import Options, parse


@pytest.mark.parametrize(
    ("url", "hosts", "shown"),
    [
        ("redis://host", (("host", 6379),), "redis://host:6379/0"),
        ("valkey://host:7000/3", (("host", 7000),), "redis://host:7000/3"),
        ("valkeys://user:p%40ss@host/1", (("host", 6379),), "rediss://host:6379/1"),
        ("redis://[::1]:7000", (("::1", 7000),), "redis://[::1]:7000/0"),
        ("unix:///run/redis.sock?db=2", (), "unix:///run/redis.sock"),
        (
            "redis+sentinel://:p@a,b:1/service/4",
            (("a", 26379), ("b", 1)),
            "redis+sentinel://a:26379,b:1/service/4",
        ),
        ("rediss+cluster://a:1,b", (("a", 1), ("b", 6379)), "rediss+cluster://a:1,b:6379"),
    ],
)
def test_a_url_names_servers_and_shows_no_password(
    url: str, hosts: tuple[tuple[str, int], ...], shown: str
) -> None:
    found = parse(Where(url))
    assert found.hosts == hosts
    assert str(found) == shown


def test_a_url_says_how_the_store_is_used() -> None:
    found = parse(
        "rediss://user:p%40ss@host/1?timeout=0.5&prefix=shop&commands=7&ca=/etc/ca.pem&verify=false"
    )
    expected = Options("shop", 0.5, 1.0, 7, 1, "user", "p@ss", "/etc/ca.pem", verify=False)
    assert (found.options, found.tls) == (expected, True)
    assert parse("redis+sentinel://a/service?db=3").options.db == 3
    assert parse("redis://host/1?db=2").options.db == 2
