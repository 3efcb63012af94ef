"""The settings of a USSD gateway: its pages and its codes."""

from pathlib import Path

import pytest

from kikao.config import load
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
