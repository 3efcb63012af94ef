"""Whoever cannot show what a provider shows is not let in, before anything is read, and is told nothing."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec import structs

from kikao import App, Chat, Flows, Text
from kikao.channels.channel import Response
from kikao.channels.edge import Denied
from kikao.channels.line import Posted, through
from kikao.channels.refusals import REFUSED
from kikao.channels.ussd.clients.client import Client, Exchange
from kikao.channels.ussd.clients.paytota import PaytotaClient
from kikao.channels.ussd.gateway import UssdGateway
from kikao.channels.ussd.registry import OPTIONS, SLUGS, client, gateway, kind
from kikao.config import Hidden, SettingsError, UssdSettings, load
from kikao.events import RequestRefused, TurnEvent
from kikao.testing import Stage
from tests.channels.ussd.told import CANARY, CODE, NUMBER
from tests.config.asking import PRODUCTION, TOKEN

POSTED_TO = [slug for slug in SLUGS if not kind(slug).connects]
"""To the others kikao connects, and their route is closed."""
GUARDED = [slug for slug in POSTED_TO if any(option.guards for option in kind(slug).options)]
NOT_A_WORD = Response(403, (("content-type", "text/plain; charset=utf-8"),), b"forbidden\n")
RIGHT, WRONG = "a-long-and-random-text", "another-random-text-of-that"

flows = Flows()


@flows.flow("name")
async def name(chat: Chat) -> None:
    """One question."""
    await chat.ask("name", Text(), "Your name?")


def phone_of(slug: str, secret: str = RIGHT) -> tuple[Client, dict[str, str]]:
    """A phone of a provider that shows what belongs to the settings, and these."""
    guards = {option.name: secret for option in kind(slug).options if option.guards}
    others = {option.name: option.example for option in kind(slug).options if option.required}
    options = {**others, **guards}
    hidden = {name: Hidden(value.encode()) for name, value in options.items()}
    phone = client(slug, NUMBER, CODE, UssdSettings(codes=(CODE,), options=hidden))
    if isinstance(phone, PaytotaClient):
        options["public_key"] = phone.signs()
    return phone, options


def environment(slug: str, options: dict[str, str]) -> dict[str, str]:
    given = {"code": CODE, **options}
    return {f"KIKAO_USSD_{slug.upper()}_{name.upper()}": value for name, value in given.items()}


@asynccontextmanager
async def guarded(slug: str, options: dict[str, str], folder: Path) -> AsyncIterator[Stage]:
    settings = load(environment(slug, options), folder, gateways=OPTIONS)
    async with Stage(App(flows, entry="name", members=False), settings) as stage:
        yield stage


async def sent(stage: Stage, slug: str, exchange: Exchange, peer: str = "192.0.2.66") -> Response:
    """What whoever sends it gets, without what differs from connection to connection."""
    posted: Posted = structs.replace(exchange, path=f"/ussd/{slug}").posted(peer)
    answer = await through(stage.server)(posted)
    plain = tuple((name, value) for name, value in answer.headers if name == "content-type")
    return Response(answer.status, plain, answer.body)


def torn(exchange: Exchange) -> Exchange:
    """What no gateway reads, with what its provider shows."""
    return structs.replace(exchange, body=b"{" + CANARY.encode(), query=f"{CANARY}&{CANARY}")


def bare(exchange: Exchange) -> Exchange:
    """Without any header but the content type, and without a query."""
    headers = tuple(pair for pair in exchange.headers if pair[0] == "content-type")
    return structs.replace(exchange, headers=headers, query="")


@pytest.mark.parametrize("slug", GUARDED)
async def test_the_provider_is_let_in_and_nobody_else_learns_anything(slug: str, tmp_path: Path) -> None:
    phone, options = phone_of(slug)
    stranger, _ = phone_of(slug, WRONG)
    async with guarded(slug, options, tmp_path) as stage:
        strange = stranger.dial(f"d{CANARY}"), stranger.answer(CANARY)
        for refused in (*strange, torn(strange[0]), bare(strange[0]), bare(torn(strange[0]))):
            assert await sent(stage, slug, refused) == NOT_A_WORD
        assert not [event for event in stage.events if isinstance(event, TurnEvent)]
        assert not await stage.stored(), "nobody's session was touched"
        events = [event for event in stage.events if isinstance(event, RequestRefused)]
        assert [(event.gateway, event.status) for event in events] == [(slug, 403)] * 5
        for event in events:
            for secret in (CANARY, NUMBER.removeprefix("+"), WRONG, *options.values()):
                assert secret not in str(event)
        assert (await sent(stage, slug, phone.dial("d1"))).status < 300
        assert len(await stage.stored()) == 1


@pytest.mark.parametrize("slug", GUARDED)
async def test_guessing_is_slow_and_the_provider_does_not_pay_for_it(slug: str, tmp_path: Path) -> None:
    phone, options = phone_of(slug)
    stranger, _ = phone_of(slug, WRONG)
    async with guarded(slug, options, tmp_path) as stage:
        guess = stranger.dial("d1")
        found = [(await sent(stage, slug, guess)).status for _ in range(int(REFUSED.burst) + 2)]
        assert (found[0], found[-1]) == (403, 429)
        assert (await sent(stage, slug, phone.dial("d1"))).status < 300, "from the same address"


@pytest.mark.parametrize("slug", GUARDED)
async def test_behind_a_path_token_a_key_is_asked_for_too(slug: str, tmp_path: Path) -> None:
    phone, options = phone_of(slug)
    stranger, _ = phone_of(slug, WRONG)
    async with guarded(slug, {**options, "token": TOKEN}, tmp_path) as stage:

        async def status(of: Client, token: str) -> int:
            exchange = structs.replace(of.dial("d1"), path=f"/ussd/{slug}/{token}")
            return (await through(stage.server)(exchange.posted("192.0.2.66"))).status

        assert [await status(stranger, TOKEN), await status(phone, "guess")] == [403, 404]
        assert await status(phone, TOKEN) < 300


@pytest.mark.parametrize("slug", GUARDED)
def test_without_the_setting_nothing_is_looked_at(slug: str) -> None:
    """In development: production asks for a token or an allow-list then."""
    required = {option.name: option.example for option in kind(slug).options if option.required}
    if any(option.guards and option.required for option in kind(slug).options):
        return
    settings = UssdSettings(
        codes=(CODE,), options={name: Hidden(value.encode()) for name, value in required.items()}
    )
    gateway(slug, settings).verify(client(slug, NUMBER, CODE, settings).dial("d1").request(f"/ussd/{slug}"))


def test_what_guards_a_gateway_is_looked_at_and_only_there() -> None:
    looking = [slug for slug in POSTED_TO if kind(slug).verify is not UssdGateway.verify]
    assert looking == GUARDED
    for slug in GUARDED:
        assert {"key", "signature"} & set(kind(slug).contract.authentication)


@pytest.mark.parametrize("slug", GUARDED)
def test_nothing_is_compared_in_a_time_that_tells_how_much_was_right(slug: str) -> None:
    """`==` stops at the first difference. Signatures are checked by the library, keys by `compare_digest`."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind(slug).verify)))
    compared = [ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Compare)]
    assert compared == []
    module = inspect.getsource(inspect.getmodule(kind(slug)))  # type: ignore[arg-type]
    assert "compare_digest" in module or "signed(" in module


@pytest.mark.parametrize("slug", GUARDED)
def test_a_refusal_has_no_reason_that_a_stranger_could_use(slug: str) -> None:
    phone, options = phone_of(slug)
    hidden = {name: Hidden(value.encode()) for name, value in options.items()}
    found = gateway(slug, UssdSettings(codes=(CODE,), options=hidden))
    found.verify(phone.dial("d1").request(f"/ussd/{slug}"))
    stranger, _ = phone_of(slug, WRONG)
    with pytest.raises(Denied) as denied:
        found.verify(stranger.dial("d1").request(f"/ussd/{slug}"))
    assert denied.value.response.body == NOT_A_WORD.body
    assert denied.value.__cause__ is None


# --- production ---


def in_production(slug: str, folder: Path, **given: str) -> str:
    """Why a server with these settings of a gateway does not start; nothing where it does."""
    required = {option.name: option.example for option in kind(slug).options if option.required}
    keys = {name: value for name, value in PRODUCTION.items() if "USSD" not in name}
    try:
        load({**keys, **environment(slug, {**required, **given})}, folder, gateways=OPTIONS)
    except SettingsError as refused:
        return "\n".join(refused.problems)
    return ""


@pytest.mark.parametrize("slug", POSTED_TO)
def test_production_refuses_a_gateway_that_anybody_may_post_to(slug: str, tmp_path: Path) -> None:
    options = kind(slug).options
    if not any(option.guards and option.required for option in options):
        assert f"KIKAO_USSD_{slug.upper()}_TOKEN, KIKAO_USSD_{slug.upper()}_ALLOW: neither" in in_production(
            slug, tmp_path
        )
    assert in_production(slug, tmp_path, token=TOKEN) == ""
    assert in_production(slug, tmp_path, allow="203.0.113.0/24") == ""
    for option in options:
        alone = in_production(slug, tmp_path, **{option.name: option.example})
        needless = any(other.guards and other.required for other in options)
        assert (alone == "") == (option.guards or needless), option.name
        if option.guards:
            assert "neither" not in in_production(
                slug, tmp_path, allow="0.0.0.0/0", **{option.name: option.example}
            )
