"""Phones of every gateway in the simulator: a conversation with a secret, and what its page shows of the wire."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from kikao import App, Chat, Done, Flows, Pin, Secret, Text
from kikao.channels.ussd.registry import OPTIONS, SLUGS, kind
from kikao.config import load
from kikao.console.simulator.views import MASK
from kikao.testing import Stage
from tests.channels.ussd.told import environment, fixtures
from tests.console.simulator.apps import CANARY
from tests.console.table import Handset, Table

flows = Flows()


class Vault:
    """Opens with any PIN."""

    async def open(self, pin: Secret, key: str) -> Done[str]:
        """A receipt."""
        return Done("r1")


@flows.flow("vault")
async def vault(chat: Chat) -> None:
    """A name, a PIN, and a last word."""
    name = await chat.ask("name", Text(), "Your name?")
    await chat.secret("pin", Pin(), "Your PIN?", use=chat.service(Vault).open)
    await chat.end(f"Thank you, {name}.")


@pytest.fixture
async def table(tmp_path: Path) -> AsyncIterator[Table]:
    """A server with every gateway, all of them set up."""
    given: dict[str, str] = {}
    for slug in SLUGS:
        given |= {} if kind(slug).connects else environment(slug)
    app = App(flows, entry="vault")
    async with Stage(app, load(given, tmp_path, gateways=OPTIONS), services={Vault: Vault()}) as stage:
        yield Table(stage.server)


async def endpoint_of(table: Table, slug: str) -> str:
    setup = await table.get("/setup")
    return next(str(one["id"]) for one in setup["endpoints"] if one["gateway"] == slug)


def sent(phone: Handset) -> str:
    request = phone.step["request"]
    return f"{request['method']} {unquote_plus(request['path'])} {request['headers']} {request['body']}"


async def test_every_gateway_has_an_endpoint(table: Table) -> None:
    setup = await table.get("/setup")
    assert [one["gateway"] for one in setup["endpoints"]] == [
        slug for slug in SLUGS if not kind(slug).connects
    ]
    for one in setup["endpoints"]:
        assert one["long_dial"] == ("long_dial" not in fixtures(one["gateway"])), one["gateway"]
        assert one["tells_end"] == bool({"end", "abort"} & kind(one["gateway"]).happenings)


async def test_a_conversation_with_a_secret_on_each(table: Table) -> None:
    for slug in SLUGS:
        if not kind(slug).connects:
            await converse(table, slug)


async def converse(table: Table, slug: str) -> None:
    """One table for all of them: a server with every gateway takes a while to start."""
    phone = await table.phone(await endpoint_of(table, slug), "+233241234567")
    assert await phone.dial() == "Your name?", slug
    assert phone.step["status"] < 300
    assert await phone.answer("Ama") == "Your PIN?\n0 Back\n00 Home", slug
    assert "Ama" in sent(phone)
    assert not phone.step["hidden"]
    assert await phone.answer(CANARY) == "Thank you, Ama.", slug
    assert not phone.step["alive"]
    assert phone.step["hidden"]
    assert MASK in sent(phone), slug
    again = await phone.again()
    assert (again, phone.step["repeated"]) == ("Thank you, Ama.", True) or kind(slug).dedupe == "none", slug
    assert not table.told(CANARY), slug
