"""The provider's end of asynchronous gateways in the terminal: calls are taken, refused, and read in their dialogue."""

from __future__ import annotations

import http.client
import json
import socket

import pytest

from kikao.channels.calling import Call
from kikao.channels.ussd.registry import client
from kikao.cli.screens import LARGEST, Screens
from kikao.config import Hidden
from tests.channels.ussd.told import made, settings_of


@pytest.fixture
def screens() -> Screens:
    return Screens(client("ideamart", "+94771234567", "*284#", settings_of("ideamart")))


def body(dialogue: str, **fields: str) -> bytes:
    password = settings_of("ideamart").options["password"].reveal().decode()
    said = {
        "applicationId": "APP_000001",
        "password": password,
        "message": "Hello",
        "sessionId": dialogue,
        "ussdOperation": "mt-cont",
        "destinationAddress": "tel:94771234567",
        **fields,
    }
    return json.dumps(said).encode()


async def test_screens_of_another_dialogue_are_passed_over(screens: Screens) -> None:
    make = screens.network(made("ideamart"))
    for dialogue in ("before", "d1"):
        assert (await make(Call(Hidden(b""), (), body(dialogue)))).status == 200
    came = screens.next("d1")
    assert came is not None
    assert b"d1" in came.body
    assert screens.next("d1", patience=0.01) is None


def test_calls_come_over_http_and_are_refused_as_the_provider_would(screens: Screens) -> None:
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = int(found.getsockname()[1])
    with screens.listening(port):
        statuses = []
        for sent, headers in (
            (body("d1"), {}),
            (body("d2", password="another"), {}),
            (b"{", {}),
            (b"", {"content-length": str(LARGEST + 1)}),
            (b"", {"content-length": "x"}),
        ):
            line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            line.request("POST", "/ussd/send", sent, headers)
            statuses.append(line.getresponse().status)
            line.close()
    assert statuses == [200, 400, 400, 413, 413]
    assert screens.next("d1", patience=0.01) is not None
    assert screens.next("d2", patience=0.01) is None
