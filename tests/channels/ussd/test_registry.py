"""Every gateway there is has fixtures, and reads each of them as they say."""

import json
from pathlib import Path
from typing import Any

import pytest

from kikao.channels.channel import BadRequest, Request
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import SLUGS, gateway, gateways
from kikao.conversation.secrets import Secret

FIXTURES = Path(__file__).parent / "fixtures"
FORM = {"content-type": "application/x-www-form-urlencoded"}


def cases() -> list[Any]:
    return [
        pytest.param(slug, case, id=f"{slug}: {case['case']}")
        for slug in SLUGS
        for case in json.loads((FIXTURES / f"{slug}.json").read_text(encoding="utf-8"))
    ]


def request_of(case: dict[str, Any]) -> Request:
    return Request("POST", "/ussd/x", b"", case.get("headers", FORM), case["body"].encode())


@pytest.mark.parametrize(("slug", "case"), cases())
def test_a_request_is_read_as_its_fixture_says(slug: str, case: dict[str, Any]) -> None:
    if "refused" in case:
        with pytest.raises(BadRequest) as refused:
            gateway(slug).parse(request_of(case))
        assert case["refused"] in str(refused.value)
        assert "4321" not in str(refused.value)
        return
    inbound = gateway(slug).parse(request_of(case))
    assert (inbound.channel, inbound.gateway) == ("ussd", slug)
    for name, expected in case["inbound"].items():
        got = getattr(inbound, name)
        plain = got.reveal() if isinstance(got, Secret) else list(got) if isinstance(got, tuple) else got
        assert plain == expected, name


def test_every_fixture_has_a_gateway() -> None:
    assert {path.stem for path in FIXTURES.glob("*.json")} == set(SLUGS)


def test_every_gateway_declares_its_contract() -> None:
    for slug, each in gateways().items():
        assert isinstance(each, UssdGateway)
        assert each.slug == slug
        assert each.channel == "ussd"
        assert each.family in ("accumulated", "last", "async")
        assert each.dedupe in ("exact", "window", "none")
        assert each.retention > 0


def test_an_unknown_gateway_is_told_with_those_there_are() -> None:
    with pytest.raises(LookupError, match=r"no gateway 'nalo'.*africastalking"):
        gateway("nalo")
