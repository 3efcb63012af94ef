"""Which servers a URL of Redis means."""

from __future__ import annotations

from typing import Any

import pytest

from kikao.bus import BusRefused, make_fanout
from kikao.bus.redis import _clients
from kikao.config.redis_urls import parse


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://localhost", [{"host": "localhost", "port": 6379, "db": 0, "password": None}]),
        ("valkey://u:p%40ss@h:7/3", [{"host": "h", "port": 7, "db": 3, "username": "u", "password": "p@ss"}]),
        ("rediss://[::1]:9/2?verify=False", [{"host": "::1", "port": 9, "db": 2, "ssl_cert_reqs": "none"}]),
        ("valkeys://h?ca=/ca.pem", [{"ssl_ca_certs": "/ca.pem", "ssl_cert_reqs": "required"}]),
        ("rediss://h?cert=/both.pem", [{"ssl_certfile": "/both.pem", "ssl_keyfile": "/both.pem"}]),
        ("redis://h/1?db=2", [{"db": 2}]),
        ("unix:///run/a%20b.sock?db=4", [{"path": "/run/a b.sock", "db": 4}]),
        (
            "redis+cluster://:pw@a,b:2,[::1]:3",
            [
                {"host": "a", "port": 6379, "password": "pw"},
                {"host": "b", "port": 2},
                {"host": "::1", "port": 3},
            ],
        ),
    ],
)
def test_the_servers_of_a_url(url: str, expected: list[dict[str, Any]]) -> None:
    clients = _clients(parse(url))
    found = [client.connection_pool.connection_kwargs for client in clients]
    assert [
        {name: each[name] for name in want} for each, want in zip(found, expected, strict=True)
    ] == expected


def test_sentinels_are_asked_for_the_service() -> None:
    (client,) = _clients(parse("redis+sentinel://:pw@a,b:2/main/5?sentinel_password=s"))
    pool: Any = client.connection_pool
    assert pool.service_name == "main"
    assert pool.connection_kwargs["db"] == 5
    asked = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [(each["host"], each["port"], each["password"]) for each in asked] == [
        ("a", 26379, "s"),
        ("b", 2, "s"),
    ]


def test_sentinels_are_spoken_to_by_tls_where_the_servers_are() -> None:
    (client,) = _clients(parse("rediss+sentinel://a/main?ca=/ca.pem"))
    pool: Any = client.connection_pool
    (asked,) = [each.connection_pool.connection_kwargs for each in pool.sentinel_manager.sentinels]
    assert [each["ssl_ca_certs"] for each in (asked, pool.connection_kwargs)] == ["/ca.pem", "/ca.pem"]


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("redis://:s3cret@h/1?colour=red", "colour= is not known"),
        ("redis://:s3cret@a,b", "several servers"),
        ("redis+sentinel://:s3cret@a", "name the service"),
    ],
)
def test_what_is_no_url_of_redis_is_refused_and_not_shown(url: str, problem: str) -> None:
    with pytest.raises(BusRefused, match=f"KIKAO_BUS: .*{problem}") as refused:
        make_fanout(url)
    assert "s3cret" not in str(refused.value)
