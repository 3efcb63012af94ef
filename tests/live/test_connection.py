"""What a channel knows of the request that opened its socket, with proxies in between."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest

from kikao.live.connection import Connection

PROXIES = (ip_network("10.0.0.0/8"),)


def scope(peer: str | None = "10.0.0.1", scheme: str = "ws", **headers: str) -> Any:
    return {
        "path": "/socket/websocket",
        "query_string": b"token=t&vsn=2.0.0&device=d",
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
        "client": None if peer is None else (peer, 4000),
        "scheme": scheme,
    }


def test_behind_a_proxy_that_is_trusted_the_client_is_who_it_says() -> None:
    asked = scope(x_forwarded_for="192.0.2.66, 198.51.100.7, 10.0.0.2", x_forwarded_proto="https")
    connection = Connection.of(asked, PROXIES)
    assert connection.client == "198.51.100.7"  # what stands left of it is only what the client claims
    assert connection.peer == ("10.0.0.1", 4000)
    assert connection.secure
    assert connection.params == {"device": "d"}


@pytest.mark.parametrize("trusted", [(), PROXIES])
def test_of_nobody_else_that_is_believed(trusted: Any) -> None:
    asked = scope("203.0.113.5", x_forwarded_for="198.51.100.7", x_forwarded_proto="https")
    connection = Connection.of(asked, trusted)
    assert (connection.client, connection.secure) == ("203.0.113.5", False)


def test_without_a_proxy_and_where_nobody_can_tell() -> None:
    assert Connection.of(scope("203.0.113.5", "wss"), PROXIES).secure
    assert Connection.of(scope(None, x_forwarded_proto="https"), PROXIES).client == ""
    assert Connection.of(scope(x_forwarded_for="unknown"), PROXIES).client == ""
