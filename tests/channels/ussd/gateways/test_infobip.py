"""Infobip: paths with an id, starts that come again, and ends that name nobody."""

from __future__ import annotations

import pytest

from kikao.channels.line import Posted, through
from kikao.events import DialogueClosed, GatewayTold
from tests.channels.ussd.names import asks_names

HEARD = b'{"responseExitCode":200,"responseMessage":""}'


async def test_a_start_that_comes_again_shows_the_present_screen_and_begins_nothing() -> None:
    async with asks_names() as stage:
        phone = stage.phone("+385955363443", gateway="infobip")
        assert await phone.dial() == "First?"
        for _ in range(2):
            stage.clock.advance(20)
            assert await phone.again() == "First?"
        assert (await phone.reply("Ama")).startswith("Last?")
        stage.clock.advance(20)
        assert (await phone.earlier(1).arrives()).startswith("Last?")
        assert await phone.reply("Mensah") == "Ama Mensah"


async def test_an_end_that_names_nobody_is_heard_and_the_session_stays() -> None:
    async with asks_names() as stage:
        phone = stage.phone("+385955363443", gateway="infobip")
        await phone.dial()
        await phone.reply("Ama")
        await phone.hang_up()
        assert phone.raw == (200, HEARD)
        closed = [event for event in stage.events if isinstance(event, DialogueClosed)]
        assert [(event.how, event.note) for event in closed] == [("end", "ok, exit code 0")]
        assert (await phone.dial()).startswith("Continue where you stopped?")


@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_status_is_acknowledged_without_a_word_on_whether_it_is_active(method: str) -> None:
    async with asks_names() as stage:
        asked = Posted("/ussd/infobip/session/17/status", (), b"", "127.0.0.1", method)
        reply = await through(stage.server)(asked)
        assert (reply.status, reply.body) == (200, HEARD)
        assert stage.events == [
            GatewayTold(channel="ussd", gateway="infobip", note="asked whether it is active")
        ]


@pytest.mark.parametrize(
    ("rest", "status"),
    [
        ("", 400),
        ("/session", 404),
        ("/session/17/stop", 404),
        ("/session/1/7/start", 404),
        ("/session//start", 404),
    ],
)
async def test_another_path_is_not_there(rest: str, status: int) -> None:
    async with asks_names() as stage:
        phone = stage.phone("+385955363443", gateway="infobip")
        body = phone.client.dial("17").body
        reply = await through(stage.server)(Posted(f"/ussd/infobip{rest}", (), body, "127.0.0.1"))
        assert reply.status == status
