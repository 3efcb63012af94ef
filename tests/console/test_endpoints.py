"""What the simulator's phones can dial: from the settings, or one for each gateway."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec import structs

from kikao.channels.ussd.registry import SLUGS, kind
from kikao.config import Settings, SettingsError, SimulatedEndpoint, load
from kikao.console.simulator.endpoints import COLOURS, endpoints

TWO = """
[[simulator.endpoints]]
name = "Wallet Uganda"
description = "As dialled in Kampala"
icon = "U"
colour = "#0a7d4b"
channel = "ussd"
gateway = "africastalking"
path = "/ussd/africastalking"
code = "*165#"
host = "uganda.example.com:8443"

[[simulator.endpoints]]
name = "wallet, uganda"
gateway = "nalo"
"""


def settings(tmp_path: Path, text: str, **environ: str) -> Settings:
    (tmp_path / "kikao.toml").write_text(text, encoding="utf-8")
    return load({f"KIKAO_{name}": value for name, value in environ.items()}, tmp_path, gateways=SLUGS)


def problems(tmp_path: Path, text: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as refused:
        settings(tmp_path, text)
    return refused.value.problems


def test_every_gateway_that_a_phone_speaks_unless_something_is_set(tmp_path: Path) -> None:
    found = endpoints(settings(tmp_path, "", USSD_NALO_CODE="*920*1806#,*1#", USSD_NALO_SEPTETS="182"))
    able = [slug for slug in SLUGS if not any(option.required for option in kind(slug).options)]
    able = [slug for slug in able if not kind(slug).connects]
    assert [each.of.gateway for each in found.values()] == [
        "nalo",
        *(slug for slug in able if slug != "nalo"),
    ]
    nalo = found["nalo"]
    assert (nalo.of.code, nalo.of.icon) == ("*920*1806#", "N")
    assert (nalo.of.colour, nalo.of.description) == (COLOURS[0], "Ghana")
    assert (nalo.gateway.budget.septets, nalo.shown_path, nalo.peer) == (182, "/ussd/nalo", "127.0.0.1")


def test_those_of_the_settings(tmp_path: Path) -> None:
    found = endpoints(settings(tmp_path, TWO))
    assert list(found) == ["wallet-uganda", "wallet-uganda-2"]
    first, second = (each.of for each in found.values())
    assert (first.description, first.icon, first.colour) == ("As dialled in Kampala", "U", "#0a7d4b")
    assert (first.code, first.host) == ("*165#", "uganda.example.com:8443")
    assert (second.icon, second.path, second.host, second.code) == ("W", "/ussd/nalo", "localhost", "*284#")


def test_a_gateway_that_no_phone_speaks_yet_is_left_out(tmp_path: Path) -> None:
    given = structs.replace(settings(tmp_path, ""), endpoints=(SimulatedEndpoint("A", "nosuch"),))
    assert endpoints(given) == {}


def test_a_name_without_letters_has_an_id(tmp_path: Path) -> None:
    text = '[[simulator.endpoints]]\nname = "{}"\ngateway = "nalo"\n'
    found = endpoints(settings(tmp_path, text.format("钱包") + text.format("محفظة")))
    assert list(found) == ["endpoint", "endpoint-2"]


def test_an_address_of_the_allow_list_and_the_token_of_the_path(tmp_path: Path) -> None:
    token = "0123456789abcdefTOKEN"
    own = settings(tmp_path, "", USSD_NALO_ALLOW="203.0.113.0/24", USSD_NALO_TOKEN=token)
    nalo = endpoints(own)["nalo"]
    assert (nalo.peer, nalo.posted_to, nalo.shown_path) == (
        "203.0.113.1",
        f"/ussd/nalo/{token}",
        "/ussd/nalo/…",
    )
    assert token not in repr(nalo)
    one = settings(tmp_path, "", USSD_NALO_ALLOW="203.0.113.7")
    assert endpoints(one)["nalo"].peer == "203.0.113.7"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('gateway = "nalo2"', "there is no gateway 'nalo2'; there are africastalking, "),
        ('channel = "sms"', "must be ussd or whatsapp or telegram or socket, not 'sms'"),
        ('path = "/ussd/africastalking"', "path: must be /ussd/nalo; a path token is added by itself."),
        ('colour = "green"', "colour: must be # and six hexadecimal digits"),
        ('code = "284"', "code: '284' is no service code"),
        ('host = "https://example.com"', "host: must be a host's name, with or without a port"),
        ('icon = "a long one"', "icon: must have at most 8 printable characters"),
        ("icon = 7", "icon: must be a text, not a whole number"),
        ('description = "a\\nb"', "description: must have at most 200 printable characters on one line"),
        ('name = " "', "name: is empty"),
        ('color = "#000000"', "no such field 'color'. There are: name, description, icon, colour"),
    ],
)
def test_what_an_endpoint_cannot_be(tmp_path: Path, line: str, told: str) -> None:
    fields = {"name": '"A"', "gateway": '"nalo"'}
    key, _, value = line.partition(" = ")
    text = "\n".join(f"{name} = {each}" for name, each in {**fields, key: value}.items())
    (problem,) = problems(tmp_path, f"[[simulator.endpoints]]\n{text}\n")
    assert problem.startswith("simulator.endpoints (kikao.toml) 1")
    assert told in problem


def test_every_problem_is_told(tmp_path: Path) -> None:
    told = problems(
        tmp_path, '[[simulator.endpoints]]\ncolour = "red"\n[[simulator.endpoints]]\nname = "B"\n'
    )
    assert [problem.partition(":")[0] for problem in told] == [
        "simulator.endpoints (kikao.toml) 1, colour",
        "simulator.endpoints (kikao.toml) 1",
        "simulator.endpoints (kikao.toml) 1",
        "simulator.endpoints (kikao.toml) 2",
    ]


def test_names_are_their_own_and_not_too_many(tmp_path: Path) -> None:
    one = '[[simulator.endpoints]]\nname = "A"\ngateway = "nalo"\n'
    assert problems(tmp_path, one * 2) == (
        "simulator.endpoints (kikao.toml): 'A' is the name of several. Give each its own.",
    )
    assert "has 51 endpoints, the page has room for 50" in problems(tmp_path, one * 51)[0]


@pytest.mark.parametrize("text", ["[simulator]\nendpoints = 5", '[simulator]\nendpoints = ["a"]'])
def test_endpoints_are_tables(tmp_path: Path, text: str) -> None:
    assert problems(tmp_path, text) == (
        "simulator.endpoints (kikao.toml): must be tables. Write [[simulator.endpoints]] above each.",
    )


def test_chats_are_no_gateways_of_ussd_and_need_little(tmp_path: Path) -> None:
    own = settings(tmp_path, '[[simulator.endpoints]]\nname = "Bot"\nchannel = "telegram"\n')
    assert endpoints(own) == {}
    assert own.endpoints == (SimulatedEndpoint("Bot", "bot-api", channel="telegram"),)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('gateway = "nalo"', "there is no gateway 'nalo'; there are cloud-api"),
        ('code = "*1#"', "code: a chat has none. Remove it."),
        ('path = "/whatsapp"', "path: a chat has none. Remove it."),
    ],
)
def test_what_a_chat_has_not(tmp_path: Path, line: str, told: str) -> None:
    text = f'[[simulator.endpoints]]\nname = "Shop"\nchannel = "whatsapp"\n{line}\n'
    (problem,) = problems(tmp_path, text)
    assert told in problem
