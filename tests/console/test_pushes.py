"""Screens that come by a call: a simulated phone's are heard, all others go on their way."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from kikao.channels.calling import Answer, Call
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import Hidden, load
from kikao.console.simulator import pushes as module
from kikao.console.simulator.pushes import MOST, Pushes
from tests.channels.ussd.told import environment, made


def call(dialogue: str, text: str = "Hello") -> Call:
    fields = {
        "applicationId": "APP_000001",
        "password": environment("ideamart")["KIKAO_USSD_IDEAMART_PASSWORD"],
        "message": text,
        "sessionId": dialogue,
        "ussdOperation": "mt-cont",
        "destinationAddress": "tel:94771234567",
    }
    return Call(Hidden(b"https://example.com"), (), json.dumps(fields).encode())


@pytest.fixture
def pushes(tmp_path: Path) -> Pushes:
    return Pushes(load(environment("ideamart"), tmp_path, gateways=OPTIONS))


async def beyond(call: Call) -> Answer:
    return Answer(418)


async def test_a_screen_of_a_simulated_phone_is_heard_and_taken(pushes: Pushes) -> None:
    make = pushes.beside(made("ideamart"), beyond)
    pushes.expect("ideamart", "sim-1")
    assert (await make(call("sim-1", "one"))).status == 200
    assert (await make(call("sim-1", "two"))).status == 200
    last = await pushes.last("ideamart", "sim-1", until=lambda: False)
    assert last is not None
    assert b"two" in last.body
    assert await pushes.last("ideamart", "sim-1", until=lambda: True) is None, "it was heard"


async def test_any_other_call_goes_on_its_way(pushes: Pushes) -> None:
    make = pushes.beside(made("ideamart"), beyond)
    pushes.expect("ideamart", "sim-1")
    pushes.expect("bdapps", "s2")
    assert (await make(call("s2"))).status == 418
    assert (await make(Call(Hidden(b"https://example.com"), (), b"{}"))).status == 418
    assert await pushes.last("ideamart", "s2", until=lambda: False) is None


async def test_a_phone_waits_for_a_screen_that_is_under_way_and_not_for_ever(
    pushes: Pushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    make = pushes.beside(made("ideamart"), beyond)
    pushes.expect("ideamart", "sim-1")
    waiting = asyncio.create_task(pushes.last("ideamart", "sim-1", until=lambda: False))
    await asyncio.sleep(0)
    await make(call("sim-1"))
    assert await waiting is not None
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    assert await pushes.last("ideamart", "sim-1", until=lambda: False) is None


async def test_only_the_latest_dialogues_are_heard(pushes: Pushes) -> None:
    make = pushes.beside(made("ideamart"), beyond)
    for number in range(MOST + 1):
        pushes.expect("ideamart", f"sim-{number}")
    assert (await make(call("sim-0"))).status == 418
    assert (await make(call("sim-1"))).status == 200
