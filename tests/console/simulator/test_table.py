"""What phones there can be: the endpoints that they dial, and the table that they lie on."""

from __future__ import annotations

from pathlib import Path

import pytest

from kikao import SessionPolicy
from kikao.console.simulator.simulator import MOST
from kikao.testing import Stage
from tests.console.simulator.apps import ENTER_PIN, endless, settings
from tests.console.table import Table
from tests.testing.shop import HOW_MANY, an_app


async def test_a_gateway_with_a_token_and_an_allow_list_lets_the_simulator_in(tmp_path: Path) -> None:
    token = "a-secret-part-of-the-path"
    own = settings(
        tmp_path, USSD_AFRICASTALKING_TOKEN=token, USSD_AFRICASTALKING_ALLOW="203.0.113.8/29,10.0.0.1"
    )
    async with Stage(an_app(), own) as stage:
        table = Table(stage.server)
        phone = await table.phone()
        assert await phone.dial() == HOW_MANY
        assert phone.step["request"]["path"] == "/ussd/africastalking/…"
        await table.get("/setup")
        assert not table.told(token)


async def test_what_there_is_to_choose_from(town: Table) -> None:
    setup = await town.get("/setup")
    by_gateway = {one["gateway"]: one for one in setup["endpoints"]}
    at, nalo = by_gateway["africastalking"], by_gateway["nalo"]
    assert (at["id"], at["gateway"], at["path"], at["code"]) == (
        "africa-s-talking",
        "africastalking",
        "/ussd/africastalking",
        "*284#",
    )
    assert (at["budget"], nalo["budget"]) == ({"septets": 156, "units": 76}, {"septets": 160, "units": 80})
    assert (at["tells_end"], nalo["tells_end"]) == (True, False)
    assert setup["locales"] == {"en": "English", "lg": "Luganda", "sw": "Kiswahili"}
    for number in setup["numbers"]:
        for endpoint in (at, nalo):
            assert await (await town.phone(endpoint["id"], number)).dial()


@pytest.mark.parametrize(("code", "arrives"), [("*284#", True), ("*920*1806#", False)])
async def test_whether_a_long_dial_arrives(tmp_path: Path, code: str, arrives: bool) -> None:
    endpoint = f'[[simulator.endpoints]]\nname = "N"\ngateway = "nalo"\ncode = "{code}"\n'
    async with Stage(an_app(), settings(tmp_path, endpoint, USSD_NALO_CODE="*284#")) as stage:
        table = Table(stage.server)
        assert (await table.get("/setup"))["endpoints"][0]["long_dial"] is arrives
        phone = await table.phone("n")
        assert await phone.dial("2") == (ENTER_PIN if arrives else HOW_MANY)


async def test_tenants_by_host_have_sessions_of_their_own(tmp_path: Path) -> None:
    own = settings(
        tmp_path,
        "\n".join(
            f'[[simulator.endpoints]]\nname = "{name}"\ngateway = "africastalking"\nhost = "{name}.example.com"'
            for name in ("uganda", "kenya")
        ),
    )
    async with Stage(endless(SessionPolicy.per_url()), own) as stage:
        table = Table(stage.server)
        keys = []
        for endpoint in ("uganda", "kenya"):
            phone = await table.phone(endpoint)
            await phone.dial()
            assert phone.step["request"]["headers"]["host"] == f"{endpoint}.example.com"
            keys.append(phone.step["conversation"]["session"]["key"])
        assert keys[0] != keys[1]


async def test_a_session_for_each_dialogue_is_found(tmp_path: Path) -> None:
    async with Stage(endless(SessionPolicy.ephemeral())) as stage:
        phone = await Table(stage.server).phone()
        await phone.dial()
        first = phone.step["conversation"]["session"]["key"]
        await phone.dial()
        assert phone.step["conversation"]["session"]["key"] != first


async def test_phones_on_the_table(shop: Table) -> None:
    first = await shop.phone()
    await first.dial()
    assert await shop.get("/phones") == [
        {
            "id": first.id,
            "endpoint": "africa-s-talking",
            "number": "+256772000001",
            "alive": True,
            "screen": HOW_MANY,
        }
    ]
    for _ in range(MOST):
        await shop.phone()
    assert len(await shop.get("/phones")) == MOST
    assert await shop.error(f"/phones/{first.id}/dial", {}, status=404)

    assert (await shop.ask(f"/api/phones/{(await shop.phone()).id}", method="DELETE")).status == 200
    assert len(await shop.get("/phones")) == MOST - 1


@pytest.mark.parametrize(
    ("endpoint", "number"),
    [
        ("nowhere", "+256772000001"),
        ("nalo", "0772000001"),
        ("nalo", "+0772000001"),
        ("nalo", "+25677\n2000001"),
    ],
)
async def test_a_phone_that_cannot_be(shop: Table, endpoint: str, number: str) -> None:
    assert await shop.error("/phones", {"endpoint": endpoint, "number": number})
