"""One simulated phone: what it shows of a request before anybody knows what it said, and what it keeps of a PIN."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

import pytest

from kikao.channels.channel import Response
from kikao.channels.ussd.registry import SLUGS
from kikao.config import load
from kikao.console.simulator.endpoints import endpoints
from kikao.console.simulator.phone import REMEMBERED, SimulatedPhone
from kikao.console.simulator.problems import Problem
from kikao.console.simulator.views import MASK
from kikao.testing.timers import let_pass
from tests.digits import stands_in

CANARY = "7359"
REPLIES = {
    "africa-s-talking": (b"CON Enter PIN", b"END Done"),
    "nalo": (b'{"MSG":"Enter PIN","MSGTYPE":true}', b'{"MSG":"Done","MSGTYPE":false}'),
}


@pytest.fixture(params=["africa-s-talking", "nalo"])
def phone(request: pytest.FixtureRequest, tmp_path: Path) -> SimulatedPhone:
    return SimulatedPhone(endpoints(load({}, tmp_path, gateways=SLUGS))[request.param], "+256772000001")


def asks(phone: SimulatedPhone) -> None:
    phone.show(Response(200, (), REPLIES[phone.endpoint.id][0]))


def ends(phone: SimulatedPhone) -> None:
    phone.show(Response(200, (), REPLIES[phone.endpoint.id][1]))


def held(thing: object) -> Iterator[str]:
    """Every text that can be reached from an object of ours."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, bytes):
        yield thing.decode(errors="replace")
    elif isinstance(thing, tuple | list):
        for item in thing:
            yield from held(item)
    elif type(thing).__module__.startswith(("kikao.console", "kikao.channels")):
        names = [*getattr(thing, "__dict__", {}), *getattr(type(thing), "__slots__", ())]
        for name in names:
            yield from held(getattr(thing, name, None))
        for name in getattr(thing, "__struct_fields__", ()):
            yield from held(getattr(thing, name))


def keeps(phone: SimulatedPhone) -> bool:
    return any(shows(text) for text in held(phone))


def shows(text: str) -> bool:
    return stands_in(CANARY, unquote(text))


async def test_before_it_is_known_what_was_taken_nothing_dialled_is_shown(phone: SimulatedPhone) -> None:
    phone.dial(f"2*{CANARY}")
    assert MASK in phone.request.body
    assert not shows(phone.request.body)
    assert not shows(phone.inbound.text.reveal())


async def test_a_pin_is_kept_until_the_next_request_after_the_end_at_the_longest(
    phone: SimulatedPhone,
) -> None:
    phone.dial("")
    asks(phone)
    phone.answer(CANARY, secret=True)
    assert keeps(phone), "the request can be delivered again"
    assert not shows(repr(phone.last))
    ends(phone)
    assert keeps(phone)

    phone.dial("")

    assert not keeps(phone)


@pytest.mark.parametrize("end", ["forget", "drop", "hang_up"])
async def test_a_phone_that_is_put_away_keeps_nothing(phone: SimulatedPhone, end: str) -> None:
    phone.dial("")
    asks(phone)
    phone.answer(CANARY, secret=True)
    getattr(phone, end)()
    phone.forget()

    assert not keeps(phone)
    assert phone.last is None
    with pytest.raises(Problem, match="the dialogue is over"):
        phone.answer("1", secret=False)


async def test_a_reply_that_is_none_of_the_gateways_ends_the_dialogue(phone: SimulatedPhone) -> None:
    phone.dial("")
    asks(phone)
    assert phone.alive
    phone.show(Response(200, (), b"\xff"))
    assert (phone.screen, phone.alive) == ("", False)


async def test_after_a_while_nothing_is_left_of_a_dialogue_that_is_over(phone: SimulatedPhone) -> None:
    phone.dial("")
    asks(phone)
    phone.answer(CANARY, secret=True)
    ends(phone)

    let_pass(REMEMBERED + 1)
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    assert not keeps(phone)
