"""Providers that tell the service code at a dial only: it is shown, and is no part of a session's key."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao.channels.ussd.gateways.comviva_xml import ComvivaXml
from kikao.channels.ussd.registry import OPTIONS
from kikao.config import load
from tests.channels.ussd.names import asks_names

SLUGS = ("comviva_flares", "comviva_xml", "truroute", "cellulant", "mtech", "imimobile", "infobip")
CODES = "*284#,*284*7#"


@pytest.mark.parametrize("slug", SLUGS)
async def test_an_answer_finds_its_session_whichever_code_was_dialled(slug: str, tmp_path: Path) -> None:
    settings = load({f"KIKAO_USSD_{slug.upper()}_CODE": CODES}, tmp_path, gateways=OPTIONS)
    async with asks_names(settings) as stage:
        phone = stage.phone("+254722000001", gateway=slug, code="*284*7#")
        assert (await phone.dial("Ama")).startswith("Last?"), "behind the longer code"
        await phone.hang_up()
        stage.clock.advance(5)
        assert (await phone.dial()).startswith("Continue where you stopped?")
        assert (await phone.reply("1")).startswith("Last?")
        assert await phone.reply("Mensah") == "Ama Mensah"
        assert len(await stage.stored()) == 1


@pytest.mark.parametrize(
    ("codes", "dialled", "code"),
    [
        ("*284#", "*284*1*4321#", "*284#"),
        (CODES, "*284*7*1#", "*284*7#"),
        (CODES, "*284*1#", "*284#"),
        (CODES, "*285*4321#", ""),
        ("*284#", "*285*4321#", "*284#"),
        ("", "*284*4321#", ""),
        ("*284#", "", "*284#"),
        (CODES, "", ""),
    ],
)
def test_a_code_is_one_of_the_settings_and_never_what_was_dialled_behind_it(
    codes: str, dialled: str, code: str
) -> None:
    assert ComvivaXml(codes=codes.split(",") if codes else ()).code_of(dialled) == code
