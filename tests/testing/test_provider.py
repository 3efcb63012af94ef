"""The provider that is called with each screen: what it takes, what it refuses, and its moods."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from kikao.channels.calling import Answer, Call, Make, Unanswered
from kikao.channels.ussd.pushed import Pushed
from kikao.channels.ussd.pushing import CallingGateway
from kikao.channels.ussd.registry import OPTIONS, gateway
from kikao.config import load
from kikao.testing import Provider
from tests.channels.ussd.told import environment, fixtures, request_of

every = pytest.mark.parametrize("slug", ["ideamart", "bdapps", "oneapi", "mtn_madapi"])
PUSHES = {"KIKAO_USSD_MTN_MADAPI_REPLY": "push", "KIKAO_USSD_MTN_MADAPI_API_KEY": "k3y-of-the-app"}


@pytest.fixture
def provider() -> Provider:
    return Provider()


def asked(slug: str, provider: Provider, folder: Path) -> tuple[Make, Call]:
    """What makes calls to the provider, and one that it takes."""
    settings = load(environment(slug) | PUSHES, folder, gateways=OPTIONS, makes_keys=True)
    found = gateway(slug, settings.ussd[slug])
    assert isinstance(found, CallingGateway)
    inbound = found.parse(request_of(slug, fixtures(slug)["requests"][0]))
    pushed = Pushed.read(found.pushed(inbound, "1 Send", ends=False, until=0.0)[0])
    return provider.network(settings)(found), found.call(pushed, "00" * 16)


@every
async def test_it_takes_what_the_contract_says(slug: str, provider: Provider, tmp_path: Path) -> None:
    make, call = asked(slug, provider, tmp_path)
    assert (await make(call)).status == 200
    (heard,) = provider.heard
    assert (heard.gateway, heard.shown.text, heard.shown.alive) == (slug, "1 Send", True)
    shown = provider.shown(slug, heard.shown.dialogue)
    assert shown is not None
    assert shown.body == call.body
    assert provider.shown(slug, heard.shown.dialogue, since=1) is None


@every
async def test_it_refuses_what_lacks_a_field_or_the_secret(
    slug: str, provider: Provider, tmp_path: Path
) -> None:
    make, call = asked(slug, provider, tmp_path)
    wrong = [
        msgspec.structs.replace(call, body=b"{}"),
        msgspec.structs.replace(call, body=b"not JSON"),
        msgspec.structs.replace(
            call,
            headers=(("content-type", "application/json"),),
            body=call.body.replace(b"pa55word", b"another"),
        ),
        msgspec.structs.replace(
            call, body=call.body.replace(b"mtcont", b"mtinit").replace(b"mt-cont", b"mt-init")
        ),
    ]
    if slug == "mtn_madapi":
        wrong[-1] = msgspec.structs.replace(call, body=call.body.replace(b'"1"', b'"7"'))
    for each in wrong:
        assert await make(each) == Answer(400)
    assert (provider.calls, len(provider.refused), provider.heard) == (4, 4, [])


async def test_its_moods_pass(provider: Provider, tmp_path: Path) -> None:
    make, call = asked("ideamart", provider, tmp_path)
    provider.fails(status=500)
    provider.limits(7.0)
    assert (await make(call)).status == 500
    limited = await make(call)
    assert (limited.status, limited.header("retry-after"), limited.header("x")) == (429, "7", "")
    provider.loses()
    assert (await make(call)).status == 200
    assert provider.heard == []
    provider.does_not_answer()
    with pytest.raises(Unanswered):
        await make(call)
    assert len(provider.heard) == 1
    provider.fails(5)
    provider.recovers()
    assert (await make(call)).status == 200


async def test_it_takes_its_time(provider: Provider, tmp_path: Path) -> None:
    make, call = asked("ideamart", provider, tmp_path)
    provider.held = asyncio.Event()
    under_way = asyncio.ensure_future(make(call))
    done, _ = await asyncio.wait([under_way], timeout=0.01)
    assert not done
    provider.held.set()
    assert (await under_way).status == 200
