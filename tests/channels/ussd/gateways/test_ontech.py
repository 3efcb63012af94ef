"""Ontech is read, and nobody is served over it: what its reply has to look like is not known."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao import App, Chat, Flows
from kikao.channels.line import through
from kikao.channels.ussd.clients.client import JSON, Exchange
from kikao.channels.ussd.registry import OPTIONS, SLUGS, UNSERVED, gateways
from kikao.config import SettingsError, load
from kikao.testing import Stage
from tests.channels.ussd.told import fixtures

flows = Flows()


@flows.flow("hi")
async def hi(chat: Chat) -> None:
    """Nobody comes here."""
    await chat.end("Hi")


DIAL = fixtures("ontech")["requests"][0]


async def test_there_is_no_route_to_it(tmp_path: Path) -> None:
    assert "ontech" not in gateways()
    async with Stage(App(flows, entry="hi", members=False), load({}, tmp_path, gateways=SLUGS)) as stage:
        asked = Exchange("/ussd/ontech", JSON, DIAL["body"].encode()).posted("127.0.0.1")
        nowhere = Exchange("/ussd/nosuch", JSON, DIAL["body"].encode()).posted("127.0.0.1")
        assert await through(stage.server)(asked) == await through(stage.server)(nowhere)
        assert (await through(stage.server)(asked)).status == 404


def test_settings_for_it_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"KIKAO_USSD_ONTECH_CODE": "*388*10#"}, tmp_path, gateways=OPTIONS)
    (told,) = refused.value.problems
    assert told == f"KIKAO_USSD_ONTECH_CODE (environment): {UNSERVED['ontech']}"
