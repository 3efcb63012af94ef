"""The settings of a USSD gateway: its pages and its codes."""

from pathlib import Path

import pytest

from kikao.config import Option, load
from tests.config.asking import PRODUCTION, TOKEN, problem, toml


def test_a_gateway_s_pages_and_codes(tmp_path: Path) -> None:
    found = load({"KIKAO_USSD_NALO_TOKEN": TOKEN}, tmp_path).ussd["nalo"]
    assert (found.septets, found.codes) == (160, ())
    environ = {"KIKAO_USSD_NALO_SEPTETS": "182", "KIKAO_USSD_NALO_CODE": "*920*1806#, *920#,*920#"}
    loaded = load(environ, tmp_path)
    assert loaded.ussd["nalo"].septets == 182
    assert loaded.ussd["nalo"].codes == ("*920*1806#", "*920#")
    line = "ussd nalo: path token not set, allowed: every address, pages of 182 septets, codes: *920*1806#, *920#"
    assert line in loaded.describe()
    toml(tmp_path, '[ussd.nalo]\nseptets = 140\ncode = ["*380*77#"]\n')
    from_file = load({"KIKAO_USSD_NALO_SEPTETS": "80"}, tmp_path).ussd["nalo"]
    assert (from_file.septets, from_file.codes) == (80, ("*380*77#",))


@pytest.mark.parametrize("septets", ["79", "183", "0", "-1", "1e2", "160.0", " ", "full"])
def test_a_page_that_no_network_carries(tmp_path: Path, septets: str) -> None:
    told = problem({"KIKAO_USSD_NALO_SEPTETS": septets}, tmp_path)
    assert told.startswith("KIKAO_USSD_NALO_SEPTETS (environment): ")
    assert told.endswith("Set for example: KIKAO_USSD_NALO_SEPTETS=182")


@pytest.mark.parametrize(
    "code",
    ["920", "*920", "920#", "*#", "**920#", "*920*#", "*9a0#", "*920*1806##", "*920#1#", ",", "*" * 99],
)
def test_what_is_no_service_code(tmp_path: Path, code: str) -> None:
    told = problem({"KIKAO_USSD_NALO_CODE": code}, tmp_path)
    assert told.endswith("Set for example: KIKAO_USSD_NALO_CODE=*920*1806#")


def test_pages_and_codes_do_not_open_a_gateway_in_production(tmp_path: Path) -> None:
    for name, value in (("SEPTETS", "182"), ("CODE", "*920#")):
        assert "nalo" in problem({**PRODUCTION, f"KIKAO_USSD_NALO_{name}": value}, tmp_path)


OWN = {"nalo": (), "nalo_two": (Option("app_id", "the app there", "APP_1"),)}


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("NALO_TWO_APPID", "Did you mean KIKAO_USSD_NALO_TWO_APP_ID?"),
        (
            "NALO_TWO_APPLICATION_ID",
            "There are: KIKAO_USSD_NALO_TWO_TOKEN, KIKAO_USSD_NALO_TWO_ALLOW, KIKAO_USSD_NALO_TWO_SEPTETS, "
            "KIKAO_USSD_NALO_TWO_CODE, KIKAO_USSD_NALO_TWO_REGION, KIKAO_USSD_NALO_TWO_APP_ID.",
        ),
        (
            "NALO_APP_ID",
            "There are: KIKAO_USSD_NALO_TOKEN, KIKAO_USSD_NALO_ALLOW, KIKAO_USSD_NALO_SEPTETS, KIKAO_USSD_NALO_CODE, "
            "KIKAO_USSD_NALO_REGION.",
        ),
    ],
)
def test_a_setting_that_a_gateway_lacks_is_told_with_those_that_it_has(
    tmp_path: Path, name: str, hint: str
) -> None:
    told = problem({f"KIKAO_USSD_{name}": "x"}, tmp_path, gateways=OWN)
    assert told == f"KIKAO_USSD_{name} (environment): no such setting. {hint}"


def test_of_a_tenant_they_are_told_as_the_tenant_writes_them(tmp_path: Path) -> None:
    environ = {"KIKAO_TENANT_ACME_USSD_NALO_TWO_APPID": "x"}
    told = problem(environ, tmp_path, gateways=OWN, tenant="acme")
    assert told.endswith("Did you mean KIKAO_TENANT_ACME_USSD_NALO_TWO_APP_ID?")


MUTE = {"nalo": (), "mute": "Mute cannot be served, since nobody knows why. Leave its settings out."}


def test_a_gateway_that_cannot_be_served_is_refused_with_the_reason(tmp_path: Path) -> None:
    told = problem({"KIKAO_USSD_MUTE_TOKEN": TOKEN}, tmp_path, gateways=MUTE)
    assert told == f"KIKAO_USSD_MUTE_TOKEN (environment): {MUTE['mute']}"
    assert problem({"KIKAO_USSD_MUTE_KEY": "x"}, tmp_path, gateways=MUTE).endswith(str(MUTE["mute"]))
    told = problem({}, toml(tmp_path, '[ussd.mute]\ncode = "*920#"\n'), gateways=MUTE)
    assert told.startswith("ussd.mute (")
    assert told.endswith(str(MUTE["mute"]))


def test_nor_is_it_among_those_that_can(tmp_path: Path) -> None:
    told = problem({"KIKAO_USSD_NOLA_TOKEN": TOKEN}, tmp_path, gateways=MUTE)
    assert "There are: nalo." in told


KEYED = {"nalo": (Option("password", "what it shows", "a-long-random-text", guards=True),)}


def test_production_takes_a_password_for_a_token_only_if_nobody_guesses_it(tmp_path: Path) -> None:
    keys = {name: value for name, value in PRODUCTION.items() if "USSD" not in name}
    assert load({**keys, "KIKAO_USSD_NALO_PASSWORD": "a-long-random-te"}, tmp_path, gateways=KEYED)
    told = problem({**keys, "KIKAO_USSD_NALO_PASSWORD": "hunter-two-4321"}, tmp_path, gateways=KEYED)
    assert "nor does a text of less than 16 characters" in told
    assert "4321" not in told
    short = {"KIKAO_USSD_NALO_PASSWORD": "hunter-two-4321", "KIKAO_USSD_NALO_TOKEN": TOKEN}
    assert load({**keys, **short}, tmp_path, gateways=KEYED), "beside a token it may be anything"


def test_the_name_of_one_gateway_may_begin_with_that_of_another(tmp_path: Path) -> None:
    known = {
        "mtn": (Option("madapi_token", "a key", "x"), Option("madapi_key", "a key", "x")),
        "mtn_madapi": (),
    }
    environ = {"KIKAO_USSD_MTN_MADAPI_TOKEN": TOKEN, "KIKAO_USSD_MTN_MADAPI_KEY": "k"}
    found = load(environ, tmp_path, gateways=known, makes_keys=True).ussd
    assert found["mtn_madapi"].token is not None
    assert list(found["mtn"].options) == ["madapi_key"]


def test_a_country_is_one_that_has_numbers(tmp_path: Path) -> None:
    assert load({"KIKAO_USSD_NALO_REGION": "GH"}, tmp_path).ussd["nalo"].region == "GH"
    for value, told in (
        ("gh", "is no country; it has two capital letters"),
        ("Ghana", "is no country; it has two capital letters"),
        ("XX", "XX is no country of ISO 3166-1 with numbers of its own"),
        ("AQ", "AQ is no country of ISO 3166-1 with numbers of its own"),
    ):
        found = problem({"KIKAO_USSD_NALO_REGION": value}, tmp_path)
        assert told in found
        assert "KIKAO_USSD_NALO_REGION" in found
