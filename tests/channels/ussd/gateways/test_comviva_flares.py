"""Comviva Flares: who may call, and what a clean-up leaves in the log."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlencode

import pytest

from kikao import App, Chat, Flows, Text
from kikao.channels.channel import Response
from kikao.channels.line import Posted, through
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import SettingsError, load
from kikao.events import DialogueClosed, RequestRefused
from kikao.testing import Stage

KEYS = {
    "KIKAO_USSD_COMVIVA_FLARES_USERID": "airtel",
    "KIKAO_USSD_COMVIVA_FLARES_PASSWORD": "s3cret & ŋ of 20 signs",
}
ASKED = {"SessionID": "a7", "MSISDN": "256752000001", "MSC": "m", "input": "185"}

flows = Flows()


@flows.flow("names")
async def names(chat: Chat) -> None:
    """One question."""
    await chat.ask("first", Text(), "First?")


def staged(environment: dict[str, str], folder: Path) -> Stage:
    return Stage(App(flows, entry="names", members=False), load(environment, folder, gateways=OPTIONS))


async def get(stage: Stage, query: str) -> Response:
    return await through(stage.server)(Posted("/ussd/comviva_flares", (), b"", "127.0.0.1", "GET", query))


@pytest.mark.parametrize(
    "shown",
    [
        "",
        urlencode({"userid": "airtel"}),
        urlencode({"password": "s3cret & ŋ of 20 signs"}),
        urlencode({"userid": "airtel", "password": "s3cret"}),
        urlencode({"userid": "Airtel", "password": "s3cret & ŋ of 20 signs"}),
        urlencode({"userid": "airtel", "password": "s3cret & ŋ of 20 signs"}) + "&SessionID=twice",
        "userid=%ff&password=%",
    ],
)
async def test_a_stranger_is_told_nothing_and_nothing_of_the_request_is_read(
    shown: str, tmp_path: Path
) -> None:
    async with staged(KEYS, tmp_path) as stage:
        reply = await get(stage, f"{urlencode(ASKED)}&{shown}")
        assert (reply.status, reply.body) == (403, b"forbidden\n")
        assert await stage.stored() == []
        refused = [event for event in stage.events if isinstance(event, RequestRefused)]
        assert [event.reason for event in refused] == ["userid or password wrong or missing"]


async def test_who_shows_both_is_answered(tmp_path: Path) -> None:
    async with staged(KEYS, tmp_path) as stage:
        shown = {"userid": "airtel", "password": "s3cret & ŋ of 20 signs"}
        reply = await get(stage, urlencode({**shown, **ASKED}))
        assert (reply.status, reply.body) == (200, b"First?")
        assert dict(reply.headers)["freeflow"] == "FC"


async def test_a_password_alone_is_enough_to_ask_for(tmp_path: Path) -> None:
    async with staged({"KIKAO_USSD_COMVIVA_FLARES_PASSWORD": "p"}, tmp_path) as stage:
        assert (await get(stage, urlencode(ASKED))).status == 403
        assert (await get(stage, urlencode({**ASKED, "password": "p"}))).status == 200


async def test_a_clean_up_stands_in_the_log_and_leaves_the_session(tmp_path: Path) -> None:
    async with staged({}, tmp_path) as stage:
        phone = stage.phone("+256752000001", gateway="comviva_flares")
        await phone.dial()
        await phone.hang_up()
        assert phone.raw == (200, b"")
        closed = [event for event in stage.events if isinstance(event, DialogueClosed)]
        assert [event.note for event in closed] == ["clean clean-session, error 522"]
        assert len(await stage.stored()) == 1


async def test_an_id_that_comes_again_after_its_clean_up_begins_another_dialogue(tmp_path: Path) -> None:
    async with staged({}, tmp_path) as stage:
        assert (await get(stage, urlencode(ASKED))).body == b"First?"
        told = {"SessionID": "a7", "msisdn": "256752000001", "clean": "clean-session", "error": "522"}
        stage.clock.advance(5)
        assert (await get(stage, urlencode({**told, "SessionID": "a6"}))).status == 200
        stage.clock.advance(5)
        assert (await get(stage, urlencode({**ASKED, "input": ""}))).body.endswith(
            b"First?"
        )  # an answer still
        assert (await get(stage, urlencode(told))).status == 200
        stage.clock.advance(5)
        assert (await get(stage, urlencode(ASKED))).body == b"First?"


def production(environment: dict[str, str], folder: Path) -> str:
    """What keeps it from starting."""
    data = {"KIKAO_ENV": "production", "KIKAO_DATA": str(folder / "data")}
    with pytest.raises(SettingsError) as refused:
        load({**data, **environment}, folder, gateways=OPTIONS)
    return str(refused.value)


def test_in_production_a_password_keeps_strangers_out_and_a_user_id_alone_does_not(tmp_path: Path) -> None:
    long = {**KEYS, "KIKAO_USSD_COMVIVA_FLARES_PASSWORD": "s3cret & ŋ, and more of it"}
    assert "COMVIVA_FLARES_TOKEN" not in production(long, tmp_path)
    assert "COMVIVA_FLARES_TOKEN" in production({"KIKAO_USSD_COMVIVA_FLARES_USERID": "airtel"}, tmp_path)
